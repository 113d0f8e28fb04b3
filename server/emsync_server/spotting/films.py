"""A flat film: everything is found by looking and listening."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from emsync.cue import CueSheet
from emsync.errors import MediaError
from emsync.settings import SpotSettings
from emsync.timecode import RationalTime
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import FilmProbe, open_film
from emsync_server.progress import Progress
from emsync_server.spotting.emotion import Evidence, curve_of
from emsync_server.spotting.hearing import Hearing, listen
from emsync_server.spotting.looking import look_at_film
from emsync_server.spotting.sheets import sheet_of

__all__ = ["hear_film", "spot_film"]

LOOKING_SHARE = 0.95
"""Looking takes this share of the time, listening the rest."""


def spot_film(
    source: Path, settings: SpotSettings, progress: Progress, *, access: Access = ANY_FILE
) -> CueSheet:
    """The cue sheet of a film."""
    with open_film(source, access=access, draft=settings.draft) as film:
        seen = look_at_film(film, progress.part(0.0, LOOKING_SHARE))
        hearing, complaint = hear_film(
            film.probe,
            seen.end,
            progress.part(LOOKING_SHARE, 1.0),
            access=access,
        )
        picture = film.picture(*complaint)
    evidence = Evidence(
        seen.end, tuple(each.time for each in seen.boundaries), seen.appearance, hearing
    )
    sheet = sheet_of(picture, seen.boundaries, (), curve_of(evidence), settings)
    progress.report(1.0, "spotted")
    return sheet


def hear_film(
    probe: FilmProbe, end: RationalTime, progress: Progress, *, access: Access
) -> tuple[Hearing | None, tuple[str, ...]]:
    """What the production sound is like, and what is wrong with it. None: there is none."""
    if not probe.has_sound:
        return None, ()
    try:
        heard = listen(probe, Fraction(0), end.seconds, progress, access=access)
    except MediaError as err:
        return None, (f"The sound could not be used: {err.sentence}",)
    return heard, ()
