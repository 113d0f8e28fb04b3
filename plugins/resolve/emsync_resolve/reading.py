"""Resolve's tracks as the JSON of `emsync.hosting.HostTimeline`."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from fractions import Fraction
from typing import Any, Dict, List, Optional, Sequence, Tuple

from emsync_resolve.words import OWN_KEY, frames_of, path_key, path_of, rate_of, rate_text

__all__ = ["read_timeline", "whole_args"]

SUBFRAMES_SINCE = (19, 1)
SEEN_THROUGH = ("text", "title", "subtitle", "scroll", "call out", "adjustment")

Json = Dict[str, Any]


def whole_args(version: Tuple[int, ...]) -> Tuple[Any, ...]:
    """What to call GetStart, GetEnd, GetDuration and GetLeftOffset with, to be told whole frames.

    They take whether fractions are wanted since 19.1, and nothing before.
    """
    return (False,) if version[:2] >= SUBFRAMES_SINCE else ()


def read_timeline(timeline: Any, own_files: Sequence[str], version: Tuple[int, ...]) -> Json:
    """Everything that a score needs; our own stems and markers are left out."""
    rate = rate_of(timeline.GetSetting("timelineFrameRate"))
    start = frames_of(timeline.GetStartFrame())
    reader = _Reader(rate, start, set(map(path_key, own_files)), whole_args(version))
    tracks = [
        reader.track(timeline, kind, index)
        for kind in ("video", "audio")
        for index in range(1, timeline.GetTrackCount(kind) + 1)
    ]
    read: Json = {
        "name": str(timeline.GetName()),
        "rate": rate_text(rate),
        "start_frames": start,
        # GetEndFrame is inclusive or exclusive by version: the last picture tells.
        "length_frames": reader.end,
        "tracks": tracks,
        "markers": _markers(timeline),
    }
    span = _range(timeline, start)
    if span:
        read["range"] = span
    return read


class _Reader:
    """Reads track after track, and remembers where the last picture ends."""

    def __init__(self, rate: Fraction, start: int, own_files: Any, whole: Tuple[Any, ...]) -> None:
        self._rate, self._start, self._own, self._whole = rate, start, own_files, whole
        self.end = 0

    def track(self, timeline: Any, kind: str, index: int) -> Json:
        """One track from its API index, which counts from 1."""
        items = list(timeline.GetItemListInTrack(kind, index) or [])
        places = [self._place(item) for item in items]
        edges = sorted({edge for place in places for edge in place})
        clips: List[Json] = []
        joins: List[Json] = []
        for item, place in zip(items, places):
            path = path_of(item.GetMediaPoolItem())
            if kind == "audio" and path_key(path) in self._own:
                continue
            cut = None if path else _cut_under(place, edges)
            if cut is not None:
                joins.append(_transition(item, place, cut))
                continue
            clips.append(self._clip(item, place, path))
            if kind == "video":
                self.end = max(self.end, place[1])
        return {
            "name": str(timeline.GetTrackName(kind, index) or f"{kind} {index}"),
            "kind": "picture" if kind == "video" else "sound",
            "enabled": bool(timeline.GetIsTrackEnabled(kind, index)),
            "clips": clips,
            "transitions": joins,
        }

    def _place(self, item: Any) -> Tuple[int, int]:
        """First frame and the first after, from the timeline's first."""
        first = frames_of(item.GetStart(*self._whole)) - self._start
        return first, first + frames_of(item.GetDuration(*self._whole))

    def _clip(self, item: Any, place: Tuple[int, int], path: str) -> Json:
        name = str(item.GetName())
        clip: Json = {
            "name": name,
            "start_frames": place[0],
            "length_frames": place[1] - place[0],
            "enabled": bool(item.GetClipEnabled()) if "GetClipEnabled" in dir(item) else True,
        }
        if not path:
            is_title = any(word in name.lower() for word in SEEN_THROUGH)
            return {**clip, "kind": "title" if is_title else "solid"}
        begun, speed = self._source(item, place)
        return {**clip, "kind": "media", "media": path, "source_start_s": begun, "speed": speed}

    def _source(self, item: Any, place: Tuple[int, int]) -> Tuple[float, float]:
        """Seconds into the file, and how fast it is shown.

        Resolve does not tell the speed; newer ones tell the seconds of the file at both ends.
        """
        rate = float(self._rate)
        begun = max(0.0, float(item.GetLeftOffset(*self._whole)) / rate)
        if not {"GetSourceStartTime", "GetSourceEndTime"} <= set(dir(item)):
            return begun, 1.0
        shown_s = float(item.GetSourceEndTime()) - float(item.GetSourceStartTime())
        speed = shown_s / ((place[1] - place[0]) / rate)
        one_frame = 1.5 / max(place[1] - place[0], 1)
        return begun, 1.0 if abs(speed - 1.0) <= one_frame else round(speed, 6)


def _cut_under(place: Tuple[int, int], edges: Sequence[int]) -> Optional[int]:
    """The cut that an item without media lies over; None where it is no transition.

    edges: of all items of the track, in order.
    """
    inside = edges[bisect_right(edges, place[0]) : bisect_left(edges, place[1])]
    return min(inside, key=lambda edge: abs(2 * edge - sum(place))) if inside else None


def _transition(item: Any, place: Tuple[int, int], cut: int) -> Json:
    return {
        "name": str(item.GetName()),
        "cut_frames": cut,
        "before_frames": cut - place[0],
        "after_frames": place[1] - cut,
    }


def _markers(timeline: Any) -> List[Json]:
    """The user's; Resolve counts them from the timeline's first frame."""
    found = []
    for frame, marker in sorted((timeline.GetMarkers() or {}).items()):
        if not _is_own(marker):
            name, color = str(marker.get("name", "")), str(marker.get("color", ""))
            found.append({"at_frames": frames_of(frame), "name": name, "color": color})
    return found


def _is_own(marker: Json) -> bool:
    try:
        data = json.loads(marker.get("customData") or "")
    except (TypeError, ValueError):
        return False
    return isinstance(data, dict) and OWN_KEY in data


def _range(timeline: Any, start: int) -> Optional[Json]:
    """In and out points; from the first frame or from the start timecode, as the version likes."""
    if "GetMarkInOut" not in dir(timeline):
        return None
    marked = (timeline.GetMarkInOut() or {}).get("video") or {}
    if "in" not in marked or "out" not in marked:
        return None
    first, last = frames_of(marked["in"]), frames_of(marked["out"])
    if start and first >= start:
        first, last = first - start, last - start
    return {"start_frames": first, "length_frames": last - first + 1} if last >= first else None
