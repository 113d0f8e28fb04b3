"""Which moments of a piece stand for hits in training: chords that are struck together and held,
and crash accents.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.representation import (
    BAR,
    DRUM_PITCH_OFFSET,
    LENGTH_STEPS,
    STEPS_PER_QUARTER,
)

CHORD_NOTES = 3
HELD_STEPS = 2 * STEPS_PER_QUARTER
CRASHES = np.array([49, 52, 55, 57]) + DRUM_PITCH_OFFSET  # crash 1, china, splash, crash 2
CRASH_NOTES = 2  # pitched notes that make a crash an accent of the band
SPACING_S = (1.5, 8.0)  # drawn once a crop
JITTER = 1.6  # each gap is up to this much longer

_STEPS = np.array([*LENGTH_STEPS, 0])


def hit_times(
    rng: np.random.Generator, events: NDArray[np.int64], time_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Seconds of the hits among sorted event rows (N, 5 or more) that start at `time_s` (N,)."""
    candidates = accents(events, time_s)
    spacing = float(np.exp(rng.uniform(*np.log(SPACING_S))))
    kept: list[float] = []
    earliest = -np.inf
    for time in candidates.tolist():
        if time >= earliest:
            kept.append(time)
            earliest = time + spacing * rng.uniform(1, JITTER)
    return np.array(kept)


def accents(events: NDArray[np.int64], time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds of every long chord and crash accent."""
    note = events[:, 0] < BAR
    rows, times = events[note], time_s[note]
    moments, index = np.unique(times, return_inverse=True)
    pitched = rows[:, 1] != DRUM_KIT
    held = pitched & (_STEPS[rows[:, 3]] >= HELD_STEPS)
    crash = ~pitched & np.isin(rows[:, 2], CRASHES)

    def count(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(index[chosen], minlength=len(moments))

    chord = count(held) >= CHORD_NOTES
    accent = (count(crash) > 0) & (count(pitched) >= CRASH_NOTES)
    return np.asarray(moments[chord | accent])
