"""The composer's forward pass in plain NumPy, without a cache: the oracle of the engine.

It reads the files that ship and shares no code with the engine but the reading of files.
B pieces, T events, D width, S channels of a head, K inputs of a projection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from emsync_server.inference.onnx_reading import read_onnx

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ReferenceDecoder:
    """Pieces, read from their first event each time."""

    constants: dict[str, Any]
    """Of the trunk, by name."""
    heads: dict[str, Array]
    shape: dict[str, Any]
    columns: dict[str, list[int]]
    """Where each value stands in the condition."""
    tables: tuple[int, ...]
    """Rows of each field's embedding."""

    @classmethod
    def load(cls, folder: Path) -> ReferenceDecoder:
        """Read a models folder."""
        side = json.loads((folder / "composer.json").read_text())
        constants: dict[str, Any] = {}
        for name, array in read_onnx((folder / "composer.onnx").read_bytes()).constants.items():
            constants[name.removesuffix(".half")] = array.astype(np.float64)
        heads = load_file(folder / "composer.heads.safetensors")
        return cls(
            constants,
            {name: array.astype(np.float64) for name, array in heads.items()},
            side["network"],
            side["condition"],
            tuple(side["embeddings"]),
        )

    def hidden(self, events: Ints, condition: NDArray[np.float32]) -> Array:
        """Hidden vectors (B, T, D) after each of the events (B, T, F), conditions (B, T, C)."""
        x = self._embedded(events) + self._conditioned(condition.astype(np.float64))
        gains = iter(v for k, v in self.constants.items() if k.endswith("_gain"))
        for layer in range(self.shape["layers"]):
            part = f"blocks.{layer}"
            packed = self._projected(normalised(x, next(gains)), f"{part}.attention.packed")
            x = x + self._projected(self._attended(packed), f"{part}.attention.out")
            y = self._projected(normalised(x, next(gains)), f"{part}.gate_up")
            gate, up = np.split(y, 2, axis=-1)
            x = x + self._projected(silu(gate) * up, f"{part}.down_weight")
        return normalised(x, next(gains))

    def logits(self, hidden: Array, chosen: Ints) -> list[Array]:
        """Logits of each field after a hidden vector (D,), each knowing those chosen before it."""
        out = []
        for field in range(len(self.tables)):
            part = f"heads.{field}"
            y = normalised(hidden, self.heads[f"{part}.norm.weight"])
            y = silu(self.heads[f"{part}.inner.weight"] @ y + self.heads[f"{part}.inner.bias"])
            out.append(self.heads[f"{part}.outer.weight"] @ y + self.heads[f"{part}.outer.bias"])
            if field + 1 < len(self.tables):
                hidden = hidden + self.heads[f"chained.{field}.weight"][chosen[field]]
        return out

    def _embedded(self, events: Ints) -> Array:
        starts = np.cumsum([0, *self.tables[:-1]])
        return np.asarray(self.constants["embedding"][events + starts].sum(axis=2))

    def _conditioned(self, condition: Array) -> Array:
        """(B, T, C) to (B, T, D): plain values through two layers, each offset through its own."""
        get = self.constants
        y = silu(condition @ get["condition_inner"] + get["condition_inner_bias"])
        total = y @ get["condition_outer"] + get["condition_base"]
        width = len(get["offset_slope"][0])
        for row, name in enumerate(("next_hit", "last_hit", "end")):
            seconds, present = (condition[..., self.columns[f"{name}_{end}"][0]][..., None]
                                for end in ("s", "present"))  # fmt: skip
            ramp = np.maximum(seconds * get["offset_slope"][row] + get["offset_start"][row], 0)
            outer = get["offset_outer"][row * width : (row + 1) * width]
            total = total + present * (ramp @ outer + get["offset_change"][row])
        return np.asarray(total)

    def _attended(self, packed: Array) -> Array:
        """Causal attention over queries, keys and values (B, T, …) that stand side by side."""
        heads, groups = self.shape["heads"], self.shape["key_value_heads"]
        batch, time, size = *packed.shape[:2], self.shape["width"] // heads
        split = packed.reshape(batch, time, -1, size).transpose(0, 2, 1, 3)
        query, key, value = np.split(split, [heads, heads + groups], axis=1)
        key, value = (np.repeat(part, heads // groups, axis=1) for part in (key, value))
        scores = self._turned(query) @ self._turned(key).swapaxes(2, 3) / np.sqrt(size)
        scores[..., np.triu(np.ones((time, time), bool), 1)] = -np.inf
        weight = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = weight / weight.sum(axis=-1, keepdims=True) @ value
        return np.asarray(mixed.transpose(0, 2, 1, 3).reshape(batch, time, -1))

    def _turned(self, x: Array) -> Array:
        """Rotary positions on (B, heads, T, S)."""
        half = x.shape[3] // 2
        speed = self.shape["rotary_base"] ** (-np.arange(half) / half)
        angle = np.arange(x.shape[2])[:, None] * speed
        a, b = x[..., :half], x[..., half:]
        cosine, sine = np.cos(angle), np.sin(angle)
        return np.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1)

    def _projected(self, x: Array, name: str) -> Array:
        """x (…, K) times a weight; integers stand for what their scales make of them."""
        weight = self.constants.get(name)
        if weight is None:
            weight = self.constants[f"{name}.int8"] * self.constants[f"{name}.scale"]
        return np.asarray(x @ weight)


def normalised(x: Array, gain: Array) -> Array:
    """Root mean square 1, then the gain."""
    return np.asarray(x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6) * gain)


def silu(x: Array) -> Array:
    """X times its logistic."""
    return np.asarray(x / (1 + np.exp(-x)))
