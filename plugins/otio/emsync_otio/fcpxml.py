"""Final Cut Pro's FCPXML, versions 1.8 to 1.13, as an OpenTimelineIO timeline.

Written from Apple's public description of the format (Developer Documentation, "FCPXML Reference").
otio-fcpx-xml-adapter 1.0.0 was tried first: it fails on 5 of our 43 real files, and loses start
timecode, markers, titles and transitions in the others.

How times work: an element lies at `offset` in its parent's clock, and its own clock reads `start`
there. A connected element (one with a `lane`) is a child with its offset in its clip's clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import opentimelineio as otio

from emsync.errors import TimelineError
from emsync_otio.clock import Seconds, otio_range, otio_time
from emsync_otio.counting import state_drop_frame_in_place
from emsync_otio.fcpxml_resources import SCORE_KEY, Resources, seconds_of
from emsync_otio.markers import state_trimmed_in_place
from emsync_otio.own import (
    OWN_KEY,
    is_own_comment,
    own_tracks_of,
    recover_in_place,
    recover_tracks_in_place,
)
from emsync_otio.picture_size import state_picture_size_in_place
from emsync_otio.ramps import state_ramp_in_place
from emsync_otio.rows import Join, Laid, tracks_of

__all__ = ["read_timeline"]

_STORY = (
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
)
_MARKERS = ("marker", "chapter-marker")
_ANCHORED_ZERO = Fraction(
    3600
)  # the clock of titles, gaps and transitions reads 1 h at their start


@dataclass
class _Sheet:
    """What has been laid out of one sequence so far."""

    rate: Fraction
    pictures: list[Laid] = field(default_factory=list)
    sounds: list[Laid] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    markers: list[otio.schema.Marker] = field(default_factory=list)
    trimmed: list[otio.schema.Marker] = field(default_factory=list)
    """Of clips that show another part of themselves."""

    def stack(self, name: str) -> otio.schema.Stack:
        """All tracks, sound above picture as OpenTimelineIO orders them."""
        kinds = otio.schema.TrackKind
        stack = otio.schema.Stack(name=name)
        stack.extend(tracks_of(self.pictures, self.joins, self.rate, kinds.Video))
        stack.extend(tracks_of(self.sounds, (), self.rate, kinds.Audio))
        return stack


@dataclass(frozen=True)
class _Frame:
    """Where an element's parent stands: how to get from its clock to the timeline's."""

    shift: Seconds
    """Timeline time minus parent time."""
    lane: tuple[int, ...]
    depth: int


def read_timeline(path: Path) -> otio.core.SerializableObject:
    """All projects of a file; where it has none, its compound clips."""
    if not path.is_file():
        raise TimelineError(
            f"'{path.parent.name}' lacks its Info.fcpxml. Export it again from Final Cut Pro."
        )
    root = ElementTree.parse(path).getroot()
    if root.tag != "fcpxml":
        raise TimelineError(f"'{path.name}' is not FCPXML: its root is <{root.tag}>.")
    reader = _Reader(Resources.of(root), _score_of(root))
    sequences = [
        (project.get("name", ""), sequence)
        for project in root.iter("project")
        for sequence in project.findall("sequence")
    ]
    if not sequences:
        compounds = {clip.get("ref", ""): clip.get("name", "") for clip in root.iter("ref-clip")}
        medias = reader.resources.sequences
        nested = {c.get("ref") for media in medias.values() for c in media.iter("ref-clip")}
        sequences = [
            (name, medias[ref])
            for ref, name in compounds.items()
            if ref in medias and ref not in nested
        ]
    collection = otio.schema.SerializableCollection(name=path.stem)
    collection.extend(reader.timeline(name, sequence) for name, sequence in sequences)
    return collection


class _Reader:
    """Turns sequences into stacks; compound clips into stacks inside."""

    def __init__(self, resources: Resources, score: dict[str, object] | None) -> None:
        self.resources = resources
        self._score = score

    def timeline(self, name: str, sequence: Element) -> otio.schema.Timeline:
        """A project's sequence with its start timecode."""
        rate = self.resources.rate_of(sequence)
        sheet = self._sheet(sequence, rate, depth=0)
        timeline = otio.schema.Timeline(name=name)
        timeline.tracks = sheet.stack(name)
        timeline.tracks.markers.extend(sheet.markers)
        if sheet.trimmed:
            state_trimmed_in_place(timeline, sheet.trimmed)
        timeline.global_start_time = otio_time(seconds_of(sequence, "tcStart"), rate)
        state_drop_frame_in_place(timeline, sequence.get("tcFormat") == "DF")
        said = self.resources.formats.get(sequence.get("format", ""))
        if said is not None:
            state_picture_size_in_place(timeline, said.get("width"), said.get("height"))
        recover_tracks_in_place(timeline)
        if self._score is not None and own_tracks_of(timeline):
            timeline.metadata[OWN_KEY] = self._score
        return timeline

    def _sheet(self, sequence: Element, rate: Fraction, depth: int) -> _Sheet:
        if depth > 32:
            raise TimelineError(
                "The timeline nests compound clips in a circle, or too deeply to be read."
            )
        sheet = _Sheet(rate)
        frame = _Frame(-seconds_of(sequence, "tcStart"), (0,), depth)
        for spine in sequence.findall("spine"):
            self._story(spine, frame, sheet, first=-frame.shift)
        return sheet

    def _story(self, parent: Element, frame: _Frame, sheet: _Sheet, *, first: Seconds) -> None:
        """The elements of a storyline, one after another; its clock reads `first` at its start."""
        at = first  # where an element without an offset goes: after the one before
        for child in parent:
            if child.tag == "transition":
                self._join(child, at, frame, sheet)
            elif child.tag in _STORY and child.get("lane") is None:
                chosen = _picked(child)
                if chosen is None:
                    continue
                offset = seconds_of(child, "offset", at)
                at = offset + self._element(chosen, offset, frame, sheet)

    def _element(self, element: Element, offset: Seconds, frame: _Frame, sheet: _Sheet) -> Seconds:
        """Lay one element and what is connected to it; its duration."""
        start = self.resources.start_of(element)
        duration = self.resources.duration_of(element)
        begin = offset + frame.shift
        for piece, is_picture in self._pieces(element, start, duration, sheet.rate, frame.depth):
            laid = Laid(begin, duration, piece, frame.lane)
            (sheet.pictures if is_picture else sheet.sounds).append(laid)
        inner = replace(frame, shift=begin - start)
        for child in element:
            if child.tag in _MARKERS:
                self._mark(child, start, start + duration, inner.shift, element, sheet)
            elif child.get("lane") is not None:
                self._connected(child, inner, sheet)
        return duration

    def _connected(self, child: Element, frame: _Frame, sheet: _Sheet) -> None:
        """An element or a secondary storyline that hangs on a clip."""
        lane = (*frame.lane, int(child.get("lane", "0")))
        offset = seconds_of(child, "offset")
        if child.tag == "spine":
            inner = _Frame(frame.shift + offset, lane, frame.depth)
            self._story(child, inner, sheet, first=Fraction(0))
        elif child.tag in _STORY:
            chosen = _picked(child)
            if chosen is not None:
                self._element(chosen, offset, replace(frame, lane=lane), sheet)

    def _join(self, transition: Element, cut: Seconds, frame: _Frame, sheet: _Sheet) -> None:
        offset, duration = seconds_of(transition, "offset", cut), seconds_of(transition, "duration")
        begin, at = offset + frame.shift, cut + frame.shift
        names = [transition.get("name", "")] + [
            f.get("name", "") for f in transition.findall("filter-video")
        ]
        if transition.find("filter-video") is not None or transition.find("filter-audio") is None:
            sheet.joins.append(
                Join(
                    at,
                    at - begin,
                    begin + duration - at,
                    " ".join(dict.fromkeys(names)),
                    frame.lane,
                )
            )
        for marker in transition:
            if marker.tag in _MARKERS:
                said = seconds_of(marker, "start")
                self._append_marker(
                    marker, begin + said - (_ANCHORED_ZERO if said >= _ANCHORED_ZERO else 0), sheet
                )

    def _mark(
        self,
        marker: Element,
        start: Seconds,
        end: Seconds,
        shift: Seconds,
        owner: Element,
        sheet: _Sheet,
    ) -> None:
        """A clip's marker, where the clip shows it; of what is switched off, none."""
        at = seconds_of(marker, "start")
        is_shown = owner.get("enabled") != "0" or is_own_comment(marker.get("note"))
        if is_shown:
            self._append_marker(marker, at + shift, sheet, is_seen=start <= at < end)

    def _append_marker(
        self, marker: Element, at: Seconds, sheet: _Sheet, *, is_seen: bool = True
    ) -> None:
        made = otio.schema.Marker(
            name=marker.get("value", ""),
            marked_range=otio_range(at, seconds_of(marker, "duration"), sheet.rate),
            comment=marker.get("note", ""),
            metadata={"fcpxml": {"type": marker.tag, **dict(marker.attrib)}},
        )
        recover_in_place(made, marker.get("note"))
        (sheet.markers if is_seen else sheet.trimmed).append(made)

    def _pieces(
        self, element: Element, start: Seconds, duration: Seconds, rate: Fraction, depth: int
    ) -> list[tuple[otio.core.Item, bool]]:
        """The element as OpenTimelineIO items, each with whether it is a picture."""
        if element.tag == "gap" or duration <= 0:
            return []
        source = self.resources.source_start(element, start)
        nested = self._nested(element, rate, depth)
        if nested is not None:
            return [
                (self._dressed(piece, element, (start, source - zero, duration), rate), is_picture)
                for piece, is_picture, zero in nested
            ]
        pieces: list[tuple[otio.core.Item, bool]] = []
        media = self.resources.media_of(element)
        for is_picture in (True, False):
            if not (media.has_picture if is_picture else media.has_sound):
                continue
            clip = otio.schema.Clip(name=element.get("name", ""), media_reference=media.reference())
            times = (start, source, duration)
            pieces.append((self._dressed(clip, element, times, rate), is_picture))
        return pieces

    def _nested(
        self, element: Element, rate: Fraction, depth: int
    ) -> list[tuple[otio.core.Item, bool, Seconds]] | None:
        """A compound's picture and sound as stacks, and what its clock reads at its first frame."""
        if element.tag == "ref-clip":
            sequence = self.resources.sequences.get(element.get("ref", ""))
            if sequence is None:
                return None
            inner_rate = self.resources.rate_of(sequence, rate)
            return _halves(
                self._sheet(sequence, inner_rate, depth + 1),
                element,
                seconds_of(sequence, "tcStart"),
            )
        if element.tag == "mc-clip":
            return self._multicam(element, rate, depth)
        is_group = element.tag == "sync-clip" or (
            element.tag == "clip" and element.find("spine") is not None
        )
        if not is_group:
            return None
        sheet = _Sheet(rate)
        start, length = self.resources.start_of(element), self.resources.duration_of(element)
        ends = [self.resources.source_start(element, at) for at in (start, start + length)]
        zero = min(start, *ends)  # of what is slowed down, more lies before its start
        frame = _Frame(-zero, (0,), depth + 1)
        if depth > 32:
            raise TimelineError("The timeline nests clips too deeply to be read.")
        inner = next((each for each in element.findall("spine") if not each.get("lane")), None)
        self._story(element if inner is None else inner, frame, sheet, first=zero)
        return _halves(sheet, element, zero)

    def _multicam(
        self, element: Element, rate: Fraction, depth: int
    ) -> list[tuple[otio.core.Item, bool, Seconds]] | None:
        """The angles that a multicam clip shows and plays."""
        multicam = self.resources.multicams.get(element.get("ref", ""))
        if multicam is None:
            return None
        angles = {angle.get("angleID"): angle for angle in multicam.findall("mc-angle")}
        zero = seconds_of(multicam, "tcStart")
        inner_rate = self.resources.rate_of(multicam, rate)
        halves = []
        sources = element.findall("mc-source")
        if not sources and angles:  # Final Cut plays the first
            sources = [Element("mc-source", {"angleID": next(iter(angles)) or ""})]
        for source in sources:
            angle, use = angles.get(source.get("angleID")), source.get("srcEnable", "all")
            if angle is None or use == "none":
                continue
            sheet = _Sheet(inner_rate)
            self._story(angle, _Frame(-zero, (0,), depth + 1), sheet, first=zero)
            wanted = {"all": (True, False), "video": (True,), "audio": (False,)}.get(
                use, (True, False)
            )
            halves += [half for half in _halves(sheet, element, zero) if half[1] in wanted]
        return halves

    def _dressed(
        self,
        item: otio.core.Item,
        element: Element,
        times: tuple[Seconds, Seconds, Seconds],
        rate: Fraction,
    ) -> otio.core.Item:
        """Cut to what is used, switched off where the editor did, and with its retime.

        times: the clip's start in its own clock, the same in its media's clock, its duration.
        """
        start, source, duration = times
        item.name = element.get("name", "")
        recover_in_place(item, element.findtext("note"))
        item.enabled = element.get("enabled") != "0" and not _is_clear(element)
        item.source_range = otio_range(source, duration, rate)
        state_ramp_in_place(item, self.resources.ramp_of(element, start, source, duration))
        speed = self.resources.speed_of(element, start, rate)
        if speed == 0:
            item.effects.append(otio.schema.FreezeFrame())
        elif speed != 1:
            item.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(speed)))
        return item


def _score_of(root: Element) -> dict[str, object] | None:
    """The cue sheet and what else makes the score again, where emsync wrote it."""
    for entry in root.iter("md"):
        if entry.get("key") == SCORE_KEY:
            try:
                said = json.loads(entry.get("value", ""))
            except json.JSONDecodeError:
                return None
            return said if isinstance(said, dict) else None
    return None


def _picked(element: Element) -> Element | None:
    """Of an audition the pick, which comes first; else the element itself."""
    if element.tag != "audition":
        return element
    return next((child for child in element if child.tag in _STORY), None)


def _is_clear(element: Element) -> bool:
    """Whether a clip is blended in at nothing all along."""
    blend = element.find("adjust-blend")
    return blend is not None and blend.get("amount") == "0" and blend.find("param") is None


def _halves(
    sheet: _Sheet, element: Element, zero: Seconds
) -> list[tuple[otio.core.Item, bool, Seconds]]:
    """A nested sequence's picture tracks and sound tracks, as far as the clip uses them."""
    name, use = element.get("name", ""), element.get("srcEnable", "all")
    halves: list[tuple[otio.core.Item, bool, Seconds]] = []
    if sheet.pictures and use != "audio":
        halves.append((_Sheet(sheet.rate, sheet.pictures, [], sheet.joins).stack(name), True, zero))
    if sheet.sounds and use != "video":
        halves.append((_Sheet(sheet.rate, [], sheet.sounds).stack(name), False, zero))
    return halves
