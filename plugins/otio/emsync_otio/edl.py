"""CMX 3600 EDLs: at which rate they count, where they start, their tracks, and their locators.

An EDL states no rate. Its frame numbers narrow it down; where several rates fit, the likeliest is
taken and said, and `rate` overrides. Durations that contradict each other are refused.

Read from the format's description, which the systems that write it share. otio-cmx3600-adapter
1.0.0 was used first: it refuses lists in source order (C mode), keys, reels with spaces, sound
channels beyond two and mixed counting, and takes the second picture track for the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import opentimelineio as otio

from emsync.errors import TimelineError
from emsync.timecode import is_drop_frame_rate, parse_timecode
from emsync_otio.clock import Seconds, otio_range, otio_time
from emsync_otio.counting import state_drop_frame_in_place
from emsync_otio.edl_events import TIMECODE, Edit, Event, edits_of, frame_number, is_marker_list
from emsync_otio.rows import Join, Laid, tracks_of

__all__ = ["read_timeline"]

_LOCATOR = re.compile(rf"^LOC:\s*({TIMECODE})\s*(\S*)\s*(.*?)\s*$")
_NTSC_30, _NTSC_60 = Fraction(30000, 1001), Fraction(60000, 1001)
# The first that counts as high as a list's frame numbers is taken.
_LIKELY_RATES = (Fraction(24), Fraction(25), Fraction(30), Fraction(50), Fraction(60))
_ROUNDED_FRAMES = 1
"""By so many frames source and record may differ where they count at different rates."""
_MOST_CHANNELS = 24  # 'A34' is channels 3 and 4, 'A12' the twelfth
_LONGEST_DAY_SHARE = Fraction(1, 2)
"""Record times further apart than this share of a day lie before and after midnight."""


def read_timeline(path: Path, rate: Fraction | None) -> otio.schema.Timeline:
    """Read at the rate given, or at the one its numbers tell."""
    edits, header_drops = edits_of(_decoded(path.read_bytes()))
    events = [event for edit in edits for event in edit.events]
    codes = [code for event in events for code in (*event.source, *event.record)]
    if not codes:
        raise TimelineError(f"'{path.name}' holds no events. Export the EDL again from the editor.")
    if is_marker_list(edits):
        raise TimelineError(
            f"'{path.name}' lists markers, not the edit. Export the timeline itself as EDL, or as "
            "OTIO or FCPXML with both."
        )
    drops = header_drops or any(";" in code for event in events for code in event.record)
    some_drop = drops or any(event.is_counted_dropping for event in events)
    some_drop = some_drop or any(";" in code for code in codes)
    chosen = _checked(rate, codes, path) if rate else _likely_rate(codes, is_drop=some_drop)
    reader = _Reader(path, chosen, drops=drops and is_drop_frame_rate(chosen))
    timeline = reader.timeline(edits)
    timeline.metadata["emsync_otio"] = {} if rate else {"assumed_rate": str(chosen)}
    state_drop_frame_in_place(timeline, reader.drops)
    return timeline


def _decoded(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # Avid and older systems; every byte is a letter


def _likely_rate(codes: list[str], *, is_drop: bool) -> Fraction:
    highest = max(map(frame_number, codes))
    if is_drop:
        return _NTSC_30 if highest < 30 else _NTSC_60
    for rate in _LIKELY_RATES:
        if highest < rate:
            return rate
    raise TimelineError(
        f"The EDL counts up to frame {highest} in a second; no rate up to 60 does. "
        "State it with --rate, or export the timeline as OTIO or FCPXML."
    )


def _checked(rate: Fraction, codes: list[str], path: Path) -> Fraction:
    """The rate given, unless the list's frame numbers contradict it."""
    highest = max(map(frame_number, codes))
    if highest >= rate:
        raise TimelineError(
            f"'{path.name}' counts up to frame {highest} in a second, so it does not run at "
            f"{float(rate):g} frames per second. State its true rate with --rate."
        )
    return rate


class _Reader:
    """Lays the events of a list by where they are recorded, whatever their order."""

    def __init__(self, path: Path, rate: Fraction, *, drops: bool) -> None:
        self.drops = drops
        self._path = path
        self._rate = rate
        self._pictures: list[Laid] = []
        self._sounds: list[Laid] = []
        self._joins: list[Join] = []
        self._start = 0
        self._midnight = 0

    def timeline(self, edits: list[Edit]) -> otio.schema.Timeline:
        """Its tracks, from its first recorded frame."""
        used = [e for edit in edits for e in edit.events if e.channels != "NONE"]
        starts = [self._record(event)[0] for event in used]
        day = self._frame("24:00:00:00", drops=self.drops)
        if starts and max(starts) - min(starts) > day * _LONGEST_DAY_SHARE:
            self._midnight = day
            starts = [self._record(event)[0] for event in used]
        self._start = min(starts, default=0)
        for edit in edits:
            self._lay(edit)
        self._check_row()
        kinds = otio.schema.TrackKind
        timeline = otio.schema.Timeline(name=self._path.stem)
        timeline.global_start_time = otio_time(self._start / self._rate, self._rate)
        for laid, joins, kind in (
            (self._pictures, self._joins, kinds.Video),
            (self._sounds, (), kinds.Audio),
        ):
            timeline.tracks.extend(tracks_of(laid, joins, self._rate, kind))
        timeline.tracks.markers.extend(self._locators(edits))
        return timeline

    def _lay(self, edit: Edit) -> None:
        """What the events of one edit show and play, and how they come in."""
        for index, event in enumerate(edit.events):
            begin, end = self._record(event)
            if event.channels == "NONE":
                continue
            is_gradual = event.kind[0] in "DW"
            if is_gradual and (end <= begin or index == 0):
                raise TimelineError(
                    f"'{self._path.name}' has a dissolve or wipe that lacks its outgoing or "
                    f"incoming event, in edit {event.number}. Export it again from the editor."
                )
            if end <= begin:
                continue
            item = self._item(edit, event, begin, end)
            at, length = (begin - self._start) / self._rate, (end - begin) / self._rate
            for lane in _picture_lanes(event):
                self._pictures.append(Laid(at, length, item.deepcopy(), lane))
                if is_gradual:
                    after = min(event.length, end - begin) / self._rate
                    name = "wipe" if event.kind[0] == "W" else "dissolve"
                    self._joins.append(Join(at, Fraction(0), after, name, lane))
            for lane in _sound_lanes(event):
                self._sounds.append(Laid(at, length, item.deepcopy(), lane))

    def _item(self, edit: Edit, event: Event, begin: int, end: int) -> otio.core.Item:
        """The stretch of a reel, black, or what is keyed over the picture."""
        length = end - begin
        first, last = self._span(event.source, drops=event.is_counted_dropping)
        speed = self._speed(edit, event)
        if speed is None and abs(last - first - length) > _ROUNDED_FRAMES and not event.is_black:
            raise TimelineError(
                f"'{self._path.name}' contradicts itself at {float(self._rate):.5g} frames per "
                f"second: edit {event.number} takes {last - first} frames of its source for "
                f"{length} of the record. If it counts at another rate, state it with --rate; "
                "else export it again from the editor."
            )
        clip = otio.schema.Clip(name=_name_of(edit, event))
        clip.metadata["cmx_3600"] = {"reel": event.reel, "comments": edit.notes}
        if event.is_black:
            clip.media_reference = otio.schema.GeneratorReference(generator_kind="black")
        elif event.kind in ("K", "KO"):
            clip.media_reference = otio.schema.GeneratorReference(
                generator_kind="key", metadata={"emsync_otio": {"see_through": True}}
            )
        if speed == 0:
            clip.effects.append(otio.schema.FreezeFrame())
        elif speed is not None and speed != 1:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(speed)))
        if speed is not None and speed < 0:
            first = last
        clip.source_range = otio_range(first / self._rate, length / self._rate, self._rate)
        return clip

    def _speed(self, edit: Edit, event: Event) -> Fraction | None:
        """Media seconds per second of the record; None where the list says nothing of it."""
        if event.played_at is not None:
            nominal = Fraction(round(self._rate))
            played_at = Fraction(event.played_at).limit_denominator(1000)
            is_own = abs(played_at - nominal) < Fraction(1, 10)  # '029.9' is 29.97
            return Fraction(1) if is_own else played_at / nominal
        is_frozen = any("FREEZE FRAME" in note.upper() for note in edit.notes)
        return Fraction(0) if is_frozen and event is edit.events[-1] else None

    def _record(self, event: Event) -> tuple[int, int]:
        """First and end frame in the record; after midnight on the next day."""
        first, last = self._span(event.record, drops=self.drops)
        later = self._midnight if first < self._midnight * _LONGEST_DAY_SHARE else 0
        return first + later, last + later

    def _span(self, codes: tuple[str, str], *, drops: bool) -> tuple[int, int]:
        """First and end frame; a span over midnight goes on counting."""
        first, last = (self._frame(code, drops=drops) for code in codes)
        return first, last if last >= first else last + self._frame("24:00:00:00", drops=drops)

    def _frame(self, code: str, *, drops: bool) -> int:
        parts = re.split(r"[:;.,]", code)
        mark = ";" if drops or ";" in code else ":"
        try:
            return parse_timecode(":".join(parts[:3]) + mark + parts[3], self._rate).value
        except ValueError as err:
            raise TimelineError(
                f"'{self._path.name}' holds a timecode that is none: {err}. "
                "Export it again from the editor."
            ) from err

    def _check_row(self) -> None:
        """Refuse pictures of one track that lie over each other: so read, the rate is wrong."""
        lanes: dict[tuple[int, ...], list[Laid]] = {}
        for piece in self._pictures:
            lanes.setdefault(piece.lane, []).append(piece)
        for pieces in lanes.values():
            pieces.sort(key=lambda piece: piece.start)
            for earlier, later in pairwise(pieces):
                if later.start < earlier.start + earlier.duration:
                    raise TimelineError(
                        f"'{self._path.name}' contradicts itself at {float(self._rate):.5g} frames "
                        f"per second: '{later.item.name}' is recorded over '{earlier.item.name}'. "
                        "If it counts at another rate, state it with --rate; "
                        "else export it again from the editor."
                    )

    def _locators(self, edits: list[Edit]) -> Iterator[otio.schema.Marker]:
        """They count in record time."""
        for match in (_LOCATOR.match(note) for edit in edits for note in edit.notes):
            if match:
                at = (self._frame(match.group(1), drops=self.drops) - self._start) / self._rate
                shown = otio_range(at, Seconds(0), self._rate)
                yield otio.schema.Marker(name=match.group(3), marked_range=shown)


def _name_of(edit: Edit, event: Event) -> str:
    """What the notes call a clip; else its reel, by which it is known again after a re-edit."""
    if event.is_black:
        return "Black"
    if event.kind in ("K", "KO"):
        said = edit.said("KEY CLIP NAME:", "TO CLIP NAME:")
    elif event.kind[0] in "DW" and event is not edit.events[0]:
        said = edit.said("TO CLIP NAME:")
    else:
        said = edit.said("FROM CLIP NAME:", "CLIP NAME:")
    return said or event.reel


def _picture_lanes(event: Event) -> list[tuple[int, ...]]:
    """V is the lowest track, V2 above it; a key lies just above its own."""
    said = event.channels.replace("B", "VA")
    tracks = [max(int(number or 1), 1) for number in re.findall(r"V(\d*)", said)]
    return [(track - 1, 1) if event.kind in ("K", "KO") else (track - 1,) for track in tracks]


def _sound_lanes(event: Event) -> list[tuple[int, ...]]:
    """AA is channels 1 and 2, A34 3 and 4."""
    said = event.channels.replace("B", "VA").replace("AA", "A1A2")
    lanes: list[tuple[int, ...]] = []
    for number in re.findall(r"A(\d*)", said):
        one = int(number or 1) <= _MOST_CHANNELS
        lanes += [(int(number or 1),)] if one else [(int(digit),) for digit in number]
    return lanes
