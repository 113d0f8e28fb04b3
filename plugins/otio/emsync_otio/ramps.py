"""Speed ramps: OpenTimelineIO knows constant speeds alone, so an item that has a ramp carries its
mean speed for everybody, and the ramp itself in its metadata.

Straight between points; how an editor eases around them is not modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import opentimelineio as otio

from emsync_otio.clock import Seconds

__all__ = ["RampPoint", "ramp_of", "state_ramp_in_place"]

_ABOUT, _RAMP = "emsync_otio", "ramp"

RampPoint = tuple[Seconds, Seconds]
"""Seconds from an item's first frame, and what its own clock reads there."""


def state_ramp_in_place(item: otio.core.Item, points: Sequence[RampPoint]) -> None:
    """Keep a ramp, where the points do not all lie on one line."""
    if len(_slopes(points)) > 1:
        said = [[str(time), str(value)] for time, value in points]
        item.metadata[_ABOUT] = {**dict(item.metadata.get(_ABOUT, {})), _RAMP: said}


def ramp_of(item: otio.core.Item) -> tuple[RampPoint, ...]:
    """The points of an item's ramp, in order; none where its speed is constant."""
    said = item.metadata.get(_ABOUT, {}).get(_RAMP, ())
    return tuple((Fraction(str(time)), Fraction(str(value))) for time, value in said)


def _slopes(points: Sequence[RampPoint]) -> set[Fraction]:
    return {
        (value_b - value_a) / (time_b - time_a)
        for (time_a, value_a), (time_b, value_b) in pairwise(points)
        if time_a < time_b
    }
