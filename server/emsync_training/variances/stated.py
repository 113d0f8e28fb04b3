"""A variance that ships, and what it is when it is measured again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from emsync_server.benchmarks.tables import Table

__all__ = ["Stated", "variances_table"]

AXES = ("valence", "arousal")
COLUMNS = ("what", "axis", "ships", "measured", "on")


@dataclass(frozen=True, slots=True)
class Stated:
    """One figure of the fusion."""

    what: str
    axis: int | None
    """0 valence, 1 arousal; None: both."""
    ships: float
    measured: float
    on: str
    """The data, and what of it was held out."""


def variances_table(rows: Iterable[Stated], command: str) -> Table:
    """Three digits: what ships is seldom meant more exactly."""
    return Table(command, COLUMNS, tuple(
        (
            each.what,
            "both" if each.axis is None else AXES[each.axis],
            f"{each.ships:.3f}",
            f"{each.measured:.3f}",
            each.on,
        )
        for each in rows
    ))  # fmt: skip
