"""Files of subtitles beside a film: 'film.srt', 'film.en.srt', 'film.pt-BR.forced.ass'."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emsync.errors import EmsyncError
from emsync_server.access import Access
from emsync_server.media import (
    SIDECAR_FORMATS,
    Language,
    SubtitleLine,
    language_of,
    sidecar_lines,
)

__all__ = ["Sidecar", "sidecars_of"]

FORCED, ASIDE = frozenset({"forced", "foreign"}), frozenset({"sdh", "cc", "hi", "commentary"})
PLAIN = frozenset({"default", "full", "sub", "subs", "subtitle", "subtitles"})
MOST_SIDECARS = 16


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Subtitles in a file of their own."""

    path: Path
    language: Language | None
    """As its name says."""
    is_forced: bool
    is_aside: bool
    """For the hard of hearing, or a comment."""
    lines: Sequence[SubtitleLine]


def sidecars_of(film: Path, access: Access) -> tuple[list[Sidecar], list[str]]:
    """The readable ones in the order of their names, the film's bare name first; and a sentence for
    each that cannot be used."""
    found, complaints = [], []
    for path, tags in _named_like(film)[:MOST_SIDECARS]:
        told = language_of(tags[0]) if tags else None
        flags = set(tags[1:] if told else tags)
        try:
            file = sidecar_lines(path, told, access=access)
        except EmsyncError as err:
            complaints.append(f"The subtitles '{path.name}' were left out: {err.sentence}")
            continue
        if not file.lines:
            complaints.append(f"There is not one line in the subtitles '{path.name}'.")
            continue
        if file.guessed_encoding:
            complaints.append(
                f"'{path.name}' is not Unicode; it was taken for {file.guessed_encoding}. Save it "
                "as UTF-8 if its words look wrong."
            )
        found.append(Sidecar(path, told, bool(flags & FORCED), bool(flags & ASIDE), file.lines))
    return found, complaints


def _named_like(film: Path) -> list[tuple[Path, list[str]]]:
    """Files that are called like the film, with what their names add to its name."""
    stem, found = _folded(film.stem), []
    try:
        beside = sorted(film.parent.iterdir())
    except (OSError, ValueError):
        return []
    for path in beside:
        own = _folded(path.stem)
        if path.suffix.lower() not in SIDECAR_FORMATS or not own.startswith(stem):
            continue
        added = own.removeprefix(stem)
        tags = added[1:].split(".") if added.startswith(".") else []
        if (not added or tags) and all(_is_known(each) for each in tags) and path.is_file():
            found.append((path, tags))
    return sorted(found, key=lambda pair: len(pair[1]) > 0)


def _is_known(tag: str) -> bool:
    """'film.part2.srt' is another film's."""
    return tag in FORCED | ASIDE | PLAIN or language_of(tag) is not None


def _folded(name: str) -> str:
    """As a person compares names: macOS writes accents apart."""
    return unicodedata.normalize("NFC", name).casefold()
