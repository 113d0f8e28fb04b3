"""The generator of EMSYNC as published (arXiv 2502.10154), for comparison and for people who own
its checkpoint. Written from its description, not from its code.

A sequence is valence, arousal, then tokens; post-norm layers with relative global attention
(Huang et al., arXiv 1809.04281). B batch, S tokens, T = S + 2 rows, D width, H heads, V vocabulary.
Where the description is silent: the two emotion rows are not scaled and have the first token's
boundary offset, and the norms' epsilon is 1e-6.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

VOCABULARY = 1011
LAYERS, HEADS, WIDTH, FEED_FORWARD = 11, 8, 512, 2048
HEAD_SIZE = WIDTH // HEADS
ROWS = 1216  # the longest sequence, emotion included
HALF_WIDTH = WIDTH // 2  # of positions, and of the boundary encoding
EMOTION_ROWS = 2
MAX_OFFSET_S = 8.0
PARAMETERS = 37_178_355
EPSILON = 1e-6


class RelativeAttention(nn.Module):
    """Causal attention whose logits also know the distance."""

    def __init__(self) -> None:
        """Fresh weights."""
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.distances = nn.Parameter(torch.randn(ROWS, HEAD_SIZE))
        """The last row is a distance of nothing, the one before it of one row, …"""

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        batch, time, _ = x.shape
        query, key, value = (
            project(x).view(batch, time, HEADS, HEAD_SIZE).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        logits = query @ key.transpose(-1, -2) + skewed(query @ self.distances[-time:].T)
        future = torch.ones(time, time, dtype=torch.bool, device=x.device).triu(1)
        weights = (logits / math.sqrt(HEAD_SIZE)).masked_fill(future, -math.inf).softmax(-1)
        out: Tensor = self.out((weights @ value).transpose(1, 2).reshape(batch, time, WIDTH))
        return out


def skewed(by_distance: Tensor) -> Tensor:
    """From (…, T, T), by query and by T - 1 less the distance, to by query and key; what lies in
    the future is of no meaning.
    """
    time = by_distance.shape[-1]
    padded = functional.pad(by_distance, (1, 0))
    return padded.reshape(*by_distance.shape[:-2], time + 1, time)[..., 1:, :]


class PublishedLayer(nn.Module):
    """Attention, then a ReLU feed-forward, each added and then normalised."""

    def __init__(self) -> None:
        """Fresh weights."""
        super().__init__()
        self.attention = RelativeAttention()
        self.inner = nn.Linear(WIDTH, FEED_FORWARD)
        self.outer = nn.Linear(FEED_FORWARD, WIDTH)
        self.norm_attention = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.norm_feed = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        x = self.norm_attention(x + self.attention(x))
        out: Tensor = self.norm_feed(x + self.outer(functional.relu(self.inner(x))))
        return out


class PublishedGenerator(nn.Module):
    """Tokens, emotion and boundary offsets in, logits of the next token out."""

    def __init__(self) -> None:
        """Fresh weights."""
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(ROWS, HALF_WIDTH)
        self.boundary = _small_network(1, 128, HALF_WIDTH)
        self.valence = _small_network(1, 256, WIDTH)
        self.arousal = _small_network(1, 256, WIDTH)
        self.no_valence = nn.Parameter(torch.randn(WIDTH))
        self.no_arousal = nn.Parameter(torch.randn(WIDTH))
        self.layers = nn.ModuleList(PublishedLayer() for _ in range(LAYERS))
        self.output = nn.Linear(WIDTH, VOCABULARY)
        parameters = sum(parameter.numel() for parameter in self.parameters())
        assert parameters == PARAMETERS, parameters

    def forward(
        self, tokens: Tensor, offset_s: Tensor, valence: Tensor | None, arousal: Tensor | None
    ) -> Tensor:
        """tokens: (B, S) int64 · offset_s: (B, S) seconds from each token to the next boundary ·
        valence, arousal: (B,) in [-1, 1], or None for 'not asked for' · returns (B, S, V)
        """
        batch, steps = tokens.shape
        emotion = [
            self.no_valence.expand(batch, WIDTH)
            if valence is None
            else self.valence(valence[:, None]),
            self.no_arousal.expand(batch, WIDTH)
            if arousal is None
            else self.arousal(arousal[:, None]),
        ]
        scaled = math.sqrt(WIDTH) * self.embedding(tokens)
        x = torch.cat([torch.stack(emotion, dim=1), scaled], dim=1)
        offset_s = torch.cat([offset_s[:, :1].expand(batch, EMOTION_ROWS), offset_s], dim=1)
        near = MAX_OFFSET_S - offset_s.clamp(0, MAX_OFFSET_S)
        place = self.positions(torch.arange(steps + EMOTION_ROWS, device=tokens.device))
        where = torch.cat([place.expand(batch, -1, -1), self.boundary(near[..., None])], dim=-1)
        x = x + where
        for layer in self.layers:
            x = layer(x)
        out: Tensor = self.output(x[:, EMOTION_ROWS:])
        return out


def _small_network(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
