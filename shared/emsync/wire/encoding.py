"""From a value to JSON."""

from __future__ import annotations

import json
import math
import operator
from dataclasses import is_dataclass
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from emsync.errors import CueSheetError
from emsync.wire.shapes import INT64, PAIRS, FieldShape, PairShape, enum_names, field_shapes

__all__ = ["dumps", "to_dict"]

LINE_LETTERS = 96


def to_dict(value: object) -> dict[str, Any]:
    """Any value of `emsync` as its JSON object; what is None is left out."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{value!r} is not one of emsync's values")
    shapes = field_shapes(type(value)).values()
    found = ((shape, getattr(value, shape.name)) for shape in shapes)
    return {shape.name: _field(shape, part) for shape, part in found if part is not None}


def dumps(value: object) -> str:
    """Any value of `emsync` as the text of its file: JSON whose short objects stay on one line."""
    return _laid_out(to_dict(value), "") + "\n"


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


def _field(shape: FieldShape, value: Any) -> Any:
    if shape.repeated:
        return [_single(shape.kind, element, shape.name) for element in value]
    return _single(shape.kind, value, shape.name)


def _single(kind: Any, value: Any, name: str) -> Any:
    """One element by its declared type, so that a numpy number leaves as a plain one."""
    if kind in PAIRS:
        return _pair(PAIRS[kind], value, name)
    if kind is Fraction:
        parts = {"numerator": value.numerator, "denominator": value.denominator}
        return {part: _whole(number, name) for part, number in parts.items()}
    if issubclass(kind, Enum):
        return next(word for word, member in enum_names(kind).items() if member is value)
    if is_dataclass(kind):
        return to_dict(value)
    if kind is bool:
        return bool(value)
    if kind is int:
        return _whole(operator.index(value), name)
    if kind is float:
        return _decimal(float(value))
    if kind is str or issubclass(kind, PurePath):
        return _text(str(value), name)
    raise TypeError(f"'{name}' is a {kind}, which has no place on the wire")


def _pair(shape: PairShape, value: tuple[Any, Any], name: str) -> dict[str, Any]:
    left, right = shape.kind.__args__  # type: ignore[attr-defined]  # a generic alias
    return {
        shape.first: _single(left, value[0], name),
        shape.second: _single(right, value[1], name),
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
