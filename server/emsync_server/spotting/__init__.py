"""Spotting: film or timeline in, cue sheet out: boundaries, hits, a first emotion curve."""

from __future__ import annotations

from pathlib import Path

from emsync.cue import CueSheet
from emsync.errors import InputError
from emsync.settings import MarkerUse, SpotSettings
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
    LimitError, JobCancelledError; InputError where markers were asked for that there are not.
    """
    if is_timeline(source):
        return spot_timeline(source, settings, progress, access=access)
    if settings.markers.use in (MarkerUse.NAMED, MarkerUse.COLORED):
        raise InputError(
            f"'{source.name}' is a film, and a film has no markers: --markers "
            f"'{settings.markers.word}' goes with a timeline. Leave it out."
        )
    return spot_film(source, settings, progress, access=access)
