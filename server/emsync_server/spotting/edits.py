"""A timeline: the edit tells the boundaries; the media that is on this machine tells the emotion.

Only glimpses of the media are decoded: three seconds in ten of what each shot uses. Shots whose
media is offline are scored from the edit alone, with more uncertainty. Sound is that of the
shots' own media, not the timeline's mix.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from emsync.cue import CueSheet
from emsync.errors import (
    EmsyncError,
    InputError,
    LimitError,
    NotFoundError,
    PathRefusedError,
)
from emsync.settings import SpotSettings
from emsync_otio import ShotMedia, read_edit
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import CEILING_S, Film, FilmProbe, Shrinker, open_film
from emsync_server.progress import Progress
from emsync_server.spotting.appearance import Appearance, AppearanceSampler
from emsync_server.spotting.emotion import Evidence, curve_of
from emsync_server.spotting.hearing import Hearing, listen
from emsync_server.spotting.sheets import sheet_of

__all__ = ["spot_timeline"]

WINDOW_S = Fraction(10)
GLIMPSE_S = Fraction(3)
DRAFT_GLIMPSE_S = Fraction(1)
UNSEEN_STEP_S = 0.5


@dataclass(frozen=True, slots=True)
class _Glimpse:
    """A stretch of media to look at, and where it plays."""

    media_start_s: Fraction
    media_end_s: Fraction
    shot: ShotMedia

    def picture_time_s(self, media_s: np.ndarray) -> np.ndarray:
        """Picture times of media times."""
        assert self.shot.source_start is not None
        start_s = float(self.shot.record.start.seconds)
        if self.shot.speed == 0:
            return np.full_like(media_s, start_s)
        return start_s + (media_s - float(self.shot.source_start.seconds)) / float(self.shot.speed)


@dataclass
class _Findings:
    """What all glimpses gave, in any order."""

    appearances: list[Appearance] = field(default_factory=list)
    hearings: list[Hearing] = field(default_factory=list)
    seen_shots: set[int] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


def spot_timeline(
    source: Path, settings: SpotSettings, progress: Progress, *, access: Access = ANY_FILE
) -> CueSheet:
    """The cue sheet of a timeline."""
    progress.report(0.0, "reading the edit")
    with access.readable(source) as readable:
        edit = read_edit(source, settings.rate, settings.markers, content=readable)
    if edit.picture.duration.seconds > CEILING_S:
        raise LimitError(
            f"'{source}' is longer than {CEILING_S // 3600} hours, "
            "the most that is scored at once. Cut it into reels."
        )
    glimpse_s = DRAFT_GLIMPSE_S if settings.draft else GLIMPSE_S
    found = _glimpse_all(edit.shots, glimpse_s, progress.part(0.05, 1.0), access)
    evidence = Evidence(
        edit.picture.duration,
        tuple(boundary.time for boundary in edit.boundaries),
        _all_seen(edit.shots, found),
        _all_heard(edit.shots, found),
        cuts_are_known=True,
    )
    picture = replace(edit.picture, warnings=(*edit.picture.warnings, *found.warnings))
    sheet = sheet_of(picture, edit.boundaries, edit.hits, curve_of(evidence), settings)
    progress.report(1.0, "spotted")
    return sheet


def _glimpse_all(
    shots: Sequence[ShotMedia], glimpse_s: Fraction, progress: Progress, access: Access
) -> _Findings:
    """Open each film once, and look at what the shots use of it."""
    found = _Findings()
    wanted: dict[Path, list[int]] = defaultdict(list)
    for index, shot in enumerate(shots):
        if shot.media is not None and shot.source_start is not None:
            wanted[shot.media].append(index)
    done = 0
    for path, indices in wanted.items():
        try:
            with open_film(path, access=access) as film:
                for index in indices:
                    progress.report(done / len(shots), f"looking at {path.name}")
                    done += 1
                    found.seen_shots.add(index)
                    for glimpse in _glimpses(shots[index], glimpse_s):
                        _look(film, glimpse, found)
                        _hear(film.probe, glimpse, found, progress, access)
        except (InputError, NotFoundError, LimitError, PathRefusedError) as err:
            found.seen_shots.difference_update(indices)
            found.warnings.append(_unusable(path, err))
    return found


def _unusable(path: Path, err: EmsyncError) -> str:
    return (
        f"The media '{path.name}' was left out, its shots are scored from the edit alone: "
        f"{err.sentence}"
    )


def _glimpses(shot: ShotMedia, glimpse_s: Fraction) -> Iterator[_Glimpse]:
    """The middle of each ten seconds of a shot."""
    assert shot.source_start is not None
    length_s = shot.record.duration.seconds
    parts = max(1, -(-length_s // WINDOW_S))
    part_s = length_s / parts
    look_s = min(part_s, glimpse_s)
    for part in range(int(parts)):
        begin_s = part * part_s + (part_s - look_s) / 2
        ends = [
            shot.source_start.seconds + moment * shot.speed
            for moment in (begin_s, begin_s + look_s)
        ]
        yield _Glimpse(max(Fraction(0), min(ends)), max(Fraction(0), *ends), shot)


def _look(film: Film, glimpse: _Glimpse, found: _Findings) -> None:
    """Appearance of a glimpse, in picture time; a freeze frame is looked at once."""
    sampler = AppearanceSampler(film.probe.rate)
    shrinker: Shrinker | None = None
    end_s = max(glimpse.media_end_s, glimpse.media_start_s + Fraction(1, 1000))
    for frame in film.frames_from(glimpse.media_start_s, end_s):
        shrinker = shrinker or Shrinker(frame.picture.width, frame.picture.height)
        sampler.see(shrinker.shrink(frame.picture), frame.tick * float(film.tick_s))
    seen = sampler.finish([])
    found.appearances.append(
        replace(
            seen,
            time_s=glimpse.picture_time_s(seen.time_s),
            motion=seen.motion * abs(float(glimpse.shot.speed)),
        )
    )


def _hear(
    probe: FilmProbe,
    glimpse: _Glimpse,
    found: _Findings,
    progress: Progress,
    access: Access,
) -> None:
    """Sound of a glimpse, in picture time; of shots at their own speed only, others are pitched or
    mute."""
    length_s = glimpse.media_end_s - glimpse.media_start_s
    if not probe.has_sound or glimpse.shot.speed != 1 or length_s <= 0:
        return
    heard = listen(probe, glimpse.media_start_s, length_s, progress.part(0.0, 0.0), access=access)
    found.hearings.append(replace(heard, time_s=glimpse.picture_time_s(heard.time_s)))


def _all_seen(shots: Sequence[ShotMedia], found: _Findings) -> Appearance | None:
    """Everything that was looked at, in order; shots that were not are samples without contrast."""
    if not any(len(each) for each in found.appearances):
        return None
    blank = _unseen_times(shots, found)
    zeros = np.zeros_like(blank)
    unseen = Appearance(blank, zeros, zeros, zeros, zeros, np.full_like(blank, np.nan))
    parts = [*found.appearances, unseen]
    order = np.argsort(np.concatenate([part.time_s for part in parts]), kind="stable")
    return Appearance(
        *(
            np.concatenate([getattr(part, name) for part in parts])[order].astype(np.float32)
            for name in Appearance.__slots__
        )
    )


def _all_heard(shots: Sequence[ShotMedia], found: _Findings) -> Hearing | None:
    """Everything that was listened to, in order; shots that were not have no level."""
    if not found.hearings:
        return None
    blank = _unseen_times(shots, found)
    unknown = np.full_like(blank, np.nan)
    parts = [*found.hearings, Hearing(blank, unknown, unknown)]
    order = np.argsort(np.concatenate([part.time_s for part in parts]), kind="stable")
    return Hearing(
        *(
            np.concatenate([getattr(part, name) for part in parts])[order].astype(np.float32)
            for name in Hearing.__slots__
        )
    )


def _unseen_times(shots: Sequence[ShotMedia], found: _Findings) -> np.ndarray:
    """Moments inside the shots whose media could not be looked at, as float32 seconds."""
    stretches = [
        np.arange(
            float(shot.record.start.seconds) + UNSEEN_STEP_S / 2,
            float(shot.record.end.seconds),
            UNSEEN_STEP_S,
        )
        for index, shot in enumerate(shots)
        if index not in found.seen_shots
    ]
    return np.concatenate([np.zeros(0), *stretches]).astype(np.float32)
