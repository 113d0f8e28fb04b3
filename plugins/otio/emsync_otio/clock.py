"""OpenTimelineIO's floating-point time, made exact: seconds and rates as fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

import opentimelineio as otio

from emsync.errors import TimelineError

__all__ = ["Seconds", "exact_rate", "exact_seconds", "otio_range", "otio_time", "seconds_range"]

Seconds: TypeAlias = Fraction
"""A moment or length in seconds, exactly."""

_NTSC_TOLERANCE = 2e-4  # '23.98' is 1.7e-4 off 24000/1001; 24 is 1e-3 off
_SMALLEST_STEP = 10**6  # values of clocks are whole ticks, or ticks scaled by 1.001 and its like


@lru_cache(maxsize=256)  # asked for each time of each clip
def exact_rate(rate: float) -> Fraction:
    """The rate that a float stands for: 23.976, 23.98 and 23.976023976 are all 24000/1001."""
    if not math.isfinite(rate) or rate <= 0:
        raise TimelineError(
            f"The timeline counts time at {rate} frames per second, which is no rate. "
            "Export it again from the editor."
        )
    whole = round(rate * 1.001)
    ntsc = Fraction(whole * 1000, 1001)
    if rate != round(rate) and whole > 0 and abs(rate / float(ntsc) - 1) < _NTSC_TOLERANCE:
        return ntsc
    return Fraction(rate).limit_denominator(1001)


def exact_seconds(time: otio.opentime.RationalTime) -> Seconds:
    """The moment that an OpenTimelineIO time stands for."""
    return _seconds(time.value, time.rate)


@lru_cache(maxsize=1 << 16)  # a timeline of 20,000 clips is gone through several times
def _seconds(value: float, rate: float) -> Seconds:
    if not math.isfinite(value):
        raise TimelineError(
            f"The timeline holds a time of {value} frames, which is no time. "
            "Export it again from the editor."
        )
    nearest = round(value)
    ticks = (
        Fraction(nearest)
        if abs(value - nearest) < 1.0 / _SMALLEST_STEP
        else Fraction(value).limit_denominator(_SMALLEST_STEP)
    )
    return ticks / exact_rate(rate)


def seconds_range(time_range: otio.opentime.TimeRange) -> tuple[Seconds, Seconds]:
    """Start and duration of a range; a negative duration is refused."""
    duration = exact_seconds(time_range.duration)
    if duration < 0:
        raise TimelineError(
            f"The timeline holds an item that lasts {float(duration):.3f} s. "
            "Export it again from the editor."
        )
    return exact_seconds(time_range.start_time), duration


def otio_time(seconds: Seconds, rate: Fraction) -> otio.opentime.RationalTime:
    """An OpenTimelineIO time; whole frames stay whole."""
    return otio.opentime.RationalTime(float(seconds * rate), float(rate))


def otio_range(start: Seconds, duration: Seconds, rate: Fraction) -> otio.opentime.TimeRange:
    """An OpenTimelineIO range."""
    return otio.opentime.TimeRange(otio_time(start, rate), otio_time(duration, rate))
