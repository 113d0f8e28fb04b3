"""Exact time: moments and ranges as ticks of a rational clock, and SMPTE timecode (ST 12-1)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

__all__ = [
    "RationalTime",
    "TimeRange",
    "counts_drop_frame",
    "is_drop_frame_rate",
    "is_timecode_rate",
    "moment_of",
    "parse_rate",
    "parse_timecode",
    "timecode_of",
]

HALF = Fraction(1, 2)
MOST_FRAMES = 240
"""A second; faster clocks count ticks."""
TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")


@dataclass(frozen=True, slots=True)
class RationalTime:
    """A moment or a length: `value` ticks of a clock that runs at `rate` ticks per second."""

    value: int
    rate: Fraction  # frames of 23.976 film: Fraction(24000, 1001)

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"a clock's rate must be above zero, not {self.rate}")

    @classmethod
    def from_seconds(cls, seconds: Fraction | float, rate: Fraction) -> RationalTime:
        """The nearest tick of a clock to a moment in seconds; halves go up."""
        return cls(math.floor(Fraction(seconds) * rate + HALF), rate)

    @property
    def seconds(self) -> Fraction:
        """This time in seconds, exactly."""
        return self.value / self.rate

    def at_rate(self, rate: Fraction) -> RationalTime:
        """The nearest tick of another clock; halves go up."""
        return RationalTime(math.floor(self.seconds * rate + HALF), rate)

    def __add__(self, other: RationalTime) -> RationalTime:
        return self._combined(other, 1)

    def __sub__(self, other: RationalTime) -> RationalTime:
        return self._combined(other, -1)

    def __lt__(self, other: RationalTime) -> bool:
        return self.seconds < other.seconds

    def __le__(self, other: RationalTime) -> bool:
        return self.seconds <= other.seconds

    def _combined(self, other: RationalTime, sign: int) -> RationalTime:
        """Exact on the common clock of both rates."""
        if other.rate == self.rate:
            return RationalTime(self.value + sign * other.value, self.rate)
        rate = Fraction(
            math.lcm(self.rate.numerator, other.rate.numerator),
            math.gcd(self.rate.denominator, other.rate.denominator),
        )
        total = (self.seconds + sign * other.seconds) * rate
        assert total.denominator == 1
        return RationalTime(total.numerator, rate)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start`, for `duration`; the end is the first moment after."""

    start: RationalTime
    duration: RationalTime

    def __post_init__(self) -> None:
        if self.duration.value < 0:
            raise ValueError(f"a range cannot last {self.duration.value} ticks")

    @property
    def end(self) -> RationalTime:
        """The first moment after the range."""
        return self.start + self.duration

    @property
    def middle(self) -> RationalTime:
        """The tick in the middle; of two the earlier."""
        return RationalTime((self.start.value + self.end.value) // 2, self.start.rate)

    def contains(self, moment: RationalTime) -> bool:
        """Whether a moment lies inside: the start does, the end does not."""
        return self.start.seconds <= moment.seconds < self.end.seconds

    def overlaps(self, other: TimeRange) -> bool:
        """Whether both ranges share more than an edge."""
        return self.start.seconds < other.end.seconds and other.start.seconds < self.end.seconds


def parse_rate(text: str) -> Fraction:
    """A rate as editors write it: '25', '30000/1001', '23.976', '29.97', '59.94'."""
    rate = Fraction(text)
    if rate <= 0:
        raise ValueError(f"a rate must be above zero, not {text!r}")
    ntsc = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    # 23.976, 23.98, 29.97 and 59.94 are shorthands for 24000/1001 and its kin.
    return ntsc if rate.denominator != 1 and abs(ntsc - rate) < Fraction(1, 100) else rate


def is_drop_frame_rate(rate: Fraction) -> bool:
    """Whether SMPTE defines drop-frame counting at this rate (29.97 and 59.94)."""
    return rate in (Fraction(30000, 1001), Fraction(60000, 1001))


def is_timecode_rate(rate: Fraction) -> bool:
    """Whether timecode counts this rate: whole numbers, and 24000/1001 and its kin."""
    return rate.denominator == 1 or rate == Fraction(math.ceil(rate) * 1000, 1001)


def counts_drop_frame(start: RationalTime) -> bool:
    """Whether a film that starts there drops numbers. Nothing says so: where its rate can, yes,
    unless only the other count is a full minute."""
    if not is_drop_frame_rate(start.rate):
        return False
    dropping, plain = (timecode_of(start, drop_frame=flag)[-5:] for flag in (True, False))
    return not (plain == "00:00" and dropping != "00;00")


def parse_timecode(text: str, rate: Fraction) -> RationalTime:
    """A frame count from 'HH:MM:SS:FF'; ';', '.' or ',' before the frames drops numbers where the
    rate can. Raises ValueError with a sentence."""
    match = TIMECODE.fullmatch(text.strip())
    if match is None or not is_timecode_rate(rate):
        raise ValueError(f'"{text}" is not timecode such as "00:01:30:12"')
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    per_second = math.ceil(rate)
    if minutes > 59 or seconds > 59:
        raise ValueError(f'"{text}" has more than 59 minutes or seconds')
    if frames >= per_second:
        raise ValueError(f'"{text}" has a frame {frames}; there are 0 to {per_second - 1}')
    all_minutes = hours * 60 + minutes
    count = (all_minutes * 60 + seconds) * per_second + frames
    if match[4] in ";.," and is_drop_frame_rate(rate):
        count -= per_second // 15 * (all_minutes - all_minutes // 10)
    return RationalTime(count, rate)


def timecode_of(time: RationalTime, *, drop_frame: bool = False) -> str:
    """SMPTE timecode of a frame count, 'HH:MM:SS:FF', or 'HH:MM:SS;FF' in drop-frame counting."""
    if drop_frame and not is_drop_frame_rate(time.rate):
        raise ValueError(f"drop-frame timecode is not defined at {time.rate} frames per second")
    per_second = math.ceil(time.rate)
    frames = time.value
    if drop_frame:
        frames += _dropped_numbers(frames, per_second)
    seconds, frame = divmod(frames, per_second)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour % 24:02}:{minute:02}:{second:02}{';' if drop_frame else ':'}{frame:02}"


def moment_of(time: RationalTime) -> str:
    """A moment as sentences say it: timecode from the first frame where the clock counts frames,
    as cue sheets are written, else seconds."""
    if not is_timecode_rate(time.rate) or time.rate > MOST_FRAMES or time.value < 0:
        return f"{float(time.seconds):.3f} s"
    return timecode_of(time)


def _dropped_numbers(frames: int, per_second: int) -> int:
    """How many numbers were skipped up to this frame: 2 (at 30) a minute, but not each tenth."""
    drop = per_second // 15
    per_ten_minutes = per_second * 600 - drop * 9
    per_minute = per_second * 60 - drop
    tens, rest = divmod(frames, per_ten_minutes)
    extra = (rest - drop) // per_minute if rest >= drop else 0
    return drop * (tens * 9 + extra)
