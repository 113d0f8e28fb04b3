"""Whether a score was made for the timeline that it is laid on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from emsync.cue import CueSheet
from emsync.errors import TimelineError
from emsync.picture import Boundary, BoundaryKind, PictureInfo
from emsync.timecode import RationalTime, timecode_of
from emsync_otio.edit import TimelineEdit
from emsync_otio.opening import TIMELINE_SUFFIXES

__all__ = ["check_belongs"]

_NEAR_FRAMES = 2
"""A cut that was seen in a film may lie this far from the one in its timeline."""
_SEEN_SHARE = 0.5
"""Of the cuts that were seen in a film, so many at least are in the timeline of that film."""


def check_belongs(sheet: CueSheet, edit: TimelineEdit, path: Path) -> None:
    """Raise TimelineError where a score's length, rate or cuts are not those of a timeline.

    A timeline may bear another name by now, and have cuts that a person struck out of the cue
    sheet. A film that was spotted by looking at it is compared by its length and most of its cuts;
    one that lies uncut on a timeline by its length alone.
    """
    looked = Path(sheet.picture.source).suffix.lower() not in TIMELINE_SUFFIXES
    reason = _difference_to_film(sheet, edit) if looked else _difference_to_edit(sheet, edit)
    if reason:
        raise TimelineError(
            f"The score was made for '{Path(sheet.picture.source).name}', and '{path.name}' is "
            f"not the same edit: {reason}. Spot and compose again for this timeline, "
            "or lay the stems all the same with --force."
        )


def _difference_to_edit(sheet: CueSheet, edit: TimelineEdit) -> str:
    """How a timeline differs from the one that was spotted; empty where it does not."""
    theirs, ours = edit.picture, sheet.picture
    if theirs.rate != ours.rate:
        return (
            f"it runs at {_shown(theirs.rate)} frames per second, the score at {_shown(ours.rate)}"
        )
    if theirs.duration != ours.duration:
        return _length_difference(theirs, ours)
    if len(edit.shots) == 1 and not edit.boundaries:
        return ""  # a film that lies there uncut: the score knows the cuts that were seen in it
    found = {each.time for each in edit.boundaries}
    return _cut_difference([each for each in _cuts(sheet) if each.time not in found], sheet)


def _difference_to_film(sheet: CueSheet, edit: TimelineEdit) -> str:
    """How a timeline differs from the film that was looked at; empty where it may well show it."""
    theirs, ours = edit.picture, sheet.picture
    near_s = _NEAR_FRAMES / theirs.rate
    if abs(theirs.duration.seconds - ours.duration.seconds) > near_s:
        return _length_difference(theirs, ours)
    found = [each.time.seconds for each in edit.boundaries]
    cuts = _cuts(sheet)
    if not found or not cuts:  # the film lies on the timeline as one clip, or is one shot
        return ""
    missing = [each for each in cuts if min(abs(each.time.seconds - at) for at in found) > near_s]
    return _cut_difference(missing, sheet) if len(missing) > _SEEN_SHARE * len(cuts) else ""


def _cuts(sheet: CueSheet) -> list[Boundary]:
    """What was seen; not what a person may have added to the sheet as a marker."""
    return [each for each in sheet.boundaries if each.kind is not BoundaryKind.MARKER]


def _length_difference(theirs: PictureInfo, ours: PictureInfo) -> str:
    return f"it lasts {_span(theirs.duration)}, the score's picture {_span(ours.duration)}"


def _cut_difference(missing: list[Boundary], sheet: CueSheet) -> str:
    if not missing:
        return ""
    first = timecode_of(missing[0].time.at_rate(sheet.picture.rate))
    are = "is" if len(missing) == 1 else "are"
    return (
        f"{len(missing)} of the {len(_cuts(sheet))} cuts that the score knows {are} not in it "
        f"(the first is {first} after the start)"
    )


def _span(length: RationalTime) -> str:
    return timecode_of(length)


def _shown(rate: Fraction) -> str:
    return f"{float(rate):.5g}"
