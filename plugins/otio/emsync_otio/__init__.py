"""Timelines as files: read the edit, lay the stems back."""

from emsync_otio.edit import ShotMedia, TimelineEdit
from emsync_otio.laying import PlacedCue, PlacedHit, PlacedStem
from emsync_otio.opening import TIMELINE_SUFFIXES
from emsync_otio.placement import PlacementReport, is_timeline, place, read_placed_sheet
from emsync_otio.reading import read_edit

__all__ = [
    "TIMELINE_SUFFIXES",
    "PlacedCue",
    "PlacedHit",
    "PlacedStem",
    "PlacementReport",
    "ShotMedia",
    "TimelineEdit",
    "is_timeline",
    "place",
    "read_edit",
    "read_placed_sheet",
]
