"""From JSON to a value, or a sentence that says where in it the mistake is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import is_dataclass
from difflib import get_close_matches
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any, TypeVar

from emsync.cue import Cue, CueSheet
from emsync.emotion import EmotionCurve, ShotNotes
from emsync.errors import CueSheetError, EmsyncError
from emsync.picture import PictureInfo
from emsync.score import Take
from emsync.stem import StemSet
from emsync.timecode import TimeRange, moment_of
from emsync.wire.shapes import INT64, PAIRS, FieldShape, PairShape, enum_names, field_shapes
from emsync.wire.spelling import unspelled

__all__ = ["cue_sheet_from_dict", "from_dict", "stem_set_from_dict", "take_from_dict"]

Value = TypeVar("Value")

IN_TIME_ORDER: dict[Any, str] = {Cue: "hits", CueSheet: "boundaries", EmotionCurve: "points"}
"""Lists that are sorted when they are read."""
DECIMAL_WORDS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def cue_sheet_from_dict(data: object, *, origin: str = "The cue sheet") -> CueSheet:
    """A cue sheet from its JSON object; `origin` names it in the sentence when it is wrong."""
    return from_dict(CueSheet, data, origin=origin)


def take_from_dict(data: object, *, origin: str = "The take") -> Take:
    """A take from its JSON object; `origin` names it in the sentence when it is wrong."""
    return from_dict(Take, data, origin=origin)


def stem_set_from_dict(data: object, *, origin: str = "The stem set") -> StemSet:
    """A stem set from its JSON object; `origin` names it in the sentence when it is wrong."""
    return from_dict(StemSet, data, origin=origin)


def from_dict(
    kind: type[Value],
    data: object,
    *,
    origin: str,
    error: type[EmsyncError] = CueSheetError,
    advice: str = "Correct it there, or let emsync make it again.",
) -> Value:
    """A value of any class from its JSON object.

    Raises `error` with a sentence that names `origin`, the field and what to do.
    """
    try:
        value: Value = _message(kind, data, "", None)
    except _MisfitError as misfit:
        place = f"at '{misfit.place}', " if misfit.place else ""
        raise error(f"{origin} cannot be used: {place}{misfit.reason}. {advice}") from misfit
    return value


class _MisfitError(ValueError):
    """Something at one place of the JSON that the value cannot be."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


def _message(kind: Any, data: object, place: str, clock: Fraction | None) -> Any:
    if not isinstance(data, dict):
        raise _MisfitError(place, f"there should be an object in braces, not {_shown(data)}")
    shapes = field_shapes(kind)
    for name in data:
        if name not in shapes:
            raise _MisfitError(_join(place, name), _unknown(name, list(shapes)))
    clock = _clock_inside(kind, data, place) or clock
    try:
        parts = {
            name: _field(shape, data.get(name), place, clock) for name, shape in shapes.items()
        }
    except _MisfitError as misfit:
        raise _MisfitError(misfit.place, misfit.reason + _whose(kind, data, clock)) from misfit
    if kind in IN_TIME_ORDER:  # a person adds a line where it is handy
        name = IN_TIME_ORDER[kind]
        parts[name] = tuple(sorted(parts[name], key=lambda each: each.time.seconds))
    try:
        return kind(**parts)
    except ValueError as err:
        raise _MisfitError(place, str(err)) from err


def _whose(kind: Any, data: dict[Any, Any], clock: Fraction | None) -> str:
    """Which shot it is, in the words of a person who looks for it: a list of hundreds is counted by
    nobody. Empty where that is not what is wrong, or cannot be said."""
    if kind is not ShotNotes:
        return ""
    try:
        span = _single(TimeRange, data.get("range"), "", clock)
    except _MisfitError:
        return ""
    return f", in the shot from {moment_of(span.start)} to {moment_of(span.end)}"


def _clock_inside(kind: Any, data: dict[Any, Any], place: str) -> Fraction | None:
    """The picture's rate, in which the times beside it count; None where there is no picture."""
    picture = data if kind is PictureInfo else data.get("picture")
    if not isinstance(picture, dict) or picture.get("rate") is None:
        return None
    where = _join(place, "rate" if kind is PictureInfo else "picture.rate")
    rate: Fraction = _single(Fraction, picture["rate"], where, None)
    return rate if rate > 0 else None


def _field(shape: FieldShape, data: object, place: str, clock: Fraction | None) -> Any:
    """What a field holds; null means the same as leaving it out, as proto3 has it."""
    inside = _join(place, shape.name)
    if data is None:
        return _absent(shape, inside)
    if not shape.repeated:
        return _single(shape.kind, data, inside, clock)
    if not isinstance(data, list):
        raise _MisfitError(inside, f"there should be a list in brackets, not {_shown(data)}")
    return tuple(
        _single(shape.kind, element, f"{inside}[{index}]", clock)
        for index, element in enumerate(data)
    )


def _absent(shape: FieldShape, place: str) -> Any:
    if shape.optional:
        return None
    if shape.default is not None:
        return shape.default()
    if shape.repeated:
        return ()
    if shape.kind in (bool, int, float, str):
        return shape.kind()
    raise _MisfitError(place, "something is missing that cannot be left out")


def _single(kind: Any, data: object, place: str, clock: Fraction | None) -> Any:
    if data is None:
        raise _MisfitError(place, "a list cannot hold null")
    try:
        data = unspelled(kind, data, place.rpartition(".")[2], clock)
    except ValueError as err:
        raise _MisfitError(place, str(err)) from err
    if kind in PAIRS:
        return _pair(PAIRS[kind], data, place)
    if kind in _READERS:
        return _READERS[kind](data, place)
    if issubclass(kind, Enum):
        return _choice(kind, data, place)
    if issubclass(kind, PurePath):
        return kind(_text(data, place))
    assert is_dataclass(kind), kind
    return _message(kind, data, place, clock)


def _pair(shape: PairShape, data: object, place: str) -> tuple[Any, Any]:
    names = [shape.first, shape.second]
    if not isinstance(data, dict):
        raise _MisfitError(
            place, f"there should be '{names[0]}' and '{names[1]}', not {_shown(data)}"
        )
    for name in data:
        if name not in names:
            raise _MisfitError(_join(place, name), _unknown(name, names))
    left, right = (
        _single(kind, kind() if data.get(name) is None else data[name], _join(place, name), None)
        for kind, name in zip(shape.kind.__args__, names, strict=True)  # type: ignore[attr-defined]
    )
    return left, right


def _fraction(data: object, place: str) -> Fraction:
    if not isinstance(data, dict):
        raise _MisfitError(
            place,
            f"there should be a fraction of 'numerator' and 'denominator', not {_shown(data)}",
        )
    for name in data:
        if name not in ("numerator", "denominator"):
            raise _MisfitError(_join(place, name), _unknown(name, ["numerator", "denominator"]))
    numerator = _whole(data.get("numerator", 0), _join(place, "numerator"))
    denominator = _whole(data.get("denominator", 0), _join(place, "denominator"))
    if denominator <= 0:
        raise _MisfitError(_join(place, "denominator"), f"it must be above zero, not {denominator}")
    return Fraction(numerator, denominator)


def _choice(kind: type[Enum], data: object, place: str) -> Enum:
    names = enum_names(kind)
    if isinstance(data, str):
        if data in names:
            return names[data]
        words = {str(member.value): member for member in kind}
        if data.lower() in words:
            return words[data.lower()]
    known = ", ".join(str(member.value) for member in kind)
    raise _MisfitError(place, f"there should be one of {known}, not {_shown(data)}")


def _truth(data: object, place: str) -> bool:
    if not isinstance(data, bool):
        raise _MisfitError(place, f"there should be true or false, not {_shown(data)}")
    return data


def _whole(data: object, place: str) -> int:
    """A whole number; 64-bit numbers come in quotes from proto3's JSON."""
    number: object = data
    quoted = isinstance(data, str) and re.fullmatch(r"-?[0-9]{1,19}", data)
    if quoted or (isinstance(data, float) and data.is_integer()):
        number = int(data)  # type: ignore[call-overload]  # narrowed on the line above
    if isinstance(number, bool) or not isinstance(number, int):
        raise _MisfitError(place, f"there should be a whole number, not {_shown(data)}")
    if number not in INT64:
        raise _MisfitError(place, "the number is larger than 64 bits can hold")
    return number


def _decimal(data: object, place: str) -> float:
    known = DECIMAL_WORDS.get(data) if isinstance(data, str) else data
    if isinstance(known, bool) or not isinstance(known, int | float):
        raise _MisfitError(place, f"there should be a number, not {_shown(data)}")
    try:
        number = float(known)
    except OverflowError as err:
        raise _MisfitError(place, "the number is larger than a computer's numbers go") from err
    if math.isnan(number):
        raise _MisfitError(place, "there is NaN, which is not a number")
    return number


def _text(data: object, place: str) -> str:
    if not isinstance(data, str):
        raise _MisfitError(place, f"there should be text in quotes, not {_shown(data)}")
    if any("\ud800" <= letter <= "\udfff" for letter in data):
        raise _MisfitError(place, f"{data!r} is not valid Unicode")
    return data


_READERS: dict[object, Callable[[object, str], Any]] = {
    bool: _truth,
    int: _whole,
    float: _decimal,
    str: _text,
    Fraction: _fraction,
}


def _join(place: str, name: object) -> str:
    return f"{place}.{name}" if place else str(name)


def _unknown(name: object, known: list[str]) -> str:
    near = get_close_matches(str(name), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    return f"nothing is called '{name}' ({hint})"


def _shown(data: object) -> str:
    """What stands there instead, short enough for a sentence."""
    if data is None:
        return "null"
    if isinstance(data, dict):
        return "an object"
    if isinstance(data, list):
        return "a list"
    text = f'"{data}"' if isinstance(data, str) else repr(data)
    return text if len(text) <= 40 else f"{text[:37]}…"
