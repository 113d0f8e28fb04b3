"""What is said in a film, from its subtitles: words for nothing, better than any recogniser's.

Which: files beside the film that are called like it (a person put them there), and the tracks in
it. Of those that are not forced-only, the default one, then an English one, then the first. The
experts on words read English alone: lines in another language are shown, and judged by nobody;
where an English track stands beside them, that one is judged. Lines are evidence of words and of
nothing else: where somebody speaks, sound decides.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from emsync.errors import EmsyncError, JobCancelledError, OutputError
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import (
    ENGLISH,
    LONGEST_LINE_S,
    UNKNOWN_LANGUAGE,
    Language,
    SubtitleLine,
    SubtitleTrack,
    film_lines,
    film_tracks,
    language_of,
    open_container,
    probe_film,
)
from emsync_server.progress import Progress
from emsync_server.spotting.english import is_english
from emsync_server.spotting.experts import ExpertRow, Reading
from emsync_server.spotting.experts.cache import ReadingCache, content_id
from emsync_server.spotting.sidecars import Sidecar, sidecars_of

__all__ = ["NO_SUBTITLES", "Subtitles", "subtitles_of"]

SUBTITLES = "subtitles"
TRANSLATION = "subtitles_english"
"""Who reads the English lines beside a track in another language."""
RECOGNISER = "transcript"
FORMAT = 1
"""Counts up when what is kept of a track changes."""


@dataclass(frozen=True, slots=True)
class Subtitles:
    """What subtitles say in a film."""

    lines: tuple[Reading, ...] = ()
    """In the film's own time, which begins with its first frame."""
    words_from: tuple[str, ...] = ()
    """Where the words are from, in a sentence each."""
    complaints: tuple[str, ...] = ()
    """Sentences about what could not be used."""
    replace_recogniser: bool = False
    """All that is said is in them, in English: nobody need listen for words."""

    def experts(self, rows: Sequence[ExpertRow]) -> tuple[ExpertRow, ...]:
        """The experts that are still to be asked."""
        return tuple(each for each in rows
                     if not (self.replace_recogniser and each.name == RECOGNISER))  # fmt: skip

    def played(self, first_s: float, end_s: float, *, at_s: float = 0.0) -> list[Reading]:
        """The lines in a stretch of the film that plays from `at_s` of picture time on."""
        near = bisect_left(self.lines, first_s - LONGEST_LINE_S, key=_start_s)
        shift_s = at_s - first_s
        return [
            replace(
                line,
                start_s=max(line.start_s, first_s) + shift_s,
                end_s=min(line.end_s, end_s) + shift_s,
            )
            for line in self.lines[near : bisect_left(self.lines, end_s, key=_start_s)]
            if line.end_s > first_s
        ]

    def complaints_until(self, end_s: float) -> list[str]:
        """What to complain about of a film that ends then."""
        late = sum(line.start_s >= end_s for line in self.lines)
        if not late:
            return list(self.complaints)
        return [
            *self.complaints,
            f"{late} of {len(self.lines)} lines of the subtitles come after the film has ended and "
            "were left out: are they of another cut of it?",
        ]


def _start_s(line: Reading) -> float:
    return line.start_s


NO_SUBTITLES = Subtitles()


@dataclass(frozen=True, slots=True)
class _Found:
    """Subtitles that may be used, in a film or beside it."""

    name: str
    """Where they are, for a sentence."""
    language: Language | None
    is_default: bool
    is_forced: bool
    is_aside: bool
    load: Callable[[], Sequence[SubtitleLine]] = field(compare=False)

    @property
    def is_told_english(self) -> bool:
        return self.language is not None and self.language.code == ENGLISH

    @property
    def rank(self) -> tuple[bool, ...]:
        """The least comes first; of equals, the earlier."""
        return self.is_forced, not self.is_default, not self.is_told_english, self.is_aside


def subtitles_of(
    film: Path, progress: Progress, *, cache: ReadingCache | None = None, access: Access = ANY_FILE
) -> Subtitles:
    """What the subtitles of a film say; nothing where there are none, or the film cannot be opened,
    which whoever looks at it says."""
    beside, complaints = sidecars_of(film, access)
    inside = _tracks_of(film, access)
    found = [
        *(_beside(each) for each in beside),
        *(_inside(film, each, inside, progress, cache, access) for each in inside if each.is_text),
    ]
    chosen = _first_with_lines(found, complaints)
    if chosen is None:
        return Subtitles(complaints=(*complaints, *_pictures_only(film, inside)))
    best, lines, language = chosen
    told = [_sentence(best, language, judged=language == ENGLISH)]
    readings = [_reading(SUBTITLES, line, language) for line in lines]
    if language != ENGLISH:
        others = [each for each in found if each.is_told_english and each is not best]
        also = _first_with_lines([each for each in others if not each.is_forced], complaints)
        if also is not None and also[2] == ENGLISH:
            told.append(_sentence(also[0], ENGLISH, judged=True))
            readings += [_reading(TRANSLATION, line, ENGLISH) for line in also[1]]
    return Subtitles(
        tuple(sorted(readings, key=lambda each: each.start_s)),
        tuple(told),
        tuple(complaints),
        replace_recogniser=language == ENGLISH and not best.is_forced,
    )


def _first_with_lines(
    found: Sequence[_Found], complaints: list[str]
) -> tuple[_Found, Sequence[SubtitleLine], str] | None:
    """The best that holds lines at all, with them and their language."""
    for each in sorted(found, key=lambda each: each.rank):
        try:
            lines = each.load()
        except JobCancelledError:
            raise
        except EmsyncError as err:
            complaints.append(
                f"{each.name[0].upper()}{each.name[1:]} were left out: {err.sentence}"
            )
            continue
        if lines := [line for line in lines if line.end_s > 0]:
            return each, lines, _language_of_lines(each, lines, complaints)
    return None


def _language_of_lines(found: _Found, lines: Sequence[SubtitleLine], complaints: list[str]) -> str:
    """As they are tagged, if that can be; English must look it, whatever the tag says."""
    if found.language is not None and not found.is_told_english:
        return found.language.code
    if is_english((line.text for line in lines), is_told=found.is_told_english):
        return ENGLISH
    if found.is_told_english:
        complaints.append(
            f"{found.name[0].upper()}{found.name[1:]} say that they are English, but they are not: "
            "their words are shown, and judged by nobody."
        )
    return UNKNOWN_LANGUAGE


def _reading(expert: str, line: SubtitleLine, language: str) -> Reading:
    start_s = max(0.0, line.start_s)
    return Reading(expert, start_s, max(start_s, line.end_s), text=line.text, language=language)


def _sentence(found: _Found, language: str, *, judged: bool) -> str:
    """Where words are from, and what they are good for."""
    known = language_of(language)
    name = "a language that nobody told" if known is None else known.name
    few = ", forced ones only" if found.is_forced else ""
    use = "" if judged else "; shown, and judged by nobody, since experts on words read English"
    return f"Words are from {found.name} ({name}{few}){use}."


def _beside(sidecar: Sidecar) -> _Found:
    return _Found(
        f"the subtitles '{sidecar.path.name}'",
        sidecar.language,
        is_default=True,
        is_forced=sidecar.is_forced,
        is_aside=sidecar.is_aside,
        load=lambda: sidecar.lines,
    )


def _inside(
    film: Path,
    track: SubtitleTrack,
    tracks: Sequence[SubtitleTrack],
    progress: Progress,
    cache: ReadingCache | None,
    access: Access,
) -> _Found:
    def load() -> Sequence[SubtitleLine]:
        return _kept_lines(film, track, progress, cache, access)

    of = f" of {len(tracks)}" if len(tracks) > 1 else ""
    return _Found(
        f"the subtitles in '{film.name}', track {track.number}{of}",
        track.language,
        is_default=track.is_default,
        is_forced=track.is_forced,
        is_aside=track.is_aside,
        load=load,
    )


def _tracks_of(film: Path, access: Access) -> list[SubtitleTrack]:
    with contextlib.suppress(EmsyncError), open_container(film, access=access) as container:
        return film_tracks(container)
    return []


def _pictures_only(film: Path, tracks: Sequence[SubtitleTrack]) -> Iterator[str]:
    """A sentence where there are subtitles, but none of text."""
    if any(not track.is_text for track in tracks):
        yield (
            f"The subtitles in '{film.name}' are pictures, which nobody here reads. A text of the "
            f"same name beside the film, '{film.stem}.srt', is read."
        )


def _kept_lines(
    film: Path,
    track: SubtitleTrack,
    progress: Progress,
    cache: ReadingCache | None,
    access: Access,
) -> Sequence[SubtitleLine]:
    """The lines of a track, as remembered of the film's content, or read now and kept."""
    key = None
    if cache is not None:
        with contextlib.suppress(OSError, ValueError):
            content = content_id(film, cache.folder, access=access)
            key = cache.key(content, SUBTITLES, FORMAT, track.index)
    if cache is not None and key is not None and (kept := cache.get(key)) is not None:
        with contextlib.suppress(TypeError, ValueError):
            return [SubtitleLine(*each) for each in kept[1]]
    lines = film_lines(
        film,
        track,
        probe_film(film, access=access).start_s,
        reads_on=lambda: progress.report(0.0, "reading subtitles"),
        access=access,
    )
    if cache is not None and key is not None:
        told = [[line.start_s, line.end_s, line.text] for line in lines]
        with contextlib.suppress(OutputError):
            cache.put(key, {}, told)
    return lines
