"""A host's timeline as a file that the server reads: OpenTimelineIO's JSON, written by hand.

In a host there is no OpenTimelineIO, and its JSON is plain (`Timeline.1`, `Clip.2`, `Marker.2`:
what OpenTimelineIO 0.15 and later reads).
"""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from emsync.hosting.timeline import (
    ClipKind,
    HostClip,
    HostMarker,
    HostTimeline,
    HostTrack,
    HostTransition,
    Span,
    TrackKind,
)

__all__ = ["picture_text"]

_KINDS = {TrackKind.PICTURE: "Video", TrackKind.SOUND: "Audio"}
_GENERATORS = {ClipKind.SOLID: "SolidColor", ClipKind.TITLE: "Title"}

Json = dict[str, Any]


def picture_text(timeline: HostTimeline, span: Span) -> str:
    """The stretch of a timeline that is to be scored, as the text of an `.otio` file."""
    rate = timeline.rate
    rows = [
        row for track in timeline.tracks for row in _rows(_clipped(track, span, rate)) if row.clips
    ]
    marked = [
        replace(marker, at_frames=marker.at_frames - span.start_frames)
        for marker in timeline.markers
        if span.start_frames <= marker.at_frames < span.end_frames
    ]
    written = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": timeline.name,
        "metadata": {},
        "global_start_time": _time(timeline.start_frames + span.start_frames, rate),
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            "metadata": {},
            "source_range": None,
            "children": [_track(row, span.length_frames, rate) for row in rows],
            "markers": [_marker(marker, rate) for marker in marked],
            "effects": [],
            "enabled": True,
        },
    }
    return json.dumps(written)


def _clipped(track: HostTrack, span: Span, rate: Fraction) -> HostTrack:
    """A track without what lies outside the span, counted from the span's first frame."""
    clips = []
    for clip in track.clips:
        first = max(clip.start_frames, span.start_frames)
        last = min(clip.start_frames + clip.length_frames, span.end_frames)
        if first < last:
            skipped_s = float((first - clip.start_frames) / rate) * clip.speed
            clips.append(
                replace(
                    clip,
                    start_frames=first - span.start_frames,
                    length_frames=last - first,
                    source_start_s=max(0.0, clip.source_start_s + skipped_s),
                )
            )
    joins = tuple(
        replace(join, cut_frames=join.cut_frames - span.start_frames)
        for join in track.transitions
        if span.start_frames < join.cut_frames < span.end_frames
    )
    return replace(track, clips=tuple(clips), transitions=joins)


def _rows(track: HostTrack) -> list[HostTrack]:
    """The track, and above it what overlaps: some hosts let clips lie over one another."""
    rows: list[list[HostClip]] = [[]]
    for clip in sorted(track.clips, key=lambda each: each.start_frames):
        for row in rows:
            if not row or row[-1].start_frames + row[-1].length_frames <= clip.start_frames:
                row.append(clip)
                break
        else:
            rows.append([clip])
    return [
        replace(track, clips=tuple(row), transitions=track.transitions if number == 0 else ())
        for number, row in enumerate(rows)
    ]


def _track(track: HostTrack, length_frames: int, rate: Fraction) -> Json:
    """Clips with the gaps between them; the last gap reaches to the end of the stretch."""
    joins = {join.cut_frames: join for join in track.transitions}
    children: list[Json] = []
    at = 0
    for clip in track.clips:
        if clip.start_frames > at:
            children.append(_gap(clip.start_frames - at, rate))
        elif at in joins:
            children.append(_transition(joins.pop(at), rate))
        children.append(_clip(clip, rate))
        at = clip.start_frames + clip.length_frames
    if track.kind is TrackKind.PICTURE and at < length_frames:
        children.append(_gap(length_frames - at, rate))
    return {
        "OTIO_SCHEMA": "Track.1",
        "name": track.name,
        "kind": _KINDS[track.kind],
        "metadata": {},
        "source_range": None,
        "children": children,
        "markers": [],
        "effects": [],
        "enabled": track.enabled,
    }


def _clip(clip: HostClip, rate: Fraction) -> Json:
    shown = _range(clip.source_start_s * float(rate), clip.length_frames, rate)
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": clip.name,
        "metadata": {},
        "source_range": shown,
        "media_references": {"DEFAULT_MEDIA": _media(clip, rate)},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "markers": [],
        "effects": _speed(clip.speed),
        "enabled": clip.enabled,
    }


def _media(clip: HostClip, rate: Fraction) -> Json:
    if clip.kind is not ClipKind.MEDIA:
        return {
            "OTIO_SCHEMA": "GeneratorReference.1",
            "name": clip.name,
            "generator_kind": _GENERATORS[clip.kind],
            "parameters": {},
            "available_range": None,
            "metadata": {"emsync_otio": {"see_through": clip.kind is ClipKind.TITLE}},
        }
    if clip.media is None:
        return {
            "OTIO_SCHEMA": "MissingReference.1",
            "name": clip.name,
            "available_range": None,
            "metadata": {},
        }
    seen = clip.source_start_s * float(rate) + clip.length_frames * max(abs(clip.speed), 1.0)
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": clip.name,
        "target_url": _url(clip.media),
        "available_range": _range(0, seen, rate),
        "metadata": {},
    }


def _url(media: str) -> str:
    """A URL, so that a `%20` that belongs to the file's name is not read as a space."""
    path = Path(media)
    return path.as_uri() if path.is_absolute() else media


def _speed(speed: float) -> list[Json]:
    if speed == 1.0:
        return []
    freezes = speed == 0.0
    return [
        {
            "OTIO_SCHEMA": "FreezeFrame.1" if freezes else "LinearTimeWarp.1",
            "name": "",
            "effect_name": "FreezeFrame" if freezes else "LinearTimeWarp",
            "time_scalar": speed,
            "metadata": {},
            "enabled": True,
        }
    ]


def _gap(length_frames: int, rate: Fraction) -> Json:
    return {
        "OTIO_SCHEMA": "Gap.1",
        "name": "",
        "metadata": {},
        "source_range": _range(0, length_frames, rate),
        "markers": [],
        "effects": [],
        "enabled": True,
    }


def _transition(join: HostTransition, rate: Fraction) -> Json:
    return {
        "OTIO_SCHEMA": "Transition.1",
        "name": join.name,
        "transition_type": "SMPTE_Dissolve",
        "in_offset": _time(join.before_frames, rate),
        "out_offset": _time(join.after_frames, rate),
        "metadata": {},
    }


def _marker(marker: HostMarker, rate: Fraction) -> Json:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": marker.name,
        "color": marker.color.upper() or None,
        "marked_range": _range(marker.at_frames, 0, rate),
        "metadata": {},
        "comment": "",
    }


def _range(start: float, duration: float, rate: Fraction) -> Json:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start, rate),
        "duration": _time(duration, rate),
    }


def _time(frames: float, rate: Fraction) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": round(float(frames), 6), "rate": float(rate)}
