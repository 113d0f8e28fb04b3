"""What is compared, behind one face, so that one loop trains, measures and times all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from emsync_server.composition.representation import BAR, CLASSES, CONDITION, PAD
from emsync_training.baselines.cached_decoding import CachedBlocks
from emsync_training.baselines.remi import RemiComposer, remi_losses, tokenised
from emsync_training.baselines.tied import TiedComposer
from emsync_training.dataset import Batch
from emsync_training.losses import field_losses
from emsync_training.networks.composer import Composer, ComposerShape

Losses = Callable[..., tuple[Tensor, Tensor]]


class Side(Protocol):
    """A representation: its network, its loss and its decoder."""

    name: str
    crops: int
    """Crops a forward pass; a step of the optimizer sees the same number on both sides."""

    def network(self, shape: ComposerShape) -> nn.Module:
        """Fresh weights."""

    def losses(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sums of nats and counts of the five fields."""

    def steps(self, batch: Batch) -> int:
        """Steps that write the batch."""

    def decode(self, network: nn.Module, batch: Batch) -> float:
        """Seconds that writing one crop takes, each step sampled, its own notes put in."""


class NoteSide:
    """One compound event a step, with chained heads."""

    name = "note events"

    def __init__(self, *, crops: int = 4, compiled: bool = False) -> None:
        """`crops` a forward pass."""
        self.crops = crops
        self._losses = _for_training(field_losses, compiled=compiled)

    def network(self, shape: ComposerShape) -> Composer:
        """Fresh weights."""
        return Composer(shape)

    def losses(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sums of nats and counts of the five fields."""
        arrays = (batch.events, batch.condition, batch.learned)
        return self._losses(network, *(torch.from_numpy(array) for array in arrays))

    def steps(self, batch: Batch) -> int:
        """One an event."""
        return int((batch.events[:, 1:, 0] != PAD).sum())

    @torch.no_grad()
    def decode(self, network: nn.Module, batch: Batch) -> float:
        """Seconds that writing one crop takes, each field sampled, its own notes put in."""
        assert isinstance(network, Composer)
        events = torch.from_numpy(batch.events[:1])
        condition = torch.from_numpy(batch.condition[:1])
        steps = int((batch.events[0, 1:, 0] != PAD).sum())
        cache = CachedBlocks(network.blocks, network.shape, steps)
        begun = time.perf_counter()
        for now in range(steps):
            row = slice(now, now + 1)
            x = network.condition(condition[:, row])
            for field, embed in enumerate(network.embeddings):
                x = x + embed(events[:, row, field])
            hidden = network.norm(cache.step(x))
            target = events[:, now + 1 : now + 2]
            fields = len(CLASSES) if int(target[0, 0, 0]) < BAR else 1
            _sampled(network.heads[0](hidden))
            for field, embed in enumerate(network.chained[: fields - 1]):
                hidden = hidden + embed(target[..., field])
                _sampled(network.heads[field + 1](hidden))
        return time.perf_counter() - begun


class TiedSide(NoteSide):
    """Note events, from a network with tied embeddings."""

    name = "note events, tied"

    def network(self, shape: ComposerShape) -> TiedComposer:
        """Fresh weights."""
        return TiedComposer(shape)


class RemiSide:
    """One token a step."""

    name = "REMI tokens"

    def __init__(self, *, crops: int = 1, compiled: bool = False) -> None:
        """`crops` a forward pass."""
        self.crops = crops
        self._losses = _for_training(remi_losses, compiled=compiled)

    def network(self, shape: ComposerShape) -> RemiComposer:
        """Fresh weights."""
        return RemiComposer(shape)

    def losses(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sums of nats and counts of the five fields."""
        tokens = tokenised(batch)
        condition = np.take_along_axis(batch.condition, tokens.event[..., None], axis=1)
        arrays = (tokens.tokens, condition, tokens.learned)
        return self._losses(network, *(torch.from_numpy(array) for array in arrays))

    def steps(self, batch: Batch) -> int:
        """One a token."""
        crops = range(len(batch.events))
        return sum(tokenised(_one(batch, crop)).tokens.shape[1] - 1 for crop in crops)

    @torch.no_grad()
    def decode(self, network: nn.Module, batch: Batch) -> float:
        """Seconds that writing one crop takes, each token sampled, its own notes put in."""
        assert isinstance(network, RemiComposer)
        found = tokenised(_one(batch, 0))
        tokens = torch.from_numpy(found.tokens)
        condition = torch.from_numpy(batch.condition[:1, found.event[0]])
        steps = tokens.shape[1] - 1
        cache = CachedBlocks(network.blocks, network.shape, steps)
        begun = time.perf_counter()
        for now in range(steps):
            row = slice(now, now + 1)
            x = network.condition(condition[:, row]) + network.embedding(tokens[:, row])
            _sampled(network.logits(network.norm(cache.step(x)), tokens[:, row]))
        return time.perf_counter() - begun


def music_seconds(batch: Batch) -> float:
    """How long the bars of a batch's crops last."""
    tempo = 100 * 2.0 ** batch.condition[..., CONDITION["tempo"].start]
    quarters = 4 * batch.condition[..., CONDITION["bar_length"].start]
    bars = batch.events[:, :-1, 0] == BAR
    return float((60 / tempo * quarters)[bars].sum())


def _for_training(losses: Losses, *, compiled: bool) -> Losses:
    """Compiled where gradients are wanted; measures are taken without. A length that differs is
    compiled once more, then for all lengths.
    """
    if not compiled:
        return losses
    fast = torch.compile(losses)

    def chosen(*arguments: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - passed on
        return (fast if torch.is_grad_enabled() else losses)(*arguments)

    return chosen


def _one(batch: Batch, crop: int) -> Batch:
    row = slice(crop, crop + 1)
    return Batch(batch.events[row], batch.condition[row], batch.learned[row])


def _sampled(logits: Tensor) -> Tensor:
    """Gumbel-max, as the decoder samples."""
    noise = -torch.log(-torch.log(torch.rand_like(logits).clamp(1e-9, 1 - 1e-7)))
    return (logits + noise).argmax(dim=-1)
