"""Where music has accents: chords that are struck together, and the strongest of all onsets.

DESIGN §9: an accent is an onset of at least three pitched notes within 30 ms; a strong one belongs
to the top quarter of onset strength.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.evaluation.sounding import SoundingNotes

__all__ = ["CHORD_NOTES", "CHORD_WIDTH_S", "Accents", "accents_of_notes", "chord_starts"]

CHORD_NOTES = 3
CHORD_WIDTH_S = 0.030
STRONG_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Accents:
    """Moments of emphasis, in seconds from the start of the cue, ascending."""

    all_s: NDArray[np.float64]
    """Chord onsets in a score; every onset in a sound."""
    strong_s: NDArray[np.float64]
    """The top quarter of onset strength, chord or not."""


def accents_of_notes(notes: SoundingNotes) -> Accents:
    """The accents of a score. An onset is every note that starts within 30 ms of its first."""
    first, group = _onset_groups(notes.start_s)
    pitched = np.bincount(group, weights=~notes.is_drum, minlength=len(first))
    # Loudness of synthesisers goes with the square of the velocity; notes add up in power.
    power = np.bincount(group, weights=(notes.velocity / 127.0) ** 4, minlength=len(first))
    return Accents(first[pitched >= CHORD_NOTES], strongest(first, power.astype(np.float64)))


def strongest(times_s: NDArray[np.float64], strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """The top quarter by strength; among equals the earlier, so that it stays a quarter."""
    count = int(np.ceil(len(times_s) * STRONG_SHARE))
    order = np.argsort(-strength, kind="stable")[:count]
    return np.sort(times_s[order])


def chord_starts(notes: SoundingNotes) -> NDArray[np.float64]:
    """Every note start from which on at least three pitched notes start within 30 ms, (K,) seconds.

    Unlike the onsets above these may overlap: a note just before a chord does not move the chord.
    """
    starts = notes.start_s[~notes.is_drum]
    ahead = np.searchsorted(starts, starts + CHORD_WIDTH_S, side="right") - np.arange(len(starts))
    return np.unique(starts[ahead >= CHORD_NOTES])


def _onset_groups(
    starts_s: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """First moment of each onset (G,), and the onset of each note (N,)."""
    first: list[float] = []
    group = np.empty(len(starts_s), dtype=np.int64)
    for index, start in enumerate(starts_s):
        if not first or start > first[-1] + CHORD_WIDTH_S:
            first.append(float(start))
        group[index] = len(first) - 1
    return np.array(first, dtype=np.float64), group
