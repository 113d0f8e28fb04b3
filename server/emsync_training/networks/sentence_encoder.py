"""The sentence encoder all-MiniLM-L6-v2 (six post-norm BERT layers) with a head for emotions.

Parameter names are those of the published file, so that it loads as it is.

B batch, T tokens, D width, H heads, V vocabulary, E emotions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """How large an encoder is; the defaults are those of all-MiniLM-L6-v2."""

    vocabulary: int = 30_522
    width: int = 384
    layers: int = 6
    heads: int = 12
    feed_forward: int = 1536
    positions: int = 512
    emotions: int = 7

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


NORM_EPSILON = 1e-12


class TextEmotionNetwork(nn.Module):
    """Tokens in, a logit an emotion out."""

    def __init__(self, shape: EncoderShape, *, dropout: float = 0.1) -> None:
        """Fresh weights."""
        super().__init__()
        self.shape = shape
        self.embeddings = _Embeddings(shape, dropout)
        self.encoder = _Stack(shape, dropout)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(2 * shape.width, shape.width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(shape.width, shape.emotions),
        )

    def forward(self, tokens: Tensor, is_token: Tensor) -> Tensor:
        """tokens: (B, T) int64 · is_token: (B, T) float, 1 where a token stands and 0 where the
        line is filled up · returns (B, E)
        """
        x = self.embeddings(tokens)  # (B, T, D)
        mask = (is_token[:, None, None, :] - 1) * 1e4  # (B, 1, 1, T), added to the logits
        for layer in self.encoder.layer:
            x = layer(x, mask)
        weight = is_token[:, :, None]
        mean = (x * weight).sum(dim=1) / weight.sum(dim=1)
        logits: Tensor = self.head(torch.cat([x[:, 0], mean], dim=-1))
        return logits


class _Embeddings(nn.Module):
    def __init__(self, shape: EncoderShape, dropout: float) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocabulary, shape.width)
        self.position_embeddings = nn.Embedding(shape.positions, shape.width)
        self.token_type_embeddings = nn.Embedding(2, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=NORM_EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        place = self.position_embeddings.weight[: tokens.shape[1]]
        kind = self.token_type_embeddings.weight[0]
        out: Tensor = self.dropout(self.LayerNorm(self.word_embeddings(tokens) + place + kind))
        return out


class _Stack(nn.Module):
    def __init__(self, shape: EncoderShape, dropout: float) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(shape, dropout) for _ in range(shape.layers))


class _Layer(nn.Module):
    """Attention, then a feed-forward; each added and then normalised."""

    def __init__(self, shape: EncoderShape, dropout: float) -> None:
        super().__init__()
        self.attention = _Attention(shape, dropout)
        self.intermediate = _Dense(shape.width, shape.feed_forward)
        self.output = _Added(shape.feed_forward, shape.width, dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        x = self.attention(x, mask)
        out: Tensor = self.output(functional.gelu(self.intermediate.dense(x)), x)
        return out


class _Dense(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)


class _Projections(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))


class _Attention(nn.Module):
    """Written out: on short lines PyTorch's own takes twice as long on a CPU (flash attention's
    backward pass alone a third of a step)."""

    def __init__(self, shape: EncoderShape, dropout: float) -> None:
        super().__init__()
        self.heads, self.scale = shape.heads, shape.head_size**-0.5
        self.self = _Projections(shape.width)
        self.output = _Added(shape.width, shape.width, dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, time, width = x.shape
        query, key, value = (
            project(x).view(batch, time, self.heads, -1).transpose(1, 2)  # (B, H, T, D / H)
            for project in (self.self.query, self.self.key, self.self.value)
        )
        logits = query @ key.transpose(-1, -2) * self.scale + mask.to(query.dtype)
        mixed = logits.softmax(-1).to(value.dtype) @ value  # (B, H, T, D / H)
        out: Tensor = self.output(mixed.transpose(1, 2).reshape(batch, time, width), x)
        return out


class _Added(nn.Module):
    """A linear layer whose output is added to what came before, and normalised."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)
        self.LayerNorm = nn.LayerNorm(outputs, eps=NORM_EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        out: Tensor = self.LayerNorm(before + self.dropout(self.dense(x)))
        return out
