"""Frame times: exact on a grid, the container's own ticks where there is none."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.timecode import RationalTime, is_drop_frame_rate, timecode_of
from emsync_server.media.clock import FilmClock, frames_of_timecode, plausible_rate

RATES = [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]
MILLISECOND = Fraction(1, 1000)


@given(st.sampled_from(RATES), st.lists(st.integers(1, 5), min_size=1, max_size=200))
def test_times_rounded_to_milliseconds_become_exact_frames_again(rate, steps):
    clock = FilmClock(MILLISECOND, rate)
    index, seen = 0, []
    for step in [0, *steps]:
        index += step
        tick = round(index / rate / MILLISECOND)
        clock.see(tick)
        seen.append((tick, index))
    assert clock.on_grid
    assert [clock.time(tick) for tick, _ in seen] == [
        RationalTime(index, rate) for _, index in seen
    ]


def test_jittered_times_keep_the_containers_ticks():
    clock = FilmClock(MILLISECOND, Fraction(25))
    for tick in (0, 53, 78, 131, 160):
        clock.see(tick)
    assert not clock.on_grid
    assert clock.time(53).seconds == Fraction(53, 1000)


def test_a_rate_that_is_a_clock_is_replaced_by_what_was_seen():
    clock = FilmClock(MILLISECOND, Fraction(250))
    for index in range(50):
        clock.see(index * 40 + index % 3)
    assert clock.nominal_rate == pytest.approx(25, rel=0.01)


@pytest.mark.parametrize(
    ("candidates", "rate"),
    [
        ((Fraction(24000, 1001),), Fraction(24000, 1001)),
        ((Fraction(23976, 1000),), Fraction(24000, 1001)),
        ((Fraction(90000), Fraction(25)), Fraction(25)),
        ((None, Fraction(0), Fraction(179, 6)), Fraction(179, 6)),
        ((None,), Fraction(25)),
    ],
)
def test_the_first_plausible_rate_is_taken(candidates, rate):
    assert plausible_rate(*candidates) == rate


@given(st.sampled_from(RATES), st.integers(0, 24 * 3600 - 1), st.booleans())
def test_a_timecode_tag_is_the_inverse_of_writing_one(rate, second, drop):
    drop = drop and is_drop_frame_rate(rate)
    count = RationalTime(math.floor(second * rate), rate)
    assert frames_of_timecode(timecode_of(count, drop_frame=drop), rate) == count


@pytest.mark.parametrize(
    "text", ["", "now", "01:00:00", "01:61:00:00", "01:00:00:24", "-1:00:00:00"]
)
def test_what_is_no_timecode_is_not_taken_for_one(text):
    assert frames_of_timecode(text, Fraction(24)) is None
