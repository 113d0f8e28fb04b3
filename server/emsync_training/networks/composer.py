"""The composer network: a decoder-only transformer over note events with a continuous condition at
every step.

B batch, T events, C condition features, D width, H query heads, G key-value heads, F five fields.
Boundary offset encoding after Sulun et al., arXiv 2502.10154; rotary positions 2104.09864; SwiGLU
2002.05202; RMSNorm 1910.07467; grouped-query attention 2305.13245.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from emsync_server.composition.representation import (
    CLASSES,
    CONDITION,
    CONDITION_SIZE,
    EMBEDDINGS,
    MAX_OFFSET_S,
    NONE,
    OFFSETS,
)


@dataclass(frozen=True, slots=True)
class ComposerShape:
    """The sizes of a composer network."""

    width: int = 384
    layers: int = 6
    heads: int = 6
    key_value_heads: int = 2
    feed_forward: int = 896
    """8/3 of the width is 1024; 896 keeps the half-precision file under 20 MB."""
    head_hidden: int = 192
    condition_hidden: int = 256
    offset_hidden: int = 64
    rotary_base: float = 10000.0

    @property
    def head_size(self) -> int:
        """Channels of one attention head."""
        return self.width // self.heads

    def as_dict(self) -> dict[str, Any]:
        """For the file beside the weights."""
        return asdict(self)


def rotary_tables(length: int, head_size: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines, (length, head_size / 2) each; the first half of a head turns against the
    second.
    """
    frequency = base ** (-torch.arange(0, head_size, 2, dtype=torch.float64) / head_size)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    return angle.cos().float(), angle.sin().float()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions on x (B, heads, T, head_size)."""
    a, b = x.chunk(2, dim=-1)
    cosine, sine = cosine.to(x.dtype), sine.to(x.dtype)
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], dim=-1)


class Attention(nn.Module):
    """Causal grouped-query attention with rotary positions."""

    def __init__(self, shape: ComposerShape) -> None:
        """Fresh weights of the given sizes."""
        super().__init__()
        self.shape = shape
        narrow = shape.key_value_heads * shape.head_size
        self.query = nn.Linear(shape.width, shape.width, bias=False)
        self.key = nn.Linear(shape.width, narrow, bias=False)
        self.value = nn.Linear(shape.width, narrow, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        batch, time, _ = x.shape

        def split(y: Tensor) -> Tensor:
            return y.view(batch, time, -1, self.shape.head_size).transpose(1, 2)

        repeats = self.shape.heads // self.shape.key_value_heads
        query = rotate(split(self.query(x)), cosine, sine)
        key = rotate(split(self.key(x)), cosine, sine).repeat_interleave(repeats, dim=1)
        value = split(self.value(x)).repeat_interleave(repeats, dim=1)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, time, -1))
        return out


class Block(nn.Module):
    """One layer: attention, then a gated feed-forward, each on a normalised copy."""

    def __init__(self, shape: ComposerShape) -> None:
        """Fresh weights of the given sizes."""
        super().__init__()
        self.norm_attention = nn.RMSNorm(shape.width, eps=1e-6)
        self.attention = Attention(shape)
        self.norm_feed = nn.RMSNorm(shape.width, eps=1e-6)
        self.gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        x = x + self.attention(self.norm_attention(x), cosine, sine)
        y = self.norm_feed(x)
        out: Tensor = x + self.down(functional.silu(self.gate(y)) * self.up(y))
        return out


class OffsetEncoding(nn.Module):
    """e = W2 ReLU(W1 (8 - offset) / 8 + b1) + b2, or a learned vector where the offset is not
    known.
    """

    def __init__(self, shape: ComposerShape) -> None:
        """Fresh weights of the given sizes."""
        super().__init__()
        self.inner = nn.Linear(1, shape.offset_hidden)
        self.outer = nn.Linear(shape.offset_hidden, shape.width)
        self.absent = nn.Parameter(torch.zeros(shape.width))

    def forward(self, offset_s: Tensor, present: Tensor) -> Tensor:
        """offset_s, present: (B, T, 1) · returns (B, T, D)."""
        known = self.outer(functional.relu(self.inner((MAX_OFFSET_S - offset_s) / MAX_OFFSET_S)))
        out: Tensor = present * known + (1 - present) * self.absent
        return out


class ConditionEncoding(nn.Module):
    """The condition vector as a vector of the network's width."""

    def __init__(self, shape: ComposerShape) -> None:
        """Fresh weights of the given sizes."""
        super().__init__()
        self.offsets = nn.ModuleDict({name: OffsetEncoding(shape) for name in OFFSETS})
        self.inner = nn.Linear(CONDITION_SIZE, shape.condition_hidden)
        self.outer = nn.Linear(shape.condition_hidden, shape.width)
        plain = torch.ones(CONDITION_SIZE)
        for name in OFFSETS:
            plain[CONDITION[f"{name}_s"]] = 0  # seconds enter through their own encoding
        self.register_buffer("plain", plain, persistent=False)
        self.plain: Tensor

    def forward(self, condition: Tensor) -> Tensor:
        """(B, T, C) to (B, T, D)."""
        out: Tensor = self.outer(functional.silu(self.inner(condition * self.plain)))
        for name, encode in self.offsets.items():
            offset_s = condition[..., CONDITION[f"{name}_s"]]
            out = out + encode(offset_s, condition[..., CONDITION[f"{name}_present"]])
        return out


class FieldHead(nn.Module):
    """Logits of one field."""

    def __init__(self, shape: ComposerShape, classes: int) -> None:
        """Fresh weights of the given sizes."""
        super().__init__()
        self.norm = nn.RMSNorm(shape.width, eps=1e-6)
        self.inner = nn.Linear(shape.width, shape.head_hidden)
        self.outer = nn.Linear(shape.head_hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(…, D) to (…, classes)."""
        out: Tensor = self.outer(functional.silu(self.inner(self.norm(x))))
        return out


class Composer(nn.Module):
    """Events and condition in, a hidden vector a step out; five chained heads read it."""

    def __init__(self, shape: ComposerShape) -> None:
        """Fresh weights of the given sizes."""
        super().__init__()
        self.shape = shape
        self.embeddings = nn.ModuleList(nn.Embedding(size, shape.width) for size in EMBEDDINGS)
        self.condition = ConditionEncoding(shape)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=1e-6)
        self.heads = nn.ModuleList(FieldHead(shape, classes) for classes in CLASSES)
        self.chained = nn.ModuleList(nn.Embedding(size, shape.width) for size in CLASSES[:-1])
        self._initialise()

    def forward(self, events: Tensor, condition: Tensor) -> Tensor:
        """Hidden vectors; the one at step t describes event t + 1.

        events: (B, T, F) int64 · condition: (B, T, C), of the event at its own step · returns (B,
        T, D)
        """
        x = self.condition(condition)
        for field, embed in enumerate(self.embeddings):
            x = x + embed(events[..., field])
        shape = self.shape
        tables = rotary_tables(events.shape[1], shape.head_size, shape.rotary_base)
        cosine, sine = (table.to(x.device) for table in tables)
        for block in self.blocks:
            x = block(x, cosine, sine)
        out: Tensor = self.norm(x)
        return out

    def logits(self, hidden: Tensor, chosen: Tensor) -> list[Tensor]:
        """Logits of every field, each knowing the fields before it.

        hidden: (…, D) · chosen: (…, F) int64, the event that is described · returns five (…,
        classes)
        """
        out = [self.heads[0](hidden)]
        for field, embed in enumerate(self.chained):
            index = chosen[..., field].clamp(max=NONE[field] - 1 if field else CLASSES[0] - 1)
            hidden = hidden + embed(index)
            out.append(self.heads[field + 1](hidden))
        return out

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if name.startswith(("embeddings", "chained")):
                nn.init.normal_(parameter, std=0.1)
            elif name.endswith(("attention.out.weight", "down.weight")) or (
                name.startswith("heads") and name.endswith("outer.weight")
            ):
                nn.init.zeros_(
                    parameter
                )  # every layer starts as the identity, every head as a guess
            elif parameter.ndim == 2 and "offsets" not in name:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
