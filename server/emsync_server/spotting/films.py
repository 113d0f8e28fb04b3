"""A flat film: everything is found by looking and listening."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import av

from emsync.cue import CueSheet
from emsync.settings import SpotSettings
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import Film, open_film
from emsync_server.progress import Progress
from emsync_server.spotting.emotion import Evidence
from emsync_server.spotting.experts import ExpertRow, chosen_experts
from emsync_server.spotting.experts.analysis import opened_reading
from emsync_server.spotting.experts.cache import ReadingCache, default_cache_folder
from emsync_server.spotting.feeling import feel
from emsync_server.spotting.finders import finder_of
from emsync_server.spotting.findings import FilmFindings, remembered
from emsync_server.spotting.hearing import LONG_TAIL_S, Hearing, HearingSampler
from emsync_server.spotting.looking import Seen, draft_film, look_at_film
from emsync_server.spotting.sheets import sheet_of
from emsync_server.spotting.subtitles import NO_SUBTITLES, subtitles_of

__all__ = ["look", "spot_film"]

LOOKING_SHARE = 0.85
"""Of the time; the rest is listening."""


def spot_film(
    source: Path, settings: SpotSettings, progress: Progress, *, access: Access = ANY_FILE
) -> CueSheet:
    """The cue sheet of a film."""
    cache = None if settings.draft else ReadingCache(default_cache_folder())
    words = NO_SUBTITLES
    if not settings.draft:
        words = subtitles_of(source, progress, cache=cache, access=access)
    rows = () if settings.draft else words.experts(chosen_experts())
    found = remembered(
        source,
        settings,
        rows,
        lambda: _find(source, settings, progress, rows, access),
        cache=cache,
        access=access,
    )
    seen = found.seen
    evidence = Evidence(
        seen.end, tuple(each.time for each in seen.boundaries), seen.appearance, found.hearing
    )
    end_s = float(seen.end.seconds)
    felt = feel(evidence, [*found.readings, *words.played(0.0, end_s)], seen.boundaries, rows)
    # What a draft takes for a cut was not looked at: music that must land there may land nowhere.
    lock = not settings.draft
    complaints = (*words.complaints_until(end_s), *felt.complaints)
    picture = replace(found.picture, warnings=(*found.picture.warnings, *complaints))
    sheet = sheet_of(picture, seen.boundaries, (), felt.curve, settings, lock=lock)
    progress.report(1.0, "spotted")
    return replace(sheet, shots=felt.shots, words_from=words.words_from, genres=felt.genres)


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
        seen = look(film, settings, looking, watch=reading.see)
        end_s, listening = seen.end.seconds, progress.part(LOOKING_SHARE, 1.0)
        sampler = HearingSampler(end_s)
        heard = reading.hear(end_s, listening, also=(sampler,), access=access)
        readings = reading.finish()
        hearing = sampler.finish() if heard and film.probe.has_sound else None
        complaints = [*reading.complaints, *_other_lengths(film, hearing, float(end_s))]
        picture = film.picture(*dict.fromkeys(complaints))
    return FilmFindings(picture, seen, hearing, tuple(readings))


def _other_lengths(film: Film, hearing: Hearing | None, end_s: float) -> list[str]:
    """A sentence where the sound is not as long as the picture."""
    if hearing is None or film.warnings:
        return []
    if (sound_end_s := hearing.ended_s) is not None:
        return [f"The sound of '{film.path.name}' ends at {sound_end_s:.1f} s, its picture at "
                f"{end_s:.1f} s: the rest was judged by the picture alone."]  # fmt: skip
    if (tail_s := float(film.sound_end_s) - end_s) > LONG_TAIL_S:
        return [f"'{film.path.name}' goes on for {tail_s:.1f} s after its last picture: what "
                "sounds there was not used."]  # fmt: skip
    return []


def look(
    film: Film,
    settings: SpotSettings,
    progress: Progress,
    *,
    watch: Callable[[av.VideoFrame, float], None] | None = None,
) -> Seen:
    """Look at the picture as the settings say: all of it, or what a draft needs, which shows
    `watch` nothing. A draft's film was opened as one."""
    if settings.draft:
        return draft_film(film, progress)
    return look_at_film(film, finder_of(settings, film.probe), progress, watch=watch)
