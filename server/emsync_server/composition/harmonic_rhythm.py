"""Where chords change, for those who strike with them and for those who hold them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from emsync_server.composition.request import BarRequest
from emsync_server.composition.rhythm import Cell, Stroke

LONGEST_PAD_BARS, BRIGHT_VALENCE = 2, 0.3  # where it is bright, each bar begins anew


def at_changes(cell: Cell, bar: BarRequest, soft: Sequence[int] = ()) -> list[Stroke]:
    """The strokes, and one at the middle of the bar where the chord changes there, and at steps of
    the cue where the bass is struck anew.
    """
    strokes = list(cell)
    places = [step - bar.start_step for step in soft if bar.start_step <= step < bar.end_step]
    if bar.halves and bar.chords[0] != bar.chords[1]:
        places.append(bar.steps // 2)
    for place in places:
        strokes = _struck_at(strokes, place, bar.steps)
    return sorted(strokes, key=lambda stroke: stroke.step)


def _struck_at(strokes: list[Stroke], place: int, bar_steps: int) -> list[Stroke]:
    """The strokes, one of them on the root at `place`."""
    later = [stroke.step for stroke in strokes if stroke.step > place]
    kept = [
        replace(s, steps=place - s.step) if s.step < place < s.step + s.steps else s
        for s in strokes
        if s.step != place
    ]
    return [*kept, Stroke(place, min(later, default=bar_steps) - place)]


def struck_anew(
    begun: list[list[tuple[int, int]]], bars: Sequence[BarRequest], steps: Sequence[int]
) -> list[list[tuple[int, int]]]:
    """Held chords, as `held_chords` gives them, cut at steps of the cue where they begin anew."""
    anew: list[list[tuple[int, int]]] = [[] for _ in bars]
    starts = [bar.start_step for bar in bars]
    for bar, chords in zip(bars, begun, strict=True):
        for place, length in chords:
            start, end = bar.start_step + place, bar.start_step + place + length
            edges = [start, *(step for step in steps if start < step < end), end]
            for one, other in pairwise(edges):
                index = bisect_right(starts, one) - 1
                anew[index].append((one - starts[index], other - one))
    return anew


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
