"""Where a crop's phrases lie, and how much is going on in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_training.patterns.ground import COMPOUND_BEAT, Ground

Random = np.random.Generator

LONG_PHRASE = 0.4  # 8 bars instead of 4
SHORT_BAR_STEPS = 24  # bars this short count for half
MEDIAN, SPREAD = 0.63, 1.7  # of the corpus' raw energies: so that 0 to 1 are all met
SEARCHED = (-1, 0, 1, 2)  # bars around the planned end where a new section may begin


@dataclass(frozen=True, slots=True)
class Phrase:
    """Four to eight bars of one metre."""

    start: int
    """Grid steps from the crop's first bar line."""
    stop: int
    feel: str
    triplets: bool
    beat_bpm: float
    energy: float
    """0, a held breath, to 1, a battle: from onsets and notes a second, and loudness."""
    last: bool
    """Nothing of this metre follows."""


def phrases(rng: Random, ground: Ground) -> Iterator[Phrase]:
    """The phrases of a crop, in order; bars whose metre has no patterns are left out."""
    novelty = _novelty(ground)
    bars = len(ground.bars)
    first = 0
    while first < bars:
        feel, stop = ground.feel[first], first + 1
        size = ground.bar_start[first + 1] - ground.bar_start[first]
        while stop < bars and ground.feel[stop] == feel:
            stop += 1
        wanted = (8 if rng.random() < LONG_PHRASE else 4) * (2 if size <= SHORT_BAR_STEPS else 1)
        end = first + wanted
        if end + 2 < stop:
            end += max(SEARCHED, key=lambda shift: novelty[end + shift] - 0.5 * abs(shift))
        if end + 1 >= stop:  # no phrase of one bar
            end = stop
        if feel is not None:
            yield _phrase(ground, first, end, last=end == stop)
        first = end


def _phrase(ground: Ground, first: int, end: int, *, last: bool) -> Phrase:
    feel = ground.feel[first] or ""
    start, stop = int(ground.bar_start[first]), int(ground.bar_start[end])
    tempo = float(ground.tempo_bpm[first:end].mean())
    triplets = feel.endswith(" t")
    beat = COMPOUND_BEAT if feel == "six" else STEPS_PER_QUARTER
    low, high = np.searchsorted(ground.onset, (start, stop))
    seconds = max((stop - start) / STEPS_PER_QUARTER * 60 / tempo, 0.5)
    onsets = len(np.unique(ground.onset[low:high])) / seconds
    windows = slice(*ground.window_of(np.array([start, stop - 1])).tolist())
    level = float(ground.level[windows].mean()) if windows.stop > windows.start else 4.0
    energy = (
        0.45 * min(np.log2(1 + onsets) / 3.2, 1.2)
        + 0.2 * min(np.log2(1 + (high - low) / seconds) / 5, 1.2)
        + 0.35 * (level - 1.5) / 5
    )
    energy = float(np.clip(0.5 + SPREAD * (energy - MEDIAN), 0, 1))
    beat_bpm = tempo * STEPS_PER_QUARTER / beat
    return Phrase(start, stop, feel.removesuffix(" t"), triplets, beat_bpm, energy, last)


def _novelty(ground: Ground) -> NDArray[np.float64]:
    """(K,) how new each bar is: another thickness, another band, a chord on its first beat."""
    bars = len(ground.bars)
    bar = np.searchsorted(ground.bar_start, ground.onset, side="right") - 1
    count = np.bincount(bar, minlength=bars)
    band = np.bincount(bar * 64 + ground.rows[:, 1], minlength=bars * 64).reshape(bars, 64) > 0
    on_line = np.bincount(bar[ground.onset == ground.bar_start[bar]], minlength=bars)
    changed = (band[1:] != band[:-1]).sum(axis=1) / np.maximum(
        (band[1:] | band[:-1]).sum(axis=1), 1
    )
    thicker = np.abs(np.diff(np.log2(count + 1.0)))
    return np.asarray(np.concatenate([[0.0], thicker + changed]) + 0.3 * (on_line >= 3))
