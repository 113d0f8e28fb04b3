"""A project of GStreamer Editing Services and Pitivi out of any timeline, with otio-xges-adapter.

The adapter (1.0.0) gets what it can write: clips of media that begin at zero, in tracks without
compounds (GES 1.22 hangs over nested timelines), and transitions between two clips. The rest of a
project, our stems among it, is added to what it wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import opentimelineio as otio

from emsync_otio.clock import exact_seconds, otio_range
from emsync_otio.flattening import flatten, item_range, shown_range, speed_of
from emsync_otio.markers import markers_of
from emsync_otio.media_paths import bare_path, file_url
from emsync_otio.own import clear_own_in_place
from emsync_otio.picture_size import picture_size
from emsync_otio.xges import LAYER_NAME, adapter
from emsync_otio.xges_patching import marker_of, patched

__all__ = ["document_of"]

_SAMPLE_RATE_HZ = 48_000


def document_of(timeline: otio.schema.Timeline, rate: Fraction) -> bytes:
    """The project, with emsync's own stems and hits."""
    theirs = timeline.deepcopy()
    clear_own_in_place(theirs)
    made = otio.schema.Timeline(name=theirs.name)
    for row in theirs.tracks:
        made.tracks.append(_plain_track(row, rate))
    structure = adapter().GstStructure
    length = item_range(theirs.tracks)[1]
    markers = [marker_of(marker, at) for at, marker in markers_of(theirs, length)]
    held = adapter().GESMarkerList(*markers)
    metadatas = structure("metadatas", {"markers": ("GESMarkerList", held)})
    made.tracks.metadata["XGES"] = {
        "timeline": {"metadatas": metadatas},
        "tracks": _kinds(timeline, rate),
    }
    written = otio.adapters.write_to_string(made, adapter_name="xges")
    return patched(written.encode("utf-8"), timeline, rate)


def _kinds(timeline: otio.schema.Timeline, rate: Fraction) -> list[otio.core.SerializableObject]:
    """The one picture and the one sound that a project has, as large and as fast as they are."""
    size = picture_size(timeline)
    restrictions = {
        "Video": f"video/x-raw, framerate=(fraction){rate.numerator}/{rate.denominator}, "
        f"width=(int){size.width}, height=(int){size.height}, "
        "pixel-aspect-ratio=(fraction)1/1",
        "Audio": f"audio/x-raw, rate=(int){_SAMPLE_RATE_HZ}, channels=(int)2",
    }
    made = []
    for kind, restriction in restrictions.items():
        track = adapter().XgesTrack.new_from_otio_track_kind(kind)
        track.properties.set("restriction-caps", "string", restriction)
        made.append(track)
    return made


def _plain_track(row: otio.core.Item, rate: Fraction) -> otio.schema.Track:
    """A track of clips, gaps and transitions between clips, from its own first frame."""
    made = otio.schema.Track(name=row.name, kind=getattr(row, "kind", "Video"))
    structure = adapter().GstStructure
    made.metadata["XGES"] = {
        "metadatas": structure("metadatas", {LAYER_NAME: ("string", row.name or "")})
    }
    if not row.enabled:
        return made
    if isinstance(row, otio.schema.Track):
        if row.source_range is not None:
            whole = otio_range(*shown_range(row), rate)
            row = otio.algorithms.track_trimmed_to_range(row, whole)
        items: list[otio.core.Composable] = list(row)
    else:
        items = [row]
    for item in items:
        if isinstance(item, otio.schema.Transition):
            made.append(item.deepcopy())
        elif isinstance(item, otio.core.Item):
            made.extend(_plain_items(item, made.kind, rate))
    for index in reversed(range(len(made))):
        if isinstance(made[index], otio.schema.Transition) and not _joins_clips(made, index):
            del made[index]
    return made


def _joins_clips(track: otio.schema.Track, index: int) -> bool:
    """Whether a transition has a clip on both its sides: a project knows no others."""
    sides = [track[each] for each in (index - 1, index + 1) if 0 <= each < len(track)]
    return len(sides) == 2 and all(isinstance(side, otio.schema.Clip) for side in sides)


def _plain_items(item: otio.core.Item, kind: str, rate: Fraction) -> Iterator[otio.core.Item]:
    """An item as clips and gaps; a compound's picture flattened."""
    start, duration = item_range(item)
    if isinstance(item, otio.schema.Gap) or not item.enabled:
        yield _gap(duration, rate)
    elif isinstance(item, otio.schema.Clip):
        yield _plain_clip(item, start, duration, rate, speed_of(item))
    elif kind == otio.schema.TrackKind.Audio:
        yield _gap(duration, rate)
    else:
        at = Fraction(0)
        for stretch in flatten(otio.schema.Stack(children=[item.deepcopy()])):
            if stretch.start > at:
                yield _gap(stretch.start - at, rate)
            length = stretch.end - stretch.start
            clip = stretch.clip or otio.schema.Clip(name=item.name)
            yield _plain_clip(clip, stretch.source, length, rate, stretch.speed)
            at = stretch.end
        if at < duration:
            yield _gap(duration - at, rate)


def _plain_clip(
    clip: otio.schema.Clip, start: Fraction, duration: Fraction, rate: Fraction, speed: Fraction
) -> otio.schema.Clip:
    """A clip of media that begins at zero; of media that nobody named, of a file that is not there,
    which Pitivi asks for."""
    media = clip.media_reference
    known = media.available_range if media is not None else None
    first = exact_seconds(known.start_time) if known is not None else Fraction(0)
    url = media.target_url if isinstance(media, otio.schema.ExternalReference) else ""
    url = file_url(url or f"/offline/{clip.name or 'clip'}")
    if "://" not in url:
        url = file_url("/" + bare_path(url))
    start = max(start - first, Fraction(0))
    length = exact_seconds(known.duration) if known is not None else start + duration
    made = otio.schema.Clip(
        name=clip.name,
        media_reference=otio.schema.ExternalReference(url, otio_range(Fraction(0), length, rate)),
        source_range=otio_range(start, duration, rate),
    )
    if speed > 0 and speed != 1:
        made.effects.append(otio.schema.Effect(effect_name=f"videorate rate={float(speed):.9g}"))
    return made


def _gap(duration: Fraction, rate: Fraction) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=otio_range(Fraction(0), duration, rate))
