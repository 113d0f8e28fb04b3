"""A film's clock: exact frame times where its timestamps lie on a grid, the container's ticks where
not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from emsync.timecode import HALF, RationalTime, parse_timecode

__all__ = ["FilmClock", "frames_of_timecode", "plausible_rate"]

USUAL_RATES = tuple(
    Fraction(rate)
    for rate in (
        *(12, Fraction(25, 2), 15, Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 30),
        *(
            Fraction(48000, 1001),
            48,
            50,
            Fraction(60000, 1001),
            60,
            100,
            Fraction(120000, 1001),
            120,
        ),
    )
)
FASTEST_RATE = Fraction(300)
"""Faster rates in a header are a clock (1000, 90000), not a frame rate."""
SLOWEST_RATE = Fraction(1, 60)
FALLBACK_RATE = Fraction(25)


def plausible_rate(*candidates: Fraction | None) -> Fraction:
    """The first stated rate that can be one, rounded to a usual rate within 1 in 10,000."""
    for rate in candidates:
        if rate is not None and SLOWEST_RATE <= rate <= FASTEST_RATE:
            return next((usual for usual in USUAL_RATES if abs(usual / rate - 1) < 1e-4), rate)
    return FALLBACK_RATE


def frames_of_timecode(text: str, rate: Fraction) -> RationalTime | None:
    """The frame count of a timecode tag such as '01:00:00:00'; None where it is none."""
    try:
        return parse_timecode(text, rate)
    except ValueError:
        return None


@dataclass
class FilmClock:
    """Watches the frame times go by and decides, at the end, in which ticks they are told.

    Matroska rounds to milliseconds: 24 fps comes as 0, 42, 83, 125. As long as every frame lies
    within one container tick of a frame of the nominal rate, times are told as frames of that
    rate, which is what the editor means; a film whose frames do not lie on such a grid (true
    variable rate) keeps the container's own ticks.
    """

    tick_s: Fraction
    """Length of one container tick (the stream's time base)."""
    rate: Fraction
    """The nominal rate, from the header."""
    frames: int = 0
    last_tick: int = 0
    _last_index: int = -1
    _on_grid: bool = field(default=True)

    def __post_init__(self) -> None:
        self._frames_per_tick = float(self.tick_s * self.rate)
        self._tolerance = min(1.01 * self._frames_per_tick, 0.25)

    def see(self, tick: int) -> None:
        """Take note of the next shown frame's time."""
        position = tick * self._frames_per_tick
        index = round(position)
        if abs(position - index) > self._tolerance or index <= self._last_index:
            self._on_grid = False
        self._last_index = index
        self.last_tick = tick
        self.frames += 1

    @property
    def on_grid(self) -> bool:
        """Whether every frame seen so far lies on the grid of the nominal rate."""
        return self._on_grid

    @property
    def nominal_rate(self) -> Fraction:
        """Frames per second; a header that names a clock instead is corrected by what was seen."""
        if self._on_grid or self.frames < 2 or self.last_tick <= 0:
            return self.rate
        seen = Fraction(self.frames - 1) / (self.last_tick * self.tick_s)
        return self.rate if Fraction(1, 4) <= self.rate / seen <= 4 else plausible_rate(seen)

    def time(self, tick: int) -> RationalTime:
        """The moment of a container tick, counted from the first shown frame."""
        if self._on_grid:
            return RationalTime(math.floor(tick * self.tick_s * self.rate + HALF), self.rate)
        seconds = tick * self.tick_s
        # Time bases are whole ticks per second nearly always; the common clock keeps the others
        # exact.
        rate = 1 / self.tick_s
        return RationalTime(int(seconds * rate), rate)
