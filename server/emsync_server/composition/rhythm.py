"""The rhythms of a texture: what a melody, a bass and a figure do in a bar, as film music does.

Written in quarters: `1.5 .5 2` are lengths one after the other, `r1` is a rest. A phrase is made of
few cells that come again and closes with a long note and a breath; that is what tells a tune from
a typewriter. Which pitches go with a cell is the network's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from emsync_server.composition.representation import STEPS_PER_QUARTER

Random = np.random.Generator

BREATH_STEPS = STEPS_PER_QUARTER // 2
"""A melody breathes at least so long at the end of a phrase."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A note of a cell."""

    step: int
    """Since its bar began."""
    steps: int
    tone: int = 0
    """Of a bass: 0 the root, 1 the fifth, 2 the octave. Of a figure: its height, 0 to 4."""


Cell = tuple[Stroke, ...]

_MELODY: dict[int, tuple[tuple[float, str], ...]] = {
    4: (
        (-1.0, "4"), (-0.9, "3 1"), (-0.8, "2 2"), (-0.7, "r1 3"), (-0.6, "2 1 1"), (-0.5, "1 3"),
        (-0.4, "1.5 .5 2"), (-0.3, "r1 1 2"), (-0.2, "3 .5 .5"), (-0.1, "1 1 2"),
        (0.0, "1.5 .5 1 1"), (0.1, "2 .5 .5 1"), (0.2, "1 .5 .5 2"), (0.3, "1.5 .5 1.5 .5"),
        (0.4, "r.5 .5 1 2"), (0.5, ".75 .25 1 2"), (0.6, "1.5 .5 .5 .5 1"), (0.7, "1 .5 .5 1 1"),
        (0.55, "1 .5 .5 .5 .5 1"),
        (0.75, ".5 .5 .5 .5 1 .5 .5"), (0.8, ".5 .5 1 .5 .5 1"), (0.9, "r.5 .5 .5 .5 2"),
        (1.0, ".75 .25 .75 .25 1 1"),
    ),
    3: (
        (-1.0, "3"), (-0.6, "2 1"), (-0.3, "1.5 .5 1"), (0.0, "1 2"), (0.3, "1 1 1"),
        (0.6, "2 .5 .5"), (0.8, "1 .5 .5 .5 .5"), (1.0, "1 .5 .5 1"),
    ),
}  # fmt: skip
"""(arousal, cell) of a bar of so many quarters."""
_CLOSES: dict[int, tuple[tuple[float, str], ...]] = {
    4: (
        (-1.0, "3.5 r.5"), (-0.5, "1 2.5 r.5"), (-0.2, "3 r1"), (0.2, "1 2 r1"),
        (0.6, ".5 .5 2 r1"), (1.0, "1 1.5 r1.5"),
    ),
    3: ((-1.0, "2.5 r.5"), (0.0, "2 r1"), (1.0, "1 1.5 r.5")),
}  # fmt: skip
_BASS: dict[int, tuple[tuple[float, str], ...]] = {
    4: (
        (-0.7, "4"), (-0.2, "2 2"), (0.1, "1.5 .5:1 2"), (0.3, "1 1:1 1 1:1"),
        (0.5, "1 .5 .5 1 1:1"), (0.75, ".75 .75 .5 .75 .75:1 .5:2"),
        (1.0, ".5 .5 .5 .5 .5 .5 .5 .5:2"),
    ),
    3: ((-0.6, "3"), (0.0, "1 2:1"), (0.4, "1 1:1 1:1"), (1.0, ".5 .5 .5 .5 .5 .5:2")),
}  # fmt: skip
"""With a tone after the colon where it is not the root."""
_FIGURES: dict[int, tuple[str, ...]] = {
    1: ("r1 3:2", "r2 2:2"),
    2: ("r1 1:1 1:2 1:3", "2:1 2:3", "r1 1:2 r1 1:3", "r.5 1.5:1 2:3"),
    4: ("1:0 1:1 1:2 1:3", "1:0 1:2 1:3 1:2", "r.5 .5:1 1:2 1:3 1:1", ".5:0 1:2 .5:1 1:3 1:2"),
    6: (
        "r.5 .5:1 .5:2 .5:3 r.5 .5:1 .5:3 .5:2", "1:0 .5:1 .5:2 1:3 .5:2 .5:1",
        ".75:0 .75:2 .5:3 .75:1 .75:2 .5:3",
    ),
    8: (
        ".5:0 .5:1 .5:2 .5:3 .5:4 .5:3 .5:2 .5:1", ".5:0 .5:2 .5:1 .5:3 .5:0 .5:2 .5:1 .5:3",
        ".5:0 .5:0 .5:2 .5:0 .5:3 .5:0 .5:2 .5:1",
    ),
    12: (
        ".5:0 .25:1 .25:1 .5:2 .25:1 .25:1 .5:0 .25:1 .25:1 .5:3 .25:2 .25:1",
        ".25:0 .25:0 .5:2 .25:0 .25:0 .5:3 .25:0 .25:0 .5:2 .25:0 .25:0 .5:1",
    ),
    16: (
        ".25:0 .25:1 .25:2 .25:1 .25:3 .25:1 .25:2 .25:1 "
        ".25:0 .25:1 .25:2 .25:1 .25:4 .25:3 .25:2 .25:1",
        ".25:0 .25:0 .25:0 .25:2 .25:0 .25:0 .25:2 .25:0 "
        ".25:0 .25:3 .25:0 .25:0 .25:2 .25:0 .25:1 .25:1",
    ),
}  # fmt: skip
"""Figures of four quarters by the notes that they have."""
_OSTINATI: dict[int, tuple[str, ...]] = {
    4: ("1:0 1:0 1:1 1:0", "1.5:0 .5:0 1:1 1:0"),
    8: (
        ".5:0 .5:0 .5:1 .5:0 .5:0 .5:0 .5:1 .5:0", ".5:0 .5:1 .5:0 .5:1 .5:0 .5:1 .5:0 .5:2",
    ),
    12: (
        ".5:0 .25:0 .25:0 .5:1 .25:0 .25:0 .5:0 .25:0 .25:0 .5:1 .25:0 .25:0",
        ".25:0 .25:0 .5:1 .25:0 .25:0 .5:1 .25:0 .25:0 .5:1 .25:0 .25:0 .5:2",
    ),
}  # fmt: skip
"""Figures that stay where they are, while something comes nearer."""
_RIFFS: dict[int, tuple[str, ...]] = {
    4: ("1.5:0 1:2 1.5:1", "1:0 r.5 1:2 .5:1 1:0", "1.5:0 1.5:2 .5:1 .5:0"),
    6: (
        "1:0 .5:0 1:2 .5:1 .5:0 .5:1", ".75:0 .75:2 .5:1 1:3 .5:2 .5:1",
        ".5:0 1:2 .5:1 r.5 .5:0 .5:2 .5:1",
    ),
    8: (
        ".5:0 .5:2 .5:1 .5:0 .5:3 .5:2 .5:1 .5:2", ".5:0 .5:0 .5:3 .5:0 .5:2 .5:0 .5:1 .5:2",
        ".5:0 .25:2 .25:1 .5:0 .5:3 r.5 .5:2 .5:1 .5:0",
    ),
    12: (
        ".25:0 .25:0 .5:2 .25:0 .25:0 .5:3 .25:0 .25:0 .5:2 .25:1 .25:2 .5:0",
        ".25:0 .25:2 .25:1 .25:0 .5:3 .5:2 .25:0 .25:2 .25:1 .25:0 .5:1 .5:2",
        ".5:0 .25:0 .25:2 .5:1 .25:0 .25:0 .5:3 .25:0 .25:2 .5:1 .25:2 .25:1",
    ),
    16: (
        ".25:0 .25:2 .25:1 .25:0 .25:3 .25:0 .25:2 .25:0 "
        ".25:0 .25:2 .25:1 .25:0 .25:4 .25:3 .25:2 .25:1",
        ".25:0 .25:0 .25:2 .25:0 .25:0 .25:3 .25:0 .25:0 "
        ".25:2 .25:0 .25:0 .25:1 .25:0 .25:2 .25:3 .25:2",
    ),
}  # fmt: skip
"""Figures with a face of their own, off the beat here and there, which a band plays again and
again; two of a kind make a riff of two bars."""
NEAR = 4  # cells nearest to the arousal that are drawn among


def melody_cells(rng: Random, arousal: float, bar_steps: int) -> tuple[Cell, Cell]:
    """A bar and the bar that answers it."""
    near = _nearest(_MELODY[_quarters(bar_steps)], arousal, NEAR)
    first, second = rng.choice(len(near), 2, replace=False)
    return _parsed(near[int(first)]), _parsed(near[int(second)])


def closing_cell(rng: Random, arousal: float, bar_steps: int) -> Cell:
    """The last bar of a phrase: a long note and a breath."""
    near = _nearest(_CLOSES[_quarters(bar_steps)], arousal, 2)
    return _parsed(near[int(rng.integers(len(near)))])


def bass_cell(rng: Random, arousal: float, bar_steps: int) -> Cell:
    """What a bass does in a bar."""
    near = _nearest(_BASS[_quarters(bar_steps)], arousal, 2)
    return _parsed(near[int(rng.integers(len(near)))])


def figure_cell(rng: Random, notes_per_bar: float, *, ostinato: bool = False) -> Cell:
    """A figure of about so many notes in four quarters; empty where that is hardly one.

    ostinato: whether it stays where it is
    """
    book = _OSTINATI if ostinato else _FIGURES
    if notes_per_bar < min(book) / 2:
        return ()
    count = min(book, key=lambda notes: abs(np.log(notes / notes_per_bar)))
    return _parsed(book[count][int(rng.integers(len(book[count])))])


def riff_cells(rng: Random, notes_per_bar: float) -> tuple[Cell, Cell]:
    """A riff of two bars, of about so many notes in four quarters."""
    count = min(_RIFFS, key=lambda notes: abs(np.log(notes / notes_per_bar)))
    first, second = rng.permutation(len(_RIFFS[count]))[:2]
    return _parsed(_RIFFS[count][int(first)]), _parsed(_RIFFS[count][int(second)])


def fitted(cell: Cell, bar_steps: int) -> Cell:
    """The cell in a bar that is shorter or longer than it was written for."""
    inside = [stroke for stroke in cell if stroke.step < bar_steps]
    return tuple(
        Stroke(stroke.step, min(stroke.steps, bar_steps - stroke.step), stroke.tone)
        for stroke in inside
    )


def _quarters(bar_steps: int) -> int:
    return 3 if bar_steps == 3 * STEPS_PER_QUARTER else 4


def _nearest(book: tuple[tuple[float, str], ...], arousal: float, count: int) -> list[str]:
    ordered = sorted(book, key=lambda entry: abs(entry[0] - arousal))
    return [text for _, text in ordered[:count]]


@cache
def _parsed(text: str) -> Cell:
    strokes, step = [], 0
    for word in text.split():
        length, _, tone = word.removeprefix("r").partition(":")
        steps = round(float(length) * STEPS_PER_QUARTER)
        if not word.startswith("r"):
            strokes.append(Stroke(step, steps, int(tone or 0)))
        step += steps
    return tuple(strokes)
