"""The theme of a cue: the line that its first phrase sang, and how later phrases bring it back, in
their own key and mode and where another instrument sings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from emsync_server.composition.melody import FIFTH
from emsync_server.composition.orchestration import PERCUSSION
from emsync_server.composition.piece import WrittenNote
from emsync_server.composition.request import BarRequest, CueRequest

LEAST_NOTES, MOST_NOTES_PER_BAR = 3, 8
LEAST_SHARE = 0.5  # of the bars of the statement in which the line moves
MOST_TOGETHER = 2.2  # notes an onset of an instrument that sings a line
NEAR_BAND, STRAIN = 2, 24  # semitones beyond its place where a theme may lie; what more would cost
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))


@dataclass(frozen=True, slots=True)
class ThemeNote:
    """A note of the line."""

    step: int
    """Since its bar began."""
    pitch: int
    steps: int


@dataclass(frozen=True, slots=True)
class Theme:
    """A line that was stated."""

    bars: tuple[tuple[ThemeNote, ...], ...]
    key: int
    """0 to 11 C major to B major, 12 to 23 C minor to B minor."""
    sung_by: int
    """The instrument of the statement."""


def stated_theme(notes: Sequence[WrittenNote], request: CueRequest) -> Theme | None:
    """The line of the first phrase: its highest voice that moves; None where nothing sings."""
    bars = request.bars[: request.theme_bars]
    if not bars:
        return None
    lines = defaultdict(list)
    for note in notes:
        if note.step < bars[-1].end_step and note.instrument not in PERCUSSION:
            lines[note.instrument].append(note)
    sung = {player: _top(line) for player, line in lines.items() if _sings(line, len(bars))}
    if not sung:
        return None
    player = max(sung, key=lambda one: (np.mean([note.pitch for note in sung[one]]), -one))
    by_bar = tuple(
        tuple(
            ThemeNote(note.step - bar.start_step, note.pitch, note.steps)
            for note in sung[player]
            if bar.start_step <= note.step < bar.end_step
        )[:MOST_NOTES_PER_BAR]
        for bar in bars
    )
    moving = sum(bool(bar) for bar in by_bar)
    if moving < LEAST_SHARE * len(bars):
        return None
    return Theme(by_bar, bars[0].key, player)


def theme_pitch(
    theme: Theme, bar: BarRequest, step: int, band: tuple[int, int], came_from: int | None = None
) -> int | None:
    """What a bar that restates the theme sings at a step of it, in the bar's key, by octaves within
    a band; None where the theme has no note.

    came_from: the line's pitch before the statement, from which it rather does not leap
    """
    if bar.theme_bar is None or bar.theme_bar >= len(theme.bars):
        return None
    note = next((one for one in theme.bars[bar.theme_bar] if one.step == step), None)
    if note is None:
        return None
    return _moved(note.pitch, theme.key, bar.key) + _octaves(theme, bar.key, band, came_from)


def _sings(line: Sequence[WrittenNote], bars: int) -> bool:
    onsets = len({note.step for note in line})
    return onsets >= max(LEAST_NOTES, bars) and len(line) <= MOST_TOGETHER * onsets


def _top(line: Sequence[WrittenNote]) -> list[WrittenNote]:
    """The highest note of each onset."""
    highest: dict[int, WrittenNote] = {}
    for note in line:
        if note.step not in highest or highest[note.step].pitch < note.pitch:
            highest[note.step] = note
    return [highest[step] for step in sorted(highest)]


def _moved(pitch: int, old: int, new: int) -> int:
    """A pitch by its degree from one key to another; major and minor thirds change places."""
    shift = (new % 12 - old % 12 + 6) % 12 - 6
    degree = (pitch - old) % 12
    before, after = _SCALES[old // 12], _SCALES[new // 12]
    if degree in before:
        shift += after[before.index(degree)] - degree
    return pitch + shift


@cache
def _octaves(theme: Theme, key: int, band: tuple[int, int], came_from: int | None) -> int:
    """Semitones, whole octaves, that bring the line nearest to the middle of a band, and its first
    note near the pitch before it where that leaves the line in reach.
    """
    pitches = [_moved(note.pitch, theme.key, key) for bar in theme.bars for note in bar]
    middle = sum(band) / 2

    def cost(shift: int) -> float:
        away = abs(float(np.mean(pitches)) + shift - middle)
        beyond = max(band[0] - min(pitches) - shift, max(pitches) + shift - band[1], 0)
        leap = 0 if came_from is None else max(abs(pitches[0] + shift - came_from) - FIFTH, 0)
        return away + leap + STRAIN * max(beyond - NEAR_BAND, 0)

    return min((0, 12, -12, 24, -24), key=cost)
