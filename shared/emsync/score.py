"""Symbolic music, time in quarters, and the exact map from quarters to seconds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from operator import attrgetter

from emsync.cue import Cue, Key
from emsync.family import Family
from emsync.picture import PictureInfo

__all__ = [
    "Bar",
    "ControlChange",
    "Controller",
    "Family",
    "KeySignature",
    "Landing",
    "Meter",
    "Note",
    "Part",
    "Score",
    "Take",
    "TempoAnchor",
    "TempoMap",
]


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a part."""

    start_q: Fraction
    length_q: Fraction
    pitch: int
    """MIDI key, 0 to 127; for a drum kit, the General MIDI drum key."""
    velocity: int
    """1 to 127."""

    def __post_init__(self) -> None:
        if self.start_q < 0 or self.length_q <= 0:
            raise ValueError(f"a note cannot start at {self.start_q} and last {self.length_q}")
        if not 0 <= self.pitch <= 127 or not 1 <= self.velocity <= 127:
            raise ValueError(f"pitch {self.pitch} or velocity {self.velocity} is not MIDI's")


class Controller(Enum):
    """What a player moves while notes sound; the value is MIDI's number for it."""

    EXPRESSION = 11
    """How loud, within a part's own loudness: 127 is all of it, and the level in decibels is
    40·log10(value / 127)."""
    PEDAL = 64
    """A piano's sustaining pedal: down from 64 on."""


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A controller takes a value, and keeps it until the next change."""

    time_q: Fraction
    controller: Controller
    value: int
    """0 to 127."""

    def __post_init__(self) -> None:
        if self.time_q < 0 or not 0 <= self.value <= 127:
            raise ValueError(f"no controller goes to {self.value} at quarter {self.time_q}")


@dataclass(frozen=True, slots=True)
class Part:
    """All notes of one instrument."""

    name: str
    program: int
    """General MIDI programme, 0 to 127."""
    is_drums: bool
    family: Family
    notes: tuple[Note, ...]
    controls: tuple[ControlChange, ...] = ()
    """In order of time."""

    def __post_init__(self) -> None:
        if not 0 <= self.program <= 127:
            raise ValueError(f"General MIDI has no programme {self.program}")


@dataclass(frozen=True, slots=True)
class TempoAnchor:
    """A moment at which quarters and seconds are tied together, exactly."""

    time_q: Fraction
    time_s: Fraction


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature and where it begins."""

    start_q: Fraction
    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if self.numerator < 1 or self.denominator not in (1, 2, 4, 8, 16, 32):
            raise ValueError(f"{self.numerator}/{self.denominator} is not a time signature")

    @property
    def bar_q(self) -> Fraction:
        """Length of a bar in quarters."""
        return Fraction(4 * self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the plan."""

    index: int
    start_q: Fraction
    length_q: Fraction


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Quarters to seconds, linear between anchors; the last anchor is the end of the cue.

    Seconds count from the start of the cue.
    """

    anchors: tuple[TempoAnchor, ...]
    meters: tuple[Meter, ...]

    def __post_init__(self) -> None:
        if len(self.anchors) < 2 or not self.meters:
            raise ValueError("a tempo map needs two anchors and a meter at the least")
        if self.anchors[0] != TempoAnchor(Fraction(0), Fraction(0)) or self.meters[0].start_q != 0:
            raise ValueError("a tempo map starts at quarter 0, second 0")
        for left, right in zip(self.anchors, self.anchors[1:], strict=False):
            if right.time_q <= left.time_q or right.time_s <= left.time_s:
                raise ValueError(f"anchor {right} does not come after {left}")

    @property
    def end_q(self) -> Fraction:
        """Where the cue ends, in quarters."""
        return self.anchors[-1].time_q

    @property
    def end_s(self) -> Fraction:
        """Where the cue ends, in seconds."""
        return self.anchors[-1].time_s

    @property
    def mean_bpm(self) -> float:
        """Quarters per minute over the whole cue."""
        return float(60 * self.end_q / self.end_s)

    def seconds_at(self, time_q: Fraction) -> Fraction:
        """Seconds from the start of the cue; beyond the last anchor its tempo goes on."""
        left, right = self._around(_anchor_q, time_q)
        share = (time_q - left.time_q) / (right.time_q - left.time_q)
        return left.time_s + share * (right.time_s - left.time_s)

    def quarters_at(self, time_s: Fraction) -> Fraction:
        """The inverse of `seconds_at`."""
        left, right = self._around(_anchor_s, time_s)
        share = (time_s - left.time_s) / (right.time_s - left.time_s)
        return left.time_q + share * (right.time_q - left.time_q)

    def tempo_bpm_at(self, time_q: Fraction) -> float:
        """Quarters per minute at a moment."""
        left, right = self._around(_anchor_q, time_q)
        return float(60 * (right.time_q - left.time_q) / (right.time_s - left.time_s))

    def bars(self) -> tuple[Bar, ...]:
        """All bars up to the end, the last cut off there."""
        bars: list[Bar] = []
        ends = [meter.start_q for meter in self.meters[1:]] + [self.end_q]
        for meter, end_q in zip(self.meters, ends, strict=True):
            start_q = meter.start_q
            while start_q < end_q:
                bars.append(Bar(len(bars), start_q, min(meter.bar_q, end_q - start_q)))
                start_q += meter.bar_q
        return tuple(bars)

    def _around(
        self, axis: Callable[[TempoAnchor], Fraction], value: Fraction
    ) -> tuple[TempoAnchor, TempoAnchor]:
        right = min(max(bisect_right(self.anchors, value, key=axis), 1), len(self.anchors) - 1)
        return self.anchors[right - 1], self.anchors[right]


_anchor_q = attrgetter("time_q")
_anchor_s = attrgetter("time_s")


@dataclass(frozen=True, slots=True)
class KeySignature:
    """A key, and where it begins to be written."""

    start_q: Fraction
    key: Key


@dataclass(frozen=True, slots=True)
class Score:
    """A piece of music: parts over one tempo map."""

    parts: tuple[Part, ...]
    tempo_map: TempoMap
    keys: tuple[KeySignature, ...] = ()
    """In order; none where nobody knows."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a hit was asked for, and where the music's accent begins."""

    hit_s: Fraction
    """Seconds from the start of the cue."""
    time_q: Fraction
    error_s: float
    """Onset in the written MIDI minus the hit."""


@dataclass(frozen=True, slots=True)
class Take:
    """One generation of a cue: the MIDI beside it, and how it came about."""

    picture: PictureInfo
    cue: Cue
    number: int
    seed: int
    model: str
    """Identity of the weights: name and SHA-256."""
    version: str
    """emsync's version."""
    midi: str
    """File name of the score, beside the take's own file."""
    tempo_map: TempoMap
    landings: tuple[Landing, ...]
    measures: tuple[tuple[str, float], ...] = ()
    """Named measurements by which takes are ranked."""
    key: Key | None = None
    """In which most of it stands; None where nobody noted it."""

    def __post_init__(self) -> None:
        if any(letter in self.midi for letter in "/\\\0") or self.midi in ("", ".", ".."):
            raise ValueError(f"a take's MIDI lies beside it; {self.midi!r} is no file name")
