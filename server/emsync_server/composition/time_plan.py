"""The time plan: bars, beats and tempo laid so that every locked hit falls on the grid exactly.

Exact landing comes first, then the tempo limits, then musical cost: hits on downbeats, few odd
bars, few tempo jumps,
a tempo near what the emotion asks. All times at hits and at the end are fractions; nothing is
rounded there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from emsync.errors import CueSheetError
from emsync.score import Meter, TempoAnchor, TempoMap
from emsync_server.composition.meter_search import Laid, Stretch, lay_bars
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.tempo_curve import stretch_anchors
from emsync_server.composition.tempo_target import TempoTarget

__all__ = ["PlannedHit", "Strain", "TimePlan", "TimePlanSettings", "plan_time"]

FASTEST_BPM = 300
LEAST_SEPARATION_S = Fraction(60, FASTEST_BPM * 8)  # a 32nd-note at the fastest tempo: 25 ms
TOLERATED_FACTOR = 1e-6  # floats meet limits this closely


@dataclass(frozen=True, slots=True)
class PlannedHit:
    """A locked hit: a moment that must fall on the grid."""

    time_s: Fraction
    """Seconds from the start of the cue."""
    weight: float = 1.0
    """0, a nudge, to 1, the moment of the cue: a weighty hit tries harder for a downbeat."""


@dataclass(frozen=True, slots=True)
class TimePlanSettings:
    """What the plan may do."""

    bar_quarters: int = 4
    tempo_bpm: tuple[float, float] = (40.0, 220.0)
    """Least and greatest tempo."""
    max_rubato: float = 0.08
    """By how much the tempo may leave what is asked, as a share."""

    def __post_init__(self) -> None:
        if not 1 <= self.bar_quarters <= 6:
            raise ValueError(f"a bar has 1 to 6 quarters, not {self.bar_quarters}")


@dataclass(frozen=True, slots=True)
class Strain:
    """A stretch that could only land by leaving the tempo limits."""

    time_s: Fraction
    """The landing at its end."""
    tempo_bpm: float
    asked_bpm: float

    @property
    def sentence(self) -> str:
        """For the person who placed the hit."""
        return (
            f"Landing at {float(self.time_s):.3f} s needs {self.tempo_bpm:.0f} quarters a minute "
            f"where {self.asked_bpm:.0f} were asked for."
        )


@dataclass(frozen=True, slots=True)
class TimePlan:
    """A tempo map, where the hits fall in it, and what had to give."""

    tempo_map: TempoMap
    hit_q: tuple[Fraction, ...]
    """The quarter of each hit, in the order given."""
    strains: tuple[Strain, ...]


def plan_time(
    length_s: Fraction,
    hits: Sequence[PlannedHit],
    target_bpm: Callable[[float], float],
    settings: TimePlanSettings | None = None,
) -> TimePlan:
    """Lay bars and beats over a cue of `length_s`; the end falls on a barline.

    target_bpm: the tempo that the emotion asks for at a moment, in seconds from the start of the
    cue.
    """
    settings = settings or TimePlanSettings()
    _check(length_s, hits)
    moments = [Fraction(0), *(hit.time_s for hit in hits if hit.time_s > 0), length_s]
    weights = [hit.weight for hit in hits if hit.time_s > 0] + [1.0]
    target = TempoTarget.sampled(float(length_s), target_bpm, settings.tempo_bpm)
    stretches = [
        _stretch(target, span, weight, settings)
        for span, weight in zip(pairwise(moments), weights, strict=True)
    ]
    laid = lay_bars(
        stretches,
        bar_steps=settings.bar_quarters * STEPS_PER_QUARTER,
        max_rubato=settings.max_rubato,
    )
    tempo_map = TempoMap(_anchors(moments, laid, stretches, target), _meters(laid))
    hit_q = tuple(_quarters_before(laid, moments, hit.time_s) for hit in hits)
    return TimePlan(tempo_map, hit_q, tuple(_strains(moments, laid, stretches)))


def _check(length_s: Fraction, hits: Sequence[PlannedHit]) -> None:
    if length_s <= 0:
        raise CueSheetError(f"A cue of {float(length_s):.3f} s has no room for music.")
    times = [hit.time_s for hit in hits]
    if any(not 0 <= time < length_s for time in times):
        raise CueSheetError("A locked hit lies outside its cue. Move the hit or the cue's range.")
    for earlier, later in pairwise(times):
        if later <= earlier:
            raise CueSheetError("The locked hits of a cue must follow one another in time.")
        if later - earlier < LEAST_SEPARATION_S:
            raise CueSheetError(
                f"The locked hits at {float(earlier):.3f} s and {float(later):.3f} s of the cue "
                f"lie {float(1000 * (later - earlier)):.0f} ms apart; music cannot separate two "
                f"accents closer than {float(1000 * LEAST_SEPARATION_S):.0f} ms. "
                "Unlock or remove one of them."
            )


def _stretch(
    target: TempoTarget,
    span: tuple[Fraction, Fraction],
    weight: float,
    settings: TimePlanSettings,
) -> Stretch:
    start_s, end_s = float(span[0]), float(span[1])
    quarters = target.quarters_at(end_s) - target.quarters_at(start_s)
    least, greatest = target.range_between(start_s, end_s)
    low, high = settings.tempo_bpm
    return Stretch(
        asked_steps=quarters * STEPS_PER_QUARTER,
        least_factor=max(1 - settings.max_rubato, low / least) - TOLERATED_FACTOR,
        greatest_factor=min(1 + settings.max_rubato, high / greatest) + TOLERATED_FACTOR,
        weight=weight,
        tempo_bpm=settings.tempo_bpm,
    )


def _anchors(
    moments: list[Fraction], laid: list[Laid], stretches: list[Stretch], target: TempoTarget
) -> tuple[TempoAnchor, ...]:
    anchors = [TempoAnchor(Fraction(0), Fraction(0))]
    factors = [
        math.log(one.steps / asked.asked_steps) for one, asked in zip(laid, stretches, strict=True)
    ]
    for i, one in enumerate(laid):
        start = anchors[-1]
        end = TempoAnchor(start.time_q + Fraction(one.steps, STEPS_PER_QUARTER), moments[i + 1])
        before, after = factors[max(i - 1, 0)], factors[min(i + 1, len(laid) - 1)]
        anchors.extend(
            stretch_anchors((start, end), (before, factors[i], after), stretches[i], target)
        )
        anchors.append(end)
    return tuple(anchors)


def _meters(laid: list[Laid]) -> tuple[Meter, ...]:
    meters: list[Meter] = []
    start_q, previous = Fraction(0), 0
    for steps in (bar for one in laid for bar in one.bars):
        if steps != previous:
            meters.append(_meter(start_q, steps))
            previous = steps
        start_q += Fraction(steps, STEPS_PER_QUARTER)
    return tuple(meters)


def _meter(start_q: Fraction, steps: int) -> Meter:
    """The time signature of a bar, in the largest unit that counts it."""
    for denominator in (4, 8, 16):
        unit = 4 * STEPS_PER_QUARTER // denominator
        if steps % unit == 0:
            return Meter(start_q, steps // unit, denominator)
    raise AssertionError(f"a bar of {steps} steps is not a whole number of semiquavers")


def _quarters_before(laid: list[Laid], moments: list[Fraction], time_s: Fraction) -> Fraction:
    steps = 0
    for end, one in zip(moments[1:], laid, strict=True):
        if end > time_s:
            break
        steps += one.steps
    return Fraction(steps, STEPS_PER_QUARTER)


def _strains(moments: list[Fraction], laid: list[Laid], stretches: list[Stretch]) -> list[Strain]:
    strains: list[Strain] = []
    for (start, end), one, stretch in zip(pairwise(moments), laid, stretches, strict=True):
        factor = one.steps / stretch.asked_steps
        if not stretch.least_factor <= factor <= stretch.greatest_factor:
            bpm = float(Fraction(one.steps * 60, STEPS_PER_QUARTER) / (end - start))
            strains.append(Strain(end, bpm, bpm / factor))
    return strains
