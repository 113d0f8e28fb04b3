"""FCPXML out of any timeline: rational time exactly, NTSC, drop frame, compounds, lanes, markers.

Written from Apple's public description of the format. The lowest picture track becomes the primary
storyline; everything else hangs on it: picture above in lanes 1, 2, …, sound below in −1, −2, ….
What overlaps a transition goes into a secondary storyline, for only storylines hold transitions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync.errors import OutputError
from emsync.timecode import RationalTime
from emsync_otio.clock import Seconds, exact_seconds
from emsync_otio.counting import drops_frames
from emsync_otio.fcpxml_clips import Clips
from emsync_otio.fcpxml_patching import patched
from emsync_otio.fcpxml_resources import time_text
from emsync_otio.flattening import item_range
from emsync_otio.own import clear_own_in_place
from emsync_otio.picture_size import PictureSize, picture_size

__all__ = ["document_of"]

VERSION = "1.9"
"""The oldest that has <media-rep>: read by Final Cut Pro 10.5 and later, and Resolve 17."""
_DISSOLVE = "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"
"""Final Cut's own Cross Dissolve, as its files name it."""
_ANCHORED_ZERO = Fraction(3600)


@dataclass
class _Hung:
    """An element of a storyline, where it plays, and what its clock reads then."""

    element: Element
    begin: Seconds
    end: Seconds
    start: Seconds
    anchors: list[Element] = field(default_factory=list)
    markers: list[Element] = field(default_factory=list)


def document_of(timeline: otio.schema.Timeline, rate: Fraction, version: str = VERSION) -> bytes:
    """A timeline as an FCPXML project; emsync's own stems in lanes below everything."""
    copy = timeline.deepcopy()
    clear_own_in_place(copy)
    root = Element("fcpxml", {"version": version})
    size = picture_size(timeline)
    writer = _Writer(SubElement(root, "resources"), rate, version, size)
    project = SubElement(
        SubElement(SubElement(root, "library"), "event", {"name": timeline.name or "emsync"}),
        "project",
        {"name": timeline.name or "Timeline"},
    )
    start = timeline.global_start_time
    seconds = exact_seconds(start) if start is not None else Fraction(0)
    drops = drops_frames(timeline, RationalTime.from_seconds(seconds, rate))
    project.append(writer.sequence(copy.tracks, seconds, drops))
    ElementTree.indent(root, "    ")
    header = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n'
    return patched(header + ElementTree.tostring(root, "utf-8"), timeline, rate)


class _Writer:
    """Sequences of one document, and the resources that they share."""

    def __init__(self, resources: Element, rate: Fraction, version: str, size: PictureSize) -> None:
        self._clips = Clips(resources, (rate, size), version, self._compound)
        self._resources = resources
        self._rate = rate
        self._depth = 0

    def sequence(self, stack: otio.schema.Stack, start: Seconds, drops: bool) -> Element:
        """A sequence with its storyline and all that hangs on it."""
        rows = [_Row(*row) for row in _rows(stack)]
        pictures = [row for row in rows if row.is_picture]
        # Markers hang on the storyline, and of what is switched off Final Cut shows none.
        first = next((at for at, row in enumerate(pictures) if row.is_on), 0)
        primary = pictures[first] if pictures else _Row(True, [])
        below, others = pictures[:first], pictures[first + 1 :]
        sounds = [row for row in rows if not row.is_picture]
        length = self._whole(max((row.end for row in rows), default=Fraction(0)))
        spine = Element("spine")
        hung = self._story(spine, primary, start, length)
        lanes = [
            *enumerate(others, 1),
            *((-lane, row) for lane, row in enumerate([*reversed(below), *sounds], 1)),
        ]
        for lane, row in lanes:
            for begin, element in self._hanging(row, lane):
                _under(hung, begin).anchors.append(element)
                element.set("offset", time_text(_clock(hung, begin)))
        for marker in stack.markers:
            at = self._whole(exact_seconds(marker.marked_range.start_time))
            _under(hung, at).markers.append(_marker(marker, _clock(hung, at), 1 / self._rate))
        for part in hung:
            _hang_in_place(part)
        about = {
            "format": self._clips.format(self._rate),
            "duration": time_text(length),
            "tcStart": time_text(start),
            "tcFormat": "DF" if drops else "NDF",
            "audioLayout": "stereo",
            "audioRate": "48k",
        }
        element = Element("sequence", about)
        element.append(spine)
        return element

    def _compound(self, stack: otio.schema.Stack) -> tuple[Element, Seconds]:
        """A nested timeline as a sequence of its own, and its length."""
        self._depth += 1
        if self._depth > 32:
            raise OutputError("The timeline nests compound clips too deeply. Write it as .otio.")
        made = self.sequence(stack, Fraction(0), False)
        self._depth -= 1
        return made, Fraction(made.get("duration", "0s").removesuffix("s"))

    def _story(self, spine: Element, row: _Row, zero: Seconds, length: Seconds) -> list[_Hung]:
        """A storyline's elements one after another; to `length` it is filled with a gap."""
        hung: list[_Hung] = []
        at = Fraction(0)
        for item in row.items:
            if isinstance(item, otio.schema.Transition):
                spine.append(
                    self._transition(item, zero + self._whole(at), is_picture=row.is_picture)
                )
                continue
            if not isinstance(item, otio.core.Item):
                continue
            begin, end = self._whole(at), self._whole(at + item_range(item)[1])
            at += item_range(item)[1]
            if end <= begin:
                continue
            if isinstance(item, otio.schema.Gap):
                hung.append(self._gap(spine, zero + begin, begin, end))
                continue
            element, start = self._clips.element(item, end - begin, is_picture=row.is_picture)
            element.set("offset", time_text(zero + begin))
            spine.append(element)
            part = _Hung(element, begin, end, start)
            part.markers += self._item_markers(item, start, end - begin)
            hung.append(part)
        if self._whole(at) < length:
            hung.append(self._gap(spine, zero + self._whole(at), self._whole(at), length))
        return hung

    def _gap(self, spine: Element, offset: Seconds, begin: Seconds, end: Seconds) -> _Hung:
        about = {"name": "Gap", "offset": time_text(offset), "start": time_text(_ANCHORED_ZERO)}
        element = SubElement(spine, "gap", {**about, "duration": time_text(end - begin)})
        return _Hung(element, begin, end, _ANCHORED_ZERO)

    def _hanging(self, row: _Row, lane: int) -> Iterator[tuple[Seconds, Element]]:
        """A track's clips, each hung alone; around transitions, storylines of their own."""
        at = Fraction(0)
        for run in _runs(row.items):
            begin = self._whole(at)
            length = sum(
                (item_range(i)[1] for i in run if isinstance(i, otio.core.Item)), Fraction(0)
            )
            at += length
            if len(run) > 1:
                spine = Element("spine", {"lane": str(lane), "offset": ""})
                for part in self._story(spine, replace(row, items=run), Fraction(0), Fraction(0)):
                    _hang_in_place(part)
                yield begin, spine
            elif not isinstance(run[0], otio.schema.Gap) and self._whole(at) > begin:
                duration = self._whole(at) - begin
                element, start = self._clips.element(run[0], duration, is_picture=row.is_picture)
                element.attrib = {"lane": str(lane), "offset": "", **element.attrib}
                for marker in self._item_markers(run[0], start, duration):
                    element.append(marker)
                yield begin, element

    def _item_markers(
        self, item: otio.core.Item, start: Seconds, duration: Seconds
    ) -> Iterator[Element]:
        """A clip's own markers where it shows them; its clock there reads `start` at its head."""
        first, _ = item_range(item)
        for marker in item.markers:
            inside = exact_seconds(marker.marked_range.start_time) - first
            if 0 <= inside < duration:
                yield _marker(marker, start + inside, 1 / self._rate)

    def _transition(
        self, item: otio.schema.Transition, cut: Seconds, *, is_picture: bool
    ) -> Element:
        before, after = exact_seconds(item.in_offset), exact_seconds(item.out_offset)
        begin = self._whole(cut - before)
        kind = item.transition_type
        is_plain = kind == otio.schema.TransitionTypes.SMPTE_Dissolve
        name = item.name or ("Cross Dissolve" if is_plain else kind)
        about = {"name": name, "offset": time_text(begin)}
        element = Element(
            "transition", {**about, "duration": time_text(self._whole(cut + after) - begin)}
        )
        if not is_picture:
            reference = self._clips.effect("Audio Crossfade", "FFAudioTransition")
            SubElement(element, "filter-audio", {"ref": reference, "name": "Audio Crossfade"})
        elif is_plain and not item.name:
            reference = self._clips.effect("Cross Dissolve", _DISSOLVE)
            SubElement(element, "filter-video", {"ref": reference, "name": "Cross Dissolve"})
        return element

    def _whole(self, seconds: Seconds) -> Seconds:
        """On a frame of the sequence: Final Cut refuses what is not."""
        return RationalTime.from_seconds(seconds, self._rate).seconds


@dataclass(frozen=True)
class _Row:
    """A track as far as it shows or plays."""

    is_picture: bool
    items: list[otio.core.Composable]

    @property
    def is_on(self) -> bool:
        """Whether anything of it is switched on."""
        clips = (i for i in self.items if isinstance(i, otio.core.Item))
        return any(clip.enabled and not isinstance(clip, otio.schema.Gap) for clip in clips)

    @property
    def end(self) -> Seconds:
        """How long it is."""
        lengths = (item_range(item)[1] for item in self.items if isinstance(item, otio.core.Item))
        return sum(lengths, Fraction(0))


def _rows(stack: otio.schema.Stack) -> Iterator[tuple[bool, list[otio.core.Composable]]]:
    """The stack's layers as rows of items; trimmed to what the stack and its tracks show."""
    for child in stack:
        if not isinstance(child, otio.core.Item):
            continue
        is_row = isinstance(child, otio.schema.Track)
        is_picture = not is_row or child.kind == otio.schema.TrackKind.Video
        items = list(child) if is_row else [child]
        shown = _window(stack, child) if is_row else None
        if shown is not None:
            items = list(otio.algorithms.track_trimmed_to_range(child, shown))
        if is_row and not child.enabled:
            items = [_switched_off(item) for item in items]
        yield is_picture, items


def _window(stack: otio.schema.Stack, track: otio.schema.Track) -> otio.opentime.TimeRange | None:
    """What is shown of a track where that is not all; a range before all it holds is none."""
    shown = track.source_range
    if shown is not None and exact_seconds(shown.end_time_exclusive()) <= 0:
        shown = None
    if stack.source_range is None:
        return shown
    return stack.source_range if shown is None else shown.clamped(stack.source_range)


def _switched_off(item: otio.core.Composable) -> otio.core.Composable:
    copy = item.deepcopy()
    if isinstance(copy, otio.core.Item):
        copy.enabled = False
    return copy


def _runs(items: list[otio.core.Composable]) -> Iterator[list[otio.core.Composable]]:
    """Items one by one, but those around a transition together."""
    run: list[otio.core.Composable] = []
    for index, item in enumerate(items):
        run.append(item)
        after = items[index + 1] if index + 1 < len(items) else None
        if not any(isinstance(one, otio.schema.Transition) for one in (item, after)):
            yield run
            run = []
    if run:
        yield run


def _under(hung: list[_Hung], moment: Seconds) -> _Hung:
    """The element that plays at a moment; else the last."""
    at = bisect_right(hung, moment, key=lambda part: part.begin) - 1
    return hung[at] if at >= 0 and moment < hung[at].end else hung[-1]


def _clock(hung: list[_Hung], moment: Seconds) -> Seconds:
    part = _under(hung, moment)
    return part.start + moment - part.begin


def _hang_in_place(part: _Hung) -> None:
    """Anchored elements before markers, as the document type has it."""
    part.element.extend([*part.anchors, *part.markers])


def _marker(marker: otio.schema.Marker, start: Seconds, frame: Seconds) -> Element:
    about = {"start": time_text(start), "duration": time_text(frame), "value": marker.name or ""}
    note = {"note": marker.comment} if marker.comment else {}
    return Element("marker", {**about, **note})
