"""What was seen: the picture's clock and length, and where it changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from emsync.timecode import RationalTime, moment_of

__all__ = ["Boundary", "BoundaryKind", "PictureInfo"]


class BoundaryKind(Enum):
    """How the picture changes."""

    CUT = "cut"
    DISSOLVE = "dissolve"
    FADE = "fade"
    WIPE = "wipe"
    MARKER = "marker"  # the editor said so


@dataclass(frozen=True, slots=True)
class Boundary:
    """A picture change that was seen: the first frame of the new shot, or a transition's middle."""

    time: RationalTime
    kind: BoundaryKind
    strength: float
    """0, barely visible, to 1, a hard cut."""

    def __post_init__(self) -> None:
        if self.time.value < 0:
            raise ValueError(f"a boundary cannot lie before the picture, at {moment_of(self.time)}")
        if not 0.0 <= self.strength <= 1.0:
            raise ValueError(f"a boundary's strength lies in [0, 1], not {self.strength}")


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """The film or timeline that is scored. Times of cues count from its first frame."""

    source: str
    """Absolute path of the film or timeline."""
    rate: Fraction
    """Frames per second; of a variable-rate film, the nominal rate."""
    duration: RationalTime
    start: RationalTime
    """Timecode of the first frame, as a count at `rate`; zero where the source has none."""
    width: int | None = None
    height: int | None = None
    has_sound: bool | None = None
    warnings: tuple[str, ...] = ()
    """Sentences about what was odd in the source: media offline, damaged part, no sound."""

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"a picture's rate must be above zero, not {self.rate}")
        if self.duration.value <= 0:
            raise ValueError(f"a picture must last longer than {self.duration.value} ticks")
        for side, pixels in (("width", self.width), ("height", self.height)):
            if pixels is not None and pixels <= 0:
                raise ValueError(f"a picture's {side} is above zero pixels, not {pixels}")
