"""The editor's markers as hits; what emsync itself wrote is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import opentimelineio as otio

from emsync.cue import Hit, HitSource
from emsync.timecode import RationalTime
from emsync_otio.clock import Seconds, exact_seconds
from emsync_otio.flattening import item_range
from emsync_otio.own import is_own

__all__ = ["marker_hits"]


def marker_hits(
    timeline: otio.schema.Timeline, rate: Fraction, duration: RationalTime
) -> tuple[tuple[Hit, ...], int]:
    """Locked hits at the markers inside the picture, and how many markers lie outside it.

    Counted are markers of the timeline, its tracks and their items; those inside compound clips
    belong to the compound and are not shown in the timeline. Markers on one frame become one hit.
    """
    labels: dict[int, list[str]] = {}
    outside = 0
    for at, marker in _markers(timeline, duration.seconds):
        frame = RationalTime.from_seconds(at, rate).value
        if not 0 <= frame < duration.value:
            outside += 1
            continue
        names = labels.setdefault(frame, [])
        name = (marker.name or marker.comment or "").strip()
        if name and name not in names:
            names.append(name)
    hits = tuple(
        Hit(RationalTime(frame, rate), 1.0, True, HitSource.MARKER, " / ".join(names))
        for frame, names in sorted(labels.items())
    )
    return hits, outside


def _markers(
    timeline: otio.schema.Timeline, length: Seconds
) -> Iterator[tuple[Seconds, otio.schema.Marker]]:
    """Every marker that the editor sees, with its picture time."""
    start = timeline.global_start_time
    zero_hour = exact_seconds(start) if start is not None else Fraction(0)
    stack_start = item_range(timeline.tracks)[0] if timeline.tracks.source_range else Fraction(0)
    for marker in _theirs(timeline.tracks):
        at = _start(marker) - stack_start
        # Some exporters count a timeline's markers in record timecode.
        yield (at - zero_hour if at >= length and at >= zero_hour else at), marker
    for track in timeline.tracks:
        if not isinstance(track, otio.core.Item) or not track.enabled:
            continue
        shift = item_range(track)[0] if track.source_range else Fraction(0)
        for marker in _theirs(track):
            yield _start(marker) - shift - stack_start, marker
        if isinstance(track, otio.schema.Track):
            yield from _item_markers(track, -shift - stack_start)


def _item_markers(
    track: otio.schema.Track, at: Seconds
) -> Iterator[tuple[Seconds, otio.schema.Marker]]:
    """Markers on a track's items, each in its item's own clock, where the item shows them."""
    for child in track:
        if not isinstance(child, otio.core.Item):
            continue
        start, duration = item_range(child)
        for marker in _theirs(child) if child.enabled else ():
            inside = _start(marker) - start
            if 0 <= inside < duration:
                yield at + inside, marker
        at += duration


def _theirs(item: otio.core.Item) -> Iterator[otio.schema.Marker]:
    return (marker for marker in item.markers if not is_own(marker))


def _start(marker: otio.schema.Marker) -> Seconds:
    return exact_seconds(marker.marked_range.start_time)
