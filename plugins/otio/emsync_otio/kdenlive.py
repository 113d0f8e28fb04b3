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
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import opentimelineio as otio

from emsync.errors import TimelineError
from emsync_otio.clock import otio_range
from emsync_otio.rows import Join, Laid, tracks_of

__all__ = ["read_timeline"]

_DEEPEST = 32
_TITLES = ("kdenlivetitle", "qtext", "pango", "dynamictext")
_COLORS = ("color", "colour")
_BLENDS = ("luma", "dissolve", "wipe", "composite", "slide", "matte")
_CLOCK = re.compile(r"^(?:(\d+):)?(\d+):(\d+)(?:[.,](\d+))?$")


@dataclass(frozen=True)
class _Entry:
    """A clip of a playlist, in frames; `end` is the first frame after it."""

    start: int
    end: int
    source: int
    producer: Element


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
    timeline = otio.schema.Timeline(name=_property(sequence, "kdenlive:clipname") or path.stem)
    timeline.tracks = reader.stack(sequence, timeline.name, depth=0)
    timeline.tracks.markers.extend(reader.guides(root, sequence))
    return timeline


class _Reader:
    """Looks up producers by id and turns sequences into stacks."""

    def __init__(self, root: Element, rate: Fraction) -> None:
        self._root = root
        self._rate = rate
        self._folder = root.get("root", "")
        self._by_id = {element.get("id"): element for element in root if element.get("id")}

    def main_sequence(self) -> Element | None:
        """The open sequence; before 23.04 a project had one, the last tractor."""
        tractors = self._root.findall("tractor")
        for tractor in tractors:
            if _property(tractor, "kdenlive:projectTractor") == "1":
                track = tractor.find("track")
                return None if track is None else self._by_id.get(track.get("producer"))
        return tractors[-1] if tractors else None

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
        for height, reference in enumerate(sequence.findall("track")):
            track = self._by_id.get(reference.get("producer"))
            if track is None or track.tag == "producer":  # the black background
                continue
            is_sound = _property(track, "kdenlive:audio_track") == "1"
            hidden = reference.get("hide", track.get("hide", ""))
            lane = (height,)
            if hidden in ("both", "audio" if is_sound else "video"):
                switched_off.add(lane)
            entries, mixes = self._entries(track)
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
                joins += self._joins(mixes, lane)
                joins += self._compositions(sequence, height, entries, lane)
        kinds = otio.schema.TrackKind
        stack = otio.schema.Stack(name=name)
        stack.extend(tracks_of(pictures, joins, self._rate, kinds.Video))
        stack.extend(tracks_of(sounds, (), self._rate, kinds.Audio))
        return stack

    def guides(self, root: Element, sequence: Element) -> Iterator[otio.schema.Marker]:
        """The sequence's guides; older projects keep them with the document."""
        own = _property(sequence, "kdenlive:sequenceproperties.guides")
        documents = (
            _property(playlist, "kdenlive:docproperties.guides")
            for playlist in root.findall("playlist")
            if playlist.get("id") in ("main_bin", "main bin")
        )
        for text in (own, *documents):
            guides = _json_list(text)
            for guide in guides:
                at = Fraction(int(guide.get("pos", -1))) / self._rate
                length = Fraction(int(guide.get("duration", 0) or 0)) / self._rate
                yield otio.schema.Marker(
                    name=str(guide.get("comment", "")),
                    marked_range=otio_range(at, length, self._rate),
                )
            if guides:
                return

    def _entries(self, track: Element) -> tuple[list[_Entry], list[tuple[int, int, int, str]]]:
        """A track's clips cut where mixes have their cut, and the mixes: start, cut, end, kind."""
        playlists = (
            [track]
            if track.tag == "playlist"
            else [
                found
                for reference in track.findall("track")
                if (found := self._by_id.get(reference.get("producer"))) is not None
                and found.tag == "playlist"
            ]
        )
        entries = sorted(
            (entry for playlist in playlists for entry in self._playlist(playlist)),
            key=lambda entry: (entry.start, entry.end),
        )
        kinds = {
            self._frames(mix.get("in", "0")): mix
            for mix in track.findall("transition")
            if mix.get("in")
        }
        mixes = []
        for index in range(1, len(entries)):
            earlier, later = entries[index - 1], entries[index]
            if later.start >= earlier.end:
                continue
            overlap_end = min(earlier.end, later.end)
            mix = kinds.get(later.start)
            said = _property(mix, "kdenlive:mixcut") if mix is not None else ""
            cut = later.start + (int(said) if said.isdigit() else (overlap_end - later.start) // 2)
            cut = min(max(cut, later.start), overlap_end)
            mixes.append((later.start, cut, overlap_end, _mix_kind(mix)))
            entries[index - 1] = _Entry(earlier.start, cut, earlier.source, earlier.producer)
            entries[index] = _Entry(
                cut, later.end, later.source + cut - later.start, later.producer
            )
        return [entry for entry in entries if entry.end > entry.start], mixes

    def _playlist(self, playlist: Element) -> Iterator[_Entry]:
        """Clips and blanks, one after another; `out` is the last frame shown."""
        at = 0
        for child in playlist:
            if child.tag == "blank":
                at += self._frames(child.get("length", "0"))
            elif child.tag == "entry":
                producer = self._by_id.get(child.get("producer"))
                first = self._frames(child.get("in", "0"))
                last = child.get("out") or (producer.get("out") if producer is not None else None)
                length = self._frames(last) - first + 1 if last else 0
                if length > 0 and producer is not None:
                    yield _Entry(at, at + length, first, producer)
                at += max(length, 0)

    def _joins(
        self, mixes: list[tuple[int, int, int, str]], lane: tuple[int, ...]
    ) -> Iterator[Join]:
        for start, cut, end, kind in mixes:
            yield Join(
                cut / self._rate, (cut - start) / self._rate, (end - cut) / self._rate, kind, lane
            )

    def _compositions(
        self, sequence: Element, height: int, entries: list[_Entry], lane: tuple[int, ...]
    ) -> Iterator[Join]:
        """Dissolves and wipes between this track and one below: fades at a clip's head or tail."""
        for composition in sequence.findall("transition"):
            service = _property(composition, "kdenlive_id") or _property(composition, "mlt_service")
            is_ours = _property(composition, "b_track") == str(height) and composition.get("out")
            if not is_ours or _property(composition, "internal_added") or service not in _BLENDS:
                continue
            first, last = (
                self._frames(composition.get("in", "0")),
                self._frames(composition.get("out", "0")),
            )
            length = (last + 1 - first) / self._rate
            kind = (
                "wipe"
                if service in ("wipe", "slide") or _property(composition, "resource")
                else "dissolve"
            )
            for entry in entries:
                if entry.start == first and entry.end > last + 1:
                    yield Join(first / self._rate, Fraction(0), length, kind, lane)
                elif entry.end == last + 1 and entry.start < first:
                    yield Join(entry.end / self._rate, length, Fraction(0), kind, lane)

    def _item(self, entry: _Entry, depth: int) -> otio.core.Item:
        producer = entry.producer
        name = _property(producer, "kdenlive:clipname")
        length = entry.end - entry.start
        item: otio.core.Item
        if producer.tag == "tractor":
            item = self.stack(producer, name, depth + 1)
        else:
            item = otio.schema.Clip(name=name, media_reference=self._media(producer))
            item.name = name or Path(_property(producer, "resource")).name
        item.source_range = otio_range(entry.source / self._rate, length / self._rate, self._rate)
        speed = _warp_speed(producer)
        if speed != 1:
            item.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(speed)))
            item.source_range = otio_range(
                entry.source * speed / self._rate, length / self._rate, self._rate
            )
        return item

    def _media(self, producer: Element) -> otio.core.MediaReference:
        service, resource = _property(producer, "mlt_service"), _property(producer, "resource")
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
            resource = _property(producer, "warp_resource") or resource.partition(":")[2]
        path = Path(resource)
        located = (
            str(Path(self._folder) / path) if self._folder and not path.is_absolute() else resource
        )
        return otio.schema.ExternalReference(target_url=located)

    def _frames(self, text: str) -> int:
        """A position: a count of frames, or a clock to the millisecond (or frame, after ';')."""
        if text.isdigit():
            return int(text)
        hours_to_seconds, _, frames = text.partition(";")
        match = _CLOCK.match(hours_to_seconds)
        if match is None:
            raise TimelineError(f"The project holds a time of '{text[:40]}', which is none.")
        hours, minutes, seconds, part = match.groups()
        total = Fraction(int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds))
        total += Fraction(int(part), 10 ** len(part)) if part else 0
        return round(total * self._rate) + (int(frames) if frames else 0)


def _property(element: Element | None, name: str) -> str:
    """The text of a <property>, empty where there is none."""
    if element is None:
        return ""
    found = next(
        (child for child in element.findall("property") if child.get("name") == name), None
    )
    return (found.text or "").strip() if found is not None else ""


def _json_list(text: str) -> list[dict[str, str | int]]:
    """Guides are JSON inside XML; a damaged list is none, the cut does not depend on it."""
    try:
        parsed = json.loads(text or "[]")
    except json.JSONDecodeError:
        return []
    return (
        [entry for entry in parsed if isinstance(entry, dict)] if isinstance(parsed, list) else []
    )


def _mix_kind(mix: Element | None) -> str:
    """A word by which the transition's kind is known again."""
    service = _property(mix, "mlt_service")
    if service in ("affine", "qtblend") or _property(mix, "resource"):
        return "slide" if service == "affine" else "wipe"
    return "dissolve"


def _is_disabled(producer: Element, is_sound: bool) -> bool:
    """Kdenlive switches a clip off by a producer that gives neither picture nor sound."""
    return _property(producer, "set.test_audio" if is_sound else "set.test_image") == "1"


def _warp_speed(producer: Element) -> Fraction:
    """Constant speed of a clip; ramps (timeremap) are taken as they begin: unchanged."""
    if _property(producer, "mlt_service") != "timewarp":
        return Fraction(1)
    said = _property(producer, "warp_speed") or _property(producer, "resource").partition(":")[0]
    try:
        return Fraction(said).limit_denominator(100_000)
    except ValueError:
        return Fraction(1)
