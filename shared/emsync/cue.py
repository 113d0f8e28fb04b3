"""Cues: which stretch of picture gets music, what it must land on, and what it should be like."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from emsync.emotion import EmotionCurve, EmotionOverride, ShotNotes
from emsync.family import Family
from emsync.picture import Boundary, PictureInfo
from emsync.timecode import RationalTime, TimeRange, moment_of

__all__ = ["Brief", "Cue", "CueSheet", "Hit", "HitSource", "Key", "Mode", "Style"]

ONE_ACCENT_S = 0.1
"""Accents that follow one another faster are heard as one, or as a stumble."""
_NAMED_PAIRS = 3


class HitSource(Enum):
    """Why the music lands here."""

    MARKER = "marker"
    BOUNDARY = "boundary"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Hit:
    """A moment the music must land on, in picture time."""

    time: RationalTime
    weight: float
    """0, a nudge, to 1, the moment of the cue."""
    locked: bool
    """A locked hit lands within half a frame by construction; others are only anticipated."""
    source: HitSource = HitSource.BOUNDARY
    label: str = ""

    def __post_init__(self) -> None:
        if self.time.value < 0:
            raise ValueError(
                f"a hit cannot lie before the picture, at {float(self.time.seconds):.3f} s"
            )
        if math.isnan(self.weight) or not 0.0 <= self.weight <= 1.0:
            raise ValueError(f"a hit's weight lies in [0, 1], not {self.weight}")


class Style(Enum):
    """What the composer was trained to tell apart."""

    ORCHESTRAL = "orchestral"
    CHAMBER = "chamber"
    PIANO = "piano"
    SONG = "song"
    GAME = "game"
    BAND = "band"
    FOLK = "folk"


class Mode(Enum):
    """The two modes that the composer knows."""

    MAJOR = "major"
    MINOR = "minor"


@dataclass(frozen=True, slots=True)
class Key:
    """A key: tonic pitch class (0 = C) and mode. Its text is 'D minor'."""

    tonic: int
    mode: Mode

    def __post_init__(self) -> None:
        if not 0 <= self.tonic <= 11:
            raise ValueError(f"a tonic is a pitch class, 0 to 11, not {self.tonic}")

    @classmethod
    def parse(cls, text: str) -> Key:
        """From 'D minor', 'F# major', 'Bb' (major), 'Am'; raises ValueError with a sentence."""
        match = re.fullmatch(
            r"\s*([A-Ga-g])([#♯b♭]?)(?:\s*(m|min|minor|maj|major))?\s*", text, re.IGNORECASE
        )
        if match is None:
            raise ValueError(f"'{text}' is not a key like 'D minor' or 'F# major'")
        tonic = (_NATURALS[match[1].upper()] + _ACCIDENTALS[match[2].lower()]) % 12
        word = match[3] or "major"
        # 'M' alone is major to everybody who tells it from 'm'.
        is_minor = word == "m" or word.lower() in ("min", "minor")
        return cls(tonic, Mode.MINOR if is_minor else Mode.MAJOR)

    def __str__(self) -> str:
        """As musicians write it: with the accidental that its signature has fewer of."""
        names = _MINOR_NAMES if self.mode is Mode.MINOR else _MAJOR_NAMES
        return f"{names[self.tonic]} {self.mode.value}"


_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_MAJOR_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class Brief:
    """What the editor asks for; every element may be left open (None, or empty)."""

    style: Style | None = None
    families: tuple[Family, ...] = ()
    """Instrument families to use; empty means that the composer chooses."""
    key: Key | None = None
    density: float | None = None
    """0, sparse, to 1, dense."""
    tempo_bpm: tuple[float, float] | None = None
    """Least and greatest tempo."""
    max_rubato: float = 0.08
    """By how much the tempo may leave what the emotion asks, as a share."""

    def __post_init__(self) -> None:
        if self.density is not None and not 0.0 <= self.density <= 1.0:
            raise ValueError(f"density lies in [0, 1], not {self.density}")
        if (
            self.tempo_bpm is not None
            and not 20.0 <= self.tempo_bpm[0] <= self.tempo_bpm[1] <= 300.0
        ):
            raise ValueError(f"tempo limits {self.tempo_bpm} are not two tempos from 20 to 300")
        if not 0.0 <= self.max_rubato <= 0.5:
            raise ValueError(f"rubato lies in [0, 0.5], not {self.max_rubato}")


@dataclass(frozen=True, slots=True)
class Cue:
    """One piece of music: where it plays, what it lands on, how it feels."""

    name: str
    range: TimeRange
    """In picture time."""
    hits: tuple[Hit, ...]
    emotion: EmotionCurve
    """In picture time."""
    brief: Brief = field(default_factory=Brief)
    overrides: tuple[EmotionOverride, ...] = ()
    """What a person set by hand, in picture time: it wins over `emotion`."""

    def __post_init__(self) -> None:
        if (
            not self.name
            or any(letter in self.name for letter in "/\\\0")
            or self.name in (".", "..")
        ):
            raise ValueError(f"a cue's name becomes a file name; {self.name!r} cannot")
        if self.range.start.value < 0 or self.range.duration.value <= 0:
            raise ValueError(f"cue '{self.name}' does not lie inside the picture or has no length")
        for hit in self.hits:
            if not self.range.contains(hit.time):
                raise ValueError(
                    f"cue '{self.name}' has a hit at {moment_of(hit.time)}, outside its range "
                    f"({_span(self.range)})"
                )
        for earlier, later in pairwise(self.hits):
            if later.time.seconds == earlier.time.seconds:
                raise ValueError(f"cue '{self.name}' has two hits at {moment_of(later.time)}")
            if later.time.seconds < earlier.time.seconds:
                raise ValueError(f"the hits of cue '{self.name}' must follow one another in time")

        for override in self.overrides:
            self._check_inside(override)

    def _check_inside(self, override: EmotionOverride) -> None:
        """An emotion that is set where the cue does not play would change nothing."""
        at, end = override.time.seconds, override.end
        is_inside = (
            self.range.start.seconds <= at <= self.range.end.seconds
            if end is None
            else at < self.range.end.seconds and end.seconds > self.range.start.seconds
        )
        if not is_inside:
            raise ValueError(
                f"cue '{self.name}' has an emotion set by hand at {moment_of(override.time)}, "
                f"outside its range ({moment_of(self.range.start)} to {moment_of(self.range.end)})"
            )

    @property
    def crowded_hits(self) -> tuple[str, ...]:
        """A sentence for locked hits that follow so closely that the ear takes them for one."""
        locked = [hit for hit in self.hits if hit.locked]
        close = [
            (one, other)
            for one, other in pairwise(locked)
            if other.time.seconds - one.time.seconds < ONE_ACCENT_S
        ]
        if not close:
            return ()
        named = ", ".join(f"{_said(one)} and {_said(other)}" for one, other in close[:_NAMED_PAIRS])
        more = ", …" if len(close) > _NAMED_PAIRS else ""
        return (
            f"Locked hits of '{self.name}' lie so close that only one accent is heard for two: "
            f"{named}{more}. Unlock or remove one of them.",
        )

    @property
    def felt(self) -> EmotionCurve:
        """The emotion that the music follows: the estimated one, unless a person said otherwise."""
        return self.emotion.overridden(self.overrides) if self.overrides else self.emotion


def _said(hit: Hit) -> str:
    """When a hit is, and what it is called."""
    return f"{moment_of(hit.time)} ('{hit.label}')" if hit.label else moment_of(hit.time)


@dataclass(frozen=True, slots=True)
class CueSheet:
    """All cues of a picture, and the boundaries that were seen in it."""

    picture: PictureInfo
    boundaries: tuple[Boundary, ...]
    cues: tuple[Cue, ...]
    shots: tuple[ShotNotes, ...] = ()
    """Why each shot is felt to be as it is, in time order; empty: no experts were asked."""
    words_from: tuple[str, ...] = ()
    """A sentence for each source of words other than ears and eyes: which subtitles, in which
    language. Empty: there were none."""
    genres: tuple[tuple[str, float], ...] | None = None
    """Of the whole picture and how likely each is, the likeliest first. None: no genre network is
    installed."""

    def __post_init__(self) -> None:
        names = [cue.name for cue in self.cues]
        if len(set(names)) != len(names):
            raise ValueError(f"two cues share a name: {sorted(names)}")
        ordered = sorted(self.cues, key=lambda cue: cue.range.start.seconds)
        for first, second in pairwise(ordered):
            if first.range.overlaps(second.range):
                raise ValueError(f"cues '{first.name}' and '{second.name}' overlap")
        for cue in self.cues:
            self._check_inside(cue)
        for boundary in self.boundaries:
            if boundary.time > self.picture.duration:
                raise ValueError(
                    f"a boundary lies at {moment_of(boundary.time)}, but {self._picture_ends}"
                )
        self._check_shots()
        for name, value in self.genres or ():
            if not name.strip() or not 0.0 <= value <= 1.0:
                raise ValueError(f"a genre has a name and lies in [0, 1], not '{name}' {value}")

    def _check_inside(self, cue: Cue) -> None:
        """All of a cue is of this picture."""
        duration = self.picture.duration
        if cue.range.end.seconds > duration.seconds:
            raise ValueError(f"cue '{cue.name}' ends after the picture does")
        for point in cue.emotion.points:
            if point.time > duration:
                raise ValueError(
                    f"cue '{cue.name}' has a point of its emotion curve at "
                    f"{moment_of(point.time)}, but {self._picture_ends}"
                )
        for override in cue.overrides:
            if override.end is not None and override.end > duration:
                raise ValueError(
                    f"cue '{cue.name}' has an emotion set by hand until "
                    f"{moment_of(override.end)}, but {self._picture_ends}"
                )

    def _check_shots(self) -> None:
        """The shots follow one another inside the picture; there may be gaps."""
        for at, shot in enumerate(self.shots):
            if shot.range.end > self.picture.duration:
                raise ValueError(
                    f"shots[{at}], {_span(shot.range)}, goes on after the picture: "
                    f"{self._picture_ends}"
                )
        for at, (one, other) in enumerate(pairwise(self.shots)):
            if other.range.start < one.range.end:
                raise ValueError(
                    f"shots[{at + 1}], {_span(other.range)}, begins before shots[{at}], "
                    f"{_span(one.range)}, has ended"
                )

    @property
    def _picture_ends(self) -> str:
        return f"the picture ends at {moment_of(self.picture.duration)}"


def _span(span: TimeRange) -> str:
    return f"{moment_of(span.start)} to {moment_of(span.end)}"
