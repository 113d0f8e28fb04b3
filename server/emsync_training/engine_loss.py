"""Held-out likelihood of the files that ship, by the engine that runs them: what export and 8-bit
weights cost, in nats a note beside torch.

B crops, T events, F five fields, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.representation import BAR, FIELDS, NONE, PAD, VELOCITY
from emsync_server.inference.composer_session import ComposerSession
from emsync_training.dataset import Batch

Sums = NDArray[np.float64]
Ints = NDArray[np.int64]


def engine_row(session: ComposerSession, batches: Iterable[Batch]) -> dict[str, float]:
    """Nats a note, in all and for each field, as `train.evaluation_row` counts them.

    Each crop is read event by event through the cache, as composing reads it.
    """
    nats, counts = np.zeros(len(FIELDS)), np.zeros(len(FIELDS))
    for batch in batches:
        state = session.start(len(batch.events))
        for time in range(batch.condition.shape[1]):
            hidden = session.step(state, batch.events[:, time], batch.condition[:, time])
            target = batch.events[:, time + 1]
            cost, counted = _step_nats(session, hidden, target, batch.learned[:, time])
            nats += cost
            counts += counted
    notes = max(counts[1], 1)
    means = nats / np.maximum([notes, *counts[1:]], 1)  # bar lines are charged to the notes
    row = {f"held_out_{name}": float(mean) for name, mean in zip(FIELDS, means, strict=True)}
    return {"held_out_nats_per_note": float(means.sum()), **row}


def _step_nats(
    session: ComposerSession,
    hidden: NDArray[np.float32],
    target: Ints,
    learned: NDArray[np.bool_],
) -> tuple[Sums, Sums]:
    """Sums of nats and counts of one step, one of each a field. target: (B, F)."""
    nats, counts = np.zeros(len(FIELDS)), np.zeros(len(FIELDS))
    is_note = learned & (target[:, 0] < BAR)
    for field in range(len(FIELDS)):
        counted = learned & (target[:, 0] != PAD) if field == 0 else is_note
        if field == VELOCITY:
            counted = counted & (target[:, field] != NONE[field])
        logits = session.heads.field_logits(hidden, field).astype(np.float64)
        index = np.minimum(target[:, field], logits.shape[1] - 1)
        chosen = logits[np.arange(len(index)), index]
        top = logits.max(axis=1)
        total = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
        nats[field] = (total - chosen)[counted].sum()
        counts[field] = counted.sum()
        if field + 1 < len(FIELDS):
            hidden = session.heads.after(hidden, field, index)
    return nats, counts
