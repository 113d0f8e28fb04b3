"""A network for training from the files that the server loads: training goes on where only the
exported weights are left, also when the condition has grown since.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors.numpy import load_file

from emsync_server.composition.representation import EMBEDDINGS, OFFSETS
from emsync_server.inference.composer_session import HEADS_FILE, SIDE_FILE, TRUNK_FILE
from emsync_training.networks.composer import Composer, ComposerShape

Floats = NDArray[np.float32]


def load_exported(folder: Path) -> Composer:
    """The composer of a models folder; columns that its condition lacks count for nothing.

    The exported graph keeps sums where the network has terms (boundary offsets); the terms come
    back in another division that gives the same sums.
    """
    side = json.loads((folder / SIDE_FILE).read_text(encoding="utf-8"))
    network = Composer(ComposerShape(**side["network"]))
    trunk = _constants(folder / TRUNK_FILE)
    state = {name: value.float().numpy() for name, value in network.state_dict().items()}
    state.update(load_file(folder / HEADS_FILE))
    starts = np.cumsum([0, *EMBEDDINGS])
    for field in range(len(EMBEDDINGS)):
        rows = trunk["embedding"][starts[field] : starts[field + 1]]
        state[f"embeddings.{field}.weight"] = rows
    _take_condition(state, trunk)
    for layer in range(network.shape.layers):
        _take_block(state, trunk, layer, network.shape)
    gains = [name for name in trunk if name.startswith("norm_") and name.endswith("_gain")]
    for name, gain in zip(_norm_names(network.shape), gains, strict=True):
        state[name] = trunk[gain]
    network.load_state_dict(
        {k: torch.from_numpy(np.array(v, dtype=np.float32)) for k, v in state.items()}
    )
    return network


def _constants(path: Path) -> dict[str, Floats]:
    """Every weight of a trunk by name, in the order in which the graph was written."""
    stored = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer
    }
    weights = {}
    for name, value in stored.items():
        if name.endswith(".int8"):
            scale = stored[f"{name.removesuffix('.int8')}.scale"]
            value = value.astype(np.float32) * scale
        plain = name.removesuffix(".half").removesuffix(".int8")
        weights[plain] = value.astype(np.float32)
    return weights


def _take_condition(state: dict[str, Floats], trunk: dict[str, Floats]) -> None:
    inner = np.zeros_like(state["condition.inner.weight"])
    inner[:, : len(trunk["condition_inner"])] = trunk["condition_inner"].T
    state["condition.inner.weight"] = inner
    state["condition.inner.bias"] = trunk["condition_inner_bias"]
    state["condition.outer.weight"] = trunk["condition_outer"].T
    state["condition.outer.bias"] = trunk["condition_base"]
    spread = np.split(trunk["offset_outer"], len(OFFSETS))
    for number, name in enumerate(OFFSETS):
        part = f"condition.offsets.{name}"
        first = state[f"{part}.inner.weight"].shape
        slope = -trunk["offset_slope"][number] * 8.0
        state[f"{part}.inner.weight"] = slope.reshape(first)
        state[f"{part}.inner.bias"] = trunk["offset_start"][number] - slope
        state[f"{part}.outer.weight"] = spread[number].T
        state[f"{part}.outer.bias"] = trunk["offset_change"][number]
        state[f"{part}.absent"] = np.zeros_like(state[f"{part}.absent"])


def _take_block(
    state: dict[str, Floats], trunk: dict[str, Floats], layer: int, shape: ComposerShape
) -> None:
    part = f"blocks.{layer}"
    packed = trunk[f"{part}.attention.packed"].T
    narrow = shape.key_value_heads * shape.head_size
    rows = np.split(packed, [shape.width, shape.width + narrow])
    for kind, value in zip(("query", "key", "value"), rows, strict=True):
        state[f"{part}.attention.{kind}.weight"] = value
    state[f"{part}.attention.out.weight"] = trunk[f"{part}.attention.out"].T
    gate, up = np.split(trunk[f"{part}.gate_up"].T, 2)
    state[f"{part}.gate.weight"], state[f"{part}.up.weight"] = gate, up
    state[f"{part}.down.weight"] = trunk[f"{part}.down_weight"].T


def _norm_names(shape: ComposerShape) -> list[str]:
    """The trunk's norms in the order of the graph."""
    pairs = [
        (f"blocks.{layer}.norm_attention.weight", f"blocks.{layer}.norm_feed.weight")
        for layer in range(shape.layers)
    ]
    return [*(name for pair in pairs for name in pair), "norm.weight"]
