"""What a person made is not lost: sources stay, and edited files are kept beside new ones."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from emsync import wire
from emsync.errors import EmsyncError, OutputError
from emsync_otio import is_timeline
from emsync_server.media import SIDECAR_FORMATS
from emsync_server.outputs import replacing_file, translated_os_errors
from emsync_server.rendering import FILM_SUFFIXES

__all__ = [
    "check_not_sources",
    "check_sheet_output",
    "keeping_notes",
    "kept_edits",
    "pages_of",
    "replace_in_folder",
    "replace_sheet",
]

SHEET = "cues.json"
PAGES = ("emotion.png", "emotion.html")
"""What `write_emotion_pages` adds to a cue sheet's name."""
NOTES = re.compile(r"score(-[0-9]+)?\.mid")


def check_not_sources(written: Iterable[Path], *sources: Path) -> None:
    """Raise OutputError where a file that is to be written is the film or timeline itself, by this
    name or another."""
    for path in written:
        for source in sources:
            if path.exists() and source.exists() and path.samefile(source):
                kind = "timeline" if is_timeline(source) else "film"
                raise OutputError(
                    f"'{path}' is the {kind} itself, which stays as it is. Name another file "
                    "with -o."
                )


def check_sheet_output(path: Path) -> None:
    """Raise OutputError where a cue sheet is to be written over something else, or under a name by
    which it would be taken for something else."""
    if not path.exists():
        if is_timeline(path) or path.suffix.lower() in (*FILM_SUFFIXES, *SIDECAR_FORMATS):
            raise OutputError(
                f"'{path.name}' is no name for a cue sheet, which is JSON. Name it "
                f"'{path.with_suffix('.json').name}' with -o."
            )
        return
    if path.is_file() and path.stat().st_size == 0:
        return
    try:
        wire.read_cue_sheet(path)
    except EmsyncError as err:
        raise OutputError(
            f"'{path}' is there already and is no cue sheet, so it stays as it is. Name another "
            "file with -o, or remove it."
        ) from err


def replace_sheet(path: Path, text: str) -> Path | None:
    """Write a cue sheet; where another one lies there, that is kept, and its new name returned."""
    with replacing_file(path) as working:
        working.write_text(text, encoding="utf-8")
        return _put_aside(working, path)


def pages_of(sheet: Path) -> list[Path]:
    """What is written beside a cue sheet."""
    return [sheet.with_name(f"{sheet.stem}.{ending}") for ending in PAGES]


def replace_in_folder(new: Path, old: Path) -> None:
    """Put a file of ours, or a folder's files, in the place of the last run's.

    What a person may have edited since is kept beside it, as NAME.before.json or .mid, and what
    was kept so before stays.
    """
    if new.is_dir():
        old.mkdir(exist_ok=True)
        for entry in sorted(new.iterdir()):
            replace_in_folder(entry, old / entry.name)
        return
    if new.name == SHEET or NOTES.fullmatch(new.name):
        _put_aside(new, old)
    new.replace(old)


@contextmanager
def keeping_notes(folder: Path) -> Iterator[list[Path]]:
    """While takes are written into `folder`: notes that lay there and are others now are kept; the
    names of what was kept are in the list at the end."""
    there = [path for path in sorted(folder.glob("score*.mid")) if NOTES.fullmatch(path.name)]
    copies = {path: _free_name(path) for path in there}
    kept: list[Path] = []
    try:
        with translated_os_errors(folder):
            for path, copy in copies.items():
                shutil.copy2(path, copy)
        yield kept
        kept += [copy for path, copy in copies.items() if not _is_same(path, copy)]
    finally:
        for copy in copies.values():
            if copy not in kept:
                copy.unlink(missing_ok=True)


def kept_edits(folder: Path) -> set[Path]:
    """What a person may have edited and a later score has put aside."""
    inside = [*folder.glob("*.before*"), *folder.glob("*/*.before*")]  # several cues: a folder each
    return {path for path in inside if path.suffix in (".json", ".mid")}


def _put_aside(new: Path, old: Path) -> Path | None:
    """Where a file is about to be replaced by another, keep it; its new name."""
    if not old.is_file() or old.stat().st_size == 0 or _is_same(new, old):
        return None
    kept = _free_name(old)
    old.replace(kept)
    return kept


def _is_same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def _free_name(old: Path) -> Path:
    """NAME.before.json, or NAME.before-2.json, … where there is one."""
    for number in count(1):
        kept = old.with_suffix(f".before{f'-{number}' if number > 1 else ''}{old.suffix}")
        if not kept.exists():
            return kept
    raise AssertionError("numbers do not end")
