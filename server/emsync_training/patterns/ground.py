"""What a crop sounds like from below: its bars, chords, silences and loudness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.representation import BAR, LENGTH_STEPS, STEPS_PER_QUARTER, VELOCITY

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
PerBar = Mapping[int, Any] | NDArray[Any]
"""Something indexed by bar number."""

HALF_BAR = 2 * STEPS_PER_QUARTER
COMPOUND_BEAT = 3 * STEPS_PER_QUARTER // 2
SOUNDING_SHARE = 1 / 3  # of a half-bar; less is a rest
SURE = 0.6  # of what sounds must belong to the chord
HEARD = 0.03  # of what sounds: less is no third
SILENT = -1

MAJOR, MINOR, DIMINISHED, OPEN = range(4)
CHORD_TONES: Ints = np.array([[0, 4, 7], [0, 3, 7], [0, 3, 6], [0, 7, 7]])
"""Semitones of root, third and fifth for each quality; an open chord's third is its fifth."""

_STEPS = np.array([*LENGTH_STEPS, 0])
_TEMPLATES = np.zeros((48, 12))
for _quality, _tones in enumerate(CHORD_TONES.tolist()):
    for _root in range(12):
        _TEMPLATES[_root * 4 + _quality, [(_root + tone) % 12 for tone in _tones]] = 1
_PREFERENCE = np.tile([0.0, 0.0, -0.1, -0.05], 12)


@dataclass(frozen=True, slots=True)
class Ground:
    """A crop's bars on one axis of grid steps, from the first bar's line. K bars, W half-bars,
    S steps.
    """

    bars: Ints
    """(K,) bar numbers."""
    bar_start: Ints
    """(K + 1,) steps."""
    tempo_bpm: Floats
    """(K,)"""
    feel: list[str | None]
    """(K,) which metre's patterns fit; a trailing 't' is 'squeezed into triplets'."""
    window_start: Ints
    """(W + 1,) steps."""
    chord: Ints
    """(W,) root * 4 + quality, or SILENT."""
    bass: Ints
    """(W,) pitch class that the lowest voice holds, -1 where nothing is low."""
    active: NDArray[np.bool_]
    """(W,) something sounds."""
    level: Floats
    """(W,) velocity index around here."""
    sounding: Floats
    """(S + 1, 12) sums of what sounds, from the start."""
    onset: Ints
    """(N,) step of each note, in order."""
    rows: Ints
    """(N, 5) the notes."""

    @property
    def steps(self) -> int:
        """Length of the crop."""
        return int(self.bar_start[-1])

    @property
    def sounding_until(self) -> int:
        """The step at which the last note stops."""
        return min(int((self.onset + _STEPS[self.rows[:, 3]]).max()), self.steps)

    def window_of(self, step: Ints) -> Ints:
        """The half-bar of each step."""
        return np.searchsorted(self.window_start, step, side="right") - 1


def survey(events: Ints, bar: Ints, bar_steps: PerBar, tempo_bpm: PerBar) -> Ground | None:
    """The ground of a crop; None where it has hardly any notes."""
    note = events[:, 0] < BAR
    if note.sum() < 8:
        return None
    bars = np.arange(bar[0], bar[-1] + 1)
    steps = np.array([bar_steps[b] for b in bars.tolist()], dtype=np.int64)
    bar_start = np.concatenate([[0], np.cumsum(steps)])
    rows = events[note]
    onset = bar_start[bar[note] - bars[0]] + rows[:, 0]
    feel = _feels(steps, rows[:, 0], steps[bar[note] - bars[0]])
    window_start = _windows(bar_start, steps, feel)
    pitched = rows[:, 1] != DRUM_KIT
    sounding = _sounding(onset[pitched], rows[pitched], int(bar_start[-1]))
    weights = np.diff(sounding[window_start], axis=0)
    bass = _lowest(onset[pitched], rows[pitched], window_start)
    duration = np.diff(window_start)
    return Ground(
        bars=bars,
        bar_start=bar_start,
        tempo_bpm=np.array([tempo_bpm[b] for b in bars.tolist()], dtype=np.float64),
        feel=feel,
        window_start=window_start,
        chord=chords(weights, bass),
        bass=bass,
        active=weights.max(axis=1) >= SOUNDING_SHARE * duration,
        level=_levels(onset, rows[:, VELOCITY], window_start),
        sounding=sounding,
        onset=onset,
        rows=rows,
    )


def chords(weights: Floats, bass: Ints) -> Ints:
    """The chord of each half-bar, or SILENT where none is clear.

    weights: (W, 12) how long each pitch class sounds · bass: (W,) lowest pitch class or -1
    """
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    inside = share @ _TEMPLATES.T
    heard = (share > HEARD) @ _TEMPLATES.T
    root = np.repeat(share, 4, axis=1)
    fit = inside + 0.25 * root - 0.12 * (_TEMPLATES.sum(axis=1) - heard) + _PREFERENCE
    low = bass >= 0
    fit[low] += 0.12 * (np.repeat(np.arange(12), 4)[None] == bass[low, None])
    context = fit.copy()
    context[1:] += 0.2 * fit[:-1]
    context[:-1] += 0.2 * fit[1:]
    best = context.argmax(axis=1)
    rows = np.arange(len(best))
    third = (best // 4 + CHORD_TONES[best % 4, 1]) % 12
    best = np.where(share[rows, third] > HEARD, best, best // 4 * 4 + OPEN)
    return np.where((inside[rows, best] >= SURE) & (weights.sum(axis=1) > 0), best, SILENT)


def _feels(steps: Ints, position: Ints, its_bar: Ints) -> list[str | None]:
    compound = {
        size: bool(((position % 18 == 0) & (position % 12 > 0) & (its_bar == size)).sum()
                   > ((position % 12 == 0) & (position % 18 > 0) & (its_bar == size)).sum())
        for size in (36, 72)
    }  # fmt: skip
    simple = its_bar % 24 == 0
    within = position[simple] % STEPS_PER_QUARTER
    within = within[within > 0]
    triplets = ((within == 4) | (within == 8)).sum() > 1.2 * (within % 3 == 0).sum() + 4
    four = "six t" if triplets else "four"
    feels = {24: four, 48: four, 96: four, 18: "six", 60: "five", 42: "seven"}
    feels |= {36: "six" if compound[36] else "three"} | ({72: "six"} if compound[72] else {})
    return [feels.get(size) for size in steps.tolist()]


def _windows(bar_start: Ints, steps: Ints, feel: list[str | None]) -> Ints:
    starts: list[int] = []
    for start, size, kind in zip(bar_start[:-1].tolist(), steps.tolist(), feel, strict=True):
        window = COMPOUND_BEAT if kind == "six" else HALF_BAR
        starts += range(start, start + size, window) if size % window == 0 else [start]
    return np.array([*starts, bar_start[-1]])


def _sounding(onset: Ints, rows: Ints, steps: int) -> Floats:
    stop = np.minimum(onset + _STEPS[rows[:, 3]], steps)
    pitch_class = rows[:, 2] % 12
    size = (steps + 1) * 12
    change = np.bincount(onset * 12 + pitch_class, minlength=size)
    change = change - np.bincount(stop * 12 + pitch_class, minlength=size)
    now = np.minimum(np.cumsum(change.reshape(-1, 12), axis=0)[:-1], 2)
    return np.concatenate([np.zeros((1, 12)), np.cumsum(now, axis=0)])


def _lowest(onset: Ints, rows: Ints, window_start: Ints) -> Ints:
    """The pitch class of the lowest note of each half-bar, where it is below middle C."""
    last = len(window_start) - 2
    first = np.searchsorted(window_start, onset, side="right") - 1
    until = np.searchsorted(window_start, onset + _STEPS[rows[:, 3]] - 1, side="right") - 1
    count = np.minimum(until, last) - first + 1
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    lowest = np.full(last + 1, 127)
    np.minimum.at(lowest, np.repeat(first, count) + offset, np.repeat(rows[:, 2], count))
    return np.where(lowest < 60, lowest % 12, -1)


def _levels(onset: Ints, velocity: Ints, window_start: Ints) -> Floats:
    windows = len(window_start) - 1
    window = np.searchsorted(window_start, onset, side="right") - 1
    known = velocity < 8
    total = np.bincount(window[known], velocity[known], minlength=windows)
    count = np.bincount(window[known], minlength=windows).astype(np.float64)
    mean = total.sum() / count.sum() if count.sum() else 4.0
    ones = np.ones(3)
    around = np.convolve(count, ones, "same"), np.convolve(total, ones, "same")
    return np.asarray((around[1] + mean) / (around[0] + 1))
