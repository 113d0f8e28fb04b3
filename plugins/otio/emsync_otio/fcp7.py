"""Final Cut Pro 7 XML, as Premiere and Resolve write it, with what the adapter leaves out.

The format has no metadata. What emsync must know again travels in fields that editors keep and
show: a clip's master comment, a marker's comment. The cue sheet does not fit; it stays in .otio.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import opentimelineio as otio

from emsync_otio.own import OWN_KEY, is_own, plain

__all__ = ["read_timeline", "with_comments"]

_MARK = "emsync "


def read_timeline(path: Path) -> otio.core.SerializableObject:
    """Read with otio-fcp-adapter; switch off what the editor had, and know our own again."""
    opened = otio.adapters.read_from_file(str(path), adapter_name="fcp_xml")
    for timeline in _timelines(opened):
        _disable_in_place(timeline.tracks)
        _recover_own_in_place(timeline)
    return opened


def with_comments(timeline: otio.schema.Timeline) -> otio.schema.Timeline:
    """A copy whose clips and markers of ours say so in comments."""
    copy = timeline.deepcopy()
    for clip in filter(is_own, copy.find_clips()):
        clip.metadata["fcp_xml"] = {"comments": {"mastercomment1": _comment(clip)}}
    for marker in filter(is_own, copy.tracks.markers):
        marker.metadata["fcp_xml"] = {"comment": _comment(marker)}
    return copy


def _timelines(opened: otio.core.SerializableObject) -> Iterator[otio.schema.Timeline]:
    if isinstance(opened, otio.schema.Timeline):
        yield opened
    elif isinstance(opened, otio.schema.SerializableCollection):
        yield from (child for child in opened if isinstance(child, otio.schema.Timeline))


def _comment(thing: otio.core.SerializableObjectWithMetadata) -> str:
    return _MARK + json.dumps(plain(thing.metadata[OWN_KEY]), ensure_ascii=False)


def _disable_in_place(composition: otio.core.Composition) -> None:
    """The adapter (1.0.0) keeps <enabled>FALSE</enabled> in metadata; OTIO has a field for it."""
    for child in composition:
        if not isinstance(child, otio.core.Item):
            continue
        said = child.metadata.get("fcp_xml", {}).get("enabled")
        if str(said).upper() == "FALSE":
            child.enabled = False
        if isinstance(child, otio.core.Composition):
            _disable_in_place(child)


def _recover_own_in_place(timeline: otio.schema.Timeline) -> None:
    """Turn our comments back into metadata; a track of nothing but our clips is ours."""
    for marker in timeline.tracks.markers:
        _recover_in_place(marker, marker.metadata.get("fcp_xml", {}).get("comment"))
    for track in timeline.tracks:
        clips = [child for child in track if isinstance(child, otio.schema.Clip)]
        for clip in clips:
            comments = clip.metadata.get("fcp_xml", {}).get("comments")
            if isinstance(comments, Mapping):
                _recover_in_place(clip, comments.get("mastercomment1"))
        if clips and all(map(is_own, clips)):
            track.metadata[OWN_KEY] = {"kind": "stem"}


def _recover_in_place(thing: otio.core.SerializableObjectWithMetadata, comment: object) -> None:
    if not isinstance(comment, str) or not comment.startswith(_MARK):
        return
    try:
        said = json.loads(comment.removeprefix(_MARK))
    except json.JSONDecodeError:
        return  # a person's words that begin like ours
    if isinstance(said, dict):
        thing.metadata[OWN_KEY] = said
