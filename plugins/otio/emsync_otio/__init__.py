"""Timelines as files: read the edit, lay the stems back."""

from emsync_otio.changes import KeptSpan
from emsync_otio.edit import ShotMedia, TimelineEdit
from emsync_otio.laying import PlacedCue, PlacedHit, PlacedStem
from emsync_otio.media_paths import PathStyle
from emsync_otio.opening import TIMELINE_SUFFIXES
from emsync_otio.picture_size import PictureSize
from emsync_otio.placement import PlacementReport, is_timeline, place, read_placed_sheet
from emsync_otio.reading import kept_spans_of, read_edit
from emsync_otio.saving import WRITABLE_SUFFIXES
from emsync_otio.sheets import timeline_of_sheet

__all__ = [
    "TIMELINE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "KeptSpan",
    "PathStyle",
    "PictureSize",
    "PlacedCue",
    "PlacedHit",
    "PlacedStem",
    "PlacementReport",
    "ShotMedia",
    "TimelineEdit",
    "is_timeline",
    "kept_spans_of",
    "place",
    "read_edit",
    "read_placed_sheet",
    "timeline_of_sheet",
]
