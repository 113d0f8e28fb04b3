"""A first emotion curve, from what can be measured without any network; it knows that it knows
little.

After Hanjalic and Xu, *Affective video content representation and modeling*, IEEE Trans.
Multimedia 7(1), 2005: arousal from motion, cutting rate and sound energy, each smoothed by a
Kaiser window and averaged; the size of valence bound to arousal (the parabola of affect). They
take valence's sign from voice pitch; here it comes from light, colour and the sound's spectral
brightness. That is weak evidence: on the 900 rated photographs of OASIS saturation goes with
valence at Spearman 0.21, warmth at 0.08, light at 0.04. So valence stays small, and its
uncertainty large.

All scales are fixed, none is fitted to the film at hand: a dull film stays dull. Missing
evidence (silence, no sound, darkness, grey) counts as missing: the value moves towards 0 and the
uncertainty grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.timecode import RationalTime, TimeRange
from emsync_server.spotting.appearance import SAMPLES_PER_S, Appearance
from emsync_server.spotting.hearing import Hearing

__all__ = ["Evidence", "curve_of", "stretches_of"]

Signal = NDArray[np.floating]

GRID_HZ = 4
LONGEST_STEP_S = 10.0
"""A longer shot gets several points."""

# What counts as -1 and as +1. Chosen once, so that quiet and busy stretches of ordinary films lie
# near -0.5 and 0.5.
MOTION_RANGE = (0.005, 0.4)  # picture widths per second, on a logarithmic scale
LEVEL_RANGE_DB = (-45.0, -12.0)
LIGHT_RANGE = (0.12, 0.62)
SATURATION_RANGE = (0.02, 0.26)
WARMTH_RANGE = (-0.12, 0.16)
CENTROID_RANGE_HZ = (500.0, 3_500.0)  # on a logarithmic scale
CUTTING_S = 12.0
"""Hanjalic and Xu's delta, 300 frames: shots of this length make a cutting rate of exp(-1)."""

MOTION_SHARE, CUTTING_SHARE, LEVEL_SHARE = 0.35, 0.25, 0.40
LIGHT_SHARE, SATURATION_SHARE, WARMTH_SHARE, CENTROID_SHARE = 0.35, 0.35, 0.10, 0.20
VALENCE_AT_REST = 0.55
"""At arousal -1 valence reaches this share of its size at arousal 1."""

KAISER_BETA = 5.0
FAST_S, SLOW_S = 6.0, 16.0
"""Lengths of the windows, for motion, sound and colour, and for cutting. Hanjalic and Xu take 60 s:
they follow a whole feature film, a cue follows its shots."""

VISIBLE_CONTRAST = 0.02
"""Below this share of full contrast there is nothing to see."""
STILL_S = 8.0
"""So long without any motion is a card or a frozen frame: not a calm scene, but none to tell."""
COLOUR_FILM_SATURATION = 0.01
ENOUGH_S = 5.0
ENOUGH_FOR_CUTTING_S = 30.0
"""Shorter films tell less."""

AROUSAL_DEVIATION, VALENCE_DEVIATION = 0.25, 0.38
"""With all evidence there, and agreeing. With arousal's the variance that is said is what was
measured on 27 stretches of real film, 0.142; with valence's, on photographs, 0.19 (`python -m
emsync_training variances`). How much of the valence is believed beside experts: `fusion/votes`."""
ABSENT_DEVIATION = 0.5
"""With no evidence at all: about that of a value drawn anywhere in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a picture. Times in picture time; samples in order."""

    duration: RationalTime
    cuts: tuple[RationalTime, ...]
    """Where shots begin, without the first."""
    appearance: Appearance | None
    """None: the picture could not be seen (media offline)."""
    hearing: Hearing | None
    """None: no sound, or it could not be heard."""
    cuts_are_known: bool = False
    """An edit knows its cuts, whether its media can be seen or not."""


@dataclass(frozen=True, slots=True)
class _Clue:
    """One kind of evidence on the grid of K moments."""

    value: Signal
    """(K,) in [-1, 1]"""
    trust: Signal
    """(K,) in [0, 1]: how much of it there is."""
    share: float


def curve_of(evidence: Evidence) -> EmotionCurve:
    """One point in the middle of each shot; of a long shot several."""
    duration_s = float(evidence.duration.seconds)
    grid = (np.arange(max(1, int(np.ceil(duration_s * GRID_HZ)))) + 0.5) / GRID_HZ  # (K,) seconds
    enough = min(1.0, duration_s / ENOUGH_S)
    arousal, arousal_off = _weighed(_arousal_clues(evidence, grid), AROUSAL_DEVIATION, enough)
    valence, valence_off = _weighed(_valence_clues(evidence, grid), VALENCE_DEVIATION, enough)
    valence = valence * (VALENCE_AT_REST + (1 - VALENCE_AT_REST) * (arousal + 1) / 2)
    axes = np.stack((valence, arousal, valence_off, arousal_off))  # (4, K)
    points = []
    for start, end in _stretches(evidence):
        inside = (grid >= float(start.seconds)) & (grid < float(end.seconds))
        if not inside.any():  # a shot shorter than the grid
            inside = np.zeros(len(grid), bool)
            inside[min(int(float(start.seconds) * GRID_HZ), len(grid) - 1)] = True
        v, a, v_off, a_off = (round(float(axis), 4) for axis in axes[:, inside].mean(axis=1))
        middle = RationalTime((start.value + end.value) // 2, start.rate)
        points.append(EmotionPoint(middle, ValenceArousal(v, a), ValenceArousal(v_off, a_off)))
    return EmotionCurve(tuple(points))


def stretches_of(evidence: Evidence) -> list[TimeRange]:
    """What each point of the curve stands for: shots, long ones in equal parts."""
    return [TimeRange(start, end - start) for start, end in _stretches(evidence)]


def _stretches(evidence: Evidence) -> list[tuple[RationalTime, RationalTime]]:
    """Shots, long ones in equal parts. All on one clock, each at least a tick long."""
    rate = evidence.duration.rate
    edges = sorted(
        {0, evidence.duration.value, *(cut.at_rate(rate).value for cut in evidence.cuts)}
    )
    stretches = []
    for first, last in pairwise(edges):
        ticks = last - first
        parts = max(1, min(ticks, int(np.ceil(float(ticks / rate) / LONGEST_STEP_S))))
        inner = [first + ticks * part // parts for part in range(parts + 1)]
        stretches += [
            (RationalTime(start, rate), RationalTime(end, rate)) for start, end in pairwise(inner)
        ]
    return stretches


def _arousal_clues(evidence: Evidence, grid: Signal) -> list[_Clue]:
    """Motion, cutting rate, sound level."""
    clues = [_cutting_clue(evidence, grid)]
    seen, heard = evidence.appearance, evidence.hearing
    if seen is not None:
        moving = np.where(_stands_still(seen), np.nan, seen.motion)
        motion = _scaled(np.log(np.maximum(moving, 1e-4)), *np.log(MOTION_RANGE))
        clues.append(_clue(grid, seen.time_s, motion, seen.contrast, MOTION_SHARE))
    else:
        clues.append(_nothing(grid, MOTION_SHARE))
    if heard is not None and not heard.is_silent:
        level = _scaled(heard.level_db, *LEVEL_RANGE_DB)
        if (end_s := heard.ended_s) is not None:  # no sound is not a quiet sound
            level = np.where(heard.time_s < end_s, level, np.nan).astype(np.float32)
        clues.append(_clue(grid, heard.time_s, level, None, LEVEL_SHARE))
    else:
        clues.append(_nothing(grid, LEVEL_SHARE))
    return clues


def _stands_still(seen: Appearance) -> NDArray[np.bool_]:
    """Where nothing at all moves for a while before and after. (S,)"""
    samples = max(1, round(STILL_S * SAMPLES_PER_S)) | 1
    return np.asarray(maximum_filter1d(np.nan_to_num(seen.motion), samples) == 0, np.bool_)


def _valence_clues(evidence: Evidence, grid: Signal) -> list[_Clue]:
    """Light, colour, brightness of the sound."""
    seen, heard = evidence.appearance, evidence.hearing
    clues = []
    if seen is not None:
        times, contrast = seen.time_s, seen.contrast
        clues.append(_clue(grid, times, _scaled(seen.light, *LIGHT_RANGE), contrast, LIGHT_SHARE))
    else:
        clues.append(_nothing(grid, LIGHT_SHARE))
    if seen is not None and len(seen) and seen.saturation.max() > COLOUR_FILM_SATURATION:
        saturation = _scaled(seen.saturation, *SATURATION_RANGE)
        warmth = _scaled(seen.warmth, *WARMTH_RANGE)
        clues.append(_clue(grid, times, saturation, contrast, SATURATION_SHARE))
        clues.append(_clue(grid, times, warmth, contrast, WARMTH_SHARE))
    else:  # black and white, or unseen: grey is not sad
        clues.append(_nothing(grid, SATURATION_SHARE + WARMTH_SHARE))
    if heard is not None and not heard.is_silent:
        centroid = _scaled(np.log(np.maximum(heard.brightness_hz, 1.0)), *np.log(CENTROID_RANGE_HZ))
        clues.append(_clue(grid, heard.time_s, centroid, None, CENTROID_SHARE))
    else:
        clues.append(_nothing(grid, CENTROID_SHARE))
    return clues


def _cutting_clue(evidence: Evidence, grid: Signal) -> _Clue:
    """How fast the film is cut: exp(-shot length / delta), smoothed. No cut at all in a short film
    tells little."""
    duration_s = float(evidence.duration.seconds)
    edges = np.array([0.0, *(float(cut.seconds) for cut in evidence.cuts), duration_s])
    shot = np.clip(np.searchsorted(edges, grid, side="right") - 1, 0, len(edges) - 2)
    rate = 2 * np.exp(-np.diff(edges)[shot] / CUTTING_S) - 1
    visible = np.ones_like(grid)
    seen = evidence.appearance
    if seen is not None and not evidence.cuts_are_known:
        visible = _on_grid(grid, seen.time_s, (seen.contrast > VISIBLE_CONTRAST).astype(np.float32))
    trust = visible * min(1.0, max(duration_s, 6.0 * len(evidence.cuts)) / ENOUGH_FOR_CUTTING_S)
    ones = np.ones_like(grid)
    smooth = _kaiser(rate, SLOW_S) / np.maximum(_kaiser(ones, SLOW_S), 1e-6)
    return _Clue(smooth.astype(np.float32), np.nan_to_num(trust).astype(np.float32), CUTTING_SHARE)


def _nothing(grid: Signal, share: float) -> _Clue:
    zeros = np.zeros(len(grid), np.float32)
    return _Clue(zeros, zeros, share)


def _clue(
    grid: Signal, times: Signal, value: Signal, contrast: Signal | None, share: float
) -> _Clue:
    """A signal on the grid, smoothed; trusted where there was something to be seen."""
    known = np.isfinite(value)
    if contrast is not None:
        known &= contrast > VISIBLE_CONTRAST
    weight = _on_grid(grid, times, known.astype(np.float32))
    filled = np.where(known, value, 0.0).astype(np.float32)
    product = _on_grid(grid, times, filled)
    near = _kaiser(np.nan_to_num(weight), FAST_S)
    smooth = _kaiser(np.nan_to_num(product), FAST_S) / np.maximum(near, 1e-6)
    whole = _kaiser(np.ones(len(grid), np.float32), FAST_S)
    return _Clue(np.clip(smooth, -1, 1), np.clip(near / np.maximum(whole, 1e-6), 0, 1), share)


def _on_grid(grid: Signal, times: Signal, values: Signal) -> Signal:
    """The mean of the samples in each cell of the grid; a cell without any takes its neighbours'.
    (K,)"""
    if len(times) == 0:
        return np.zeros(len(grid), np.float32)
    cell = np.clip((times * GRID_HZ).astype(int), 0, len(grid) - 1)
    count = np.bincount(cell, minlength=len(grid))
    total = np.bincount(cell, weights=values, minlength=len(grid))
    there = np.flatnonzero(count)
    return np.interp(np.arange(len(grid)), there, total[there] / count[there]).astype(np.float32)


def _kaiser(signal: Signal, length_s: float) -> Signal:
    """Convolve with a Kaiser window, zeros outside. (K,) → (K,)"""
    taps = max(1, int(length_s * GRID_HZ) | 1)
    window = np.kaiser(taps, KAISER_BETA)
    padded = np.pad(signal, taps // 2)
    return np.asarray(np.convolve(padded, window / window.sum(), mode="valid"), np.float32)


def _scaled(values: Signal, low: float, high: float) -> Signal:
    """Linearly to [-1, 1], held at the ends; NaN stays NaN."""
    return np.asarray(np.clip((values - low) / (high - low) * 2 - 1, -1, 1), np.float32)


def _weighed(
    clues: Sequence[_Clue], least_deviation: float, enough: float
) -> tuple[Signal, Signal]:
    """The trusted mean of all clues, drawn towards 0 by what is missing, and its standard
    deviation. Two (K,)"""
    share = np.array([clue.share for clue in clues], np.float32)[:, None]
    trust = np.stack([clue.trust for clue in clues]) * share  # (C, K)
    value = np.stack([clue.value for clue in clues])
    total = trust.sum(axis=0)
    mean = (trust * value).sum(axis=0) / np.maximum(total, 1e-6)
    spread = np.sqrt((trust * (value - mean) ** 2).sum(axis=0) / np.maximum(total, 1e-6))
    known = np.clip(total / share.sum(), 0, 1) * enough
    deviation = np.sqrt(
        least_deviation**2 + (spread / 2) ** 2 + (ABSENT_DEVIATION * (1 - known)) ** 2
    )
    # The square root: half of the evidence is more than half of an opinion.
    return np.clip(mean * np.sqrt(known), -1, 1), np.clip(deviation, 0, 1)
