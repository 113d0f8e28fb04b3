"""A Kdenlive project out of any timeline, as Kdenlive 21.12 to 22.12 write it; later ones open it.

Written from MLT's public documentation ("MLT XML") and Kdenlive's notes on its file format. Clips
that dissolve overlap on a track's two playlists; every audio track is mixed with those below.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync.timecode import RationalTime
from emsync_otio.clock import Seconds, exact_seconds
from emsync_otio.flattening import Stretch, flatten, item_range, shown_range, speed_of
from emsync_otio.kdenlive_elements import (
    Mix,
    Piece,
    blend_element,
    filters_of,
    mix_element,
)
from emsync_otio.kdenlive_patching import (
    GUIDES,
    mix_transition,
    patched,
    properties,
)
from emsync_otio.kdenlive_producers import Producers
from emsync_otio.markers import markers_of
from emsync_otio.own import clear_own_in_place
from emsync_otio.picture_size import PictureSize, picture_size

__all__ = ["document_of"]

_DOCUMENT_VERSION = "1.04"
_PROGRAM_VERSION = "22.12.3"


def document_of(timeline: otio.schema.Timeline, rate: Fraction) -> bytes:
    """The project, with emsync's own stems and hits."""
    copy = timeline.deepcopy()
    clear_own_in_place(copy)
    project = _Project(rate, copy.name, picture_size(timeline))
    rows = [row for row in copy.tracks if isinstance(row, otio.core.Item)]
    sounds = [row for row in rows if getattr(row, "kind", "") == otio.schema.TrackKind.Audio]
    for row in [*sounds, *(row for row in rows if row not in sounds)]:
        project.add(row, is_sound=row in sounds)
    length = item_range(copy.tracks)[1]
    guides: list[dict[str, object]] = [
        {
            "comment": marker.name or marker.comment or "",
            "pos": RationalTime.from_seconds(at, rate).value,
            "type": 0,
        }
        for at, marker in markers_of(copy, length)
    ]
    written = ElementTree.tostring(project.finish(guides), "utf-8")
    return patched(b'<?xml version="1.0" encoding="utf-8"?>\n' + written, timeline, rate)


class _Project:
    """Collects a project's producers and tracks."""

    def __init__(self, rate: Fraction, name: str, size: PictureSize) -> None:
        self._rate = rate
        self._name = name
        self._size = size
        self._producers = Producers(rate, size)
        self._tracks: list[Element] = []
        self._heights: list[bool] = []
        self._length = 1

    def add(self, row: otio.core.Item, *, is_sound: bool) -> None:
        """A track, above those that were added before."""
        pieces, mixes = self._laid(row, is_sound=is_sound)
        name = f"tractor{len(self._heights)}"
        lists: tuple[list[Piece], list[Piece]] = ([], [])
        for piece in pieces:  # neighbours that overlap lie in different playlists
            free = next((one for one in lists if not one or one[-1].end <= piece.start), lists[0])
            free.append(piece)
        about = {"kdenlive:track_name": row.name or ""}
        if is_sound:
            about["kdenlive:audio_track"] = "1"
        track = Element("tractor", {"id": name, "in": "0"})
        properties(track, {**about, "kdenlive:trackheight": "67", "kdenlive:timeline_active": "1"})
        for half, inside in zip("ab", lists, strict=True):
            self._tracks.append(self._playlist(f"{name}{half}", inside, is_sound=is_sound))
            hidden = "video" if is_sound else "audio" if row.enabled else "both"
            hidden = "both" if is_sound and not row.enabled else hidden
            SubElement(track, "track", {"hide": hidden, "producer": f"{name}{half}"})
        for mix in mixes:
            track.append(mix_element(mix, is_sound=is_sound))
        self._tracks.append(track)
        self._heights.append(is_sound)
        self._length = max([self._length, *(piece.end for piece in pieces)])

    def finish(self, guides: list[dict[str, object]]) -> Element:
        """The whole document."""
        about = {"LC_NUMERIC": "C", "producer": "main_bin", "version": "7.12.0", "root": ""}
        root = Element("mlt", about)
        root.append(self._profile())
        root.extend(self._producers.elements())
        main_bin = SubElement(root, "playlist", {"id": "main_bin"})
        properties(
            main_bin,
            {
                "kdenlive:docproperties.version": _DOCUMENT_VERSION,
                "kdenlive:docproperties.kdenliveversion": _PROGRAM_VERSION,
                "kdenlive:docproperties.profile": "",
                GUIDES[1]: json.dumps(guides, ensure_ascii=False),
                "xml_retain": "1",
            },
        )
        main_bin.extend(self._producers.bin_entries())
        black = SubElement(
            root, "producer", {"id": "black_track", "in": "0", "out": str(self._length)}
        )
        about = {"length": "2147483647", "eof": "continue", "resource": "black"}
        properties(black, {**about, "mlt_service": "color", "set.test_audio": "0"})
        root.extend(self._tracks)
        sequence = SubElement(root, "tractor", {"id": "maintractor", "in": "0"})
        SubElement(sequence, "track", {"producer": "black_track"})
        for number, _ in enumerate(self._heights):
            SubElement(sequence, "track", {"producer": f"tractor{number}"})
        for number, is_sound in enumerate(self._heights, start=1):
            name = f"internal{number}"
            sequence.append(
                mix_transition(number, name) if is_sound else blend_element(number, name)
            )
        ElementTree.indent(root, " ")
        return root

    def _laid(self, row: otio.core.Item, *, is_sound: bool) -> tuple[list[Piece], list[Mix]]:
        """A track's clips on whole frames, those of compounds in their place, and its mixes."""
        pieces: list[Piece] = []
        mixes: list[Mix] = []
        items = list(row) if isinstance(row, otio.schema.Track) else [row]
        at = -shown_range(row)[0] if isinstance(row, otio.schema.Track) else Fraction(0)
        for index, item in enumerate(items):
            if isinstance(item, otio.schema.Transition):
                _blend_in_place(pieces, mixes, item, at, self._rate)
                continue
            if not isinstance(item, otio.core.Item):
                continue
            duration = item_range(item)[1]
            before = items[index - 1] if index else None
            lead = before if isinstance(before, otio.schema.Transition) else None
            for stretch in _stretches(item, is_sound=is_sound):
                piece = self._piece(stretch, at)
                if stretch.start == 0:
                    piece = _led(piece, lead, mixes, at, self._rate)
                if piece.end > piece.start:
                    pieces.append(piece)
            at += duration
        return pieces, mixes

    def _piece(self, stretch: Stretch, at: Seconds) -> Piece:
        clip = stretch.clip or otio.schema.Clip(name="")
        start, end = self._frame(at + stretch.start), self._frame(at + stretch.end)
        media = clip.media_reference
        available = media.available_range if media is not None else None
        first = exact_seconds(available.start_time) if available is not None else Fraction(0)
        source = max(stretch.source - first, Fraction(0))
        speed = stretch.speed
        if speed not in (0, 1):  # a timewarp producer counts the retimed media
            source = source / speed if speed > 0 else Fraction(0)
        return Piece(max(start, 0), end, self._frame(source), clip, speed)

    def _playlist(self, name: str, pieces: list[Piece], *, is_sound: bool) -> Element:
        playlist = Element("playlist", {"id": name})
        if is_sound:
            properties(playlist, {"kdenlive:audio_track": "1"})
        at = 0
        for piece in pieces:
            if piece.start > at:
                SubElement(playlist, "blank", {"length": str(piece.start - at)})
            producer, clip_id = self._producers.of(piece, name[:-1], is_sound=is_sound)
            last = piece.source + piece.end - piece.start - 1
            about = {"producer": producer, "in": str(piece.source), "out": str(last)}
            entry = SubElement(playlist, "entry", about)
            properties(entry, {"kdenlive:id": clip_id})
            entry.extend(filters_of(piece))
            at = piece.end
        return playlist

    def _profile(self) -> Element:
        """Size and rate of the picture."""
        across, down = self._size.aspect
        return Element(
            "profile",
            {
                "description": f"{self._size.width}x{self._size.height} "
                f"{float(self._rate):.5g} fps",
                "frame_rate_num": str(self._rate.numerator),
                "frame_rate_den": str(self._rate.denominator),
                "width": str(self._size.width),
                "height": str(self._size.height),
                "progressive": "1",
                "sample_aspect_num": "1",
                "sample_aspect_den": "1",
                "display_aspect_num": str(across),
                "display_aspect_den": str(down),
                "colorspace": "709",
            },
        )

    def _frame(self, seconds: Seconds) -> int:
        return RationalTime.from_seconds(seconds, self._rate).value


def _stretches(item: otio.core.Item, *, is_sound: bool) -> Iterator[Stretch]:
    """An item as clips from its own beginning; a compound's picture flattened."""
    if isinstance(item, otio.schema.Gap):
        return
    source, duration = item_range(item)
    if isinstance(item, otio.schema.Clip):
        yield Stretch(Fraction(0), duration, item, source, speed_of(item), is_opaque=True)
    elif not is_sound:
        holder = otio.schema.Stack(children=[item.deepcopy()])
        yield from flatten(holder)


def _led(
    piece: Piece,
    lead: otio.schema.Transition | None,
    mixes: list[Mix],
    cut: Seconds,
    rate: Fraction,
) -> Piece:
    """A clip that a transition begins comes earlier by what the transition takes before the cut."""
    if lead is None:
        return piece
    before, _, middle = _spread(lead, cut, rate)
    if piece.start == 0:  # what would come before the timeline is not seen
        middle = 0 if before else middle
        before = 0
    start, source = piece.start - before, piece.source - before
    is_mixed = bool(mixes) and mixes[-1].cut == piece.start
    fade = 0 if is_mixed else 2 * (middle - start)
    return replace(piece, start=start, source=max(source, 0), fade_in=fade)


def _blend_in_place(
    pieces: list[Piece],
    mixes: list[Mix],
    transition: otio.schema.Transition,
    cut: Seconds,
    rate: Fraction,
) -> None:
    """The clip before a transition goes on behind the cut; into nothing, it fades."""
    before, after, middle = _spread(transition, cut, rate)
    at = RationalTime.from_seconds(cut, rate).value
    if not pieces or pieces[-1].end != at:
        return
    siblings = transition.parent()
    index = siblings.index(transition)
    following = siblings[index + 1] if index + 1 < len(siblings) else None
    into_nothing = following is None or isinstance(following, otio.schema.Gap)
    if following is None and after:  # nor is what would come behind the timeline
        after, middle = 0, at
    end = at + after
    fade = 2 * (end - middle) if into_nothing else 0
    pieces[-1] = replace(pieces[-1], end=end, fade_out=fade)
    if not into_nothing:
        words = f"{transition.transition_type} {transition.name}".lower()
        is_wipe = any(word in words for word in ("wipe", "slide", "push", "iris", "luma"))
        mixes.append(Mix(at - before, at, end, is_wipe))


def _spread(
    transition: otio.schema.Transition, cut: Seconds, rate: Fraction
) -> tuple[int, int, int]:
    """Frames of a transition before and after its cut, and the frame of its middle."""
    before, after = exact_seconds(transition.in_offset), exact_seconds(transition.out_offset)
    middle = cut + (after - before) / 2
    lengths = [RationalTime.from_seconds(each, rate).value for each in (before, after, middle)]
    return lengths[0], lengths[1], lengths[2]
