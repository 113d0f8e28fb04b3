"""What emsync wrote into a timeline: known by its metadata, never by its name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction

import opentimelineio as otio

from emsync_otio.clock import Seconds, seconds_range

__all__ = [
    "OWN_KEY",
    "clear_own_in_place",
    "comment_of",
    "is_own",
    "is_own_comment",
    "own_stem",
    "own_tracks_of",
    "plain",
    "recover_in_place",
    "recover_tracks_in_place",
]

OWN_KEY = "emsync"
"""Where emsync keeps its own in any object's metadata, and how it knows its own again."""


_MARK = "emsync {"
"""How a comment begins by which formats without metadata know our own again."""


def is_own(thing: otio.core.SerializableObjectWithMetadata) -> bool:
    """Whether emsync wrote this object."""
    return thing.metadata.get(OWN_KEY) is not None


def clear_own_in_place(timeline: otio.schema.Timeline) -> int:
    """Take out all that earlier runs laid; how many stems that were.

    What the user added to our tracks stays where it was, and so does what lies beside our clips in
    the user's tracks: a gap takes their place.
    """
    removed = 0
    timeline.metadata.pop(OWN_KEY, None)
    _clear_markers_in_place(timeline.tracks)
    for track in list(timeline.tracks):
        if not isinstance(track, otio.schema.Track):
            continue
        _clear_markers_in_place(track)
        own = [child for child in track if isinstance(child, otio.schema.Clip) and is_own(child)]
        removed += len(own)
        for clip in own:
            _clear_clip_in_place(track, clip)
        if is_own(track):
            del track.metadata[OWN_KEY]
            if all(isinstance(child, otio.schema.Gap) for child in track):
                timeline.tracks.remove(track)
    return removed


def own_tracks_of(timeline: otio.schema.Timeline) -> list[otio.schema.Track]:
    """The tracks that emsync laid."""
    return [row for row in timeline.tracks if isinstance(row, otio.schema.Track) and is_own(row)]


def own_stem(track: otio.schema.Track) -> tuple[Seconds, otio.schema.Clip]:
    """The stem on a track of ours, and when it begins."""
    clip = next(child for child in track if isinstance(child, otio.schema.Clip))
    before = (child for child in list(track)[: track.index(clip)])
    return sum((seconds_range(gap.source_range)[1] for gap in before), Fraction(0)), clip


def comment_of(thing: otio.core.SerializableObjectWithMetadata) -> str:
    """What emsync knows of an object as words, for a field that an editor keeps and shows."""
    said = json.dumps(plain(thing.metadata[OWN_KEY]), ensure_ascii=False, sort_keys=True)
    return _MARK[:-1] + said


def is_own_comment(text: str | None) -> bool:
    """Whether emsync wrote a comment."""
    return bool(text) and str(text).strip().startswith(_MARK)


def recover_in_place(thing: otio.core.SerializableObjectWithMetadata, comment: object) -> None:
    """Turn a comment of ours back into metadata."""
    if not isinstance(comment, str) or not is_own_comment(comment):
        return
    try:
        said = json.loads(comment.strip().removeprefix(_MARK[:-1]))
    except json.JSONDecodeError:
        return  # a person's words that begin like ours
    if isinstance(said, dict):
        thing.metadata[OWN_KEY] = said


def recover_tracks_in_place(timeline: otio.schema.Timeline) -> None:
    """A track of nothing but our clips is ours."""
    for track in timeline.tracks:
        clips = [child for child in track if isinstance(child, otio.schema.Clip)]
        if clips and all(map(is_own, clips)):
            track.metadata[OWN_KEY] = {"kind": "stem"}
            track.name = clips[0].name or track.name


def plain(value: object) -> object:
    """OpenTimelineIO's own dictionaries and lists as Python's."""
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [plain(part) for part in value]
    return value


def _clear_clip_in_place(track: otio.schema.Track, clip: otio.schema.Clip) -> None:
    """A gap instead of a clip of ours; at the end of a track, nothing."""
    index = track.index(clip)
    if index == len(track) - 1:
        del track[index]
        return
    track[index] = otio.schema.Gap(
        source_range=otio.opentime.TimeRange(duration=clip.trimmed_range().duration)
    )


def _clear_markers_in_place(item: otio.core.Item) -> None:
    theirs = [marker for marker in item.markers if not is_own(marker)]
    if len(theirs) != len(item.markers):
        item.markers.clear()
        item.markers.extend(theirs)
