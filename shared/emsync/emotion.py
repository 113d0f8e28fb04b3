"""Emotion along picture time: valence and arousal, both in [-1, 1] (Russell's circumplex)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from emsync.timecode import RationalTime, TimeRange

__all__ = [
    "EmotionCurve",
    "EmotionOverride",
    "EmotionPoint",
    "EmotionVote",
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


@dataclass(frozen=True, slots=True)
class EmotionOverride:
    """An emotion that a person sets by hand: it wins over what was estimated."""

    time: RationalTime
    emotion: ValenceArousal
    end: RationalTime | None = None
    """Until then it holds, as for a shot. None: a keyframe. From the first keyframe to the last the
    line through them holds."""

    def __post_init__(self) -> None:
        if self.end is not None and self.end.seconds <= self.time.seconds:
            raise ValueError(
                f"an emotion set from {float(self.time.seconds):.3f} s cannot hold until "
                f"{float(self.end.seconds):.3f} s"
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

    def overridden(self, overrides: Sequence[EmotionOverride]) -> EmotionCurve:
        """The curve where a person's values have won; of two that meet, the later in the list."""
        keyframes = sorted((each for each in overrides if each.end is None), key=_start_s)
        points = {_time_s(point): point for point in self.points}
        if keyframes:
            first_s, last_s = _start_s(keyframes[0]), _start_s(keyframes[-1])
            points = {at: each for at, each in points.items() if not first_s <= at <= last_s}
            points |= {_start_s(each): _by_hand(each.time, each.emotion) for each in keyframes}
        for each in overrides:
            if each.end is not None:
                points = _held(points, each, each.end)
        return EmotionCurve(tuple(point for _, point in sorted(points.items())))


@dataclass(frozen=True, slots=True)
class EmotionVote:
    """What one expert made of one shot."""

    expert: str
    emotion: ValenceArousal
    uncertainty: ValenceArousal
    """Standard deviation per axis, [0, 1]."""
    share: float
    """Its part in the shot's emotion, 0 to 1; 0 where it knew no more than nothing."""


@dataclass(frozen=True, slots=True)
class ShotNotes:
    """Why a shot is felt to be as it is: what each expert said, saw and heard there."""

    range: TimeRange
    votes: tuple[EmotionVote, ...] = ()
    ekman: tuple[tuple[str, float], ...] = ()
    """Basic emotions and how likely each is, where faces or words spoke of them."""
    tags: tuple[tuple[str, float], ...] = ()
    """What sounds, and how likely it is."""
    text: str = ""
    """Words that were heard or seen."""


def _time_s(point: EmotionPoint) -> float:
    return float(point.time.seconds)


def _start_s(override: EmotionOverride) -> float:
    return float(override.time.seconds)


def _by_hand(time: RationalTime, emotion: ValenceArousal) -> EmotionPoint:
    return EmotionPoint(time, emotion, ValenceArousal(0.0, 0.0))


def _held(
    points: dict[float, EmotionPoint], override: EmotionOverride, end: RationalTime
) -> dict[float, EmotionPoint]:
    """Points by time, with one emotion from a moment to another: before and after it the curve is
    what it was, to the tick."""
    before = EmotionCurve(tuple(point for _, point in sorted(points.items())))
    start, tick = override.time, RationalTime(1, override.time.rate)
    outside = {
        at: each for at, each in points.items() if not _time_s_of(start) <= at < _time_s_of(end)
    }
    edges = [
        _by_hand(moment, before.at(_time_s_of(moment)))
        for moment in (start - tick, end)
        if moment.value >= 0 and _time_s_of(moment) not in outside
    ]
    inside = [_by_hand(start, override.emotion)]
    if (end - tick).seconds > start.seconds:
        inside.append(_by_hand(end - tick, override.emotion))
    return outside | {_time_s(each): each for each in (*edges, *inside)}


def _time_s_of(time: RationalTime) -> float:
    return float(time.seconds)
