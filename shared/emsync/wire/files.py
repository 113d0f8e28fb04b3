"""The files between the steps, read back after a person edited them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from emsync.cue import CueSheet
from emsync.errors import CueSheetError, LimitError, NotFoundError
from emsync.score import Take
from emsync.stem import StemSet
from emsync.wire.decoding import from_dict

__all__ = ["read_cue_sheet", "read_stem_set", "read_take"]

Value = TypeVar("Value")

TELLING_FIELDS = {"cue sheet": "cues", "take": "midi", "stem set": "stems"}
"""Which field only this kind of file has."""
USUAL_NAMES = {
    "cue sheet": "the cues.json that 'emsync spot' wrote",
    "take": "the take.json that 'emsync compose' wrote",
    "stem set": "the stems.json that 'emsync render' wrote",
}
MAX_FILE_BYTES = 64 * 2**20  # a five-hour film with a cut every second takes 5 MB


def read_cue_sheet(path: Path) -> CueSheet:
    """The cue sheet in a file; raises CueSheetError with the file, the field and what to do."""
    return _read(CueSheet, path, "cue sheet")


def read_take(path: Path) -> Take:
    """The take in a file; raises CueSheetError with the file, the field and what to do."""
    return _read(Take, path, "take")


def read_stem_set(path: Path) -> StemSet:
    """The stem set in a file; raises CueSheetError with the file, the field and what to do."""
    return _read(StemSet, path, "stem set")


def _read(kind: type[Value], path: Path, word: str) -> Value:
    data = _parsed(path, _text(path, word), word)
    _refuse_another_kind(data, path, word)
    return from_dict(kind, data, origin=f"The {word} '{path}'")


def _refuse_another_kind(data: object, path: Path, word: str) -> None:
    """Say it where one of our files was given for another."""
    if not isinstance(data, dict) or TELLING_FIELDS[word] in data:
        return
    for other, field in TELLING_FIELDS.items():
        if field in data:
            raise CueSheetError(f"'{path}' is a {other}, not a {word}. Name {USUAL_NAMES[word]}.")


def _text(path: Path, word: str) -> str:
    try:
        if not path.exists():
            raise NotFoundError(
                f"There is no {word} at '{path}'. Look at the path for a typing error."
            )
        if not path.is_file():
            raise CueSheetError(f"'{path}' is not a file. Name {USUAL_NAMES[word]}.")
        size_bytes = path.stat().st_size
        if size_bytes > MAX_FILE_BYTES:
            raise LimitError(
                f"'{path}' has {size_bytes} bytes; a {word} has at most {MAX_FILE_BYTES}. "
                f"It is probably not a {word}: name another file."
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise CueSheetError(
            f"'{path}' is not text, so it is no {word}. Name the JSON file that emsync wrote."
        ) from err
    except OSError as err:
        raise CueSheetError(
            f"The {word} '{path}' cannot be read ({err.strerror or err}). "
            "Make it readable, or name another file."
        ) from err


def _parsed(path: Path, text: str, word: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_twins)
    except json.JSONDecodeError as err:
        raise CueSheetError(
            f"The {word} '{path}' is not JSON: line {err.lineno}, column {err.colno}: {err.msg}. "
            "Correct it there, or let emsync make it again."
        ) from err
    except (ValueError, RecursionError) as err:
        raise CueSheetError(
            f"The {word} '{path}' cannot be used: {_reason(err)}. "
            "Correct it there, or let emsync make it again."
        ) from err


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different; JSON would let the last one win in silence."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twins = sorted({name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1})
        raise _TwinError(f"'{twins[0]}' stands twice in one object")
    return found


class _TwinError(ValueError):
    """A name that stands twice in one object."""


def _reason(err: ValueError | RecursionError) -> str:
    if isinstance(err, _TwinError):
        return str(err)
    if isinstance(err, RecursionError):
        return "its brackets are nested too deeply"
    return "it holds a number with thousands of digits"
