"""What is on a host's timeline, in the host's frames: the same values for every host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

__all__ = [
    "ClipKind",
    "HostClip",
    "HostMarker",
    "HostTimeline",
    "HostTrack",
    "HostTransition",
    "Span",
    "TrackKind",
]


class TrackKind(Enum):
    """What a lane of the editor holds."""

    PICTURE = "picture"
    SOUND = "sound"


class ClipKind(Enum):
    """How much of what lies below a clip hides, and whether it has a file."""

    MEDIA = "media"
    SOLID = "solid"  # a colour, a still without a file, a scene: opaque
    TITLE = "title"  # seen through


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a timeline, counted from its first frame."""

    start_frames: int
    length_frames: int

    def __post_init__(self) -> None:
        if self.length_frames <= 0:
            raise ValueError(f"a stretch of {self.length_frames} frames is empty")

    @property
    def end_frames(self) -> int:
        """The first frame after it."""
        return self.start_frames + self.length_frames

    def overlaps(self, other: Span) -> bool:
        """Whether both share a frame."""
        return self.start_frames < other.end_frames and other.start_frames < self.end_frames


@dataclass(frozen=True, slots=True)
class HostClip:
    """A clip, and which part of which file it shows."""

    name: str
    start_frames: int
    """From the timeline's first frame; below zero where it begins before."""
    length_frames: int
    kind: ClipKind = ClipKind.MEDIA
    media: str | None = None
    """Absolute path; None where there is none or it is not known."""
    source_start_s: float = 0.0
    """Where in the media it begins, from the media's first frame."""
    speed: float = 1.0
    """Media seconds per second of the timeline: 2 is twice as fast, 0 a freeze."""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class HostTransition:
    """A gradual change around the cut at a frame, between two clips of one track."""

    cut_frames: int
    before_frames: int
    after_frames: int
    name: str = "dissolve"
    """A word of the host's: 'wipe', 'cross' …"""


@dataclass(frozen=True, slots=True)
class HostTrack:
    """A lane, its clips in time order."""

    name: str
    kind: TrackKind
    clips: tuple[HostClip, ...] = ()
    transitions: tuple[HostTransition, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class HostMarker:
    """A marker of the user's, never one of ours."""

    at_frames: int
    name: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True)
class HostTimeline:
    """A timeline as it stands in a host now; without tracks where nothing is open."""

    name: str
    rate: Fraction
    length_frames: int
    start_frames: int = 0
    """Timecode of the first frame, as a count."""
    tracks: tuple[HostTrack, ...] = ()
    """From bottom to top."""
    markers: tuple[HostMarker, ...] = ()
    range: Span | None = None
    """In and out points, where the user set them."""
    selection: Span | None = None
    """From the first selected clip to the last, where any is."""

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"a timeline's rate must be above zero, not {self.rate}")

    @property
    def has_picture(self) -> bool:
        """Whether anything on it can be seen."""
        return any(
            track.enabled
            and track.kind is TrackKind.PICTURE
            and any(c.enabled for c in track.clips)
            for track in self.tracks
        )
