"""Clips, mixes and effects as Kdenlive and MLT have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

import opentimelineio as otio

from emsync_otio.kdenlive_patching import properties
from emsync_otio.looks import Looks, is_still, looks_of
from emsync_otio.media_paths import bare_path

__all__ = [
    "TITLE",
    "Mix",
    "Piece",
    "blend_element",
    "content_of",
    "filters_of",
    "mix_element",
]

TITLE = (
    '<kdenlivetitle duration="{length}" LC_NUMERIC="C" width="{width}" height="{height}" '
    'out="{last}">'
    '<startviewport rect="0,0,{width},{height}"/><endviewport rect="0,0,{width},{height}"/>'
    '<background color="0,0,0,0"/></kdenlivetitle>'
)


@dataclass(frozen=True)
class Piece:
    """A clip on a track, in frames; `end` is the first frame after it."""

    start: int
    end: int
    source: int
    clip: otio.schema.Clip
    speed: Fraction
    fade_in: int = 0
    fade_out: int = 0


@dataclass(frozen=True)
class Mix:
    """Two clips that overlap, in frames."""

    start: int
    cut: int
    end: int
    is_wipe: bool


def mix_element(mix: Mix, *, is_sound: bool) -> Element:
    """The transition between two clips that overlap on one track."""
    element = Element("transition", {"in": str(mix.start), "out": str(mix.end - 1)})
    about = {"a_track": "0", "b_track": "1", "kdenlive:mixcut": str(mix.cut - mix.start)}
    service = "mix" if is_sound else "luma"
    kind = {"mlt_service": service, "kdenlive_id": service}
    if is_sound:
        kind |= {"start": "-1", "accepts_blanks": "1", "reverse": "0"}
    else:
        kind |= {"resource": "%luma01.pgm" if mix.is_wipe else "", "softness": "0", "reverse": "0"}
    properties(element, {**about, **kind})
    return element


def blend_element(track: int, name: str) -> Element:
    """What makes a picture track seen over those below it."""
    element = Element("transition", {"id": name})
    about = {"a_track": "0", "b_track": str(track), "mlt_service": "qtblend"}
    fixed = {"kdenlive_id": "qtblend", "internal_added": "237", "always_active": "1"}
    properties(element, {**about, **fixed})
    return element


def filters_of(piece: Piece) -> Iterator[Element]:
    """Fades and freezes of a clip, as Kdenlive's own effects."""
    length = piece.end - piece.start
    for direction, frames in (("from", piece.fade_in), ("to", piece.fade_out)):
        if not 0 < frames < length:
            continue
        first = piece.source if direction == "from" else piece.source + length - frames
        element = Element("filter", {"in": str(first), "out": str(first + frames - 1)})
        ends = (0, 1) if direction == "from" else (1, 0)
        level = f"0={ends[0]};{frames - 1}={ends[1]}"
        about = {"mlt_service": "brightness", "kdenlive_id": f"fade_{direction}_black"}
        properties(element, {**about, "start": "1", "level": level, "alpha": "1"})
        yield element
    if piece.speed == 0:
        element = Element("filter")
        about = {"mlt_service": "freeze", "kdenlive_id": "freeze", "frame": str(piece.source)}
        properties(element, {**about, "freeze_after": "0", "freeze_before": "0"})
        yield element


def content_of(piece: Piece) -> tuple[str, dict[str, str]]:
    """What a clip shows: a name for it in the bin, and MLT's properties."""
    clip = piece.clip
    media = clip.media_reference
    if isinstance(media, otio.schema.GeneratorReference):
        if looks_of(clip) is Looks.OPAQUE:
            color = str(media.parameters.get("color", "0x000000ff"))
            about = {"mlt_service": "color", "resource": color, "kdenlive:clip_type": "2"}
            return f"color {color} {clip.name}", about
        about = {
            "mlt_service": "kdenlivetitle",
            "resource": "",
            "xmldata": "",
            "kdenlive:clip_type": "6",
        }
        return f"title {clip.name}", about
    target = media.target_url if isinstance(media, otio.schema.ExternalReference) else ""
    resource = bare_path(target) if target else f"/offline/{clip.name or 'media'}"
    if is_still(Path(resource).suffix):
        return resource, {"mlt_service": "qimage", "resource": resource, "kdenlive:clip_type": "5"}
    service = {"mlt_service": "avformat-novalidate", "resource": resource, "seekable": "1"}
    return resource, {**service, "kdenlive:clip_type": "0"}
