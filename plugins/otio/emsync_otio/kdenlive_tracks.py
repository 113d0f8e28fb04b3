"""A Kdenlive track: clips in two playlists, their mixes, fades, and blends with tracks below."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias
from xml.etree.ElementTree import Element

from emsync.errors import TimelineError
from emsync_otio.rows import Join

__all__ = ["Entry", "TrackReader", "property_of"]

_BLENDS = ("luma", "dissolve", "wipe", "composite", "slide", "matte")
_TIMECODE_COLONS = 3
_CLOCK = re.compile(r"^(?:(\d+):)?(\d+):(\d+)(?:[.,](\d+))?$")


@dataclass(frozen=True)
class Entry:
    """A clip of a playlist, in frames; `end` is the first frame after it."""

    start: int
    end: int
    source: int
    producer: Element
    fade_in: int = 0
    fade_out: int = 0
    """Length of a fade from or to black or clear, in frames."""
    is_frozen: bool = False


@dataclass(frozen=True)
class _Mix:
    """Two clips of one track that overlap, in frames."""

    start: int
    cut: int
    end: int
    kind: str


_Joint: TypeAlias = tuple[int, int, Element]
"""A transition that lies between two clips as a clip of its own: start, end, its tractor."""


class TrackReader:
    """Reads tracks at the profile's rate; `producers` are all elements that have an id."""

    def __init__(self, producers: Mapping[str | None, Element], rate: Fraction) -> None:
        self._producers = producers
        self._rate = rate

    def read(self, track: Element, lane: tuple[int, ...]) -> tuple[list[Entry], list[Join]]:
        """A track's clips, cut where mixes have their cut, and its transitions."""
        joints: list[_Joint] = []
        entries = sorted(
            (
                entry
                for playlist in self._playlists(track)
                for entry in self._entries(playlist, joints)
            ),
            key=lambda entry: (entry.start, entry.end),
        )
        said: dict[int, Element | None] = {
            self.frames(mix.get("in", "0")): mix for mix in track.findall("transition")
        }
        for start, end, joint in joints:
            said[start] = joint.find("transition")
            entries = self._with_joint(entries, start, end, joint)
        mixes = self._mix_in_place(entries, said)
        entries = [entry for entry in entries if entry.end > entry.start]
        joins = [
            self._join(mix.cut, mix.cut - mix.start, mix.end - mix.cut, mix.kind, lane)
            for mix in mixes
        ]
        return entries, [*joins, *self._fades(entries, lane)]

    def blends_below(
        self, sequence: Element, height: int, entries: list[Entry], lane: tuple[int, ...]
    ) -> Iterator[Join]:
        """Dissolves and wipes between this track and one below: fades at a clip's head or tail."""
        by_start = {entry.start: entry for entry in entries}
        by_end = {entry.end: entry for entry in entries}
        for composition in sequence.findall("transition"):
            service = property_of(composition, "kdenlive_id") or property_of(
                composition, "mlt_service"
            )
            is_here = property_of(composition, "b_track") == str(height) and composition.get("out")
            if not is_here or property_of(composition, "internal_added") or service not in _BLENDS:
                continue
            first = self.frames(composition.get("in", "0"))
            end = self.frames(composition.get("out", "0")) + 1
            is_wipe = service in ("wipe", "slide") or property_of(composition, "resource")
            kind = "wipe" if is_wipe else "dissolve"
            entering, leaving = by_start.get(first), by_end.get(end)
            if entering is not None and entering.end > end:
                yield self._join(first, 0, end - first, kind, lane)
            if leaving is not None and leaving.start < first:
                yield self._join(end, end - first, 0, kind, lane)

    def frames(self, text: str) -> int:
        """A position: a count of frames, a clock to the millisecond (or frame, after ';'), or
        timecode that drops no numbers."""
        if text.isdigit():
            return int(text)
        if text.count(":") == _TIMECODE_COLONS and text.replace(":", "").isdigit():
            hours, minutes, seconds, counted = map(int, text.split(":"))
            return (hours * 3600 + minutes * 60 + seconds) * math.ceil(self._rate) + counted
        clock, _, frames = text.partition(";")
        match = _CLOCK.match(clock)
        if match is None or (frames and not frames.isdigit()):
            raise TimelineError(
                f"The project holds a time of '{text[:40]}', which is none. Save it again in "
                "Kdenlive."
            )
        hour, minute, second, part = match.groups()
        total = Fraction(int(hour or 0) * 3600 + int(minute) * 60 + int(second))
        total += Fraction(int(part), 10 ** len(part)) if part else 0
        return round(total * self._rate) + (int(frames) if frames else 0)

    def _playlists(self, track: Element) -> list[Element]:
        if track.tag == "playlist":
            return [track]
        inside = (self._producers.get(child.get("producer")) for child in track.findall("track"))
        return [found for found in inside if found is not None and found.tag == "playlist"]

    def _entries(self, playlist: Element, joints: list[_Joint]) -> Iterator[Entry]:
        """Clips and blanks, one after another; `out` is the last frame shown."""
        at = 0
        for child in playlist:
            if child.tag == "blank":
                at += self.frames(child.get("length", "0"))
            elif child.tag == "entry":
                producer = self._producers.get(child.get("producer"))
                if producer is None:
                    continue  # MLT passes over what it does not know, and what follows comes sooner
                first, length = self._shown(child, producer)
                if length > 0 and _is_joint(producer):
                    joints.append((at, at + length, producer))
                elif length > 0:
                    fades = self._fade_length(child, "from"), self._fade_length(child, "to")
                    yield Entry(at, at + length, first, producer, *fades, _is_frozen(child))
                at += length

    def _shown(self, entry: Element, producer: Element) -> tuple[int, int]:
        """First frame and length of what an entry shows, as MLT (7.12) takes them: in and out may
        have changed places, and nothing lies behind the producer's length."""
        out = entry.get("out") or producer.get("out")
        if not out:
            return 0, 0
        first, last = sorted((self.frames(entry.get("in", "0")), self.frames(out)))
        said = property_of(producer, "length") if producer.tag in ("producer", "chain") else ""
        if said and self.frames(said) > 0:
            last = min(last, self.frames(said) - 1)
            first = min(first, last)
        return first, last - first + 1

    def _with_joint(
        self, entries: list[Entry], start: int, end: int, joint: Element
    ) -> list[Entry]:
        """The clips around a transition of Shotcut's reach through it; what has no clip outside
        is laid by itself."""
        outgoing, incoming = (
            self._inside(track, start, end) for track in joint.findall("track")[:2]
        )
        laid = []
        for entry in entries:
            if entry.end == start and outgoing is not None:
                entry, outgoing = replace(entry, end=end), None
            elif entry.start == end and incoming is not None:
                source = entry.source - (end - start)
                entry, incoming = replace(entry, start=start, source=source), None
            laid.append(entry)
        laid += [entry for entry in (outgoing, incoming) if entry is not None]
        return sorted(laid, key=lambda entry: (entry.start, entry.end))

    def _inside(self, track: Element, start: int, end: int) -> Entry | None:
        producer = self._producers.get(track.get("producer"))
        if producer is None:
            return None
        return Entry(start, end, self.frames(track.get("in", "0")), producer)

    def _mix_in_place(self, entries: list[Entry], said: Mapping[int, Element | None]) -> list[_Mix]:
        """Cut overlapping neighbours where Kdenlive remembers their cut; the overlaps."""
        mixes = []
        for index in range(1, len(entries)):
            earlier, later = entries[index - 1], entries[index]
            if later.start >= earlier.end:
                continue
            end = min(earlier.end, later.end)
            mix = said.get(later.start)
            known = property_of(mix, "kdenlive:mixcut")
            cut = later.start + (int(known) if known.isdigit() else (end - later.start) // 2)
            cut = min(cut, end)
            mixes.append(_Mix(later.start, cut, end, _mix_kind(mix)))
            entries[index - 1] = replace(earlier, end=cut)
            entries[index] = replace(later, start=cut, source=later.source + cut - later.start)
        return mixes

    def _fades(self, entries: list[Entry], lane: tuple[int, ...]) -> Iterator[Join]:
        """Fades where nothing touches the clip on its track; elsewhere a cut stays a cut."""
        starts = {entry.start for entry in entries}
        ends = {entry.end for entry in entries}
        for entry in entries:
            length = entry.end - entry.start
            if 0 < entry.fade_in < length and entry.start not in ends:
                yield self._join(entry.start, 0, entry.fade_in, "fade", lane)
            if 0 < entry.fade_out < length and entry.end not in starts:
                yield self._join(entry.end, entry.fade_out, 0, "fade", lane)

    def _fade_length(self, entry: Element, direction: str) -> int:
        """Frames of a whole fade effect on a clip; partial ones leave the picture visible."""
        for effect in entry.findall("filter"):
            if property_of(effect, "kdenlive_id") != f"fade_{direction}_black" or not effect.get(
                "out"
            ):
                continue
            ends = ("0", "1") if direction == "from" else ("1", "0")
            for name in ("level", "alpha"):
                keys = [key.partition("=")[2] for key in property_of(effect, name).split(";")]
                if len(keys) > 1 and (keys[0], keys[-1]) == ends:
                    first = self.frames(effect.get("in", "0"))
                    return self.frames(effect.get("out", "0")) + 1 - first
        return 0

    def _join(self, cut: int, before: int, after: int, kind: str, lane: tuple[int, ...]) -> Join:
        return Join(cut / self._rate, before / self._rate, after / self._rate, kind, lane)


def property_of(element: Element | None, name: str) -> str:
    """The text of a <property>, empty where there is none."""
    if element is None:
        return ""
    found = next(
        (child for child in element.findall("property") if child.get("name") == name), None
    )
    return (found.text or "").strip() if found is not None else ""


def _is_frozen(entry: Element) -> bool:
    """Whether a clip stands still all along; Kdenlive can also freeze what is before or after."""
    for effect in entry.findall("filter"):
        if property_of(effect, "mlt_service") == "freeze" and not property_of(effect, "disable"):
            sides = (property_of(effect, f"freeze_{side}") for side in ("after", "before"))
            return all(side in ("", "0") for side in sides)
    return False


def _is_joint(producer: Element) -> bool:
    """Whether a playlist's entry is one of Shotcut's transitions."""
    is_named = bool(property_of(producer, "shotcut:transition"))
    return is_named and len(producer.findall("track")) == 2


def _mix_kind(mix: Element | None) -> str:
    """A word by which the transition's kind is known again."""
    service = property_of(mix, "mlt_service")
    if service == "affine":
        return "slide"
    return "wipe" if service == "qtblend" or property_of(mix, "resource") else "dissolve"
