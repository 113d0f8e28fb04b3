"""What comes back in a piece: bars and motifs that are heard again, in any key.

Two neighbouring bars make a unit, where six notes or more of three pitch classes begin in them: a
drone is none. Its fingerprint says which pitch classes begin in which semiquaver. Two units are as
alike as the cosine of their fingerprints in the best of the twelve transpositions. A unit recurs
where another one at least four bars away is alike by 0.7 or more. A motif is six notes of the top
line, by interval and by the time to the next note.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync.score import Score
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.evaluation.texture import skyline

__all__ = ["FormMeasures", "measure_form", "recurrence_matrix"]

UNIT_BARS = 2
APART_BARS = 4
ALIKE = 0.7
LEAST_UNIT_NOTES = 6
LEAST_UNIT_CLASSES = 3
SLOTS_A_QUARTER = 4
MOST_SLOTS = 64
MOTIF_NOTES = 6
LEAST_MOTIF_VARIETY = 3  # repeated notes and bits of scale are no motif
MOST_BARS = 1200


@dataclass(frozen=True, slots=True)
class FormMeasures:
    """Measures of one piece; None where it is too short."""

    recurring_units_share: float | None
    """Units that recur, over all units."""
    nearest_unit_similarity: float | None
    """Of each such unit and the one most like it at least four bars away, the mean."""
    recurring_motifs_share: float | None
    """Places of the top line whose motif stands again at least four bars away."""


def measure_form(score: Score, notes: SoundingNotes | None = None) -> FormMeasures:
    """Measure a score; notes: its own, where they are at hand."""
    notes = SoundingNotes.of(score) if notes is None else notes
    alike, known = recurrence_matrix(score, notes)
    best = _best_elsewhere(alike)[known]
    enough = len(alike) > 2 * APART_BARS and len(best) >= APART_BARS
    return FormMeasures(
        float(np.mean(best >= ALIKE)) if enough else None,
        float(np.mean(best)) if enough else None,
        _recurring_motifs(score, notes),
    )


def recurrence_matrix(
    score: Score, notes: SoundingNotes
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """How alike units are (U, U), 0 to 1, and which have enough notes to be compared (U,)."""
    prints, lengths, known = _fingerprints(score, notes)
    units = len(prints)
    norm = np.linalg.norm(prints.reshape(units, -1), axis=1).clip(min=1e-9)
    flat = prints.reshape(units, -1) / norm[:, None]
    alike = np.zeros((units, units), np.float32)
    for shift in range(12):
        moved = np.roll(prints, shift, axis=2).reshape(units, -1) / norm[:, None]
        alike = np.maximum(alike, flat @ moved.T)
    alike[~known, :] = 0
    alike[:, ~known] = 0
    alike[lengths[:, None] != lengths[None, :]] = 0
    return np.asarray(alike), known


def _fingerprints(
    score: Score, notes: SoundingNotes
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """(U, slots, 12) fingerprints, lengths in slots (U,), and which are full enough (U,)."""
    bars = score.tempo_map.bars()[:MOST_BARS]
    pitched = ~notes.is_drum
    start, pitch = notes.start_q[pitched], notes.pitch[pitched]
    units = max(len(bars) - UNIT_BARS + 1, 0)
    prints = np.zeros((units, MOST_SLOTS, 12), np.float32)
    lengths, known = np.zeros(units, np.int64), np.zeros(units, bool)
    for unit in range(units):
        begin = float(bars[unit].start_q)
        last = bars[unit + UNIT_BARS - 1]
        end = float(last.start_q + last.length_q)
        first, stop = np.searchsorted(start, (begin - 1e-6, end - 1e-6))
        slot = np.floor((start[first:stop] - begin) * SLOTS_A_QUARTER + 1e-3).astype(np.int64)
        prints[unit, slot.clip(0, MOST_SLOTS - 1), pitch[first:stop] % 12] = 1
        lengths[unit] = round((end - begin) * SLOTS_A_QUARTER)
        classes = int(prints[unit].any(axis=0).sum())
        known[unit] = prints[unit].sum() >= LEAST_UNIT_NOTES and classes >= LEAST_UNIT_CLASSES
    slots = min(int(lengths.max(initial=1)), MOST_SLOTS)
    return prints[:, :slots], lengths, known


def _best_elsewhere(alike: NDArray[np.float32]) -> NDArray[np.float32]:
    """(U,) likeness of each unit to the one most like it far enough away."""
    index = np.arange(len(alike))
    far = abs(index[:, None] - index[None, :]) >= APART_BARS
    return np.asarray(np.where(far, alike, 0.0).max(axis=1, initial=0.0))


def _recurring_motifs(score: Score, notes: SoundingNotes) -> float | None:
    line = skyline(notes)
    if len(line) < 4 * MOTIF_NOTES:
        return None
    interval = np.diff(line[:, 1]).astype(int)
    wait = np.rint(np.diff(line[:, 0]) * 12).astype(int)
    starts = [float(bar.start_q) for bar in score.tempo_map.bars()]
    bar = np.searchsorted(starts, line[:, 0] + 1e-6, side="right")
    places: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    steps = list(zip(interval.tolist(), wait.tolist(), strict=True))
    for at in range(len(steps) - MOTIF_NOTES + 2):
        motif = tuple(steps[at : at + MOTIF_NOTES - 1])
        if len(set(motif)) >= LEAST_MOTIF_VARIETY:
            places[motif].append(int(bar[at]))
    total = sum(len(bars) for bars in places.values())
    recurring = sum(
        any(abs(here - there) >= APART_BARS for there in (bars[0], bars[-1]))
        for bars in places.values()
        for here in bars
    )
    return recurring / total if total else None
