"""A flat film: everything is found by looking and listening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from emsync.cue import CueSheet
from emsync.errors import MediaError
from emsync.settings import SpotSettings
from emsync.timecode import RationalTime
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import FilmProbe, open_film
from emsync_server.progress import Progress
from emsync_server.spotting.emotion import Evidence
from emsync_server.spotting.experts import ExpertRow, chosen_experts
from emsync_server.spotting.experts.analysis import opened_reading
from emsync_server.spotting.experts.cache import ReadingCache, default_cache_folder
from emsync_server.spotting.feeling import feel
from emsync_server.spotting.findings import FilmFindings, remembered
from emsync_server.spotting.hearing import Hearing, listen
from emsync_server.spotting.looking import look_at_film
from emsync_server.spotting.sheets import sheet_of

__all__ = ["hear_film", "spot_film"]

LOOKING_SHARE, HEARING_SHARE = 0.8, 0.85
"""Looking takes the first share of the time, listening to level and colour ends at the second."""


def spot_film(
    source: Path, settings: SpotSettings, progress: Progress, *, access: Access = ANY_FILE
) -> CueSheet:
    """The cue sheet of a film."""
    rows = () if settings.draft else chosen_experts()
    found = remembered(
        source,
        settings,
        rows,
        lambda: _find(source, settings, progress, rows, access),
        cache=None if settings.draft else ReadingCache(default_cache_folder()),
        access=access,
    )
    seen = found.seen
    evidence = Evidence(
        seen.end, tuple(each.time for each in seen.boundaries), seen.appearance, found.hearing
    )
    felt = feel(evidence, found.readings, seen.boundaries, rows)
    sheet = sheet_of(found.picture, seen.boundaries, (), felt.curve, settings)
    progress.report(1.0, "spotted")
    return replace(sheet, shots=felt.shots)


def _find(
    source: Path,
    settings: SpotSettings,
    progress: Progress,
    rows: Sequence[ExpertRow],
    access: Access,
) -> FilmFindings:
    """Look at a film and listen to it."""
    with (
        open_film(source, access=access, draft=settings.draft) as film,
        opened_reading(rows, film.probe) as reading,
    ):
        looking = progress.part(0.0, LOOKING_SHARE)
        seen = look_at_film(film, looking, watch=None if settings.draft else reading.see)
        hearing, complaint = hear_film(
            film.probe,
            seen.end,
            progress.part(LOOKING_SHARE, HEARING_SHARE),
            access=access,
        )
        reading.hear(seen.end.seconds, progress.part(HEARING_SHARE, 1.0), access=access)
        readings = reading.finish()
        picture = film.picture(*dict.fromkeys([*complaint, *reading.complaints]))
    return FilmFindings(picture, seen, hearing, tuple(readings))


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
