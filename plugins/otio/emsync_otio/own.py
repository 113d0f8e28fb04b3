"""What emsync wrote into a timeline: known by its metadata, never by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import opentimelineio as otio

__all__ = ["OWN_KEY", "clear_own_in_place", "is_own", "plain"]

OWN_KEY = "emsync"
"""Where emsync keeps its own in any object's metadata, and how it knows its own again."""


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
