"""What a timeline says about the picture: its cuts, the editor's markers, each shot's media."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from emsync.cue import Hit
from emsync.picture import Boundary, PictureInfo
from emsync.timecode import RationalTime, TimeRange

__all__ = ["ShotMedia", "TimelineEdit"]


@dataclass(frozen=True, slots=True)
class ShotMedia:
    """One stretch of the picture without a cut inside, and the file that it shows."""

    record: TimeRange
    """In picture time."""
    media: Path | None
    """The file on this machine; None where it is offline or there is none (a title, a gap)."""
    source_start: RationalTime | None
    """Where in the media the stretch begins, from the media's first frame; None: not known."""
    speed: Fraction = Fraction(1)
    """Media seconds per picture second: 2 is twice as fast, 0 a freeze, below 0 backwards."""


@dataclass(frozen=True, slots=True)
class TimelineEdit:
    """The edit as an audience sees it: what is hidden below other tracks is not in it."""

    picture: PictureInfo
    boundaries: tuple[Boundary, ...]
    """Every visible cut, and each transition at its middle, in picture time and in order."""
    hits: tuple[Hit, ...]
    """The editor's markers that were asked for, as locked hits of weight 1, in order; never those
    that emsync wrote."""
    shots: tuple[ShotMedia, ...]
    """What is shown, without gaps or overlaps, from the first frame to the last."""
