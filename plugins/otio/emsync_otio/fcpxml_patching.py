"""Stems and hits into the editor's own FCPXML: its bytes stay, elements of ours are added.

A stem is a connected clip in a lane below all others, hung on the element of the primary storyline
that plays where its cue begins; a hit is a marker on the element that plays at it. Attributes and
the order of children are those of Apple's document type, which Final Cut Pro checks at import.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync.errors import OutputError
from emsync_otio.clock import Seconds, exact_seconds, seconds_range
from emsync_otio.fcpxml_resources import SCORE_KEY, parse_seconds, time_text
from emsync_otio.own import (
    OWN_KEY,
    comment_of,
    is_own,
    is_own_comment,
    own_stem,
    own_tracks_of,
    plain,
)
from emsync_otio.xml_text import Node, XmlText

__all__ = ["patched", "stem_asset", "stem_clip"]

_MARKERS = frozenset(["marker", "chapter-marker", "rating", "keyword", "analysis-marker"])
_BEHIND_MARKERS = frozenset(
    [
        "audio-channel-source",
        "audio-role-source",
        "sync-source",
        "filter-video",
        "object-tracker",
        "filter-video-mask",
        "filter-audio",
        "metadata",
        "reserved",
    ]
)
_STORY = frozenset(
    [
        "asset-clip",
        "clip",
        "ref-clip",
        "sync-clip",
        "mc-clip",
        "video",
        "audio",
        "title",
        "gap",
        "audition",
        "live-drawing",
    ]
)
_MEDIA_REP_SINCE = (1, 9)


@dataclass(frozen=True)
class _Part:
    """An element of the primary storyline."""

    node: Node
    begin: Seconds
    """In time of the timeline, from its first frame."""
    duration: Seconds
    start: Seconds
    """What its own clock reads at `begin`."""


def patched(source: bytes, timeline: otio.schema.Timeline, rate: Fraction) -> bytes:
    """The FCPXML `source` with the stems and hits that lie on `timeline`, its own reading.

    What an earlier run of emsync put there is taken out first.
    """
    text = XmlText(source)
    _remove_own_in_place(text)
    sequence = _sequence(text.root)
    parts = list(_storyline(sequence, text.root))
    lowest = min((_lane(node) for node in sequence.iter() if not text.is_removed(node)), default=0)
    version = tuple(int(part) for part in text.root.get("version", "1.9").split(".")[:2])
    resources = text.root.first("resources")
    if resources is None or not parts:
        raise OutputError(
            "The FCPXML has no storyline that stems could be connected to. Write it as .otio."
        )
    numbers = _free_ids(text)
    score = plain(timeline.metadata.get(OWN_KEY))
    for depth, track in enumerate(own_tracks_of(timeline), start=1):
        begin, clip = own_stem(track)
        number = next(numbers)
        text.append(resources, stem_asset(clip, number, with_media_rep=version >= _MEDIA_REP_SINCE))
        part = _at(parts, begin)
        offset = part.start + begin - part.begin
        element = stem_clip(clip, number, offset, min(lowest, 0) - depth, score)
        text.insert(part.node, _behind_anchors(part.node), element)
        score = None
    for marker in filter(is_own, timeline.tracks.markers):
        begin = exact_seconds(marker.marked_range.start_time)
        part = _at(parts, begin)
        start = part.start + begin - part.begin
        if not _is_marked(text, part.node, start, 1 / rate):
            text.insert(part.node, _behind_markers(part.node), _marker(marker, start, 1 / rate))
    return text.result()


def stem_asset(clip: otio.schema.Clip, number: str, *, with_media_rep: bool) -> Element:
    """The resource that names a stem's file."""
    media = clip.media_reference
    about = media.metadata[OWN_KEY]
    rate_hz = int(about["sample_rate_hz"])
    asset = Element(
        "asset",
        {
            "id": number,
            "name": clip.name,
            "start": "0s",
            "duration": time_text(Fraction(int(about["length_samples"]), rate_hz)),
            "hasAudio": "1",
            "audioSources": "1",
            "audioChannels": "2",
            "audioRate": str(rate_hz),
        },
    )
    if with_media_rep:
        SubElement(asset, "media-rep", {"kind": "original-media", "src": media.target_url})
    else:
        asset.set("src", media.target_url)
    return asset


def stem_clip(
    clip: otio.schema.Clip, number: str, offset: Seconds, lane: int, score: object
) -> Element:
    """A connected clip that plays a stem, in the music role, with a note by which it is known."""
    _, duration = seconds_range(clip.source_range)
    family = str(clip.metadata[OWN_KEY].get("family", "")) or "stem"
    element = Element(
        "asset-clip",
        {
            "ref": number,
            "lane": str(lane),
            "offset": time_text(offset),
            "name": clip.name,
            "duration": time_text(duration),
            "audioRole": f"music.{family}",
        },
    )
    SubElement(element, "note").text = comment_of(clip)
    if score is not None:
        metadata = SubElement(element, "metadata")
        said = json.dumps(score, ensure_ascii=False, sort_keys=True)
        SubElement(metadata, "md", {"key": SCORE_KEY, "value": said})
    return element


def _marker(marker: otio.schema.Marker, start: Seconds, frame: Seconds) -> Element:
    about = {"start": time_text(start), "duration": time_text(frame), "value": marker.name}
    return Element("marker", {**about, "note": comment_of(marker)})


def _is_marked(text: XmlText, node: Node, start: Seconds, frame: Seconds) -> bool:
    """Whether a clip has a marker of the user's on a frame. Final Cut makes one at a moment, and
    what it does with a second that it reads is not known here: the user's stays alone."""
    return any(
        0 <= _time(marker, "start") - start < frame
        for marker in node.all("marker", "chapter-marker")
        if not text.is_removed(marker)
    )


def _sequence(root: Node) -> Node:
    """The sequence that the reader took: of the only project with anything in it, else compound."""
    projects = [node for project in root.iter("project") for node in project.all("sequence")]
    compounds = [node for media in root.iter("media") for node in media.all("sequence")]
    found = [node for node in projects or compounds if _has_story(node)]
    if len(found) > 1 and not projects:
        outer = {clip.get("ref") for clip in root.children if clip.tag == "ref-clip"}
        outer |= {clip.get("ref") for event in root.iter("event") for clip in event.all("ref-clip")}
        found = [node for node in found if node.parent and node.parent.get("id") in outer] or found
    if not found:
        raise OutputError("The FCPXML holds no sequence. Write the timeline as .otio.")
    return found[0]


def _has_story(sequence: Node) -> bool:
    return any(child.tag in _STORY for spine in sequence.all("spine") for child in spine.children)


def _storyline(sequence: Node, root: Node) -> Iterator[_Part]:
    """The primary storyline's elements; of an audition, its pick."""
    shift = -_time(sequence, "tcStart")
    at = -shift
    starts = _starts(root)
    for spine in sequence.all("spine"):
        for child in spine.children:
            if child.tag not in _STORY or child.get("lane"):
                continue
            chosen = child
            if child.tag == "audition":
                picks = [inner for inner in child.children if inner.tag in _STORY]
                if not picks:
                    continue
                chosen = picks[0]
            begin = _time(child, "offset", at)
            start, duration = starts.get(chosen.get("ref"), (Fraction(0), Fraction(0)))
            start, duration = _time(chosen, "start", start), _time(chosen, "duration", duration)
            yield _Part(chosen, begin + shift, duration, start)
            at = begin + duration


def _starts(root: Node) -> dict[str, tuple[Seconds, Seconds]]:
    """What the clocks of media, compounds and multicams read at their start; their durations."""
    known = {}
    for node in root.iter():
        if node.tag == "asset":
            known[node.get("id")] = (_time(node, "start"), _time(node, "duration"))
        elif node.tag in ("sequence", "multicam") and node.parent and node.parent.tag == "media":
            known[node.parent.get("id")] = (_time(node, "tcStart"), _time(node, "duration"))
    return known


def _at(parts: list[_Part], moment: Seconds) -> _Part:
    """The element that plays at a moment; past the end, the last."""
    at = bisect_right(parts, moment, key=lambda part: part.begin) - 1
    is_there = at >= 0 and moment < parts[at].begin + parts[at].duration
    return parts[at] if is_there else parts[-1]


def _behind_anchors(node: Node) -> int:
    return next(
        (
            index
            for index, child in enumerate(node.children)
            if child.tag in _MARKERS or child.tag in _BEHIND_MARKERS
        ),
        len(node.children),
    )


def _behind_markers(node: Node) -> int:
    return next(
        (index for index, child in enumerate(node.children) if child.tag in _BEHIND_MARKERS),
        len(node.children),
    )


def _remove_own_in_place(text: XmlText) -> None:
    """What an earlier run added: its clips, markers, and assets that nothing else plays."""
    own: set[str] = set()
    for node in text.root.iter():
        note = node.first("note")
        if node.tag == "asset-clip" and note is not None and is_own_comment(note.text):
            own.add(node.get("ref"))
            text.remove(node)
        elif node.tag == "marker" and is_own_comment(node.get("note")):
            text.remove(node)
    used = {n.get("ref") for n in text.root.iter() if n.get("ref") and not text.is_removed(n)}
    for asset in list(text.root.iter("asset")):
        if asset.get("id") in own - used:
            text.remove(asset)


def _free_ids(text: XmlText) -> Iterator[str]:
    """Ids in Final Cut's manner, r1 r2 …, that nothing in the file has."""
    taken = {node.get("id") for node in text.root.iter() if not text.is_removed(node)}
    return (f"r{number}" for number in count(1) if f"r{number}" not in taken)


def _lane(node: Node) -> int:
    text = node.get("lane", "0")
    return int(text) if text.lstrip("-").isdigit() else 0


def _time(node: Node, name: str, default: Seconds = Fraction(0)) -> Seconds:
    text = node.attributes.get(name)
    return default if text is None else parse_seconds(text)
