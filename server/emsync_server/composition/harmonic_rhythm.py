"""Where chords change, for those who strike with them and for those who hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from emsync_server.composition.request import BarRequest
from emsync_server.composition.rhythm import Cell, Stroke

LONGEST_PAD_BARS, BRIGHT_VALENCE = 2, 0.3  # where it is bright, each bar begins anew


def at_changes(cell: Cell, bar: BarRequest) -> list[Stroke]:
    """The strokes, and one at the middle of the bar where the chord changes there."""
    strokes = list(cell)
    middle = bar.steps // 2
    if bar.halves and bar.chords[0] != bar.chords[1]:
        if all(stroke.step != middle for stroke in strokes):
            strokes.append(Stroke(middle, bar.steps - middle))
        strokes = [
            replace(s, steps=middle - s.step, tone=0) if s.step < middle < s.step + s.steps else s
            for s in strokes
        ]
        strokes = [replace(s, tone=0) if s.step == middle else s for s in strokes]
    return sorted(strokes, key=lambda stroke: stroke.step)


def held_chords(bars: Sequence[BarRequest]) -> list[list[tuple[int, int]]]:
    """(step, steps) of each held chord, by the bar in which it begins: until the chord changes."""
    begun: list[list[tuple[int, int]]] = [[] for _ in bars]
    sounding: tuple[int, int, int] | None = None  # bar, place in its list, chord
    for index, bar in enumerate(bars):
        halves = (0, bar.steps // 2) if bar.halves else (0,)
        for half, step in enumerate(halves):
            length = bar.steps // len(halves)
            chord = bar.chords[half]
            again = sounding is not None and sounding[2] == chord
            longest = 1 if bar.valence > BRIGHT_VALENCE else LONGEST_PAD_BARS
            if again and sounding is not None and index - sounding[0] < longest:
                at, place, _ = sounding
                start, steps = begun[at][place]
                begun[at][place] = (start, steps + length)
            else:
                begun[index].append((step, length))
                sounding = (index, len(begun[index]) - 1, chord)
    return begun
