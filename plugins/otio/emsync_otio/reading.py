"""Timelines in: any file that OpenTimelineIO's adapters read, as what the audience sees."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from emsync_otio.edit import TimelineEdit

__all__ = ["read_edit"]


def read_edit(path: Path, rate: Fraction | None = None) -> TimelineEdit:
    """The edit of a timeline file. `rate` is for EDLs alone, which do not say at what rate they count.

    Raises NotFoundError for a path that names nothing, TimelineError for all that cannot be scored.
    """
    raise NotImplementedError
