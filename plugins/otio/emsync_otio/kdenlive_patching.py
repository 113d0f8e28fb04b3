"""Stems and hits into the editor's own Kdenlive project: its bytes stay, elements are added.

Each stem gets an audio track of its own and one `mix` transition with the tracks below: without it
only one track is heard. A clip is known as ours by its description, which Kdenlive keeps; a guide
has nothing but its name, so ours is known by what that says of its error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync.errors import OutputError
from emsync_otio.clock import exact_seconds, seconds_range
from emsync_otio.media_paths import bare_path
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

__all__ = [
    "DESCRIPTION",
    "GUIDES",
    "SCORE_PROPERTY",
    "is_own_guide",
    "mix_transition",
    "patched",
    "properties",
]

DESCRIPTION = "kdenlive:description"
SCORE_PROPERTY = "kdenlive:docproperties.emsync"
"""Carries the cue sheet, seed and model ids; Kdenlive keeps properties that it does not know."""
GUIDES = ("kdenlive:sequenceproperties.guides", "kdenlive:docproperties.guides")
"""Of a sequence since 23.04; of the document before."""
_OWN_GUIDE = re.compile(r" \((0 frames|[+-]\d+\.\d+ (ms|frames)|not locked)\)$")
_BINS = ("main_bin", "main bin")
_PREFIX = "emsync-"


def patched(source: bytes, timeline: otio.schema.Timeline, rate: Fraction) -> bytes:
    """The project `source` with the stems and hits that lie on `timeline`, its own reading.

    What an earlier run of emsync put there is taken out first.
    """
    text = XmlText(source)
    sequence = _sequence(text.root)
    bin_list = next((p for p in text.root.all("playlist") if p.get("id") in _BINS), None)
    removed = _remove_own_in_place(text, sequence)
    ids = _free_clip_ids(text.root)
    # Producers precede all that names them. Kdenlive 22.12 takes the first playlist for the bin.
    tracks_place = text.root.children.index(sequence)
    place = min(text.root.children.index(node) for node in (sequence, bin_list) if node is not None)
    height = len([one for one in sequence.all("track") if not text.is_removed(one)])
    last_track = max(i for i, child in enumerate(sequence.children) if child.tag == "track")
    for number, track in enumerate(own_tracks_of(timeline), start=1):
        begin, clip = own_stem(track)
        first, length = int(begin * rate), int(seconds_range(clip.source_range)[1] * rate)
        name = f"{_PREFIX}{number}"
        clip_id = str(next(ids))
        for kind in ("bin", "track"):
            producer = _producer(f"{name}-{kind}", clip, clip_id, length)
            text.insert(text.root, place, producer)
        for element in _track(name, track.name, first, length, clip_id):
            text.insert(text.root, tracks_place, element)
        text.insert(sequence, last_track + 1, Element("track", {"producer": name}))
        text.append(sequence, mix_transition(height, f"{name}-mix"))
        height += 1
        if bin_list is not None:
            about = {"producer": f"{name}-bin", "in": "0", "out": str(length - 1)}
            text.append(bin_list, Element("entry", about))
    _count_tracks_in_place(text, sequence, len(own_tracks_of(timeline)) - removed)
    _set_guides_in_place(text, sequence, bin_list, timeline, rate)
    _set_score_in_place(text, bin_list if bin_list is not None else sequence, timeline)
    return text.result()


def properties(element: Element, values: dict[str, str]) -> None:
    """MLT's way to say anything."""
    for name, value in values.items():
        SubElement(element, "property", {"name": name}).text = value


def mix_transition(track: int, name: str) -> Element:
    """What makes a track heard together with those below it, all at their own level."""
    element = Element("transition", {"id": name})
    properties(
        element,
        {
            "a_track": "0",
            "b_track": str(track),
            "mlt_service": "mix",
            "kdenlive_id": "mix",
            "internal_added": "237",
            "always_active": "1",
            "accepts_blanks": "1",
            "sum": "1",
        },
    )
    return element


def is_own_guide(guide: dict[str, object]) -> bool:
    """Whether emsync wrote a guide: by its key, or by its name where Kdenlive saved it since."""
    return OWN_KEY in guide or bool(_OWN_GUIDE.search(str(guide.get("comment", ""))))


def _producer(name: str, clip: otio.schema.Clip, clip_id: str, length: int) -> Element:
    element = Element("producer", {"id": name, "in": "0", "out": str(length - 1)})
    properties(
        element,
        {
            "length": str(length),
            "eof": "pause",
            "resource": bare_path(clip.media_reference.target_url),
            "mlt_service": "avformat-novalidate",
            "seekable": "1",
            "audio_index": "0",
            "video_index": "-1",
            "kdenlive:clipname": clip.name,
            DESCRIPTION: comment_of(clip),
            "kdenlive:folderid": "-1",
            "kdenlive:id": clip_id,
            "kdenlive:clip_type": "1",
            "set.test_audio": "0",
            "set.test_image": "1",
        },
    )
    return element


def _track(name: str, title: str, first: int, length: int, clip_id: str) -> Iterator[Element]:
    """The two playlists of a track, one empty, and the track itself."""
    for half in ("a", "b"):
        playlist = Element("playlist", {"id": f"{name}{half}"})
        properties(playlist, {"kdenlive:audio_track": "1"})
        if half == "a":
            if first:
                SubElement(playlist, "blank", {"length": str(first)})
            about = {"producer": f"{name}-track", "in": "0", "out": str(length - 1)}
            properties(SubElement(playlist, "entry", about), {"kdenlive:id": clip_id})
        yield playlist
    track = Element("tractor", {"id": name, "in": "0", "out": str(first + length - 1)})
    about = {"kdenlive:audio_track": "1", "kdenlive:track_name": title}
    properties(track, {**about, "kdenlive:trackheight": "67", "kdenlive:timeline_active": "1"})
    for half in ("a", "b"):
        SubElement(track, "track", {"hide": "video", "producer": f"{name}{half}"})
    yield track


def _sequence(root: Node) -> Node:
    """The sequence that the reader took: the one that was open; before 23.04 the last tractor."""
    tractors = root.all("tractor")
    by_id = {node.get("id"): node for node in tractors}
    for tractor in tractors:
        if _property(tractor, "kdenlive:projectTractor") == "1":
            track = tractor.first("track")
            found = by_id.get(track.get("producer")) if track is not None else None
            if found is not None:
                return found
    if not tractors:
        raise OutputError(
            "The project has no track list that stems could be added to. Write it as .otio."
        )
    return tractors[-1]


def _remove_own_in_place(text: XmlText, sequence: Node) -> int:
    """Tracks of nothing but our stems, their clips and bin entries; how many tracks that were."""
    by_id = {node.get("id"): node for node in text.root.children if node.get("id")}
    own = {
        key
        for key, node in by_id.items()
        if node.tag in ("producer", "chain") and is_own_comment(_property(node, DESCRIPTION))
    }
    gone: list[int] = []
    for height, reference in enumerate(sequence.all("track")):
        track = by_id.get(reference.get("producer"))
        if track is None or track.tag != "tractor":
            continue
        playlists = [
            by_id[t.get("producer")] for t in track.all("track") if t.get("producer") in by_id
        ]
        entries = [entry for playlist in playlists for entry in playlist.all("entry")]
        if entries and all(entry.get("producer") in own for entry in entries):
            gone.append(height)
            for node in (reference, track, *playlists):
                text.remove(node)
    for transition in sequence.all("transition"):
        if _property(transition, "b_track") in map(str, gone):
            text.remove(transition)
            continue
        for name in ("a_track", "b_track"):  # tracks above ours come down
            found = _property_node(transition, name)
            if found is not None and found.text.strip().isdigit():
                below = sum(height < int(found.text) for height in gone)
                if below:
                    text.set_text(found, str(int(found.text) - below))
    used = {
        entry.get("producer")
        for playlist in text.root.all("playlist")
        if playlist.get("id") not in _BINS and not text.is_removed(playlist)
        for entry in playlist.all("entry")
    }
    for key in own - used:
        text.remove(by_id[key])
    for entry in text.root.iter("entry"):
        if entry.get("producer") in own - used and not text.is_removed(entry):
            text.remove(entry)
    return len(gone)


def _free_clip_ids(root: Node) -> Iterator[int]:
    taken = {
        int(node.text)
        for node in root.iter("property")
        if node.get("name") == "kdenlive:id"
        and node.text.strip().isdigit()
        and not _is_own_part(node.parent)
    }
    return (number for number in count(2) if number not in taken)


def _is_own_part(node: Node | None) -> bool:
    """Whether a property belongs to something that an earlier run wrote and this one takes out."""
    if node is None:
        return False
    name = node.get("id") or node.get("producer")
    return name.startswith(_PREFIX)


def _count_tracks_in_place(text: XmlText, sequence: Node, added: int) -> None:
    """Projects since 23.04 count their tracks."""
    for name in ("tracks", "tracksCount"):
        found = _property_node(sequence, f"kdenlive:sequenceproperties.{name}")
        if found is not None and found.text.strip().isdigit() and added:
            text.set_text(found, str(int(found.text) + added))


def _set_guides_in_place(
    text: XmlText,
    sequence: Node,
    bin_list: Node | None,
    timeline: otio.schema.Timeline,
    rate: Fraction,
) -> None:
    """Guides are JSON inside a property; the user's stay first and as they are."""
    own = [_guide(marker, rate) for marker in timeline.tracks.markers if is_own(marker)]
    is_new = _property(sequence, "kdenlive:uuid") != ""
    holder, name = (sequence, GUIDES[0]) if is_new or bin_list is None else (bin_list, GUIDES[1])
    found = _property_node(holder, name)
    try:
        said = json.loads(found.text or "[]") if found is not None else []
    except json.JSONDecodeError:
        said = []
    theirs = [guide for guide in said if isinstance(guide, dict) and not is_own_guide(guide)]
    guides = json.dumps([*theirs, *own], ensure_ascii=False)
    if found is not None and (own or len(theirs) != len(said)):
        text.set_text(found, guides)
    elif found is None and own:
        element = Element("property", {"name": name})
        element.text = guides
        text.insert(holder, 0, element)


def _guide(marker: otio.schema.Marker, rate: Fraction) -> dict[str, object]:
    at = int(exact_seconds(marker.marked_range.start_time) * rate)
    known = plain(marker.metadata[OWN_KEY])
    return {"comment": marker.name, "pos": at, "type": 0, OWN_KEY: known}


def _set_score_in_place(text: XmlText, holder: Node, timeline: otio.schema.Timeline) -> None:
    said = json.dumps(plain(timeline.metadata.get(OWN_KEY)), ensure_ascii=False, sort_keys=True)
    found = _property_node(holder, SCORE_PROPERTY)
    if found is not None:
        text.set_text(found, said)
        return
    element = Element("property", {"name": SCORE_PROPERTY})
    element.text = said
    text.insert(holder, 0, element)


def _property_node(node: Node, name: str) -> Node | None:
    return next((one for one in node.all("property") if one.get("name") == name), None)


def _property(node: Node, name: str) -> str:
    found = _property_node(node, name)
    return found.text.strip() if found is not None else ""
