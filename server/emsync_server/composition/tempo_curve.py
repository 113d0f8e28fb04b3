"""Tempo inside a stretch whose ends are fixed: it follows what is asked, and glides where that
softens a jump.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import accumulate

from emsync.score import TempoAnchor
from emsync_server.composition.meter_search import Stretch
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.tempo_target import TempoTarget

LEAST_CHANGE = 0.004  # tempo changes smaller than this share are not written
LEAST_BEATS_TO_GLIDE = 4
CLOCK_HZ = 1_000_000  # inner anchors lie on whole microseconds
GLIDES = (1.0, 0.6, 0.3)  # how much of a jump is taken into the stretch, tried in turn
SWINGS = (1.0, 0.75, 0.5, 0.25, 0.0)  # how much of what is asked is followed, tried in turn


def stretch_anchors(
    ends: tuple[TempoAnchor, TempoAnchor],
    log_factors: tuple[float, float, float],
    stretch: Stretch,
    target: TempoTarget,
) -> list[TempoAnchor]:
    """The anchors between two fixed ones, beat by beat; none where the tempo is steady.

    log_factors: log of tempo over asked tempo in the stretch before, in this one, and in the one
    after.
    """
    start, end = ends
    lengths = _beats(start.time_q, end.time_q)
    asked = _asked_bpm(lengths, start, stretch, target)
    limits = (stretch.least_factor, stretch.greatest_factor)
    duration_s = float(end.time_s - start.time_s)
    inside = limits[0] <= math.exp(log_factors[1]) <= limits[1]
    for amount in (*GLIDES, 0.0) if inside and len(lengths) >= LEAST_BEATS_TO_GLIDE else (0.0,):
        shape = _glide(len(lengths), log_factors, amount)
        tempi = [bpm * math.exp(log) for bpm, log in zip(asked, shape, strict=True)]
        played_s = sum(60 * float(q) / bpm for q, bpm in zip(lengths, tempi, strict=True))
        tempi = [bpm * played_s / duration_s for bpm in tempi]
        factors = [bpm / want for bpm, want in zip(tempi, asked, strict=True)]
        if amount == 0 or (min(factors) >= limits[0] and max(factors) <= limits[1]):
            break
    return _anchors_of(ends, lengths, _within(tempi, lengths, duration_s, stretch.tempo_bpm))


def _within(
    tempi: list[float],
    lengths: list[Fraction],
    duration_s: float,
    limits: tuple[float, float],
) -> list[float]:
    """The tempi, with swings as small as it takes to stay between the limits; steady where even
    that does not help.
    """
    steady = 60 * float(sum(lengths)) / duration_s
    flatter = tempi
    for swing in SWINGS:
        flatter = [steady * (bpm / steady) ** swing for bpm in tempi]
        played_s = sum(60 * float(q) / bpm for q, bpm in zip(lengths, flatter, strict=True))
        flatter = [bpm * played_s / duration_s for bpm in flatter]
        if limits[0] <= min(flatter) and max(flatter) <= limits[1]:
            break
    return flatter


def _beats(start_q: Fraction, end_q: Fraction) -> list[Fraction]:
    """Lengths of whole quarters from the start, the last one shorter where they do not fill."""
    whole, rest = divmod(end_q - start_q, 1)
    return [Fraction(1)] * int(whole) + ([rest] if rest else [])


def _asked_bpm(
    lengths: list[Fraction], start: TempoAnchor, stretch: Stretch, target: TempoTarget
) -> list[float]:
    """The asked tempo at the middle of each beat, by the share of the stretch's quarters played so
    far.
    """
    total = float(sum(lengths))
    quarters = target.quarters_at(float(start.time_s))
    asked_q = stretch.asked_steps / STEPS_PER_QUARTER
    ends = list(accumulate(float(length) for length in lengths))
    middles = [e - float(q) / 2 for e, q in zip(ends, lengths, strict=True)]
    return [target.bpm_at_quarters(quarters + asked_q * middle / total) for middle in middles]


def _glide(beats: int, log_factors: tuple[float, float, float], amount: float) -> list[float]:
    """Log tempo over asked tempo at each beat: from half-way to the last stretch, to half-way to
    the next.
    """
    before, own, after = log_factors
    first = own + amount * (before - own) / 2
    last = own + amount * (after - own) / 2
    middle = 2 * own - (first + last) / 2  # the mean over the stretch stays its own
    shape = []
    for i in range(beats):
        u = 2 * (i + 0.5) / beats
        shape.append(first + (middle - first) * u if u < 1 else middle + (last - middle) * (u - 1))
    return shape


def _anchors_of(
    ends: tuple[TempoAnchor, TempoAnchor], lengths: list[Fraction], tempi: list[float]
) -> list[TempoAnchor]:
    """Anchors where the tempo has changed enough to be written."""
    start, end = ends
    if max(tempi) / min(tempi) < 1 + LEAST_CHANGE:
        return []
    anchors: list[TempoAnchor] = []
    time_q, time_s, current = start.time_q, float(start.time_s), tempi[0]
    for length, bpm in zip(lengths, tempi, strict=True):
        if abs(bpm / current - 1) >= LEAST_CHANGE and time_q > start.time_q:
            moment = Fraction(round(time_s * CLOCK_HZ), CLOCK_HZ)
            if start.time_s < moment < end.time_s:
                anchors.append(TempoAnchor(time_q, moment))
            current = bpm
        time_q += length
        time_s += 60 * float(length) / bpm
    return anchors
