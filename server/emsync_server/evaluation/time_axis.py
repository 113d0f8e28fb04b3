"""The time axis that all rows of a picture share: seconds across, bars, cuts and hits down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emsync_server.evaluation.canvas import Align, Canvas, Colour
from emsync_server.evaluation.palette import BAR, CUT, GRID, HIT, INK, PALE_INK

__all__ = ["LEFT", "RIGHT", "LegendEntry", "TimeAxis", "draw_legend"]

LEFT, RIGHT = 74, 24
"""Pixels beside the axis."""
WIDTHS = (1400, 4000)
PIXELS_A_SECOND = 26
TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
LEAST_TICK_GAP = 70
LEAST_BAR_GAP = 6
LEAST_BAR_NUMBER_GAP = 34


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Seconds of a cue across a picture."""

    length_s: float
    width: int
    """Of the whole picture, in pixels."""

    @classmethod
    def of_length(cls, length_s: float) -> TimeAxis:
        """Wide enough for a cue to be read, up to 4000 pixels."""
        wanted = round(length_s * PIXELS_A_SECOND) + LEFT + RIGHT
        return cls(length_s, min(max(wanted, WIDTHS[0]), WIDTHS[1]))

    @property
    def plot_width(self) -> int:
        """Pixels from the start of the cue to its end."""
        return self.width - LEFT - RIGHT

    def x(self, time_s: float) -> float:
        """Where a moment stands."""
        return LEFT + time_s / self.length_s * self.plot_width

    def draw_seconds(self, canvas: Canvas, top: float, bottom: float) -> None:
        """Grid lines, and their times below."""
        step = next(
            (s for s in TICK_STEPS_S if s / self.length_s * self.plot_width >= LEAST_TICK_GAP),
            TICK_STEPS_S[-1],
        )
        for time in np.arange(0, self.length_s + 1e-9, step):
            canvas.line((self.x(time), top), (self.x(time), bottom + 5), GRID)
            canvas.text(
                _clock(time), (self.x(time), bottom + 21), PALE_INK, size=13, align=Align.CENTRE
            )

    def draw_bars(
        self, canvas: Canvas, starts_s: Sequence[float], top: float, bottom: float
    ) -> None:
        """Bar lines with their numbers, as many as there is room for."""
        gap = self.plot_width / max(len(starts_s), 1)
        every = next(n for n in (1, 2, 4, 8, 16, 32, 64, 1 << 30) if n * gap >= LEAST_BAR_GAP)
        numbered = next(
            n for n in (1, 2, 4, 8, 16, 32, 64, 1 << 30) if n * gap >= LEAST_BAR_NUMBER_GAP
        )
        for index, start in enumerate(starts_s):
            if index % every == 0:
                canvas.line((self.x(start), top), (self.x(start), bottom), BAR)
            if index % numbered == 0:
                canvas.text(str(index + 1), (self.x(start) + 4, top + 14), PALE_INK, size=12)

    def draw_cuts(self, canvas: Canvas, cuts_s: Sequence[float], top: float, bottom: float) -> None:
        """Dashed lines."""
        for cut in cuts_s:
            canvas.dashed((self.x(cut), top), (self.x(cut), bottom), CUT)

    def draw_hits(self, canvas: Canvas, hits_s: Sequence[float], top: float, bottom: float) -> None:
        """Lines with a triangle on top."""
        for hit in hits_s:
            x = self.x(hit)
            canvas.line((x, top), (x, bottom), HIT, width=2)
            canvas.area(((x - 7, top - 12), (x + 7, top - 12), (x, top)), HIT)


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A colour and what it means."""

    words: str
    colour: Colour


def draw_legend(
    canvas: Canvas, entries: Sequence[LegendEntry], left: float, baseline: float
) -> None:
    """Coloured squares with words, in a row."""
    for entry in entries:
        canvas.box(left, baseline - 11, left + 14, baseline + 2, entry.colour)
        left += 21 + canvas.text(entry.words, (left + 20, baseline), INK, size=14) + 22


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes}:{seconds:02}"
