"""How much the music makes of an emotion that is not sure.

An estimate is drawn towards the middle by what it does not know: of films whose moods differ by a
deviation of 0.5 it shows a part only, and music that followed it to the letter would be tame. So
the curve is spread again until its deviation is that of the moods themselves. What is sure, such as
what a person set by hand, stays as it is.
"""

from __future__ import annotations

import math
from dataclasses import replace

from emsync.cue import Cue
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal

__all__ = ["expressed"]

MOOD_VARIANCE = 0.25
"""Of shots about which nothing is known: the prior of `spotting/fusion`."""
GREATEST_GAIN = 2.0


def expressed(cue: Cue) -> Cue:
    """The cue with the emotion that its music should have."""
    points = tuple(replace(point, emotion=_spread(point)) for point in cue.felt.points)
    return replace(cue, emotion=EmotionCurve(points), overrides=())


def _spread(point: EmotionPoint) -> ValenceArousal:
    return ValenceArousal(
        _scaled(point.emotion.valence, point.uncertainty.valence),
        _scaled(point.emotion.arousal, point.uncertainty.arousal),
    )


def _scaled(value: float, off: float) -> float:
    """A posterior mean at the deviation of the prior: their ratio is √(1 − off² / prior)."""
    known = max(1 - off**2 / MOOD_VARIANCE, GREATEST_GAIN**-2)
    return min(max(value / math.sqrt(known), -1.0), 1.0)
