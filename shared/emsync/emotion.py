"""Emotion along picture time: valence and arousal, both in [-1, 1] (Russell's circumplex)."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise

from emsync.timecode import RationalTime, TimeRange, moment_of

__all__ = [
    "EmotionCurve",
    "EmotionOverride",
    "EmotionPoint",
    "EmotionVote",
    "EmotionWish",
    "Mood",
    "ShotNotes",
    "ValenceArousal",
]


@dataclass(frozen=True, slots=True)
class ValenceArousal:
    """A point of the circumplex: unpleasant to pleasant, calm to excited."""

    valence: float
    arousal: float

    def __post_init__(self) -> None:
        for axis, value in (("valence", self.valence), ("arousal", self.arousal)):
            if math.isnan(value) or not -1.0 <= value <= 1.0:
                raise ValueError(f"{axis} lies in [-1, 1], not {value}")


class Mood(Enum):
    """Words for places on the circumplex, where a person overrides what the picture says."""

    JOY = "joy"
    TENDERNESS = "tenderness"
    CALM = "calm"
    SADNESS = "sadness"
    FEAR = "fear"
    ANGER = "anger"
    SURPRISE = "surprise"

    @property
    def place(self) -> ValenceArousal:
        """Where the word lies."""
        return _PLACES[self]


# Russell & Mehrabian's (1977) means, each axis stretched to ±0.8 as spotting does; tenderness and
# calm are not among them and lie where the circumplex has those words.
_PLACES: dict[Mood, ValenceArousal] = {
    Mood.JOY: ValenceArousal(0.80, 0.48),
    Mood.TENDERNESS: ValenceArousal(0.55, -0.25),
    Mood.CALM: ValenceArousal(0.40, -0.65),
    Mood.SADNESS: ValenceArousal(-0.79, -0.80),
    Mood.FEAR: ValenceArousal(-0.80, 0.68),
    Mood.ANGER: ValenceArousal(-0.65, 0.66),
    Mood.SURPRISE: ValenceArousal(0.39, 0.80),
}


@dataclass(frozen=True, slots=True)
class EmotionPoint:
    """The emotion at one moment, and how far it may be off."""

    time: RationalTime
    emotion: ValenceArousal
    uncertainty: ValenceArousal
    """Standard deviation per axis, in the axis' own units, [0, 1]."""

    def __post_init__(self) -> None:
        _check_after_start("a point of an emotion curve", self.time)
        _check_deviations(self.uncertainty)


@dataclass(frozen=True, slots=True)
class EmotionWish:
    """A point of the circumplex of which one axis may be left open."""

    valence: float | None = None
    arousal: float | None = None

    def __post_init__(self) -> None:
        if self.valence is None and self.arousal is None:
            raise ValueError("an emotion set by hand says valence, arousal, or both")
        ValenceArousal(self.valence or 0.0, self.arousal or 0.0)  # refuses what lies outside


@dataclass(frozen=True, slots=True)
class EmotionOverride:
    """An emotion that a person sets by hand: it wins over what was estimated."""

    time: RationalTime
    emotion: EmotionWish
    """An axis that is left open stays as it was estimated."""
    end: RationalTime | None = None
    """Until then it holds, as for a shot. None: a keyframe. From the first keyframe to the last the
    line through them holds."""

    def __post_init__(self) -> None:
        _check_after_start("an emotion set by hand", self.time)
        if self.end is not None and self.end.seconds <= self.time.seconds:
            raise ValueError(
                f"an emotion set from {moment_of(self.time)} cannot hold until "
                f"{moment_of(self.end)}"
            )


@dataclass(frozen=True, slots=True)
class EmotionCurve:
    """Points in time order; linear between them, flat before the first and after the last."""

    points: tuple[EmotionPoint, ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError("an emotion curve needs at least one point")
        times = [point.time.seconds for point in self.points]
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("the points of an emotion curve must follow one another in time")

    def at(self, time_s: float) -> ValenceArousal:
        """The emotion at a moment of picture time, in seconds."""
        after = bisect_right(self.points, time_s, key=_time_s)
        if after == 0:
            return self.points[0].emotion
        if after == len(self.points):
            return self.points[-1].emotion
        left, right = self.points[after - 1].emotion, self.points[after].emotion
        left_s, right_s = _time_s(self.points[after - 1]), _time_s(self.points[after])
        share = (time_s - left_s) / (right_s - left_s)
        return ValenceArousal(
            left.valence + share * (right.valence - left.valence),
            left.arousal + share * (right.arousal - left.arousal),
        )

    def mean(self, start_s: float, end_s: float) -> ValenceArousal:
        """The mean emotion from one moment of picture time to a later one, in seconds."""
        first = bisect_right(self.points, start_s, key=_time_s)
        inside = self.points[first : bisect_left(self.points, end_s, key=_time_s)]
        moments = [start_s, *map(_time_s, inside), end_s]
        felt = [self.at(time_s) for time_s in moments]
        means = []
        for axis in AXES:
            values = [getattr(each, axis) for each in felt]
            areas = [
                (later_s - earlier_s) * (one + other) / 2
                for (earlier_s, later_s), (one, other) in zip(
                    pairwise(moments), pairwise(values), strict=True
                )
            ]
            means.append(min(1.0, max(-1.0, sum(areas) / (end_s - start_s))))
        return ValenceArousal(*means)

    def nearest(self, moment: Fraction) -> EmotionPoint:
        """The point nearest to a moment, in seconds; of two as near, the earlier."""
        after = bisect_right(self.points, moment, key=lambda point: point.time.seconds)
        beside = self.points[max(0, after - 1) : after + 1]
        return min(beside, key=lambda point: abs(point.time.seconds - moment))

    def overridden(self, overrides: Sequence[EmotionOverride]) -> EmotionCurve:
        """The curve where a person's values have won; of two that meet, the later in the list."""
        valence, arousal = (_axis_by_hand(self, name, overrides) for name in AXES)
        times = {each.time.seconds: each.time for each in self.points}
        for each in overrides:
            times |= {time.seconds: time for time in _moments(each)}
        points = []
        for moment in sorted({*valence.moments, *arousal.moments}):
            (v, v_off), (a, a_off) = valence.at(moment), arousal.at(moment)
            emotion, off = ValenceArousal(v, a), ValenceArousal(v_off, a_off)
            points.append(EmotionPoint(times[moment], emotion, off))
        return EmotionCurve(tuple(points))


@dataclass(frozen=True, slots=True)
class EmotionVote:
    """What one expert made of one shot."""

    expert: str
    emotion: ValenceArousal
    uncertainty: ValenceArousal
    """Standard deviation per axis, [0, 1]."""
    share: float
    """Its part in the shot's emotion, 0 to 1; 0 where it knew no more than nothing."""

    def __post_init__(self) -> None:
        if not self.expert.strip():
            raise ValueError("a vote says which expert gave it, and here is no name")
        _check_deviations(self.uncertainty)
        _check_share(f"the share of '{self.expert}'", self.share)


@dataclass(frozen=True, slots=True)
class ShotNotes:
    """Why a shot is felt to be as it is: what each expert said, saw and heard there."""

    range: TimeRange
    votes: tuple[EmotionVote, ...] = ()
    ekman: tuple[tuple[str, float], ...] = ()
    """Basic emotions and how likely each is, where faces, words or a network of the user's spoke of
    them."""
    tags: tuple[tuple[str, float], ...] = ()
    """What sounds, and how likely it is."""
    text: str = ""
    """Words that were heard or seen."""

    def __post_init__(self) -> None:
        _check_after_start("a shot", self.range.start)
        if self.range.duration.value == 0:
            raise ValueError(f"a shot has a length; that at {moment_of(self.range.start)} has none")
        for name, value in (*self.ekman, *self.tags):
            where = moment_of(self.range.start)
            _check_share(f"how likely '{name}' is in the shot at {where}", value)


def _check_after_start(what: str, time: RationalTime) -> None:
    if time.value < 0:
        raise ValueError(f"{what} cannot lie before the picture, at {moment_of(time)}")


def _check_deviations(off: ValenceArousal) -> None:
    """A point of the circumplex may lie below 0; how far one is off cannot."""
    for axis in AXES:
        value = getattr(off, axis)
        if value < 0:
            raise ValueError(
                f"an uncertainty is a standard deviation, 0 to 1; that of {axis} is {value}"
            )


def _check_share(what: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:  # False for NaN, too
        raise ValueError(f"{what} lies in [0, 1], not {value}")


def _time_s(point: EmotionPoint) -> float:
    return float(point.time.seconds)


AXES = ("valence", "arousal")


class _Line:
    """One axis along time, in exact seconds: its value, and how far it may be off."""

    def __init__(self, known: dict[Fraction, tuple[float, float]]) -> None:
        self.known = known
        self.moments = sorted(known)

    def at(self, moment: Fraction) -> tuple[float, float]:
        """Value and deviation; flat before the first and after the last."""
        after = bisect_right(self.moments, moment)
        before = self.moments[max(0, after - 1)]
        if after in (0, len(self.moments)) or before == moment:
            return self.known[before]
        (value, off), (next_value, next_off) = self.known[before], self.known[self.moments[after]]
        share = float((moment - before) / (self.moments[after] - before))
        return value + share * (next_value - value), off + share * (next_off - off)

    def without(self, is_out: Callable[[Fraction], bool]) -> dict[Fraction, tuple[float, float]]:
        """What is left when some moments are taken out."""
        return {moment: each for moment, each in self.known.items() if not is_out(moment)}


def _axis_by_hand(curve: EmotionCurve, name: str, overrides: Sequence[EmotionOverride]) -> _Line:
    """One axis of the curve where a person's values have won."""
    line = _Line({each.time.seconds: (getattr(each.emotion, name), getattr(each.uncertainty, name))
                  for each in curve.points})  # fmt: skip
    told = [each for each in overrides if getattr(each.emotion, name) is not None]
    keys = {each.time.seconds: (getattr(each.emotion, name), 0.0)
            for each in told if each.end is None}  # fmt: skip
    if keys:
        first, last = min(keys), max(keys)
        line = _Line(line.without(lambda moment: first <= moment <= last) | keys)
    for each in told:
        if each.end is not None:
            line = _held(line, each, getattr(each.emotion, name))
    return line


def _held(line: _Line, override: EmotionOverride, value: float) -> _Line:
    """The line with one value from a moment to another: before and after it, it is what it was, to
    the tick."""
    before, start, last, end = (time.seconds for time in _moments(override))
    kept = {moment: line.at(moment) for moment in (before, end) if moment >= 0}
    inside = dict.fromkeys((start, max(start, last)), (value, 0.0))
    return _Line(line.without(lambda moment: start <= moment < end) | kept | inside)


def _moments(override: EmotionOverride) -> tuple[RationalTime, ...]:
    """The tick before it, its start, its last tick, and its end; of a keyframe its time alone."""
    if override.end is None:
        return (override.time,)
    tick = RationalTime(1, override.time.rate)
    return override.time - tick, override.time, override.end - tick, override.end
