"""The editor's markers as hits: those that are meant for the music, not notes to colleagues.

What emsync itself wrote is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction

import opentimelineio as otio

from emsync.counted import counted
from emsync.cue import Hit, HitSource
from emsync.settings import MarkerRule, MarkerUse
from emsync.timecode import RationalTime
from emsync_otio.clock import Seconds, exact_seconds
from emsync_otio.flattening import item_range, shown_range
from emsync_otio.own import is_own

__all__ = ["FoundMarkers", "find_markers", "markers_of", "state_trimmed_in_place"]

_ABOUT, _TRIMMED = "emsync_otio", "trimmed_markers"
_NAMED_NOTES = 3
_UNNAMED = re.compile(r"(marker|guide|chapter|locator)?\s*#?\d*", re.IGNORECASE)
"""What editors call a marker when nobody named it: 'Marker 12', 'Guide', or nothing."""
_MEANT = re.compile(r"\W*(hit|sync|mx|music|accent|stinger|sting|beat)s?(\b|_|\d)", re.IGNORECASE)
"""How people begin the name of a marker that is meant for the music."""


@dataclass(frozen=True, slots=True)
class FoundMarkers:
    """What the editor marked."""

    hits: tuple[Hit, ...]
    """Locked, of weight 1, in order."""
    notes: tuple[str, ...]
    """Names of the markers that the rule leaves out, once each."""
    outside: int
    """How many lie outside the picture."""
    trimmed: int = 0
    """How many lie on a part of their clip that the cut does not show."""

    def warnings(self, rule: MarkerRule) -> list[str]:
        """What is not landed on without the editor's having said so."""
        lines = []
        if self.notes and rule.use is MarkerUse.MEANT:
            names = ", ".join(f"'{name}'" for name in self.notes[:_NAMED_NOTES])
            more = ", …" if len(self.notes) > _NAMED_NOTES else ""
            lines.append(
                f"Markers that read like notes are no hits: {names}{more}. To land on them, name "
                "them 'hit …', or use --markers all, a colour or a name."
            )
        if self.outside:
            one = self.outside == 1
            lines.append(
                f"{counted(self.outside, 'marker')} {'lies' if one else 'lie'} outside the picture "
                "and cannot be hit."
            )
        if self.trimmed:
            one = self.trimmed == 1
            lines.append(
                f"{counted(self.trimmed, 'marker')} {'lies' if one else 'lie'} on "
                f"{'a part of its clip' if one else 'parts of their clips'} that the cut does not "
                "show and cannot be hit."
            )
        return lines


def find_markers(
    timeline: otio.schema.Timeline, rate: Fraction, duration: RationalTime, rule: MarkerRule
) -> FoundMarkers:
    """Locked hits at those markers inside the picture that the rule takes.

    Counted are markers of the timeline, its tracks and their items; those inside compound clips
    belong to the compound and are not shown in the timeline. Markers on one frame become one hit.
    """
    labels: dict[int, list[str]] = {}
    notes: dict[str, None] = {}
    outside = 0
    for at, marker in markers_of(timeline, duration.seconds):
        if not _is_wanted(marker, rule):
            notes[_name(marker)] = None
            continue
        frame = RationalTime.from_seconds(at, rate).value
        if not 0 <= frame < duration.value:
            outside += 1
            continue
        names = labels.setdefault(frame, [])
        name = _name(marker)
        if name and name not in names:
            names.append(name)
    trimmed = sum(_is_wanted(marker, rule) for marker in _trimmed_markers(timeline))
    hits = tuple(
        Hit(RationalTime(frame, rate), 1.0, True, HitSource.MARKER, " / ".join(names))
        for frame, names in sorted(labels.items())
    )
    return FoundMarkers(hits, tuple(notes), outside, trimmed)


def _is_wanted(marker: otio.schema.Marker, rule: MarkerRule) -> bool:
    name = (marker.name or "").strip()
    if rule.use is MarkerUse.MEANT:
        said = (marker.comment or "").strip()
        unnamed = _UNNAMED.fullmatch(name) is not None and not said and not _is_task(marker)
        return unnamed or _MEANT.match(name) is not None or _MEANT.match(said) is not None
    if rule.use is MarkerUse.NAMED:
        return fnmatchcase(_name(marker).casefold(), rule.word.strip().casefold())
    if rule.use is MarkerUse.COLORED:
        return str(marker.color or "").casefold() == rule.word.strip().casefold()
    return rule.use is MarkerUse.ALL


def _is_task(marker: otio.schema.Marker) -> bool:
    """Whether it is one of Final Cut's to-do markers, done or not."""
    return "completed" in marker.metadata.get("fcpxml", {})


def _name(marker: otio.schema.Marker) -> str:
    return str(marker.name or marker.comment or "").strip()


def markers_of(
    timeline: otio.schema.Timeline, length: Seconds
) -> Iterator[tuple[Seconds, otio.schema.Marker]]:
    """Every marker that the editor sees, with its picture time; not those that emsync wrote."""
    start = timeline.global_start_time
    zero_hour = exact_seconds(start) if start is not None else Fraction(0)
    stack_start = item_range(timeline.tracks)[0] if timeline.tracks.source_range else Fraction(0)
    for marker in _theirs(timeline.tracks):
        at = _start(marker) - stack_start
        # Some exporters count a timeline's markers in record timecode.
        yield (at - zero_hour if at >= length and at >= zero_hour else at), marker
    for track in timeline.tracks:
        if not isinstance(track, otio.core.Item) or not track.enabled:
            continue
        shift = shown_range(track)[0] if track.source_range else Fraction(0)
        for marker in _theirs(track):
            yield _start(marker) - shift - stack_start, marker
        if isinstance(track, otio.schema.Track):
            yield from _item_markers(track, -shift - stack_start)


def _item_markers(
    track: otio.schema.Track, at: Seconds
) -> Iterator[tuple[Seconds, otio.schema.Marker]]:
    """Markers on a track's items, each in its item's own clock, where the item shows them."""
    for child in track:
        if not isinstance(child, otio.core.Item):
            continue
        start, duration = item_range(child)
        for marker in _theirs(child) if child.enabled else ():
            inside = _start(marker) - start
            if 0 <= inside < duration:
                yield at + inside, marker
        at += duration


def state_trimmed_in_place(
    timeline: otio.schema.Timeline, markers: Sequence[otio.schema.Marker]
) -> None:
    """Keep markers of clips that show another part of themselves, where a reader lays the others
    on the timeline."""
    timeline.metadata[_ABOUT] = {**dict(timeline.metadata.get(_ABOUT, {})), _TRIMMED: list(markers)}


def _trimmed_markers(timeline: otio.schema.Timeline) -> Iterator[otio.schema.Marker]:
    """Markers of clips where the cut shows another part of them."""
    said = timeline.metadata.get(_ABOUT, {}).get(_TRIMMED, ())
    yield from (marker for marker in said if not is_own(marker))
    for track in timeline.tracks:
        if not isinstance(track, otio.schema.Track) or not track.enabled:
            continue
        for child in track:
            if isinstance(child, otio.core.Item) and child.enabled and len(child.markers):
                start, duration = item_range(child)
                for marker in _theirs(child):
                    if not 0 <= _start(marker) - start < duration:
                        yield marker


def _theirs(item: otio.core.Item) -> Iterator[otio.schema.Marker]:
    return (marker for marker in item.markers if not is_own(marker))


def _start(marker: otio.schema.Marker) -> Seconds:
    return exact_seconds(marker.marked_range.start_time)
