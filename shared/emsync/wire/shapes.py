"""How a value looks in JSON: one description per field, made once from the class' annotations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

__all__ = ["INT64", "PAIRS", "FieldShape", "PairShape", "enum_names", "field_shapes"]

INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class PairShape:
    """A pair that travels as a message of its own: the names of its two halves."""

    kind: object
    first: str
    second: str


PAIRS: dict[object, PairShape] = {
    tuple[float, float]: PairShape(tuple[float, float], "least", "greatest"),
    tuple[int, int]: PairShape(tuple[int, int], "first", "end"),
    tuple[str, float]: PairShape(tuple[str, float], "name", "value"),
}


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of a value: its name on the wire, its type, and what its absence means."""

    name: str
    kind: Any
    """The type of the value, or of each element of a list; never a union."""
    repeated: bool
    optional: bool
    """None is a value of this field: it is left out then."""
    default: Callable[[], object] | None
    """What the value itself takes where nothing is said; None where it insists."""


@cache
def field_shapes(kind: type[Any]) -> dict[str, FieldShape]:
    """All fields of a dataclass by their name, in the order of the class."""
    hints = get_type_hints(kind)
    return {field.name: _shape_of(field, hints[field.name]) for field in fields(kind)}


@cache
def enum_names(kind: type[Enum]) -> dict[str, Enum]:
    """The names of a choice as the `.proto` files write them: STYLE_ORCHESTRAL."""
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).upper()
    return {f"{prefix}_{member.name}": member for member in kind}


def _shape_of(field: Field[Any], hint: Any) -> FieldShape:
    optional = False
    if get_origin(hint) in (Union, UnionType):
        optional = NoneType in get_args(hint)
        (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
    arms = get_args(hint)
    repeated = get_origin(hint) is tuple and len(arms) == 2 and arms[1] is Ellipsis
    return FieldShape(
        name=field.name,
        kind=arms[0] if repeated else hint,
        repeated=repeated,
        optional=optional,
        default=_default_of(field),
    )


def _default_of(field: Field[Any]) -> Callable[[], object] | None:
    if field.default_factory is not MISSING:
        return field.default_factory
    if field.default is not MISSING:
        return lambda: field.default
    return None
