"""What was heard and said, below the curves: each begins where its shot does.

What does not fit is left out with dots; the page beside the picture has all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emsync.cue import CueSheet
from emsync.emotion import ShotNotes
from emsync_server.evaluation.canvas import DOTS, Align, Canvas
from emsync_server.evaluation.palette import BAR, INK, PALE_INK
from emsync_server.evaluation.right_to_left import (
    has_joined_letters,
    paragraphs_of,
    running,
    runs_right_to_left,
)
from emsync_server.evaluation.time_axis import LEFT, RIGHT, TimeAxis
from emsync_server.evaluation.word_cells import Cell, placed, told_along

__all__ = ["UNJOINED", "WordRows", "likely_sounds"]

SIZE, LINE = 13, 17
"""Of the letters, and from line to line, in pixels."""
SOUND_CELL, WORD_CELL = 110.0, 90.0
"""Pixels: room for a sound and how likely it is; for four lines of a word or two."""
SOUND_LINES, WORD_LINES = 2, 4
INSET, ABOVE, BETWEEN = 6, 5, 12
LEAST_TAG = 0.35
"""Less likely sounds are not told: three films of talk got tags of music of up to 0.31."""
MOST_LETTERS = 400
"""Of a cell; more never fit."""
UNJOINED = "Arabic letters are not joined in the picture"


def likely_sounds(note: ShotNotes) -> tuple[str, ...]:
    """What a shot sounds like, the likeliest first: 'speech 56%'."""
    likely = sorted(note.tags, key=lambda tag: (-tag[1], tag[0]))
    return tuple(f"{name} {value:.0%}" for name, value in likely if value >= LEAST_TAG)


class WordRows:
    """The rows of one sheet: none of what no shot has."""

    def __init__(self, sheet: CueSheet, axis: TimeAxis) -> None:
        self._shots = sheet.shots
        self._axis = axis
        self._has_sounds = any(likely_sounds(note) for note in sheet.shots)
        self._has_words = any(note.text.strip() for note in sheet.shots)
        joined = any(has_joined_letters(note.text) for note in sheet.shots)
        unjoined = [f"{UNJOINED}; the page beside it has them right."] * joined
        self._below = " ".join((*sheet.words_from, *unjoined))

    @property
    def height(self) -> int:
        """Pixels that they need."""
        rows = [SOUND_LINES] * self._has_sounds + [WORD_LINES] * self._has_words
        below = LINE + BETWEEN if self._below else 0
        return sum(lines * LINE + ABOVE + BETWEEN for lines in rows) + below

    def draw(self, canvas: Canvas, top: float) -> None:
        """From a row of pixels on."""
        if self._has_sounds:
            self._draw_row_head(canvas, "sounds like", top)
            for cell in self._cells(canvas, _sound_parts, SOUND_CELL):
                self._draw_cell(canvas, cell, _sounds(canvas, cell), top)
            top += SOUND_LINES * LINE + ABOVE + BETWEEN
        if self._has_words:
            self._draw_row_head(canvas, "words", top)
            for cell in self._cells(canvas, _word_parts, WORD_CELL):
                self._draw_cell(canvas, cell, _words(canvas, cell), top)
            top += WORD_LINES * LINE + ABOVE + BETWEEN
        if self._below:
            room = canvas.width - LEFT - RIGHT
            below = canvas.elided(self._below, room, SIZE)
            canvas.text(below, (LEFT, top + SIZE), PALE_INK, size=SIZE)

    def _cells(
        self, canvas: Canvas, parts_of: Callable[[ShotNotes], tuple[str, ...]], least: float
    ) -> list[Cell]:
        def need_of(parts: tuple[str, ...]) -> float:
            widest = max(canvas.text_width(f"{part[:MOST_LETTERS]} {DOTS}", SIZE) for part in parts)
            return min(least, widest + 2 * INSET)

        told = told_along(self._shots, self._axis, parts_of, need_of)
        return placed(told, LEFT + self._axis.plot_width)

    def _draw_row_head(self, canvas: Canvas, name: str, top: float) -> None:
        canvas.text(name, (LEFT - 10, top + ABOVE + SIZE), PALE_INK, size=11, align=Align.RIGHT)
        canvas.line((LEFT, top), (canvas.width - RIGHT, top), BAR)

    def _draw_cell(self, canvas: Canvas, cell: Cell, lines: Sequence[str], top: float) -> None:
        left = cell.told.left
        widest = max(canvas.text_width(line, SIZE) for line in lines)
        edges = [left]
        if left + INSET + widest < cell.told.right < cell.right:
            edges.append(cell.told.right)
        for edge in edges:
            canvas.line((edge, top), (edge, top + 2 * LINE), BAR)
        # What runs to the left begins at its shot's end, or where the longest line has room.
        right = max(min(cell.told.right, cell.right) - INSET, left + INSET + widest)
        for at, line in enumerate(lines):
            to_left = runs_right_to_left(line)
            place = (right if to_left else left + INSET, top + ABOVE + SIZE + at * LINE)
            align = Align.RIGHT if to_left else Align.LEFT
            canvas.text(line, place, INK, size=SIZE, align=align)


def _sound_parts(note: ShotNotes) -> tuple[str, ...]:
    return likely_sounds(note)[:SOUND_LINES]


def _word_parts(note: ShotNotes) -> tuple[str, ...]:
    return tuple(paragraphs_of(note.text))


def _sounds(canvas: Canvas, cell: Cell) -> list[str]:
    return [canvas.elided(part, _room(cell), SIZE) for part in cell.told.parts]


def _room(cell: Cell) -> float:
    return cell.right - cell.told.left - 2 * INSET


def _words(canvas: Canvas, cell: Cell) -> list[str]:
    """The words of a cell: within their shot if that has room for them, else up to the next
    cell."""
    room, told = _room(cell), cell.told
    own = min(room, max(told.right - told.left, told.need) - 2 * INSET)
    for each in (own, room):
        lines, is_whole = _wrapped(canvas, told.parts, each)
        if is_whole:
            break
    if not (is_whole and cell.is_last):
        lines[-1] = _with_dots(canvas, lines[-1], room)
    return lines


def _wrapped(canvas: Canvas, paragraphs: Sequence[str], room: float) -> tuple[list[str], bool]:
    """Lines of so many pixels, as many as there are, and whether all is in them."""
    lines: list[str] = []
    for paragraph in paragraphs:
        left, to_left = paragraph[:MOST_LETTERS].split(), runs_right_to_left(paragraph)
        while left and len(lines) < WORD_LINES:
            taken = _how_many_fit(canvas, left, room)
            if taken:
                lines.append(running(" ".join(left[:taken]), to_left=to_left))
                del left[:taken]
            else:  # a word that is longer than the line, or a script without spaces
                letters = _letters_that_fit(canvas, left[0], room)
                lines.append(running(left[0][:letters], to_left=to_left))
                left[0] = left[0][letters:]
        if left or len(paragraph) > MOST_LETTERS:
            return lines, False
    return lines, True


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
