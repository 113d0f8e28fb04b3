"""What a written timeline kept of the one that was meant, as it reads back: no table, a comparison.

Each aspect is looked at in both timelines in terms that no format has a say in: frames, names, what
an audience sees. BENCHMARKS.md has the table for a timeline with one of everything in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cached_property

import opentimelineio as otio

from emsync.picture import Boundary, BoundaryKind
from emsync.timecode import RationalTime, is_drop_frame_rate
from emsync_otio.clock import exact_seconds
from emsync_otio.counting import said_drop_frame
from emsync_otio.flattening import Stretch, flatten, item_range
from emsync_otio.markers import markers_of
from emsync_otio.media_paths import bare_path
from emsync_otio.own import OWN_KEY, is_own, plain
from emsync_otio.reading import boundaries_of

__all__ = ["Aspect", "has_any", "lost_aspects"]

_DEFAULT_NAME = re.compile(r"(v|a|video|audio|track)? ?\d*", re.IGNORECASE)
_OFFLINE = "/offline/"
"""Where our writers put media of which a timeline tells nothing."""
_OUR_KEYS = frozenset([OWN_KEY, "emsync_otio", "fcp_xml", "fcpxml", "AAF", "cmx_3600", "XGES"])
"""Metadata by which adapters pass on what is in the file itself."""


class Aspect(Enum):
    """What there is to keep; the value is its name in a sentence."""

    CUTS = "cuts to the frame"
    KINDS = "kinds of transitions"
    SOURCES = "which part of its media a clip shows"
    MEDIA = "references to media"
    SPEEDS = "speeds"
    FREEZES = "freeze frames"
    SWITCHED_OFF = "disabled clips"
    COMPOUNDS = "compound clips"
    SOUND = "sound clips"
    TRACK_NAMES = "track names"
    MARKERS = "markers and their names"
    CLIP_MARKERS = "that a marker belongs to a clip"
    MARKER_COMMENTS = "comments of markers"
    MARKER_COLORS = "colours of markers"
    START = "the start timecode"
    COUNTING = "whether timecode drops frames"
    EFFECTS = "effects other than speed"
    METADATA = "other programs' metadata"
    HITS = "hits and their errors"
    DUCKING = "the ducking curve"
    SHEET = "the cue sheet inside"


def lost_aspects(
    meant: otio.schema.Timeline, kept: otio.schema.Timeline, rate: Fraction
) -> tuple[Aspect, ...]:
    """What `meant` has and `kept` does not have so."""
    before, after = _Seen(meant, rate), _Seen(kept, rate)
    return tuple(
        aspect
        for aspect, look in _LOOKS.items()
        if (there := look(before)) and look(after) != there
    )


def has_any(timeline: otio.schema.Timeline, aspect: Aspect, rate: Fraction) -> bool:
    """Whether there is anything of an aspect to keep."""
    return bool(_LOOKS[aspect](_Seen(timeline, rate)))


@dataclass
class _Seen:
    """A timeline, and what an audience sees of it, worked out once."""

    timeline: otio.schema.Timeline
    rate: Fraction

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """What is shown."""
        return flatten(self.timeline.tracks)

    @cached_property
    def boundaries(self) -> tuple[Boundary, ...]:
        """Where it changes."""
        return boundaries_of(self.stretches, self.rate)


def _cuts(seen: _Seen) -> object:
    return tuple(each.time.value for each in seen.boundaries)


def _kinds(seen: _Seen) -> object:
    return tuple(
        (each.time.value, each.kind)
        for each in seen.boundaries
        if each.kind is not BoundaryKind.CUT
    )


def _sources(seen: _Seen) -> object:
    """First frame of the media that each cut shows; of footage at its own speed."""
    return tuple(
        (_frame(piece.start, seen.rate), _frame(piece.source - _zero(piece), seen.rate))
        for piece in seen.stretches
        if piece.speed == 1 and piece.entered is None and _path(piece.clip)
    )


def _media(seen: _Seen) -> object:
    return frozenset(filter(None, map(_path, seen.timeline.find_clips())))


def _speeds(seen: _Seen) -> object:
    return tuple(
        (_frame(piece.start, seen.rate), round(float(piece.speed), 4))
        for piece in seen.stretches
        if piece.speed not in (0, 1)
    )


def _freezes(seen: _Seen) -> object:
    return tuple(_frame(piece.start, seen.rate) for piece in seen.stretches if piece.speed == 0)


def _switched_off(seen: _Seen) -> object:
    return sorted(
        _path(clip) or clip.name for clip in seen.timeline.find_clips() if not clip.enabled
    )


def _compounds(seen: _Seen) -> object:
    found = seen.timeline.tracks.find_children(descended_from_type=otio.schema.Stack)
    return sorted(each.name for each in found)


def _sound(seen: _Seen) -> object:
    """Where the user's sound begins, on the timeline's own tracks."""
    found = []
    for track in seen.timeline.tracks:
        if getattr(track, "kind", "") != otio.schema.TrackKind.Audio:
            continue
        at = Fraction(0)
        for child in track:
            if not isinstance(child, otio.core.Item):
                continue
            if isinstance(child, otio.schema.Clip) and not is_own(child):
                found.append((_frame(at, seen.rate), _path(child) or child.name))
            at += item_range(child)[1]
    return sorted(found)


def _track_names(seen: _Seen) -> object:
    rows = (row for row in seen.timeline.tracks if not is_own(row))
    return sorted(row.name for row in rows if not _DEFAULT_NAME.fullmatch(row.name or ""))


def _markers(seen: _Seen) -> object:
    return _said_at(seen, lambda marker: marker.name)


def _clip_markers(seen: _Seen) -> object:
    items = seen.timeline.tracks.find_children(descended_from_type=otio.core.Item)
    return sorted(marker.name for item in items for marker in item.markers)


def _marker_comments(seen: _Seen) -> object:
    return _said_at(seen, lambda marker: marker.comment)


def _marker_colors(seen: _Seen) -> object:
    return _said_at(seen, lambda marker: str(marker.color or ""))


def _said_at(
    seen: _Seen,
    look: Callable[[otio.schema.Marker], str],
) -> object:
    length = item_range(seen.timeline.tracks)[1]
    found = markers_of(seen.timeline, length)
    return sorted((_frame(at, seen.rate), look(marker)) for at, marker in found if look(marker))


def _start(seen: _Seen) -> object:
    start = seen.timeline.global_start_time
    return 0 if start is None else _frame(exact_seconds(start), seen.rate)


def _counting(seen: _Seen) -> object:
    said = said_drop_frame(seen.timeline)
    return () if said is None or not is_drop_frame_rate(seen.rate) else (said,)


def _effects(seen: _Seen) -> object:
    return sorted(
        effect.effect_name or effect.name
        for clip in seen.timeline.find_clips()
        for effect in clip.effects
        if not isinstance(effect, otio.schema.TimeEffect)
    )


def _metadata(seen: _Seen) -> object:
    """What other programs keep on the timeline and its clips."""
    things = [seen.timeline, *seen.timeline.find_clips()]
    found = (_foreign(thing) for thing in things)
    return sorted(json.dumps(said, sort_keys=True, default=str) for said in found if said)


def _foreign(thing: otio.core.SerializableObjectWithMetadata) -> dict[str, object]:
    return {key: plain(value) for key, value in thing.metadata.items() if key not in _OUR_KEYS}


def _hits(seen: _Seen) -> object:
    """Not those on a frame that the editor marked: whether they have markers is counted apart."""
    length = seen.stretches[-1].end if seen.stretches else Fraction(0)
    theirs = {_frame(at, seen.rate) for at, _ in markers_of(seen.timeline, length)}
    own = (
        (_frame(exact_seconds(marker.marked_range.start_time), seen.rate), marker.name)
        for marker in seen.timeline.tracks.markers
        if is_own(marker)
    )
    return sorted(each for each in own if each[0] not in theirs)


def _ducking(seen: _Seen) -> object:
    own = (row.metadata[OWN_KEY] for row in seen.timeline.tracks if is_own(row))
    return ["ducking" for said in own if said.get("ducking")]


def _sheet(seen: _Seen) -> object:
    said = seen.timeline.metadata.get(OWN_KEY)
    return ["sheet"] if said is not None and "cue_sheet" in said else []


def _frame(seconds: Fraction, rate: Fraction) -> int:
    return RationalTime.from_seconds(seconds, rate).value


def _zero(piece: Stretch) -> Fraction:
    media = piece.clip.media_reference if piece.clip is not None else None
    known = media.available_range if media is not None else None
    return exact_seconds(known.start_time) if known is not None else Fraction(0)


def _path(clip: otio.schema.Clip | None) -> str:
    """The file that a clip shows, however the format spells it."""
    if clip is None or is_own(clip):
        return ""
    media = clip.media_reference
    target = media.target_url if isinstance(media, otio.schema.ExternalReference) else ""
    path = bare_path(target or "").replace("\\", "/")
    return "" if path.startswith(_OFFLINE) else path


_LOOKS: dict[Aspect, Callable[[_Seen], object]] = {
    Aspect.CUTS: _cuts,
    Aspect.KINDS: _kinds,
    Aspect.SOURCES: _sources,
    Aspect.MEDIA: _media,
    Aspect.SPEEDS: _speeds,
    Aspect.FREEZES: _freezes,
    Aspect.SWITCHED_OFF: _switched_off,
    Aspect.COMPOUNDS: _compounds,
    Aspect.SOUND: _sound,
    Aspect.TRACK_NAMES: _track_names,
    Aspect.MARKERS: _markers,
    Aspect.CLIP_MARKERS: _clip_markers,
    Aspect.MARKER_COMMENTS: _marker_comments,
    Aspect.MARKER_COLORS: _marker_colors,
    Aspect.START: _start,
    Aspect.COUNTING: _counting,
    Aspect.EFFECTS: _effects,
    Aspect.METADATA: _metadata,
    Aspect.HITS: _hits,
    Aspect.DUCKING: _ducking,
    Aspect.SHEET: _sheet,
}
