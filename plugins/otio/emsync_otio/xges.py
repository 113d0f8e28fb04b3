"""Projects of GStreamer Editing Services and Pitivi, read with otio-xges-adapter.

Added is what 1.0.0 leaves out: names of layers, markers without a colour, the size of the picture,
and what emsync wrote, which lies in metadata that GES keeps when it saves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import opentimelineio as otio

from emsync_otio.clock import exact_rate, otio_range, otio_time
from emsync_otio.counting import state_drop_frame_in_place
from emsync_otio.own import OWN_KEY, recover_in_place, recover_tracks_in_place
from emsync_otio.picture_size import state_picture_size_in_place

__all__ = [
    "COMMENT",
    "LAYER_NAME",
    "OWN",
    "SECOND_NS",
    "START",
    "adapter",
    "read_timeline",
    "without_flags",
]

SECOND_NS = 10**9
"""GES counts in nanoseconds."""
LAYER_NAME = "video::name"
"""Where Pitivi keeps the name of a layer."""
COMMENT = "comment"
"""Where Pitivi keeps what a marker says."""
OWN = OWN_KEY
"""On the timeline: cue sheet, seed and model ids. On clips and markers: what emsync knows of it."""
START = "emsync-start"
"""On the timeline: first frame and drop-frame flag of its timecode, for which GES has no place."""

_XGES = "XGES"
_VIDEO = 4
_SPEED = re.compile(r"videorate\s+rate=([\d.]+)$")
_TITLE = "GESTitleClip"
_GENERATORS = (_TITLE, "GESTestClip")
_NOTHING = "nothing"
_KIND = "emsync-kind"
_TITLE_TEXT = re.compile(r'text=\(string\)(?!"")')
_FLAGS = re.compile(r"marker-list-flags, flags=\(int\)\d+; ?")


@cache
def adapter() -> ModuleType:
    """The adapter as OpenTimelineIO loads it: imported besides, it would register types twice."""
    module: ModuleType = otio.adapters.from_name("xges").module()
    return module


def read_timeline(path: Path) -> otio.core.SerializableObject:
    """Read a project, and what the adapter leaves out of it."""
    document = ElementTree.fromstring(without_flags(path.read_text(encoding="utf-8")))
    for clip in document.iter("clip"):
        _name_generator_in_place(clip)
    written = ElementTree.tostring(document, "unicode")
    timeline = otio.adapters.read_from_string(written, adapter_name="xges")
    if not isinstance(timeline, otio.schema.Timeline):
        return timeline
    about = timeline.tracks.metadata[_XGES]
    rate = _state_picture_in_place(timeline, about.get("tracks") or ())
    metadatas = about["timeline"]["metadatas"]
    _recover_score_in_place(timeline, metadatas, rate)
    timeline.tracks.markers.clear()
    timeline.tracks.markers.extend(_markers(metadatas, rate))
    for track in timeline.tracks:
        said = _said(track.metadata.get(_XGES, {}), LAYER_NAME)
        track.name = said or track.name
        for clip in list(track):
            if isinstance(clip, otio.schema.Clip) and not _generate_in_place(track, clip):
                recover_in_place(clip, _said(clip.metadata.get(_XGES, {}).get("clip", {}), OWN))
                _name_speeds_in_place(clip)
    recover_tracks_in_place(timeline)
    return timeline


def _name_generator_in_place(clip: Element) -> None:
    """The adapter leaves out titles and test pictures, and refuses transitions to them: they go by
    as clips of a file, and their kind in their metadata."""
    kind = clip.get("type-name", "")
    if kind not in _GENERATORS:
        return
    said = " ".join(source.get("children-properties", "") for source in clip.iter("source"))
    if kind == _TITLE and not _TITLE_TEXT.search(said):
        kind = _NOTHING
    metadatas = adapter().GstStructure.new_from_str(clip.get("metadatas") or "metadatas;")
    metadatas.set(_KIND, "string", kind)
    clip.set("metadatas", str(metadatas))
    clip.set("type-name", "GESUriClip")
    if clip.get("track-types", "").isdecimal() and int(clip.get("track-types", "")) & _VIDEO:
        clip.set("track-types", str(_VIDEO))  # a test picture's tone is none of the film's


def _generate_in_place(track: otio.schema.Track, clip: otio.schema.Clip) -> bool:
    """Give a title, a test picture or nothing its own form again; whether it was one of them."""
    kind = _said(clip.metadata.get(_XGES, {}).get("clip", {}), _KIND)
    if kind == _NOTHING:
        track[track.index(clip)] = otio.schema.Gap(source_range=clip.source_range)
    elif kind:
        clip.media_reference = otio.schema.GeneratorReference(
            generator_kind="title" if kind == _TITLE else "test picture",
            metadata={"emsync_otio": {"see_through": kind == _TITLE}},
        )
    return bool(kind)


def without_flags(written: str) -> str:
    """What GES wrote of an element, without the flags that it puts before a list of markers since
    1.20: the adapter drops all that the element says for their sake."""
    return _FLAGS.sub("", written)


def _said(about: dict[str, Any], key: str) -> str:
    """A string in an element's metadata."""
    held = about.get("metadatas")
    value = held.get(key) if held is not None else None
    return value if isinstance(value, str) else ""


def _state_picture_in_place(
    timeline: otio.schema.Timeline, tracks: Iterable[otio.core.SerializableObject]
) -> Fraction:
    """Keep the picture's size, where the project says it; its rate, else the adapter's 25."""
    for track in tracks:
        said = track.properties.get("restriction-caps") if track.track_type == _VIDEO else None
        if not isinstance(said, str):
            continue
        caps = adapter().GstCaps.new_from_str(said)[0]
        state_picture_size_in_place(timeline, caps.get("width"), caps.get("height"))
        frames = caps.get("framerate")
        if frames is not None:
            return exact_rate(float(Fraction(str(frames))))
    return Fraction(25)


def _name_speeds_in_place(clip: otio.schema.Clip) -> None:
    """An effect that makes a clip faster or slower, as OpenTimelineIO calls it."""
    for index, effect in enumerate(clip.effects):
        found = _SPEED.match(effect.effect_name or "")
        if found is not None:
            warp = otio.schema.LinearTimeWarp(time_scalar=float(found[1]))
            clip.effects[index] = warp


def _recover_score_in_place(
    timeline: otio.schema.Timeline, metadatas: otio.core.SerializableObject, rate: Fraction
) -> None:
    """The score that was placed, and the start timecode that it was placed with."""
    recover_in_place(timeline, metadatas.get(OWN))
    try:
        said = json.loads(metadatas.get(START) or "null")
    except (json.JSONDecodeError, TypeError):
        return
    if isinstance(said, dict) and isinstance(said.get("frame"), int):
        timeline.global_start_time = otio_time(said["frame"] / rate, rate)
        state_drop_frame_in_place(timeline, said.get("drop_frame") is True)


def _markers(
    metadatas: otio.core.SerializableObject, rate: Fraction
) -> Iterator[otio.schema.Marker]:
    for held in metadatas.values_of_type("GESMarkerList"):
        for marker in held:
            yield _marker(marker, rate)


def _marker(marker: otio.core.SerializableObject, rate: Fraction) -> otio.schema.Marker:
    said = marker.metadatas.get(COMMENT)
    made = otio.schema.Marker(
        name=said if isinstance(said, str) else "",
        marked_range=otio_range(Fraction(marker.position, SECOND_NS), Fraction(0), rate),
        color=marker.get_nearest_otio_color() if marker.is_colored() else "",
    )
    recover_in_place(made, marker.metadatas.get(OWN))
    return made
