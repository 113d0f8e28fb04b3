"""The other representation: one token a step, as in REMI (Huang & Yang, arXiv 2002.00212) with
instruments, over the same notes on the same grid, from the same transformer blocks.

A note is [POSITION] INSTRUMENT PITCH LENGTH VELOCITY; the position stands only where it changes.
B batch, T events, S tokens, C condition features, D width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from emsync_server.composition.representation import BAR, CLASSES, END, NONE, PAD, VELOCITY
from emsync_training.dataset import Batch
from emsync_training.networks.composer import (
    Block,
    ComposerShape,
    ConditionEncoding,
    FieldHead,
    rotary_tables,
)

Ints = NDArray[np.int64]

OFFSETS: tuple[int, ...] = tuple(int(n) for n in np.cumsum([0, *CLASSES[:-1]]))
"""First token of each field: positions (BAR and END among them), instruments, pitches, …"""
VOCABULARY = sum(CLASSES)
UNKNOWN_VELOCITY, PADDING = VOCABULARY, VOCABULARY + 1
"""Tokens that are read and never written."""
FIELDS = 5
NOT_LEARNED = -100


@dataclass(frozen=True, slots=True)
class Tokens:
    """Crops as tokens; the token after each is its target."""

    tokens: Ints
    """(B, S + 1)"""
    event: Ints
    """(B, S) the event that each input token belongs to."""
    learned: NDArray[np.bool_]
    """(B, S) whether the target counts."""


def tokenised(batch: Batch) -> Tokens:
    """The tokens of a batch, padded to the longest of its crops."""
    crops = [
        _crop(events, learned) for events, learned in zip(batch.events, batch.learned, strict=True)
    ]
    size = max(len(tokens) for tokens, _, _ in crops) - 1
    tokens = np.full((len(crops), size + 1), PADDING)
    event, learned = np.zeros((len(crops), size), np.int64), np.zeros((len(crops), size), bool)
    for row, (its, belongs, counts) in enumerate(crops):
        tokens[row, : len(its)] = its
        event[row, : len(its) - 1] = belongs[:-1]
        learned[row, : len(its) - 1] = counts[1:]
    return Tokens(tokens, event, learned)


def _crop(events: Ints, learned: NDArray[np.bool_]) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Tokens of one crop (T + 1, 5), the event of each, and whether it counts as a target."""
    note = events[:, 0] < BAR
    there = np.repeat(note[:, None], FIELDS, axis=1)
    there[:, 0] = (events[:, 0] != PAD) & (
        ~note | np.concatenate([[True], events[1:, 0] != events[:-1, 0]])
    )
    values = events + np.array(OFFSETS)
    flat = events[:, VELOCITY] == NONE[VELOCITY]
    values[flat, VELOCITY] = UNKNOWN_VELOCITY
    counts = np.repeat(np.concatenate([[False], learned])[:, None], FIELDS, axis=1)
    counts[flat, VELOCITY] = False
    event = np.repeat(np.arange(len(events))[:, None], FIELDS, axis=1)
    return values[there], np.minimum(event[there], len(events) - 2), counts[there]


def _followers() -> Tensor:
    """(V + 2, V) whether a token may follow another."""
    kind = np.repeat(np.arange(FIELDS), CLASSES)
    after = np.zeros((VOCABULARY + 2, VOCABULARY), bool)
    for field in range(1, FIELDS):
        after[:VOCABULARY][kind == field - 1] |= kind == field
    line = [OFFSETS[0] + BAR, OFFSETS[0] + END]
    after[line] = kind == 0
    ending = np.append(np.flatnonzero(kind == VELOCITY), UNKNOWN_VELOCITY)
    after[ending] = (kind == 0) | (kind == 1)
    after[PADDING] = True
    return torch.from_numpy(after)


class RemiComposer(nn.Module):
    """Tokens and condition in, logits of the next token out."""

    def __init__(self, shape: ComposerShape) -> None:
        """Fresh weights of the given sizes, begun as the composer's are."""
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(VOCABULARY + 2, shape.width)
        self.condition = ConditionEncoding(shape)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=1e-6)
        self.head = FieldHead(shape, VOCABULARY)
        self.register_buffer("followers", _followers(), persistent=False)
        self.followers: Tensor
        self._initialise()

    def forward(self, tokens: Tensor, condition: Tensor) -> Tensor:
        """tokens: (B, S) int64 · condition: (B, S, C) of each token's event · returns (B, S, V)"""
        x = self.condition(condition) + self.embedding(tokens)
        shape = self.shape
        tables = rotary_tables(tokens.shape[1], shape.head_size, shape.rotary_base)
        cosine, sine = (table.to(x.device) for table in tables)
        for block in self.blocks:
            x = block(x, cosine, sine)
        return self.logits(self.norm(x), tokens)

    def logits(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """(…, V), only of what may follow: hidden (…, D), tokens (…)."""
        out: Tensor = self.head(hidden)
        return out.float().masked_fill(~self.followers[tokens], -1e9)

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if name.startswith("embedding"):
                nn.init.normal_(parameter, std=0.1)
            elif name.endswith(("attention.out.weight", "down.weight", "head.outer.weight")):
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2 and "offsets" not in name:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)


def remi_losses(
    network: RemiComposer, tokens: Tensor, condition: Tensor, learned: Tensor
) -> tuple[Tensor, Tensor]:
    """Sums of nats and counts of targets of each field, as `field_losses` of the composer.

    tokens: (B, S + 1) · condition: (B, S, C) · learned: (B, S) · returns (5,), (5,); that an
    instrument follows at once, without a new position, is charged to the instrument
    """
    target = tokens[:, 1:]
    logits = network(tokens[:, :-1], condition)
    index = target.masked_fill(~learned, NOT_LEARNED)
    nats = functional.cross_entropy(
        logits.flatten(0, 1), index.flatten(), ignore_index=NOT_LEARNED, reduction="none"
    )
    edges = torch.tensor(OFFSETS[1:], device=tokens.device)
    field = torch.bucketize(target.flatten(), edges, right=True)
    one_hot = functional.one_hot(field, FIELDS).float() * learned.flatten()[:, None]
    return nats @ one_hot, one_hot.sum(dim=0)
