"""From a value to JSON."""

from __future__ import annotations

import json
import math
import operator
from dataclasses import dataclass, is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from emsync.cue import Brief
from emsync.errors import CueSheetError
from emsync.picture import PictureInfo
from emsync.wire.shapes import INT64, PAIRS, FieldShape, PairShape, enum_names, field_shapes
from emsync.wire.spelling import spelled

__all__ = ["dumps", "to_dict"]

LINE_LETTERS = 150
"""A hit or a point of the emotion curve on one line each: a list that can be read down."""


def to_dict(value: object) -> dict[str, Any]:
    """Any value of `emsync` as its JSON object; what is None is left out."""
    return _message(value, _Wire())


def dumps(value: object) -> str:
    """Any value of `emsync` as the text of its file: for people, one short object a line."""
    return _laid_out(_message(value, _File()), "") + "\n"


class _Wire:
    """Nothing is spelled: the proto3 JSON mapping."""

    def inside(self, value: object) -> _Wire:
        """How the parts of a value are written."""
        return self

    def spelled(self, kind: Any, value: Any, name: str) -> str | int | None:
        """A short form; None: the wire's own."""
        return None

    def leaves_out(self, owner: object) -> bool:
        """Whether a field that is None is left out."""
        return True


@dataclass(frozen=True, slots=True)
class _File(_Wire):
    """What has a short form is spelled; a brief shows what may be asked for."""

    clock: Fraction | None = None
    prefix: str = ""

    def inside(self, value: object) -> _File:
        if isinstance(value, PictureInfo):
            return _File(value.rate, "picture.")
        picture = getattr(value, "picture", None)
        clock = picture.rate if isinstance(picture, PictureInfo) else self.clock
        return _File(clock)

    def spelled(self, kind: Any, value: Any, name: str) -> str | int | None:
        return spelled(kind, value, self.prefix + name, self.clock)

    def leaves_out(self, owner: object) -> bool:
        return not isinstance(owner, Brief)


def _message(value: object, way: _Wire) -> dict[str, Any]:
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{value!r} is not one of emsync's values")
    inside, written = way.inside(value), {}
    for shape in field_shapes(type(value)).values():
        part = getattr(value, shape.name)
        if part is not None:
            written[shape.name] = _field(shape, part, inside)
        elif not way.leaves_out(value):
            written[shape.name] = None
    return written


def _laid_out(data: object, indent: str) -> str:
    """JSON for a person to edit: a time on one line, not on seven."""
    line = json.dumps(data, ensure_ascii=False, allow_nan=False)
    if len(indent) + len(line) <= LINE_LETTERS or not isinstance(data, dict | list) or not data:
        return line
    inside = indent + "  "
    if isinstance(data, list):
        parts = [_laid_out(element, inside) for element in data]
        return "[\n" + ",\n".join(inside + part for part in parts) + f"\n{indent}]"
    pairs = [
        f"{json.dumps(name, ensure_ascii=False)}: {_laid_out(part, inside)}"
        for name, part in data.items()
    ]
    return "{\n" + ",\n".join(inside + pair for pair in pairs) + f"\n{indent}}}"


def _field(shape: FieldShape, value: Any, way: _Wire) -> Any:
    if shape.repeated:
        return [_single(shape.kind, element, shape.name, way) for element in value]
    return _single(shape.kind, value, shape.name, way)


def _single(kind: Any, value: Any, name: str, way: _Wire) -> Any:
    """One element by its declared type, so that a numpy number leaves as a plain one."""
    short = way.spelled(kind, value, name)
    if short is not None:
        return short
    if kind in PAIRS:
        return _pair(PAIRS[kind], value, name, way)
    if kind is Fraction:
        parts = {"numerator": value.numerator, "denominator": value.denominator}
        return {part: _whole(number, name) for part, number in parts.items()}
    if issubclass(kind, Enum):
        return next(word for word, member in enum_names(kind).items() if member is value)
    if is_dataclass(kind):
        return _message(value, way)
    if kind is bool:
        return bool(value)
    if kind is int:
        return _whole(operator.index(value), name)
    if kind is float:
        return _decimal(float(value))
    if kind is str or issubclass(kind, PurePath):
        return _text(str(value), name)
    raise TypeError(f"'{name}' is a {kind}, which has no place on the wire")


def _pair(shape: PairShape, value: tuple[Any, Any], name: str, way: _Wire) -> dict[str, Any]:
    left, right = shape.kind.__args__  # type: ignore[attr-defined]  # a generic alias
    return {
        shape.first: _single(left, value[0], name, way),
        shape.second: _single(right, value[1], name, way),
    }


def _whole(number: int, name: str) -> int:
    if number not in INT64:
        raise ValueError(f"'{name}' holds {number}, which 64 bits cannot")
    return number


def _decimal(number: float) -> float | str:
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if math.isnan(number):
        raise ValueError("a value that is not a number cannot be written down")
    return number


def _text(text: str, name: str) -> str:
    """Text as it is. A file name that is not UTF-8 comes as lone surrogates, which JSON lacks."""
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise CueSheetError(
            f"'{name}' holds {text!r}, which is not valid Unicode. "
            "Rename the file or folder so that its name is, and run the command again."
        ) from err
    return text
