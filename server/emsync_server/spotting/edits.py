"""A timeline: the edit tells the boundaries; the media that is on this machine tells the emotion.

Only glimpses of the media are decoded: three seconds in ten of what each shot uses. Shots whose
media is offline are scored from the edit alone, with more uncertainty. Sound is that of the
shots' own media, not the timeline's mix. An edit without a cut is looked through (`uncut.py`).
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
from emsync.picture import PictureInfo
from emsync.settings import MarkerRule, MarkerUse, SpotSettings
from emsync_otio import ShotMedia, TimelineEdit, read_edit
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import CEILING_S, open_film
from emsync_server.progress import Progress
from emsync_server.spotting.appearance import Appearance
from emsync_server.spotting.emotion import Evidence
from emsync_server.spotting.experts import ExpertRow, Reading, chosen_experts
from emsync_server.spotting.experts.cache import ReadingCache, default_cache_folder
from emsync_server.spotting.feeling import feel
from emsync_server.spotting.glimpses import GlimpseFindings, GlimpseMemory, Stretch
from emsync_server.spotting.hearing import Hearing
from emsync_server.spotting.sheets import sheet_of
from emsync_server.spotting.subtitles import NO_SUBTITLES, Subtitles, subtitles_of
from emsync_server.spotting.uncut import boundaries_inside

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

    @property
    def stretch(self) -> Stretch:
        """What is looked at; sound of shots at their own speed only, others are pitched or mute."""
        has_sound = self.shot.speed == 1
        return Stretch(self.media_start_s, self.media_end_s, with_sound=has_sound)

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
    readings: list[Reading] = field(default_factory=list)
    seen_shots: set[int] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    words_from: list[str] = field(default_factory=list)


def spot_timeline(
    source: Path, settings: SpotSettings, progress: Progress, *, access: Access = ANY_FILE
) -> CueSheet:
    """The cue sheet of a timeline."""
    progress.report(0.0, "reading the edit")
    with access.readable(source) as readable:
        edit = read_edit(source, settings.rate, settings.markers, content=readable)
    _check_marked(edit, settings.markers, source)
    if edit.picture.duration.seconds > CEILING_S:
        raise LimitError(
            f"'{source}' is longer than {CEILING_S // 3600} hours, "
            "the most that is scored at once. Cut it into reels."
        )
    inside = boundaries_inside(edit, settings, progress.part(0.05, 0.5), access)
    boundaries = inside or edit.boundaries
    glimpse_s = DRAFT_GLIMPSE_S if settings.draft else GLIMPSE_S
    looking = progress.part(0.5 if inside else 0.05, 1.0)
    words = NO_SUBTITLES if settings.draft else subtitles_of(source, looking, access=access)
    rows = () if settings.draft else words.experts(chosen_experts())
    found = _glimpse_all(edit.shots, glimpse_s, rows, looking, access, with_words=not words.lines)
    _take_own_words(words, edit.picture, found)
    evidence = Evidence(
        edit.picture.duration,
        tuple(boundary.time for boundary in boundaries),
        _all_seen(edit.shots, found),
        _all_heard(edit.shots, found),
        cuts_are_known=not inside,
    )
    felt = feel(evidence, found.readings, boundaries, rows)
    warnings = (*edit.picture.warnings, *found.warnings, *felt.complaints)
    picture = replace(edit.picture, warnings=warnings)
    lock = not (inside and settings.draft)
    sheet = sheet_of(picture, boundaries, edit.hits, felt.curve, settings, lock=lock)
    progress.report(1.0, "spotted")
    words_from = tuple(found.words_from)
    return replace(sheet, shots=felt.shots, words_from=words_from, genres=felt.genres)


def _check_marked(edit: TimelineEdit, rule: MarkerRule, source: Path) -> None:
    """Whoever names markers wants the music on them: none of that name is a mistake."""
    if edit.hits or rule.use not in (MarkerUse.NAMED, MarkerUse.COLORED):
        return
    what = "is called" if rule.use is MarkerUse.NAMED else "has the colour"
    raise InputError(
        f"No marker in the picture of '{source.name}' {what} '{rule.word}'. Look at the markers in "
        "your editor ('door*' finds all names that begin so), or leave --markers out."
    )


def _glimpse_all(
    shots: Sequence[ShotMedia],
    glimpse_s: Fraction,
    rows: Sequence[ExpertRow],
    progress: Progress,
    access: Access,
    *,
    with_words: bool,
) -> _Findings:
    """Open each film once, and look at what the shots use of it and was not looked at before."""
    found = _Findings()
    wanted: dict[Path, list[int]] = defaultdict(list)
    for index, shot in enumerate(shots):
        if shot.media is not None and shot.source_start is not None:
            wanted[shot.media].append(index)
    done = 0
    memory = GlimpseMemory(rows, access)
    cache = ReadingCache(default_cache_folder())
    for path, indices in wanted.items():
        words = NO_SUBTITLES
        if rows and with_words:
            here = done / len(shots)
            words = subtitles_of(path, progress.part(here, here), cache=cache, access=access)
        asked = words.experts(rows)
        memory = memory if asked == memory.rows else GlimpseMemory(asked, access)
        try:
            with open_film(path, access=access) as film, memory.of(film) as looker:
                for index in indices:
                    progress.report(done / len(shots), f"looking at {path.name}")
                    done += 1
                    found.seen_shots.add(index)
                    for glimpse in _glimpses(shots[index], glimpse_s):
                        _take(looker.look(glimpse.stretch, progress), glimpse, found)
            _take_words(words, [shots[index] for index in indices], found)
        except (InputError, NotFoundError, LimitError, PathRefusedError) as err:
            found.seen_shots.difference_update(indices)
            found.warnings.append(_unusable(path, err))
    return found


def _take_own_words(words: Subtitles, picture: PictureInfo, found: _Findings) -> None:
    """What subtitles beside a timeline say, as editors export them of a cut: from its first frame
    on, or by its own timecode, which begins at an hour."""
    start_s, length_s = float(picture.start.seconds), float(picture.duration.seconds)
    by_timecode = start_s > 0 and all(line.start_s >= start_s for line in words.lines)
    first_s = start_s if by_timecode else 0.0
    found.readings += words.played(first_s, first_s + length_s)
    found.words_from += words.words_from
    found.warnings += words.complaints_until(first_s + length_s)


def _take_words(words: Subtitles, shots: Sequence[ShotMedia], found: _Findings) -> None:
    """What subtitles of a film say in the shots that play it at its own speed, as for its sound."""
    for shot in shots:
        if shot.speed == 1 and shot.source_start is not None:
            start, end = (float(each.seconds) for each in (shot.record.start, shot.record.end))
            first = float(shot.source_start.seconds)
            found.readings += words.played(first, first + end - start, at_s=start)
    found.words_from += words.words_from
    found.warnings += words.complaints


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


def _take(seen: GlimpseFindings, glimpse: _Glimpse, found: _Findings) -> None:
    """Put what a glimpse gave, in media time, to picture time."""
    found.appearances.append(
        replace(
            seen.appearance,
            time_s=glimpse.picture_time_s(seen.appearance.time_s),
            motion=seen.appearance.motion * abs(float(glimpse.shot.speed)),
        )
    )
    if seen.hearing is not None:
        time_s = glimpse.picture_time_s(seen.hearing.time_s)
        found.hearings.append(replace(seen.hearing, time_s=time_s))
    shot = glimpse.shot.record
    limits = float(shot.start.seconds), float(shot.end.seconds)
    for reading in seen.readings:
        ends = np.array([reading.start_s, reading.end_s])
        start_s, end_s = np.clip(np.sort(glimpse.picture_time_s(ends)), *limits).tolist()
        found.readings.append(replace(reading, start_s=start_s, end_s=end_s))


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
