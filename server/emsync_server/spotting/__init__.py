"""Spotting: film or timeline in, cue sheet out: boundaries, hits, a first emotion curve."""

from __future__ import annotations

from pathlib import Path

from emsync.cue import CueSheet
from emsync.settings import SpotSettings
from emsync_otio import is_timeline
from emsync_server.access import ANY_FILE, Access
from emsync_server.progress import Progress
from emsync_server.spotting.edits import spot_timeline
from emsync_server.spotting.films import spot_film

__all__ = ["SpotSettings", "spot"]


def spot(
    source: Path, settings: SpotSettings, progress: Progress, *, access: Access = ANY_FILE
) -> CueSheet:
    """Look at a film or a timeline, and say where music plays, what it lands on and how it feels.

    One cue over the whole picture. `access` says which files may be opened: the source, and the
    media that a timeline names. Raises MediaError, TimelineError, NotFoundError, PathRefusedError,
    LimitError, JobCancelledError.
    """
    spotted = spot_timeline if is_timeline(source) else spot_film
    return spotted(source, settings, progress, access=access)
