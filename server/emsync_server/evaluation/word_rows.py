"""What was heard and said, below the curves, in the place of each shot.

Shots too narrow for a word share a cell. What does not fit is left out with dots; the page beside
the picture has all of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from emsync.cue import CueSheet
from emsync.emotion import ShotNotes
from emsync_server.evaluation.canvas import DOTS, Align, Canvas
from emsync_server.evaluation.palette import BAR, INK, PALE_INK
from emsync_server.evaluation.right_to_left import runs_right_to_left
from emsync_server.evaluation.time_axis import LEFT, RIGHT, TimeAxis

__all__ = ["WordRows"]

SIZE, LINE = 13, 17
"""Of the letters, and from line to line, in pixels."""
SOUND_CELL, WORD_CELL = 110.0, 150.0
"""Pixels: room for a sound and how likely it is; for two or three words."""
SOUND_LINES, WORD_LINES = 2, 4
INSET, ABOVE, BETWEEN = 6, 5, 12
LEAST_TAG = 0.1
"""Less likely sounds are not told."""
MOST_LETTERS = 400
"""Of a cell; more never fit."""

Cell = list[ShotNotes]
"""Neighbouring shots."""


class WordRows:
    """The rows of one sheet: none of what no shot has."""

    def __init__(self, sheet: CueSheet, axis: TimeAxis) -> None:
        self._sheet = sheet
        self._axis = axis
        self._has_sounds = any(value >= LEAST_TAG for note in sheet.shots for _, value in note.tags)
        self._has_words = any(note.text.strip() for note in sheet.shots)

    @property
    def height(self) -> int:
        """Pixels that they need."""
        rows = [SOUND_LINES] * self._has_sounds + [WORD_LINES] * self._has_words
        source = LINE + BETWEEN if self._sheet.words_from else 0
        return sum(lines * LINE + ABOVE + BETWEEN for lines in rows) + source

    def draw(self, canvas: Canvas, top: float) -> None:
        """From a row of pixels on."""
        if self._has_sounds:
            self._draw_row_head(canvas, "sounds", top)
            for cell in self._cells(SOUND_CELL):
                self._draw_cell(canvas, cell, _sounds(canvas, cell, self._room(cell)), top)
            top += SOUND_LINES * LINE + ABOVE + BETWEEN
        if self._has_words:
            self._draw_row_head(canvas, "words", top)
            for cell in self._cells(WORD_CELL):
                self._draw_cell(canvas, cell, _words(canvas, cell, self._room(cell)), top)
            top += WORD_LINES * LINE + ABOVE + BETWEEN
        if self._sheet.words_from:
            told = " ".join(self._sheet.words_from)
            room = canvas.width - LEFT - RIGHT
            canvas.text(canvas.elided(told, room, SIZE), (LEFT, top + SIZE), PALE_INK, size=SIZE)

    def _cells(self, least: float) -> list[Cell]:
        """Shots, put together until they are wide enough."""
        cells: list[Cell] = []
        for note in self._sheet.shots:
            if cells and self._room(cells[-1]) + 2 * INSET < least:
                cells[-1].append(note)
            else:
                cells.append([note])
        if len(cells) > 1 and self._room(cells[-1]) + 2 * INSET < least:
            last = cells.pop()
            cells[-1] += last
        return cells

    def _span(self, cell: Cell) -> tuple[float, float]:
        first, last = cell[0].range.start, cell[-1].range.end
        return self._axis.x(float(first.seconds)), self._axis.x(float(last.seconds))

    def _room(self, cell: Cell) -> float:
        left, right = self._span(cell)
        return right - left - 2 * INSET

    def _draw_row_head(self, canvas: Canvas, name: str, top: float) -> None:
        canvas.text(name, (LEFT - 10, top + ABOVE + SIZE), PALE_INK, size=11, align=Align.RIGHT)
        canvas.line((LEFT, top), (canvas.width - RIGHT, top), BAR)

    def _draw_cell(self, canvas: Canvas, cell: Cell, lines: Sequence[str], top: float) -> None:
        left, right = self._span(cell)
        canvas.line((left, top), (left, top + 2 * LINE), BAR)
        for at, line in enumerate(lines):
            to_left = runs_right_to_left(line)
            place = (right - INSET if to_left else left + INSET, top + ABOVE + SIZE + at * LINE)
            align = Align.RIGHT if to_left else Align.LEFT
            canvas.text(line, place, INK, size=SIZE, align=align)


def _sounds(canvas: Canvas, cell: Cell, room: float) -> list[str]:
    """The likeliest sounds of a cell, by their mean over its time."""
    total_s = sum(float(note.range.duration.seconds) for note in cell)
    likely: dict[str, float] = defaultdict(float)
    for note in cell:
        for name, value in note.tags:
            likely[name] += value * float(note.range.duration.seconds) / total_s
    best = sorted(likely.items(), key=lambda pair: (-pair[1], pair[0]))[:SOUND_LINES]
    told = ((name, f" {value:.0%}") for name, value in best if value >= LEAST_TAG)
    return [
        canvas.elided(name, room - canvas.text_width(share, SIZE), SIZE) + share
        for name, share in told
    ]


def _words(canvas: Canvas, cell: Cell, room: float) -> list[str]:
    """The words of a cell on as many lines as there are."""
    text = " ".join(dict.fromkeys(" ".join(note.text.split()) for note in cell)).strip()
    left = text[:MOST_LETTERS].split()
    lines: list[str] = []
    while left and len(lines) < WORD_LINES:
        taken = _how_many_fit(canvas, left, room)
        if taken:
            lines.append(" ".join(left[:taken]))
            del left[:taken]
        else:  # a word that is longer than the line, or a script without spaces
            letters = _letters_that_fit(canvas, left[0], room)
            lines.append(left[0][:letters])
            left[0] = left[0][letters:]
    if lines and (left or len(text) > MOST_LETTERS):
        lines[-1] = _with_dots(canvas, lines[-1], room)
    return lines


def _with_dots(canvas: Canvas, line: str, room: float) -> str:
    """A line after which something is missing: without its last word, if that makes the room."""
    shorter = line.rpartition(" ")[0]
    for kept in (line, shorter):
        if kept and canvas.text_width(f"{kept} {DOTS}", SIZE) <= room:
            return f"{kept} {DOTS}"
    return canvas.elided(line + DOTS, room, SIZE)


def _how_many_fit(canvas: Canvas, words: Sequence[str], room: float) -> int:
    """Words that a line takes."""
    taken = 0
    while taken < len(words) and canvas.text_width(" ".join(words[: taken + 1]), SIZE) <= room:
        taken += 1
    return taken


def _letters_that_fit(canvas: Canvas, word: str, room: float) -> int:
    """Of one word; one at least, so that there is an end."""
    taken = len(word)
    while taken > 1 and canvas.text_width(word[:taken], SIZE) > room:
        taken -= 1
    return taken
