"""Negative log-likelihood of events under the chained heads."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from emsync_server.composition.representation import BAR, CLASSES, NONE, PAD, VELOCITY
from emsync_training.networks.composer import Composer


def field_losses(
    network: Composer, events: Tensor, condition: Tensor, learned: Tensor
) -> tuple[Tensor, Tensor]:
    """Sums of nats and counts of what was predicted, one of each a field.

    events: (B, T + 1, F) int64 · condition: (B, T, C) · learned: (B, T) which targets count
    returns (F,), (F,); the count of instrument is that of notes
    """
    hidden = network(events[:, :-1], condition)
    target = events[:, 1:]
    logits = network.logits(hidden, target)
    is_note = learned & (target[..., 0] < BAR)
    nats, counts = [], []
    for field, (values, classes) in enumerate(zip(logits, CLASSES, strict=True)):
        counted = learned & (target[..., 0] != PAD) if field == 0 else is_note
        if field == VELOCITY:
            counted = counted & (target[..., field] != NONE[field])  # flat velocities teach nothing
        index = target[..., field].masked_fill(~counted, -100)
        flat = values.float().reshape(-1, classes)
        nats.append(functional.cross_entropy(flat, index.reshape(-1), reduction="sum"))
        counts.append(counted.sum())
    return torch.stack(nats), torch.stack(counts)


def nats_per_note(nats: Tensor, counts: Tensor) -> Tensor:
    """The cost of one note, a scalar: bar lines and the end are charged to the notes."""
    notes = counts[1].clamp(min=1)
    return nats[0] / notes + (nats[1:] / counts[1:].clamp(min=1)).sum()
