"""Held-out likelihood of the files that ship, by the engine that runs them: what export and 8-bit
weights cost, in nats a note beside torch.

`python -m emsync_training.engine_loss CORPUS CHECKPOINT [CROPS]` prints JSON.
B crops, T events, F five fields, K classes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.representation import (
    BAR,
    FIELDS,
    NONE,
    PAD,
    VELOCITY,
    vocabulary,
)
from emsync_server.inference.composer_session import ComposerSession
from emsync_training.corpus import Corpus
from emsync_training.dataset import Batch
from emsync_training.export import Storage, export_composer
from emsync_training.networks.composer import Composer
from emsync_training.train import held_out_batches, load_ema

Sums = NDArray[np.float64]
Ints = NDArray[np.int64]


def cost_of_rounding(network: Composer, batches: Sequence[Batch]) -> dict[str, Any]:
    """Rows of the engine in single precision and in eight bits, and what the latter loses."""
    rows: dict[str, Any] = {}
    for storage in (Storage.SINGLE, Storage.EIGHT_BITS):
        with tempfile.TemporaryDirectory(prefix="emsync-engine-loss-") as folder:
            export_composer(network, Path(folder), facts={}, storage=storage)
            session = ComposerSession.load(Path(folder), vocabulary=vocabulary(), threads=1)
            rows[storage.value] = engine_row(session, batches)
    single, rounded = (row["held_out_nats_per_note"] for row in rows.values())
    return rows | {"lost_share": rounded / single - 1}


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


if __name__ == "__main__":
    corpus, checkpoint, *crops = sys.argv[1:]
    held_out = held_out_batches(Corpus.open(Path(corpus)), int(crops[0]) if crops else 16)
    print(json.dumps(cost_of_rounding(load_ema(Path(checkpoint)), held_out), indent=1))
