"""Emotion along picture time: valence and arousal, both in [-1, 1] (Russell's circumplex)."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from emsync.timecode import RationalTime

__all__ = ["EmotionCurve", "EmotionPoint", "Mood", "ValenceArousal"]


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


def _time_s(point: EmotionPoint) -> float:
    return float(point.time.seconds)
