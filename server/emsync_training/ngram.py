"""Interpolated n-grams over the composer's own events: what counting alone reaches.

Two rows: `5-gram`, over the stream of fields, each given the four before it;
and `5-grams, mixed`, the same estimator over many kinds of context of up to five columns (earlier
events, the instrument's own line, intervals, the bar before, what followed last time), mixed by
weights that are fitted on pieces of the training side which the counts have not seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from emsync_server.composition.representation import CLASSES, FIELDS, NONE, PITCH, VELOCITY
from emsync_training.baselines.contexts import CHAINS, FAR, START, Contexts, contexts
from emsync_training.baselines.counting import Asked, Interpolated
from emsync_training.baselines.mixture import Answers, Mixture
from emsync_training.corpus import Corpus
from emsync_training.dataset import Batch, CropSampler

Ints = NDArray[np.int64]
Row = dict[str, float]

COUNTED_CROPS = 6000
FITTED_CROPS = 256  # crops that the weights of the mixture are fitted on
KEPT_BACK = 0.05  # of the training pieces, for those
INTERVALS = 2 * FAR
_STORED = np.uint16


def ngram_rows(
    corpus: Corpus,
    batches: list[Batch],
    *,
    counted: int = COUNTED_CROPS,
    fitted: int = FITTED_CROPS,
) -> dict[str, Row]:
    """Held-out nats a note and a field, of the plain 5-gram and of the mixture."""
    counting, fitting = _split(corpus)
    train = _columns(_drawn(counting, counted, seed=11, held_out=False))
    fit = _columns(_drawn(fitting, fitted, seed=12, held_out=True))
    test = _columns(iter(batches))
    plain, mixed = [], []
    for field, name in enumerate(FIELDS):
        rows = [_targets(columns, field) for columns in (train, fit, test)]
        answers = [_asked(*chain, rows, (train, fit, test)) for chain in _chains(name)]
        mixture = Mixture(len(answers))
        mixture.fit(Answers.of([one for one, _ in answers]))
        with torch.no_grad():
            nats = mixture(Answers.of([other for _, other in answers]))
        mixed.append(float(nats.double().sum()))
        plain.append(float(-np.log(answers[0][1].probability).sum()))
    counts = [int(_targets(test, field).sum()) for field in range(len(FIELDS))]
    return {"5-gram": _row(plain, counts), "5-grams, mixed": _row(mixed, counts)}


def _chains(field: str) -> list[tuple[str, str, list[str]]]:
    """(field or `interval`, chain, columns) of a field's chains, the plain 5-gram first."""
    kinds = (field, "interval") if field == "pitch" else (field,)
    return [(kind, name, line.split()) for kind in kinds for name, line in CHAINS[kind].items()]


def _asked(
    kind: str,
    chain: str,
    columns: list[str],
    rows: list[NDArray[np.bool_]],
    data: tuple[Contexts, ...],
) -> tuple[Asked, Asked]:
    """Count one chain on the training rows; what it says of the fitting and of the test rows."""
    value = {"interval": "chord_step" if chain == "chord" else "interval"}.get(kind, kind)
    classes = INTERVALS if kind == "interval" else CLASSES[FIELDS.index(kind)]
    parts = [
        (np.stack([part[name][where] for name in columns], axis=1).astype(np.int64),
         part[value][where].astype(np.int64))
        for part, where in zip(data, rows, strict=True)
    ]  # fmt: skip
    known = [values != START for _, values in parts]
    model = Interpolated(parts[0][0][known[0]], parts[0][1][known[0]], classes)
    model.fit(parts[1][0][known[1]], parts[1][1][known[1]])
    fit, test = (
        _unless(model.ask(context, values), there)
        for (context, values), there in zip(parts[1:], known[1:], strict=True)
    )
    return fit, test


def _unless(asked: Asked, known: NDArray[np.bool_]) -> Asked:
    """A chain that has nothing to measure an interval from says: any pitch."""
    return Asked(
        np.where(known, asked.probability, 1 / CLASSES[PITCH]),
        np.where(known, asked.order, -4),
        np.where(known, asked.seen, 0),
    )


def _split(corpus: Corpus) -> tuple[Corpus, Corpus]:
    """The training pieces, most to count and some to fit on; the held-out ones are in neither."""
    share = [int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32 for name in corpus.ids]
    back = (np.array(share) < KEPT_BACK) & (corpus.pieces["held_out"] == 0)
    held = corpus.pieces["held_out"]
    counting = corpus.pieces | {"held_out": np.where(back, 2, held)}
    fitting = corpus.pieces | {"held_out": np.where(back, 1, 2)}
    return replace(corpus, pieces=counting), replace(corpus, pieces=fitting)


def _drawn(corpus: Corpus, crops: int, *, seed: int, held_out: bool) -> Iterator[Batch]:
    sampler, rng = CropSampler(corpus, held_out=held_out), np.random.default_rng(seed)
    for _ in range(max(crops // 16, 1)):
        yield sampler.batch(rng, 16)


def _columns(batches: Iterator[Batch]) -> Contexts:
    """The columns of all batches, the rows that count."""
    parts: list[Contexts] = []
    for batch in batches:
        columns = contexts(batch)
        kept = columns["learned"] > 0
        parts.append({name: column[kept].astype(_STORED) for name, column in columns.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _targets(columns: Contexts, field: int) -> NDArray[np.bool_]:
    """Which rows count for a field, as in the loss."""
    chosen = columns["note"] > 0 if field else columns["learned"] > 0
    return chosen & (columns["velocity"] != NONE[VELOCITY]) if field == VELOCITY else chosen


def _row(nats: list[float], counts: list[int]) -> Row:
    """As the composer's: bar lines and the end are charged to the notes."""
    means = [
        nats[0] / counts[1],
        *(n / max(c, 1) for n, c in zip(nats[1:], counts[1:], strict=True)),
    ]
    row = {f"held_out_{name}": mean for name, mean in zip(FIELDS, means, strict=True)}
    return {"held_out_nats_per_note": sum(means), **row}
