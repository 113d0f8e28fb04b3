"""Timelines as files: read the edit, lay the stems back."""

from emsync_otio.edit import ShotMedia, TimelineEdit
from emsync_otio.opening import TIMELINE_SUFFIXES
from emsync_otio.reading import read_edit

__all__ = ["TIMELINE_SUFFIXES", "ShotMedia", "TimelineEdit", "read_edit"]
