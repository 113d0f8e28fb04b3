"""What an experiment found: rows of the table of claims, and everything behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any

__all__ = ["Finding", "Row", "plain"]


@dataclass(frozen=True, slots=True)
class Row:
    """One claim, what was measured, and the bar it is to reach."""

    claim: str
    figure: str
    bar: str = ""
    """What is to be reached; empty where the figure is only reported."""
    met: bool | None = None
    """None without a bar, or where nothing could be measured."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one experiment."""

    name: str
    rows: tuple[Row, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    """Every figure, for the JSON file."""


def plain(value: object) -> Any:  # noqa: ANN401 – JSON
    """A value as JSON has it; what is not finite is null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value
