"""Stems and hits into the editor's own .xges project: its bytes stay, elements are added.

Each stem gets a layer of its own, under the others; GES mixes them all. Clips, markers and the
timeline carry what emsync knows of them as metadata, which GES keeps when it saves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import count
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync.errors import OutputError
from emsync_otio.clock import Seconds, exact_seconds, seconds_range
from emsync_otio.counting import drops_frames
from emsync_otio.media_paths import file_url
from emsync_otio.own import OWN_KEY, comment_of, is_own, is_own_comment, own_stem, own_tracks_of
from emsync_otio.reading import start_timecode
from emsync_otio.xges import COMMENT, LAYER_NAME, OWN, SECOND_NS, START, adapter, without_flags
from emsync_otio.xml_text import Node, XmlText

__all__ = ["marker_of", "patched"]

_AUDIO = "2"
_URI_CLIP = "GESUriClip"
_MARKERS = "markers"
"""The list of a timeline's markers that Pitivi shows."""


def patched(source: bytes, timeline: otio.schema.Timeline, rate: Fraction) -> bytes:
    """The project `source` with the stems and hits that lie on `timeline`, its own reading.

    What an earlier run of emsync put there is taken out first.
    """
    text = XmlText(source)
    resources = text.root.first("project", "ressources")
    holder = text.root.first("project", "timeline")
    if resources is None or holder is None:
        raise OutputError("The project has no timeline to add stems to. Write it as .otio.")
    _remove_own_in_place(text, resources, holder)
    _set_metadata_in_place(text, holder, timeline, rate)
    layers = [layer for layer in holder.all("layer") if not text.is_removed(layer)]
    place = 1 + max(
        (i for i, child in enumerate(holder.children) if child.tag in ("layer", "track")),
        default=-1,
    )
    if not any(track.get("track-type") == _AUDIO for track in holder.all("track")):
        text.insert(holder, place, _sound(len(holder.all("track"))))
    clips = [clip for clip in holder.iter("clip") if not text.is_removed(clip)]
    clip_ids = count(1 + max((_number(clip, "id") for clip in clips), default=-1))
    heights = count(1 + max((_number(layer, "priority") for layer in layers), default=-1))
    for track in own_tracks_of(timeline):
        at, clip = own_stem(track)
        url = file_url(clip.media_reference.target_url)
        text.append(resources, _asset(clip, url))
        text.insert(holder, place, _layer(track.name, clip, url, at, next(clip_ids), next(heights)))
    return text.result()


def marker_of(marker: otio.schema.Marker, at: Seconds) -> otio.core.SerializableObject:
    """A marker as a project holds it, at a time of the timeline."""
    made = adapter().GESMarker(max(_ns(at), 0))
    if marker.name or marker.comment:
        made.metadatas.set(COMMENT, "string", marker.name or marker.comment)
    if marker.color in made.OTIO_COLOR_TO_ARGB:
        made.set_color_from_otio_color(marker.color)
    if is_own(marker):
        made.metadatas.set(OWN, "string", comment_of(marker))
    return made


def _layer(
    name: str, clip: otio.schema.Clip, url: str, at: Seconds, clip_id: int, height: int
) -> Element:
    """A layer with a stem on it."""
    about = _text("metadatas", {LAYER_NAME: ("string", name)})
    layer = Element(
        "layer", {"priority": str(height), "properties": "properties;", "metadatas": about}
    )
    duration = seconds_range(clip.source_range)[1]
    SubElement(
        layer,
        "clip",
        {
            "id": str(clip_id),
            "asset-id": url,
            "type-name": _URI_CLIP,
            "layer-priority": str(height),
            "track-types": _AUDIO,
            "start": str(_ns(at)),
            "duration": str(_ns(at + duration) - _ns(at)),
            "inpoint": "0",
            "rate": "0",
            "properties": _text("properties", {"name": ("string", clip.name)}),
            "metadatas": _text("metadatas", {OWN: ("string", comment_of(clip))}),
        },
    )
    return layer


def _asset(clip: otio.schema.Clip, url: str) -> Element:
    """The file of a stem; its length whole, tail included."""
    length = exact_seconds(clip.media_reference.available_range.duration)
    about = {"supported-formats": ("int", 2), "duration": ("guint64", _ns(length))}
    return Element(
        "asset",
        {
            "id": url,
            "extractable-type-name": _URI_CLIP,
            "properties": _text("properties", about),
            "metadatas": "metadatas;",
        },
    )


def _sound(track_id: int) -> Element:
    """A project of picture alone gets the sound that stems are heard in."""
    track = adapter().XgesTrack.new_from_otio_track_kind("Audio")
    return Element(
        "track",
        {
            "caps": str(track.caps),
            "track-type": _AUDIO,
            "track-id": str(track_id),
            "properties": str(track.properties),
            "metadatas": str(track.metadatas),
        },
    )


def _remove_own_in_place(text: XmlText, resources: Node, holder: Node) -> None:
    """Clips of ours, layers that held nothing else, and files that nothing else shows."""
    own = [clip for clip in holder.iter("clip") if is_own_comment(_said(clip, OWN))]
    for layer in holder.all("layer"):
        clips = layer.all("clip")
        if clips and all(clip in own for clip in clips):
            text.remove(layer)
    for clip in own:
        if not text.is_removed(clip):
            text.remove(clip)
    used = {clip.get("asset-id") for clip in holder.iter("clip") if clip not in own}
    gone = {clip.get("asset-id") for clip in own} - used
    for asset in resources.all("asset"):
        if asset.get("id") in gone:
            text.remove(asset)


def _set_metadata_in_place(
    text: XmlText, holder: Node, timeline: otio.schema.Timeline, rate: Fraction
) -> None:
    """Hits beside the user's markers, the score, and the start where the timeline has one."""
    metadatas = _structure(holder)
    markers = metadatas.get(_MARKERS)
    if markers is None:
        markers = adapter().GESMarkerList()
    markers.markers = [each for each in markers if not is_own_comment(each.metadatas.get(OWN))]
    for marker in timeline.tracks.markers:
        if is_own(marker):
            markers.add(marker_of(marker, exact_seconds(marker.marked_range.start_time)))
    if len(markers):
        metadatas.set(_MARKERS, "GESMarkerList", markers)
    else:
        metadatas.fields.pop(_MARKERS, None)
    start = start_timecode(timeline, rate)
    if start.value:
        said = {"frame": start.value, "drop_frame": drops_frames(timeline, start)}
        metadatas.set(START, "string", json.dumps(said))
    if timeline.metadata.get(OWN_KEY) is not None:
        metadatas.set(OWN, "string", comment_of(timeline))
    text.set_attribute(holder, "metadatas", str(metadatas))


def _structure(node: Node) -> otio.core.SerializableObject:
    said = without_flags(node.get("metadatas")) or "metadatas;"
    return adapter().GstStructure.new_from_str(said)


def _said(node: Node, key: str) -> str:
    if key not in node.get("metadatas"):  # most clips: parsing is slow
        return ""
    value = _structure(node).get(key)
    return value if isinstance(value, str) else ""


def _text(name: str, fields: Mapping[str, tuple[str, object]]) -> str:
    return str(adapter().GstStructure(name, fields))


def _number(node: Node, name: str) -> int:
    said = node.get(name)
    return int(said) if said.isdecimal() else -1


def _ns(seconds: Seconds) -> int:
    """GES's clock, upwards: a nanosecond early would be the frame before."""
    return math.ceil(seconds * SECOND_NS)
