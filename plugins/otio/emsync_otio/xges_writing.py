"""A project of GStreamer Editing Services and Pitivi out of any timeline, with otio-xges-adapter.

The adapter (1.0.0) gets what it can write: clips of media that begin at zero, in tracks without
compounds (GES 1.22 hangs over nested timelines), and transitions between two clips. The rest of a
project, our stems among it, is added to what it wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import SubElement

import opentimelineio as otio

from emsync.picture import BoundaryKind
from emsync_otio.clock import exact_seconds, otio_range, otio_time
from emsync_otio.flattening import Blend, flatten, item_range, shown_range, speed_of
from emsync_otio.looks import Looks, looks_of
from emsync_otio.markers import markers_of
from emsync_otio.media_paths import bare_path, file_url
from emsync_otio.own import clear_own_in_place
from emsync_otio.picture_size import picture_size
from emsync_otio.xges import LAYER_NAME, adapter
from emsync_otio.xges_patching import marker_of, patched

__all__ = ["document_of"]

_SAMPLE_RATE_HZ = 48_000
_TITLE = "emsync-title:"
_PICTURE = otio.schema.TrackKind.Video


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
    return patched(_with_titles(written), timeline, rate)


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
    _drop_edge_fades_in_place(made)
    return made


def _drop_edge_fades_in_place(track: otio.schema.Track) -> None:
    """A project fades between two clips alone, of which neither may cover the other: from a gap,
    which the adapter writes as a clip of nothing, but not from the edge of the timeline."""
    for index in (len(track) - 1, 0):
        if len(track) and isinstance(track[index], otio.schema.Transition):
            del track[index]


def _plain_items(item: otio.core.Item, kind: str, rate: Fraction) -> Iterator[otio.core.Composable]:
    """An item as clips and gaps; a compound's picture flattened, with its transitions."""
    start, duration = item_range(item)
    if isinstance(item, otio.schema.Gap) or not item.enabled:
        yield _gap(duration, rate)
    elif isinstance(item, otio.schema.Clip) and kind == _PICTURE and _is_seen_through(item):
        yield _title(item, duration, rate)
    elif isinstance(item, otio.schema.Clip):
        yield _plain_clip(item, start, duration, rate, speed_of(item))
    elif kind == otio.schema.TrackKind.Audio:
        yield _gap(duration, rate)
    else:
        at = Fraction(0)
        left = None
        for stretch in flatten(otio.schema.Stack(children=[item.deepcopy()])):
            if stretch.start > at:
                if left is not None:
                    yield _blend(left, at, rate)
                yield _gap(stretch.start - at, rate)
                left = None
            entered = stretch.entered or left
            if entered is not None:
                yield _blend(entered, stretch.start, rate)
            left = stretch.left
            length = stretch.end - stretch.start
            clip = stretch.clip or otio.schema.Clip(name=item.name)
            if _is_seen_through(clip):
                yield _title(clip, length, rate)
            else:
                yield _plain_clip(clip, stretch.source, length, rate, stretch.speed)
            at = stretch.end
        if at < duration:
            yield _gap(duration - at, rate)


def _is_seen_through(clip: otio.schema.Clip) -> bool:
    """Whether what lies below is seen."""
    return looks_of(clip) is not Looks.OPAQUE


def _title(clip: otio.schema.Clip, duration: Fraction, rate: Fraction) -> otio.schema.Clip:
    """A title, which the adapter does not write: it goes by as a file until that has written."""
    shown = otio_range(Fraction(0), duration, rate)
    media = otio.schema.ExternalReference(_TITLE + quote(clip.name or "title"), shown)
    return otio.schema.Clip(name=clip.name, media_reference=media, source_range=shown)


def _with_titles(written: str) -> bytes:
    """What the adapter wrote, with titles in the form that GES gives them."""
    root = ElementTree.fromstring(written)
    structure = adapter().GstStructure
    for clip in root.iter("clip"):
        if clip.get("inpoint", "").startswith("-"):  # GES stops reading at what is before a file
            clip.set("inpoint", "0")
        url = clip.get("asset-id", "")
        if url == "GESTitleClip":
            name = ""  # the adapter's clip of nothing, which GES makes white
        elif url.startswith(_TITLE):
            name = unquote(url.removeprefix(_TITLE))
        else:
            continue
        clip.set("asset-id", "GESTitleClip")
        clip.set("type-name", "GESTitleClip")
        said = {
            "GstBaseTextOverlay::text": ("string", name),
            "GstVideoTestSrc::foreground-color": ("uint", 0),  # what is behind the text: clear
        }
        SubElement(
            clip,
            "source",
            {
                "track-id": "0",  # of the two that `_kinds` makes
                "properties": "properties, track-type=(int)4;",
                "metadatas": "metadatas;",
                "children-properties": str(structure("properties", said)),
            },
        )
    for resources in root.iter("ressources"):
        for asset in resources.findall("asset"):
            if asset.get("id", "").startswith(_TITLE):
                resources.remove(asset)
    body: bytes = ElementTree.tostring(root, "utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body


def _blend(blend: Blend, cut: Fraction, rate: Fraction) -> otio.schema.Transition:
    """A gradual change around a cut."""
    return otio.schema.Transition(
        name="Wipe" if blend.kind is BoundaryKind.WIPE else "",
        transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
        in_offset=otio_time(max(cut - (blend.middle - blend.length / 2), Fraction(0)), rate),
        out_offset=otio_time(max(blend.middle + blend.length / 2 - cut, Fraction(0)), rate),
    )


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
