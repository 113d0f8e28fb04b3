"""How large a timeline's picture is: as its file says, as its media is, or as is commonest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import opentimelineio as otio

from emsync_otio.media_paths import find_media

__all__ = [
    "PictureSize",
    "SizeOfFilm",
    "measure_picture_in_place",
    "picture_size",
    "said_picture_size",
    "state_picture_size_in_place",
]

_ABOUT = "emsync_otio"
_SIZE = "picture_size"
_TRIES = 8
"""Films that are asked for their size; what the first ones cannot tell, the others seldom do."""


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Of square pixels."""

    width: int
    height: int

    @property
    def aspect(self) -> tuple[int, int]:
        """Width to height in smallest numbers: 16 to 9."""
        common = gcd(self.width, self.height)
        return self.width // common, self.height // common


SizeOfFilm = Callable[[Path], PictureSize | None]
"""Looks into a film; None where that cannot be read."""

_COMMONEST = PictureSize(1920, 1080)
_LARGEST = 1 << 16


def state_picture_size_in_place(
    timeline: otio.schema.Timeline, width: object, height: object
) -> None:
    """Keep what a file says of its picture, in whatever type; what is no size is passed over."""
    sizes = [int(str(one)) for one in (width, height) if str(one).isdecimal()]
    if len(sizes) == 2 and all(0 < one <= _LARGEST for one in sizes):
        timeline.metadata[_ABOUT] = {**dict(timeline.metadata.get(_ABOUT, {})), _SIZE: sizes}


def said_picture_size(timeline: otio.schema.Timeline) -> PictureSize | None:
    """What the file said of its picture; None where it said nothing."""
    said = timeline.metadata.get(_ABOUT, {}).get(_SIZE)
    return PictureSize(int(said[0]), int(said[1])) if said and len(said) == 2 else None


def picture_size(timeline: otio.schema.Timeline) -> PictureSize:
    """What is written of a timeline's picture: where nobody said, 1920 to 1080."""
    return said_picture_size(timeline) or _COMMONEST


def measure_picture_in_place(
    timeline: otio.schema.Timeline, folders: Sequence[Path], size_of: SizeOfFilm
) -> None:
    """Take the size of the first film of the timeline that is on this machine."""
    seen: set[str] = set()
    for track in timeline.video_tracks():
        for clip in track.find_clips():
            media = clip.media_reference
            url = media.target_url if isinstance(media, otio.schema.ExternalReference) else ""
            if not url or url in seen:
                continue
            seen.add(url)
            path = find_media(url, folders)
            size = size_of(path) if path is not None else None
            if size is not None:
                state_picture_size_in_place(timeline, size.width, size.height)
                return
            if len(seen) >= _TRIES:
                return
