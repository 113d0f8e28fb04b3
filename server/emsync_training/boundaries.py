"""Which moments of a piece stand for hits in training.

Either the strongest moments, all of them above a threshold: so that the network learns that what
is no hit is weaker. Or, for textures without such moments, long chords and crash accents with
space between them.
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
    VELOCITY_BINS,
)

CHORD_NOTES = 3
MOMENTS_TO_COMPARE = 8
HELD_STEPS = 2 * STEPS_PER_QUARTER
CRASHES = np.array([49, 52, 55, 57]) + DRUM_PITCH_OFFSET  # crash 1, china, splash, crash 2
CRASH_NOTES = 2  # pitched notes that make a crash an accent of the band
STRONGEST_SHARE = 0.9  # of crops, where there are moments that stand out
STRONG_QUANTILES = (0.92, 0.985)  # of all moments' strengths; drawn once a crop
MOST_STRONG = 0.25  # of all moments: where more are as strong, none stands out
LEAST_APART_S = 0.5
SPACING_S = (1.5, 8.0)  # drawn once a crop
JITTER = 1.6  # each gap is up to this much longer

_STEPS = np.array([*LENGTH_STEPS, 0])


def hit_times(
    rng: np.random.Generator, events: NDArray[np.int64], time_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Seconds of the hits among sorted event rows (N, 5 or more) that start at `time_s` (N,)."""
    if rng.random() < STRONGEST_SHARE:
        strongest = strong_moments(events, time_s, float(rng.uniform(*STRONG_QUANTILES)))
        if len(strongest):
            return strongest
    candidates = accents(events, time_s)
    spacing = float(np.exp(rng.uniform(*np.log(SPACING_S))))
    kept: list[float] = []
    earliest = -np.inf
    for time in candidates.tolist():
        if time >= earliest:
            kept.append(time)
            earliest = time + spacing * rng.uniform(1, JITTER)
    return np.array(kept)


def strong_moments(
    events: NDArray[np.int64], time_s: NDArray[np.float64], quantile: float
) -> NDArray[np.float64]:
    """Seconds of the chords whose strength exceeds a quantile of all moments', the strongest
    first where they crowd; none where too many are alike.

    Strength grows with the notes struck, their velocity, how long they are held, and a crash.
    """
    note = events[:, 0] < BAR
    rows, times = events[note], time_s[note]
    moments, index = np.unique(times, return_inverse=True)
    if len(moments) < MOMENTS_TO_COMPARE:
        return np.zeros(0)
    pitched = rows[:, 1] != DRUM_KIT
    crash = ~pitched & np.isin(rows[:, 2], CRASHES)
    velocity = np.where(rows[:, 4] < VELOCITY_BINS, rows[:, 4], VELOCITY_BINS / 2) / VELOCITY_BINS
    held = np.minimum(_STEPS[rows[:, 3]], HELD_STEPS) / HELD_STEPS * pitched

    def total(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(index, weights, minlength=len(moments)).astype(np.float64)

    count = np.maximum(total(np.ones(len(rows))), 1)
    chords = total(pitched.astype(np.float64))
    strength = np.log2(count) + 2 * total(velocity) / count + total(held) / count
    strength += total(crash.astype(np.float64)) > 0
    strong = (strength > np.quantile(strength, quantile)) & (chords >= CHORD_NOTES)
    if strong.mean() > MOST_STRONG:
        return np.zeros(0)
    kept: list[float] = []
    for moment in np.flatnonzero(strong)[np.argsort(-strength[strong], kind="stable")]:
        if all(abs(moments[moment] - other) >= LEAST_APART_S for other in kept):
            kept.append(float(moments[moment]))
    return np.array(sorted(kept))


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
