"""The clips of a Kdenlive project: each once in the bin, and once for each track that shows it.

Kdenlive takes the first producer that a track has of a clip for all others on it; so there is one
for each track, speed and state, as long as any of its pieces needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

from emsync.timecode import RationalTime
from emsync_otio.clock import exact_seconds
from emsync_otio.kdenlive_elements import TITLE, Piece, content_of
from emsync_otio.kdenlive_patching import properties
from emsync_otio.picture_size import PictureSize

__all__ = ["Producers"]


@dataclass
class _Producer:
    """A producer that grows with the pieces that are cut from it."""

    name: str
    clip_id: str
    title: str
    about: dict[str, str]
    size: PictureSize
    length: int = 1

    def element(self) -> Element:
        """As MLT has it."""
        element = Element("producer", {"id": self.name, "in": "0", "out": str(self.length - 1)})
        about = dict(self.about)
        if "xmldata" in about:
            sides = {"width": self.size.width, "height": self.size.height}
            about["xmldata"] = TITLE.format(length=self.length, last=self.length - 1, **sides)
        fixed = {"length": str(self.length), "eof": "pause", "kdenlive:clipname": self.title}
        last = {"kdenlive:folderid": "-1", "kdenlive:id": self.clip_id}
        properties(element, {**fixed, **about, **last})
        return element


class Producers:
    """All producers of a project at a rate."""

    def __init__(self, rate: Fraction, size: PictureSize) -> None:
        self._rate = rate
        self._size = size
        self._bin: dict[str, _Producer] = {}
        self._of_tracks: dict[tuple[str, str, Fraction, bool], _Producer] = {}

    def of(self, piece: Piece, track: str, *, is_sound: bool) -> tuple[str, str]:
        """The producer that a piece of a track is cut from, and the clip's id in the bin."""
        resource, about = content_of(piece)
        title = piece.clip.name or ""
        length = max(piece.source + piece.end - piece.start, self._known(piece))
        clip_id = str(len(self._bin) + 2)
        made = _Producer(f"bin{clip_id}", clip_id, title, about, self._size)
        clip = self._bin.setdefault(resource, made)
        clip.length = max(clip.length, length)
        key = (track, resource, piece.speed, piece.clip.enabled)
        if key not in self._of_tracks:
            name = f"producer{len(self._of_tracks) + 1}"
            about = {**about, **_warp(piece, about), **_switched_off(piece, is_sound=is_sound)}
            self._of_tracks[key] = _Producer(name, clip.clip_id, title, about, self._size)
        own = self._of_tracks[key]
        own.length = max(own.length, length)
        return own.name, clip.clip_id

    def elements(self) -> list[Element]:
        """All of them, those of the bin first."""
        return [one.element() for one in (*self._bin.values(), *self._of_tracks.values())]

    def bin_entries(self) -> list[Element]:
        """What the bin lists."""
        return [
            Element("entry", {"producer": one.name, "in": "0", "out": str(one.length - 1)})
            for one in self._bin.values()
        ]

    def _known(self, piece: Piece) -> int:
        """Frames of the whole media, at the piece's speed; 1 where that is not known."""
        media = piece.clip.media_reference
        known = media.available_range if media is not None else None
        if known is None:
            return 1
        speed = abs(piece.speed) or Fraction(1)
        return RationalTime.from_seconds(exact_seconds(known.duration) / speed, self._rate).value


def _warp(piece: Piece, about: dict[str, str]) -> dict[str, str]:
    if piece.speed in (0, 1):
        return {}
    said = f"{float(piece.speed):.9g}"
    warp = {"warp_speed": said, "warp_resource": about["resource"], "mlt_service": "timewarp"}
    return {**warp, "resource": f"{said}:{about['resource']}"}


def _switched_off(piece: Piece, *, is_sound: bool) -> dict[str, str]:
    """A track takes picture or sound of a clip; of one that is switched off, neither."""
    off = ("set.test_image",) if is_sound else ("set.test_audio",)
    both = ("set.test_image", "set.test_audio")
    return dict.fromkeys(off if piece.clip.enabled else both, "1")
