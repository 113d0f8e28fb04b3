"""Hits against sound as a picture: the whole cue, and a close look at single hits in the order of
the film; of more than there is room for, at the worst.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync.counted import counted
from emsync_server.evaluation.canvas import Align, Canvas
from emsync_server.evaluation.landing import Landed
from emsync_server.evaluation.palette import (
    ATTACK,
    BAR,
    CUT,
    FRAME,
    HIT,
    INK,
    MISSED,
    PALE_INK,
    SOUND,
)
from emsync_server.evaluation.report import HitReport, Report
from emsync_server.evaluation.sound_file import mono_around, opened_sound
from emsync_server.evaluation.time_axis import LEFT, RIGHT, LegendEntry, TimeAxis, draw_legend

__all__ = ["draw_hits_picture"]

HEADER, WAVE, WAVE_FOOTER = 84, 150, 56  # pixels
COLUMNS, MOST_PANELS = 6, 24
PANEL_HEIGHT, PANEL_GAP, PANEL_HEADER = 130, 22, 26
PANEL_REACH_S = 0.12
BLOCK_COLUMNS = 64


def draw_hits_picture(report: Report, sound: Path, cuts_s: Sequence[float]) -> Canvas:
    """The picture of a rendered cue and its measured hits."""
    axis = TimeAxis.of_length(report.length_s)
    shown = _looked_at(report.hits)
    rows = -(-len(shown) // COLUMNS)
    panels_top = HEADER + WAVE + WAVE_FOOTER
    height = panels_top + rows * (PANEL_HEADER + PANEL_HEIGHT + PANEL_GAP) + 20
    canvas = Canvas(axis.width, height)
    _draw_header(canvas, report)
    axis.draw_seconds(canvas, HEADER, HEADER + WAVE)
    low, high = _envelope(sound, axis)
    middle, half = HEADER + WAVE / 2, WAVE / 2 - 4
    scale = half / max(float(abs(low).max(initial=0)), float(high.max(initial=0)), 1e-4)
    canvas.columns(LEFT, middle - high * scale, middle - low * scale, SOUND)
    axis.draw_cuts(canvas, cuts_s, HEADER, HEADER + WAVE)
    axis.draw_hits(canvas, [hit.time_s for hit in report.hits.hits], HEADER, HEADER + WAVE)
    for index, hit in enumerate(shown):
        row, column = divmod(index, COLUMNS)
        pitch = (axis.width - LEFT - RIGHT + PANEL_GAP) / COLUMNS
        left = LEFT + column * pitch
        top = panels_top + row * (PANEL_HEADER + PANEL_HEIGHT + PANEL_GAP) + PANEL_HEADER
        panel = _Panel(canvas, left, top, pitch - PANEL_GAP)
        panel.draw(hit, sound, report.hits.half_frame_s)
    return canvas


class _Panel:
    """A close look at the sound around one hit."""

    def __init__(self, canvas: Canvas, left: float, top: float, width: float) -> None:
        self.canvas, self.left, self.top, self.width = canvas, left, top, width
        self.bottom = top + PANEL_HEIGHT

    def x(self, offset_s: float) -> float:
        """Where a moment stands, in seconds from the hit."""
        return self.left + (offset_s / PANEL_REACH_S + 1) / 2 * self.width

    def draw(self, hit: Landed, sound: Path, half_frame_s: float) -> None:
        """The frame around the hit, the sound, the hit and the attack that was found."""
        canvas, error = self.canvas, hit.sound_error_s
        missed = error is None or abs(error) > half_frame_s
        canvas.box(
            self.x(-half_frame_s), self.top, self.x(half_frame_s), self.bottom, FRAME, opacity=0.45
        )
        self._draw_sound(hit.time_s, sound)
        canvas.line((self.x(0), self.top), (self.x(0), self.bottom), HIT, width=2)
        colour = MISSED if missed else ATTACK
        if error is not None:
            canvas.line((self.x(error), self.top), (self.x(error), self.bottom), colour, width=2)
        corners = ((self.left, self.top), (self.left + self.width, self.top))
        floor = ((self.left + self.width, self.bottom), (self.left, self.bottom))
        canvas.path((*corners, *floor, corners[0]), BAR)
        canvas.text(_clock(hit.time_s), (self.left, self.top - 8), INK, size=14, bold=True)
        words = "no attack" if error is None else f"{1000 * error:+.1f} ms"
        right = self.left + self.width
        canvas.text(
            words, (right, self.top - 8), MISSED if missed else PALE_INK, size=14, align=Align.RIGHT
        )

    def _draw_sound(self, time_s: float, sound: Path) -> None:
        with opened_sound(sound) as file:
            samples = mono_around(file, time_s, PANEL_REACH_S, PANEL_REACH_S)
        columns = np.array_split(samples, int(self.width))
        low = np.array([float(part.min()) for part in columns])
        high = np.array([float(part.max()) for part in columns])
        middle, half = (self.top + self.bottom) / 2, PANEL_HEIGHT / 2 - 4
        scale = half / max(float(abs(samples).max()), 1e-4)
        self.canvas.columns(round(self.left), middle - high * scale, middle - low * scale, SOUND)


def _draw_header(canvas: Canvas, report: Report) -> None:
    hits = report.hits
    canvas.text(f"{report.cue}: hits in the sound", (LEFT, 32), INK, size=22, bold=True)
    landed = (
        f"{_percent(hits.landed_in_sound)} of {counted(hits.locked, 'locked hit')} within half a "
        f"frame (±{1000 * hits.half_frame_s:.1f} ms); moved by 60 ms: "
        f"{_percent(hits.control_in_sound)}"
    )
    canvas.text(
        landed if hits.locked else "this cue has no locked hits: nothing to look at closely",
        (canvas.width - RIGHT, 32),
        PALE_INK,
        size=15,
        align=Align.RIGHT,
    )
    of_hits = (
        LegendEntry("locked hit", HIT),
        LegendEntry("half a frame around the hit", FRAME),
        LegendEntry("attack found", ATTACK),
        LegendEntry("attack found outside", MISSED),
    )
    others = (LegendEntry("cut or transition", CUT), LegendEntry("sound", SOUND))
    draw_legend(canvas, (*of_hits, *others) if hits.locked else others, LEFT, 62)


def _looked_at(hits: HitReport) -> tuple[Landed, ...]:
    """The hits that are looked at closely, in order of time."""

    def badness(hit: Landed) -> float:
        return float("inf") if hit.sound_error_s is None else abs(hit.sound_error_s)

    worst = sorted(hits.hits, key=badness, reverse=True)[:MOST_PANELS]
    return tuple(sorted(worst, key=lambda hit: hit.time_s))


def _envelope(sound: Path, axis: TimeAxis) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest sample of each pixel column, (plot_width,) each; read in blocks."""
    low, high = np.zeros(axis.plot_width), np.zeros(axis.plot_width)
    with opened_sound(sound) as file:
        edges = np.rint(
            np.linspace(0, axis.length_s * file.samplerate, axis.plot_width + 1)
        ).astype(int)
        for first in range(0, axis.plot_width, BLOCK_COLUMNS):
            last = min(first + BLOCK_COLUMNS, axis.plot_width)
            block = file.read(int(edges[last] - edges[first]), dtype="float64", always_2d=True)
            mono = block.mean(axis=1)
            for column in range(first, last):
                part = mono[edges[column] - edges[first] : edges[column + 1] - edges[first]]
                if len(part):
                    low[column], high[column] = part.min(), part.max()
    return low, high


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes)}:{seconds:06.3f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
