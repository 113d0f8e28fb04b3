"""What the music makes of an emotion that is not sure."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.cue import Cue
from emsync.emotion import (
    EmotionCurve,
    EmotionOverride,
    EmotionPoint,
    EmotionWish,
    ValenceArousal,
)
from emsync.timecode import RationalTime, TimeRange
from emsync_server.composition.expression import GREATEST_GAIN, expressed

RATE = Fraction(24)
axis = st.floats(-1, 1)


def cue_of(value: float, off: float) -> Cue:
    start = RationalTime(0, RATE)
    point = EmotionPoint(start, ValenceArousal(value, value), ValenceArousal(off, off))
    return Cue("one", TimeRange(start, RationalTime(240, RATE)), (), EmotionCurve((point,)))


def valence_of(cue: Cue) -> float:
    return expressed(cue).emotion.points[0].emotion.valence


@given(axis)
def test_what_is_sure_stays_as_it_is(value):
    assert valence_of(cue_of(value, 0.0)) == value


@given(axis, st.floats(0, 1), st.floats(0, 1))
def test_the_less_sure_the_farther_from_the_middle_within_bounds(value, one, other):
    less, more = sorted((one, other))
    surer, bolder = abs(valence_of(cue_of(value, less))), abs(valence_of(cue_of(value, more)))
    assert abs(value) <= surer <= bolder <= min(1.0, GREATEST_GAIN * abs(value) + 1e-9)


def test_a_curve_gets_back_the_deviation_that_its_estimate_lost():
    assert valence_of(cue_of(0.3, 0.3)) == pytest.approx(0.3 / 0.8)  # 0.3² + 0.4² = 0.5²


def test_what_a_person_sets_is_followed_to_the_letter():
    cue = cue_of(0.3, 0.4)
    by_hand = EmotionOverride(RationalTime(0, RATE), EmotionWish(-0.6, 0.2))
    assert valence_of(replace(cue, overrides=(by_hand,))) == -0.6
