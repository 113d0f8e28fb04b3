"""Held-out likelihood of a composer, beside what a memoryless writer would reach."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from emsync_server.composition.representation import (
    BAR,
    CLASSES,
    CONDITION,
    FIELDS,
    NONE,
    PAD,
    VELOCITY,
)
from emsync_training.corpus import GROUPS, Corpus
from emsync_training.dataset import Batch, CropSampler
from emsync_training.networks.composer import Composer
from emsync_training.ngram import ngram_rows
from emsync_training.train import evaluation_row, held_out_batches

UNIGRAM_CROPS = 1024  # training crops that the marginal frequencies are counted on
PARTS: dict[str, tuple[str, ...]] = {
    "emotion": ("valence", "valence_present", "arousal", "arousal_present"),
    "boundaries": tuple(
        f"{name}_{end}" for name in ("next_hit", "last_hit", "end") for end in ("s", "present")
    ),
    "brief": ("density", "density_present", "style", "key", "instruments"),
    "chords": ("chord_first", "chord_second"),
    "recall": ("recall", "recall_present"),
}
"""What can be withheld from the network; tempo and meter always stay."""


def evaluate(network: Composer, corpus: Corpus, *, crops: int = 64) -> dict[str, dict[str, float]]:
    """Nats a note and a field on the fixed held-out crops.

    Rows: the network; the network with parts of the condition withheld; interpolated n-grams
    that are counted on training crops (some minutes, 3 GB); the marginal frequencies of the
    training crops (each field on its own, no memory); uniform choice.
    """
    batches = held_out_batches(corpus, crops)
    device = torch.device("cpu")
    withheld = {f"without {part}": (part,) for part in PARTS} | {"without all": tuple(PARTS)}
    rows = {
        name: evaluation_row(network, [_without(batch, parts) for batch in batches], device)
        for name, parts in withheld.items()
    }
    return {
        "composer": evaluation_row(network, batches, device),
        **rows,
        **ngram_rows(corpus, batches),
        "marginal frequencies": unigram_row(corpus, batches),
        "uniform choice": _row(batches, [np.full(k, 1 / k) for k in CLASSES]),
    }


def held_out_report(network: Composer, corpus: Corpus, *, crops: int = 64) -> dict[str, object]:
    """What `evaluate` and `evaluate_groups` tell."""
    fields = evaluate(network, corpus, crops=crops)
    return {"fields": fields, "groups": evaluate_groups(network, corpus)}


def evaluate_groups(network: Composer, corpus: Corpus, *, crops: int = 16) -> dict[str, float]:
    """Held-out nats a note of each group of sources."""
    out = {}
    for group in GROUPS:
        sampler = CropSampler(corpus, held_out=True, group=group)
        rng = np.random.default_rng(20240229)
        batches = [sampler.batch(rng, 8) for _ in range(crops // 8)]
        row = evaluation_row(network, batches, torch.device("cpu"))
        out[group] = row["held_out_nats_per_note"]
    return out


def unigram_row(corpus: Corpus, batches: list[Batch]) -> dict[str, float]:
    """Cross-entropy of the held-out events under the marginals of training crops."""
    sampler, rng = CropSampler(corpus, held_out=False), np.random.default_rng(7)
    counts = [np.ones(classes) for classes in CLASSES]  # add-one smoothing
    for _ in range(UNIGRAM_CROPS // 16):
        for total, values in zip(counts, _targets([sampler.batch(rng, 16)]), strict=True):
            total += np.bincount(values, minlength=len(total))
    return _row(batches, [total / total.sum() for total in counts])


def _row(batches: list[Batch], probabilities: list[NDArray[np.float64]]) -> dict[str, float]:
    targets = _targets(batches)
    notes = len(targets[1])
    nats = [-np.log(p)[t] for p, t in zip(probabilities, targets, strict=True)]
    means = [nats[0].sum() / notes, *(values.mean() for values in nats[1:])]
    row = {f"held_out_{name}": float(mean) for name, mean in zip(FIELDS, means, strict=True)}
    return {"held_out_nats_per_note": float(sum(means)), **row}


def _targets(batches: list[Batch]) -> list[NDArray[np.int64]]:
    """The values of each field that count, as in the loss."""
    rows = np.concatenate([batch.events[:, 1:][batch.learned] for batch in batches])
    notes = rows[rows[:, 0] < BAR]
    fields = [notes[:, field] for field in range(len(FIELDS))]
    fields[0] = rows[rows[:, 0] != PAD, 0]
    fields[VELOCITY] = fields[VELOCITY][fields[VELOCITY] != NONE[VELOCITY]]
    return fields


def _without(batch: Batch, parts: tuple[str, ...]) -> Batch:
    condition = batch.condition.copy()
    for part in parts:
        for name in PARTS[part]:
            condition[..., CONDITION[name]] = 0
    return Batch(batch.events, condition, batch.learned)
