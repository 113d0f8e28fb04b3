"""A still of each shot, of a film or of the media that a timeline shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync.cue import CueSheet
from emsync.errors import EmsyncError
from emsync.timecode import RationalTime, TimeRange
from emsync_otio import ShotMedia, is_timeline, read_edit
from emsync_server.evaluation.time_axis import TimeAxis
from emsync_server.media import Film, open_film

__all__ = ["STRIP", "Still", "film_strip"]

STRIP = 64
"""Height in pixels."""
MOST_STILLS = 48
LEAST_SLOT = 6
"""Narrower shots get no still."""
LOOK_S = 2
"""A frame that cannot be read is followed by one that can, within this."""


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A picture of one shot, in picture time."""

    start_s: float
    end_s: float
    bgr: NDArray[np.uint8]
    """(H, W, 3)"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a shot's middle lies in a file."""

    shot: TimeRange
    media_s: Fraction


def film_strip(sheet: CueSheet) -> list[Still]:
    """A still from the middle of each shot, of the longest where there are many; none of what is
    not on this machine any more."""
    axis = TimeAxis.of_length(float(sheet.picture.duration.seconds))
    whole = TimeRange(RationalTime(0, sheet.picture.duration.rate), sheet.picture.duration)
    ranges = [note.range for note in sheet.shots] or [whole]
    wide = [each for each in ranges if _width(axis, each) >= LEAST_SLOT]
    longest = sorted(wide, key=lambda each: -each.duration.seconds)[:MOST_STILLS]
    stills: list[Still] = []
    for media, places in _wanted(sheet, longest).items():
        # One film for all its shots: each open one holds a frame a thread, 3 MB in full HD.
        with suppress(EmsyncError), open_film(media) as film:
            for place in sorted(places, key=lambda place: place.media_s):
                stills += _still(film, place)
    return sorted(stills, key=lambda still: still.start_s)


def _wanted(sheet: CueSheet, shots: Sequence[TimeRange]) -> dict[Path, list[_Place]]:
    """Which moments of which files show the middles of these shots."""
    source = Path(sheet.picture.source)
    wanted: dict[Path, list[_Place]] = defaultdict(list)
    if not is_timeline(source):
        return {source: [_Place(shot, _middle_s(shot)) for shot in shots]}
    with suppress(EmsyncError):
        edit = read_edit(source, sheet.picture.rate)
        for shot in shots:
            for shown in edit.shots:
                if shown.record.start.seconds <= _middle_s(shot) < shown.record.end.seconds:
                    _want_in_place(wanted, shot, shown)
    return wanted


def _want_in_place(wanted: dict[Path, list[_Place]], shot: TimeRange, shown: ShotMedia) -> None:
    """Note where the middle of a shot lies in its media, if that is on this machine."""
    if shown.media is None or shown.source_start is None:
        return
    into_s = _middle_s(shot) - shown.record.start.seconds
    media_s = max(Fraction(0), shown.source_start.seconds + into_s * shown.speed)
    wanted[shown.media].append(_Place(shot, media_s))


def _still(film: Film, place: _Place) -> list[Still]:
    """One frame at the strip's height; empty where none can be read there."""
    frame = next(iter(film.frames_from(place.media_s, place.media_s + LOOK_S)), None)
    if frame is None:
        return []
    width = max(2, round(STRIP * frame.picture.width / frame.picture.height))
    small = frame.picture.reformat(width=width, height=STRIP, format="bgr24")
    picture = np.asarray(small.to_ndarray(), np.uint8)
    shot = place.shot
    return [Still(float(shot.start.seconds), float(shot.end.seconds), picture)]


def _middle_s(shot: TimeRange) -> Fraction:
    return (shot.start.seconds + shot.end.seconds) / 2


def _width(axis: TimeAxis, shot: TimeRange) -> float:
    return axis.x(float(shot.end.seconds)) - axis.x(float(shot.start.seconds))
