"""Where what was heard or said stands below the curves: each begins where its shot does.

It may run on below the shots after it, of which nothing is told. Where shots are too narrow for
all of it, those with most room keep their place, and the rest is left out.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from emsync.emotion import ShotNotes
from emsync_server.evaluation.time_axis import TimeAxis

__all__ = ["Cell", "Told", "placed", "told_along"]

LEAST_AT_THE_END = 30
"""Pixels: before the right edge less room will do than before a neighbour."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of neighbouring shots of which the same is told, in pixels."""

    left: float
    right: float
    parts: tuple[str, ...]
    """Paragraphs, or sounds."""
    need: float
    """The least room in which it makes sense, if it is not short."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Something told, with its room."""

    told: Told
    right: float
    """Where the next cell begins."""
    is_last: bool
    """Nothing had to be left out between this cell and the next."""


def told_along(
    notes: Sequence[ShotNotes],
    axis: TimeAxis,
    parts_of: Callable[[ShotNotes], tuple[str, ...]],
    need_of: Callable[[tuple[str, ...]], float],
) -> list[Told]:
    """What is told of each shot; once where it is the same in neighbours."""
    found = []
    for parts, group in groupby(notes, key=parts_of):
        shots = list(group)
        if parts:
            left = axis.x(float(shots[0].range.start.seconds))
            right = axis.x(float(shots[-1].range.end.seconds))
            found.append(Told(left, right, parts, need_of(parts)))
    return found


def placed(told: Sequence[Told], right: float) -> list[Cell]:
    """Cells from left to right, the last one ending at `right`."""
    lefts = [*(each.left for each in told), right]
    rooms = [after - before for before, after in pairwise(lefts)]
    kept: list[int] = []
    for at in sorted(range(len(told)), key=lambda index: (-rooms[index], index)):
        place = bisect(kept, at)
        before = told[kept[place - 1]] if place else None
        after = told[kept[place]] if place < len(kept) else None
        if before and before.left + before.need > told[at].left:
            continue
        need = told[at].need if after else min(told[at].need, LEAST_AT_THE_END)
        if told[at].left + need <= (after.left if after else right):
            kept.insert(place, at)
    return [
        Cell(told[at], lefts[following], following == at + 1)
        for at, following in pairwise([*kept, len(told)])
    ]
