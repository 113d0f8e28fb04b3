"""Final Cut Pro 7 XML out of any timeline, for Premiere, Resolve and older systems.

Written from Apple's "Final Cut Pro XML Interchange Format". otio-fcp-adapter 1.0.0 was tried first:
of 84 real timelines it refuses 32 (titles and media of unknown length), and it writes neither track
names nor speeds nor the format of the picture. It reads what stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync.errors import OutputError
from emsync.timecode import RationalTime, timecode_of
from emsync_otio.clock import Seconds, exact_rate, exact_seconds, seconds_range
from emsync_otio.counting import drops_frames
from emsync_otio.fcp7_patching import fill, patched, rate_element
from emsync_otio.flattening import item_range, shown_range
from emsync_otio.looks import Looks, looks_of
from emsync_otio.markers import markers_of
from emsync_otio.media_paths import file_url
from emsync_otio.own import clear_own_in_place
from emsync_otio.picture_size import PictureSize, picture_size

__all__ = ["document_of"]

_HEADER = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'
_DEEPEST = 32


def document_of(timeline: otio.schema.Timeline, rate: Fraction) -> bytes:
    """A timeline as a sequence, with emsync's own stems and hits."""
    copy = timeline.deepcopy()
    clear_own_in_place(copy)
    root = Element("xmeml", {"version": "5"})
    start = copy.global_start_time
    seconds = exact_seconds(start) if start is not None else Fraction(0)
    first = RationalTime.from_seconds(seconds, rate)
    writer = _Writer(rate, picture_size(timeline))
    sequence = writer.sequence(copy.tracks, copy.name or "Timeline", depth=0)
    counting = _timecode(first, drops=drops_frames(timeline, first))
    sequence.insert(list(sequence).index(sequence.find("media")), counting)  # type: ignore[arg-type]
    for at, marker in markers_of(copy, item_range(copy.tracks)[1]):
        sequence.append(_marker(marker, RationalTime.from_seconds(at, rate).value))
    root.append(sequence)
    ElementTree.indent(root, "    ")
    return patched(_HEADER + ElementTree.tostring(root, encoding="utf-8"), timeline, rate)


@dataclass(frozen=True)
class _Blend:
    """A transition, in frames of its sequence."""

    before: int
    after: int
    cut: int
    name: str
    alignment: str = "center"

    @property
    def is_fade(self) -> bool:
        """Whether it leads from or to nothing."""
        return self.alignment != "center"


class _Writer:
    """Sequences, and the files that their clips share."""

    def __init__(self, rate: Fraction, size: PictureSize) -> None:
        self._rate = rate
        self._size = size
        self._files: dict[str, str] = {}
        self._clips = 0
        self._sequences = 0

    def sequence(self, stack: otio.core.Composition, name: str, depth: int) -> Element:
        """A sequence with its tracks; `depth` counts those around it."""
        if depth > _DEEPEST:
            raise OutputError("The timeline nests sequences too deeply. Write it as .otio.")
        self._sequences += 1
        element = Element("sequence", {"id": f"sequence-{self._sequences}"})
        length = max((item_range(row)[1] for row in _rows(stack)), default=Fraction(0))
        fill(element, {"name": name, "duration": str(self._frame(length))})
        element.append(rate_element(self._rate))
        media = SubElement(element, "media")
        picture, sound = SubElement(media, "video"), SubElement(media, "audio")
        about = SubElement(SubElement(picture, "format"), "samplecharacteristics")
        about.append(rate_element(self._rate))
        sides = {"width": str(self._size.width), "height": str(self._size.height)}
        fill(about, {**sides, "pixelaspectratio": "square"})
        for row in _rows(stack):
            is_sound = getattr(row, "kind", "") == otio.schema.TrackKind.Audio
            (sound if is_sound else picture).append(self._track(row, is_sound, depth))
        return element

    def _track(self, row: otio.core.Item, is_sound: bool, depth: int) -> Element:
        element = Element("track", {"MZ.TrackName": row.name} if row.name else {})
        is_row = isinstance(row, otio.schema.Track)
        items = list(row) if is_row else [row]
        at = -shown_range(row)[0] if is_row else Fraction(0)
        end = at + item_range(row)[1] if not row.source_range else item_range(row)[1]
        blends = _blends(items, at, self._rate)
        for index, item in enumerate(items):
            if isinstance(item, otio.schema.Transition):
                if index in blends:
                    element.append(_transition(blends[index], self._rate, is_sound))
                continue
            if not isinstance(item, otio.core.Item):
                continue
            duration = item_range(item)[1]
            first, last = max(at, Fraction(0)), min(at + duration, end)
            if not isinstance(item, otio.schema.Gap) and self._frame(last) > self._frame(first):
                edges = blends.get(index - 1), blends.get(index + 1)
                span = (first, last, first - at)
                element.append(self._item(item, span, edges, is_sound, depth))
            at += duration
        fill(element, {"enabled": _truth(row.enabled), "locked": "FALSE"})
        return element

    def _item(
        self,
        item: otio.core.Item,
        span: tuple[Seconds, Seconds, Seconds],
        edges: tuple[_Blend | None, _Blend | None],
        is_sound: bool,
        depth: int,
    ) -> Element:
        """A clip or nested sequence. span: start, end, and how much is cut off at its head."""
        head, tail = edges
        source, _ = item_range(item)
        media = getattr(item, "media_reference", None)
        known = media.available_range if media is not None else None
        zero = exact_seconds(known.start_time) if known is not None else Fraction(0)
        speed = _speed(item)
        inside = source - zero + span[2] * speed
        inside = inside / abs(speed) if speed else inside
        start, end = self._frame(span[0]), self._frame(span[1])
        first = self._frame(inside)
        shown_start, shown_end = start, end
        if head is not None:
            moved = head.cut - head.before if head.is_fade else head.cut
            shown_start = moved if head.is_fade else -1
            first += (moved if head.is_fade else head.cut - head.before) - start
            start = moved if head.is_fade else head.cut - head.before
        if tail is not None:
            end = tail.cut + tail.after
            shown_end = end if tail.is_fade else -1
        self._clips += 1
        is_generator = isinstance(media, otio.schema.GeneratorReference) and not is_sound
        tag = "generatoritem" if is_generator else "clipitem"
        element = Element(tag, {"id": f"clipitem-{self._clips}"})
        length = known.duration if known is not None else None
        whole = self._frame(exact_seconds(length)) if length else max(first, 0) + end - start
        fill(element, {"name": item.name or "", "enabled": _truth(item.enabled)})
        fill(element, {"duration": str(max(whole, 1))})
        element.append(rate_element(self._rate))
        times = {"start": shown_start, "end": shown_end, "in": first, "out": first + end - start}
        fill(element, {name: str(value) for name, value in times.items()})
        if is_generator:
            _append_generator_in_place(element, item)
        elif isinstance(item, otio.schema.Clip):
            element.append(self._file(item, zero, whole, is_sound))
        else:
            whole_item = item.deepcopy()
            whole_item.source_range = None
            is_stack = isinstance(item, otio.schema.Stack)
            stack = whole_item if is_stack else otio.schema.Stack(children=[whole_item])
            element.append(self.sequence(stack, item.name or "Nested", depth + 1))
        if is_sound:
            fill(SubElement(element, "sourcetrack"), {"mediatype": "audio", "trackindex": "1"})
        if speed != 1:
            element.append(_time_remap(speed))
        return element

    def _file(self, clip: otio.schema.Clip, zero: Seconds, whole: int, is_sound: bool) -> Element:
        """The file of a clip, told once and then referred to."""
        media = clip.media_reference
        target = media.target_url if isinstance(media, otio.schema.ExternalReference) else ""
        key = target or f"offline {clip.name}"
        if key in self._files:
            return Element("file", {"id": self._files[key]})
        self._files[key] = f"file-{len(self._files) + 1}"
        element = Element("file", {"id": self._files[key]})
        fill(element, {"name": (media.name if media is not None else "") or clip.name or "media"})
        if target:
            fill(element, {"pathurl": file_url(target)})
        rate = self._rate
        known = media.available_range if media is not None else None
        if known is not None:
            said = exact_rate(known.duration.rate)
            rate = said if Fraction(8) <= said <= Fraction(240) else rate
            whole = RationalTime.from_seconds(seconds_range(known)[1], rate).value
        element.append(rate_element(rate))
        fill(element, {"duration": str(max(whole, 1))})
        if zero:
            element.append(_timecode(RationalTime.from_seconds(zero, rate), drops=False))
        SubElement(SubElement(element, "media"), "audio" if is_sound else "video")
        return element

    def _frame(self, seconds: Seconds) -> int:
        return RationalTime.from_seconds(seconds, self._rate).value


def _rows(stack: otio.core.Composition) -> Iterator[otio.core.Item]:
    """Tracks from bottom to top; where the stack shows a part, that part of each."""
    for child in stack:
        if not isinstance(child, otio.core.Item):
            continue
        if isinstance(child, otio.schema.Track) and stack.source_range is not None:
            yield otio.algorithms.track_trimmed_to_range(child, stack.source_range)
        else:
            yield child


def _blends(items: list[otio.core.Composable], at: Seconds, rate: Fraction) -> dict[int, _Blend]:
    """Each transition by its place among the items, centred on its cut as the format wants it."""
    blends = {}
    touches = (otio.schema.Clip, otio.schema.Stack, otio.schema.Track)
    for index, item in enumerate(items):
        if isinstance(item, otio.core.Item):
            at += item_range(item)[1]
            continue
        if not isinstance(item, otio.schema.Transition):
            continue
        before, after = exact_seconds(item.in_offset), exact_seconds(item.out_offset)
        sides = [items[i] if 0 <= i < len(items) else None for i in (index - 1, index + 1)]
        is_fade = not all(isinstance(side, touches) for side in sides)
        kind = item.transition_type
        words = "" if kind == otio.schema.TransitionTypes.SMPTE_Dissolve else kind
        name = item.name or words or "Cross Dissolve"
        middle = RationalTime.from_seconds(at + (after - before) / 2, rate).value
        if is_fade:
            frames = [RationalTime.from_seconds(each, rate).value for each in (before, after, at)]
            if (sides[0] is None and frames[0]) or (sides[1] is None and frames[1]):
                continue  # it lies half outside the timeline
            blends[index] = _fade(
                (frames[0], frames[1]), frames[2], middle, name, isinstance(sides[0], touches)
            )
            continue
        half = int((before + after) * rate / 2)
        if half:
            blends[index] = _Blend(half, half, middle, name)
    return blends


def _fade(lengths: tuple[int, int], cut: int, middle: int, name: str, is_out: bool) -> _Blend:
    """A fade whose middle stays on its frame, where its edges were between frames."""
    before, after = lengths
    if is_out:
        return _Blend(2 * (cut + after - middle) - after, after, cut, name, "end-black")
    return _Blend(before, 2 * (middle - cut + before) - before, cut, name, "start-black")


def _transition(blend: _Blend, rate: Fraction, is_sound: bool) -> Element:
    element = Element("transitionitem")
    fill(element, {"start": str(blend.cut - blend.before), "end": str(blend.cut + blend.after)})
    fill(element, {"alignment": blend.alignment})
    element.append(rate_element(rate))
    effect = SubElement(element, "effect")
    kind = "Cross Fade (+3dB)" if is_sound else blend.name
    about = {"name": kind, "effectid": kind, "effecttype": "transition"}
    fill(effect, {**about, "mediatype": "audio" if is_sound else "video"})
    return element


def _append_generator_in_place(element: Element, item: otio.core.Item) -> None:
    is_opaque = looks_of(item) is Looks.OPAQUE
    kind = "Color" if is_opaque else "Text"
    about = {"name": kind, "effectid": kind, "effectcategory": "Matte" if is_opaque else "Text"}
    fill(SubElement(element, "effect"), {**about, "effecttype": "generator", "mediatype": "video"})


def _time_remap(speed: Fraction) -> Element:
    """A clip's speed; its in and out then count the retimed media."""
    element = Element("filter")
    effect = SubElement(element, "effect")
    about = {"name": "Time Remap", "effectid": "timeremap", "effectcategory": "motion"}
    fill(effect, {**about, "effecttype": "motion", "mediatype": "video"})
    values = {"variablespeed": "0", "speed": f"{float(abs(speed)) * 100:.9g}"}
    values |= {"reverse": _truth(speed < 0), "frameblending": "FALSE"}
    for name, value in values.items():
        fill(SubElement(effect, "parameter"), {"parameterid": name, "name": name, "value": value})
    return element


def _timecode(first: RationalTime, *, drops: bool) -> Element:
    element = Element("timecode")
    element.append(rate_element(first.rate))
    shown = timecode_of(first, drop_frame=drops)
    fill(element, {"string": shown, "frame": str(first.value)})
    fill(element, {"displayformat": "DF" if drops else "NDF"})
    return element


def _marker(marker: otio.schema.Marker, frame: int) -> Element:
    element = Element("marker")
    said = {"name": marker.name or marker.comment or "", "comment": marker.comment or ""}
    fill(element, {**said, "in": str(frame), "out": str(frame + 1)})
    return element


def _speed(item: otio.core.Item) -> Fraction:
    speed = Fraction(1)
    for effect in item.effects:
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed *= Fraction(effect.time_scalar).limit_denominator(1_000_000)
    return speed


def _truth(value: bool) -> str:
    return "TRUE" if value else "FALSE"
