"""Kdenlive projects (MLT XML) as an OpenTimelineIO timeline.

Written from MLT's public documentation (mltframework.org, "MLT XML") and Kdenlive's notes on its
file format. otio-kdenlive-adapter 0.0.3 was tried first: it says of itself that it is no longer
maintained, prints that on every use, and fails on 3 of our 12 real projects.

A sequence is a <tractor> whose tracks are tractors of two playlists each: clips that are mixed with
their neighbour lie alternately in the one and the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync.errors import TimelineError
from emsync_otio.clock import otio_range
from emsync_otio.kdenlive_old import old_guides
from emsync_otio.kdenlive_patching import DESCRIPTION, GUIDES, SCORE_PROPERTY, is_own_guide
from emsync_otio.kdenlive_tracks import Entry, TrackReader, property_of
from emsync_otio.own import (
    OWN_KEY,
    own_tracks_of,
    recover_in_place,
    recover_tracks_in_place,
)
from emsync_otio.picture_size import state_picture_size_in_place
from emsync_otio.rows import Join, Laid, tracks_of

__all__ = ["read_timeline"]

_DEEPEST = 32
_TITLES = ("kdenlivetitle", "qtext", "pango", "dynamictext")
_BACKGROUNDS = ("black_track", "background")
"""The black below all tracks, as Kdenlive up to 17 and Shotcut name it; later it is a producer."""
_SOUND_TRACKS = ("kdenlive:audio_track", "shotcut:audio")
_TRACK_NAMES = ("kdenlive:track_name", "shotcut:name")
_COLORS = ("color", "colour")


def read_timeline(path: Path) -> otio.schema.Timeline:
    """The sequence that was open when the project was saved."""
    root = ElementTree.parse(path).getroot()
    profile = root.find("profile")
    if root.tag != "mlt" or profile is None:
        raise TimelineError(f"'{path.name}' is not a Kdenlive project: it has no MLT profile.")
    rate = Fraction(
        int(profile.get("frame_rate_num", "0")), int(profile.get("frame_rate_den", "1"))
    )
    if rate <= 0:
        raise TimelineError(f"'{path.name}' does not say how many frames it shows in a second.")
    reader = _Reader(root, rate)
    sequence = reader.main_sequence()
    if sequence is None:
        raise TimelineError(f"'{path.name}' holds no timeline.")
    timeline = otio.schema.Timeline(name=property_of(sequence, "kdenlive:clipname") or path.stem)
    timeline.tracks = reader.stack(sequence, timeline.name, depth=0)
    timeline.tracks.markers.extend(reader.guides(root, sequence))
    state_picture_size_in_place(timeline, profile.get("width"), profile.get("height"))
    recover_tracks_in_place(timeline)
    score = _score_of(root)
    if score is not None and own_tracks_of(timeline):
        timeline.metadata[OWN_KEY] = score
    return timeline


class _Reader:
    """Looks up producers by id and turns sequences into stacks."""

    def __init__(self, root: Element, rate: Fraction) -> None:
        self._root = root
        self._rate = rate
        self._folder = root.get("root", "")
        self._by_id = {element.get("id"): element for element in root if element.get("id")}
        self._tracks = TrackReader(self._by_id, rate)
        told = {each.get("name") for each in root.iterfind("./*/property")}
        self._is_old = not told.intersection(_SOUND_TRACKS)  # sound is what shows no picture

    def main_sequence(self) -> Element | None:
        """The open sequence; before 23.04 a project had one, the last tractor."""
        tractors = self._root.findall("tractor")
        for tractor in tractors:
            if property_of(tractor, "kdenlive:projectTractor") == "1":
                track = tractor.find("track")
                return None if track is None else self._by_id.get(track.get("producer"))
        if tractors:
            return tractors[-1]
        playlists = self._root.findall("playlist")
        if not playlists:
            return None
        alone = Element("tractor")  # what melt writes of one track
        SubElement(alone, "track", {"producer": playlists[-1].get("id", "")})
        return alone

    def stack(self, sequence: Element, name: str, depth: int) -> otio.schema.Stack:
        """A sequence's tracks, lowest first."""
        if depth > _DEEPEST:
            raise TimelineError(
                "The project nests sequences in a circle, or too deeply to be read."
            )
        pictures: list[Laid] = []
        sounds: list[Laid] = []
        joins: list[Join] = []
        switched_off: set[tuple[int, ...]] = set()
        names: dict[tuple[int, ...], str] = {}
        for height, reference in enumerate(sequence.findall("track")):
            track = self._by_id.get(reference.get("producer"))
            if track is None or track.tag == "producer" or track.get("id") in _BACKGROUNDS:
                continue
            is_sound = "1" in (property_of(track, name) for name in _SOUND_TRACKS)
            names[(height,)] = next(filter(None, (property_of(track, n) for n in _TRACK_NAMES)), "")
            hidden = reference.get("hide", track.get("hide", ""))
            is_sound = is_sound or (self._is_old and hidden == "video")
            lane = (height,)
            off = ("both", "audio" if is_sound else "video")
            inside = [one.get("hide", "") in off for one in track.findall("track")]
            if hidden in off or (inside and all(inside)):
                switched_off.add(lane)
            entries, own_joins = self._tracks.read(track, lane)
            for entry in entries:
                item = self._item(entry, depth)
                item.enabled = lane not in switched_off and not _is_disabled(
                    entry.producer, is_sound
                )
                piece = Laid(
                    entry.start / self._rate, (entry.end - entry.start) / self._rate, item, lane
                )
                (sounds if is_sound else pictures).append(piece)
            if not is_sound:
                joins += own_joins
                joins += self._tracks.blends_below(sequence, height, entries, lane)
        kinds = otio.schema.TrackKind
        stack = otio.schema.Stack(name=name)
        stack.extend(tracks_of(pictures, joins, self._rate, kinds.Video, names))
        stack.extend(tracks_of(sounds, (), self._rate, kinds.Audio, names))
        return stack

    def guides(self, root: Element, sequence: Element) -> Iterator[otio.schema.Marker]:
        """The sequence's guides; older projects keep them with the document."""
        own = property_of(sequence, GUIDES[0])
        documents = (
            property_of(playlist, GUIDES[1])
            for playlist in root.findall("playlist")
            if playlist.get("id") in ("main_bin", "main bin")
        )
        for text in (own, *documents):
            guides = _json_list(text)
            for guide in guides:
                at = Fraction(_whole(guide.get("pos", -1))) / self._rate
                length = Fraction(_whole(guide.get("duration", 0))) / self._rate
                marker = otio.schema.Marker(
                    name=str(guide.get("comment", "")),
                    marked_range=otio_range(at, length, self._rate),
                )
                if is_own_guide(guide):
                    marker.metadata[OWN_KEY] = guide.get(OWN_KEY) or {"kind": "hit"}
                yield marker
            if not all(map(is_own_guide, guides)):
                return
        for frame, name in old_guides(root, sequence, self._tracks.frames):
            shown = otio_range(frame / self._rate, Fraction(0), self._rate)
            yield otio.schema.Marker(name=name, marked_range=shown)

    def _item(self, entry: Entry, depth: int) -> otio.core.Item:
        producer = entry.producer
        name = property_of(producer, "kdenlive:clipname")
        length = entry.end - entry.start
        item: otio.core.Item
        if producer.tag == "tractor":
            item = self.stack(producer, name, depth + 1)
        else:
            item = otio.schema.Clip(name=name, media_reference=self._media(producer))
            item.name = name or Path(property_of(producer, "resource")).name
        item.source_range = otio_range(entry.source / self._rate, length / self._rate, self._rate)
        recover_in_place(item, property_of(producer, DESCRIPTION))
        if entry.is_frozen:
            item.effects.append(otio.schema.FreezeFrame())
            return item
        speed = _warp_speed(producer)
        if speed != 1:
            item.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(speed)))
            item.source_range = otio_range(
                entry.source * speed / self._rate, length / self._rate, self._rate
            )
        return item

    def _media(self, producer: Element) -> otio.core.MediaReference:
        service, resource = property_of(producer, "mlt_service"), property_of(producer, "resource")
        if service in _TITLES:
            return otio.schema.GeneratorReference(
                generator_kind="title", metadata={"emsync_otio": {"see_through": True}}
            )
        if service in _COLORS:
            is_clear = bool(re.fullmatch(r"(0x|#)[0-9a-fA-F]{6}00", resource))
            return otio.schema.GeneratorReference(
                generator_kind="color",
                parameters={"color": resource},
                metadata={"emsync_otio": {"see_through": is_clear}},
            )
        if not resource:
            return otio.schema.MissingReference()
        if service == "timewarp":
            resource = property_of(producer, "warp_resource") or resource.partition(":")[2]
        path = Path(resource)
        located = (
            str(Path(self._folder) / path) if self._folder and not path.is_absolute() else resource
        )
        return otio.schema.ExternalReference(target_url=located)


def _score_of(root: Element) -> dict[str, object] | None:
    """The cue sheet and what else makes the score again, where emsync wrote it."""
    for holder in (*root.findall("playlist"), *root.findall("tractor")):
        try:
            said = json.loads(property_of(holder, SCORE_PROPERTY) or "null")
        except json.JSONDecodeError:
            return None
        if isinstance(said, dict):
            return said
    return None


def _json_list(text: str) -> list[dict[str, object]]:
    """Guides are JSON inside XML; a damaged list is none, the cut does not depend on it."""
    try:
        parsed = json.loads(text or "[]")
    except json.JSONDecodeError:
        return []
    return (
        [entry for entry in parsed if isinstance(entry, dict)] if isinstance(parsed, list) else []
    )


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float | str) and value != "" else 0


def _is_disabled(producer: Element, is_sound: bool) -> bool:
    """Kdenlive switches a clip off by a producer that gives neither picture nor sound; MLT takes
    no stream of a file where it is told to."""
    if property_of(producer, "set.test_audio" if is_sound else "set.test_image") == "1":
        return True
    stream = property_of(producer, "audio_index" if is_sound else "video_index")
    return stream == "-1" and property_of(producer, "mlt_service").startswith("avformat")


def _warp_speed(producer: Element) -> Fraction:
    """Constant speed of a clip; ramps (timeremap) are taken as they begin: unchanged."""
    if property_of(producer, "mlt_service") != "timewarp":
        return Fraction(1)
    said = (
        property_of(producer, "warp_speed") or property_of(producer, "resource").partition(":")[0]
    )
    try:
        return Fraction(said).limit_denominator(100_000)
    except ValueError:
        return Fraction(1)
