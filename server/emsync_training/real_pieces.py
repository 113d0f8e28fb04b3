"""Pieces of the corpus as scores on the composer's own grid, to hold composed music against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from emsync.score import Meter, Note, Part, Score, TempoAnchor, TempoMap
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS
from emsync_server.composition.representation import (
    BAR,
    INSTRUMENT,
    LENGTH,
    LENGTH_STEPS,
    PITCH,
    POSITION,
    STEPS_PER_QUARTER,
    VELOCITY,
    pitch_of,
    velocity_of,
)
from emsync_training.corpus import GROUPS, Corpus

TRACK = 5  # column of an event row that the corpus adds
LARGEST_TRACK = 64
STEPS_PER_32ND = Fraction(3, 2)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of whole bars of one piece."""

    piece: str
    group: str
    score: Score
    label: tuple[float, float]
    """Mean valence and arousal of its bars, as the composer's training computes them."""

    @property
    def length_s(self) -> float:
        """From its first bar line to its last."""
        return float(self.score.tempo_map.end_s)


def chosen_pieces(corpus: Corpus, *, held_out: bool) -> list[int]:
    """Indices of the pieces on one side of the hold-out."""
    return np.flatnonzero(corpus.pieces["held_out"].astype(bool) == held_out).tolist()


def excerpts(
    corpus: Corpus, piece: int, length_s: float, *, least_s: float | None = None
) -> Iterator[Excerpt]:
    """A piece in stretches of about `length_s`, one after the other; a last one that is shorter
    than `least_s` (half of it where None) is left out.
    """
    first, stop = (int(corpus.pieces[name][piece]) for name in ("bar_start", "bar_stop"))
    seconds = _bar_seconds(corpus, first, stop)
    edges = np.concatenate(([0.0], np.cumsum(seconds)))
    begin = 0
    while begin < stop - first:
        end = int(np.searchsorted(edges, edges[begin] + length_s - 1e-6))
        end = min(max(end, begin + 1), stop - first)
        if edges[end] - edges[begin] >= (length_s / 2 if least_s is None else least_s):
            yield excerpt(corpus, piece, begin, end)
        begin = end


def excerpt(corpus: Corpus, piece: int, begin: int, end: int) -> Excerpt:
    """Bars `begin` to before `end` of a piece; notes end with the last bar at the latest."""
    table = {name: int(column[piece]) for name, column in corpus.pieces.items()}
    first = table["bar_start"]
    bars = slice(first + begin, first + end)
    lines = _bar_lines(corpus.bar_steps[bars].astype(np.int64))
    rows_start = int(corpus.bar_event[first + begin])
    rows_stop = table["event_stop"]
    if first + end < table["bar_stop"]:
        rows_stop = int(corpus.bar_event[first + end])
    rows = np.asarray(corpus.events[rows_start:rows_stop], dtype=np.int64)
    tempo = np.array(corpus.bar_tempo[bars], dtype=np.float64)
    features = np.array(corpus.bar_features[bars])
    label = (
        float(corpus.scale.valence(features).mean()),
        float(
            corpus.scale.arousal(
                features,
                tempo.astype(np.float32),
                flat_velocity=bool(table["flat_velocity"]),
            ).mean()
        ),
    )
    score = Score(_parts(rows, lines), _tempo_map(lines, tempo))
    return Excerpt(corpus.ids[piece], list(GROUPS)[table["group"]], score, label)


def _bar_seconds(corpus: Corpus, first: int, stop: int) -> NDArray[np.float64]:
    steps = corpus.bar_steps[first:stop].astype(np.float64)
    return np.asarray(steps / STEPS_PER_QUARTER * 60 / corpus.bar_tempo[first:stop])


def _bar_lines(steps: NDArray[np.int64]) -> list[Fraction]:
    """Quarters of each bar line; bars become whole 32nds, which a time signature can say."""
    lengths = [Fraction(max(round(Fraction(int(step)) / STEPS_PER_32ND), 1), 8) for step in steps]
    lines = [Fraction(0)]
    for length in lengths:
        lines.append(lines[-1] + length)
    return lines


def _tempo_map(lines: list[Fraction], tempo: NDArray[np.float64]) -> TempoMap:
    anchors = [TempoAnchor(Fraction(0), Fraction(0))]
    meters: list[Meter] = []
    for index, bpm in enumerate(tempo):
        length = lines[index + 1] - lines[index]
        seconds = Fraction(round(float(length) * 60e6 / bpm), 1_000_000)
        anchors.append(TempoAnchor(lines[index + 1], anchors[-1].time_s + seconds))
        if not meters or meters[-1].bar_q != length:
            meters.append(_meter(lines[index], length))
    return TempoMap(tuple(anchors), tuple(meters))


def _meter(start_q: Fraction, length_q: Fraction) -> Meter:
    for denominator in (4, 8, 16, 32):
        units = length_q * denominator / 4
        if units.denominator == 1:
            return Meter(start_q, int(units), denominator)
    raise AssertionError(f"bars are whole 32nds, not {length_q} quarters")


def _parts(rows: NDArray[np.int64], lines: list[Fraction]) -> tuple[Part, ...]:
    """A part for each instrument of each track."""
    bar = -1
    written: dict[int, list[Note]] = defaultdict(list)
    for row in rows.tolist():
        if row[POSITION] >= BAR:
            bar += row[POSITION] == BAR
            continue
        start = lines[bar] + Fraction(row[POSITION], STEPS_PER_QUARTER)
        left = lines[-1] - start
        if left <= 0:
            continue  # beyond a bar that was rounded down
        length = min(Fraction(LENGTH_STEPS[row[LENGTH]], STEPS_PER_QUARTER), left)
        note = Note(start, length, pitch_of(row[PITCH]), velocity_of(row[VELOCITY]))
        written[row[INSTRUMENT] * LARGEST_TRACK + row[TRACK]].append(note)
    return tuple(
        Part(
            INSTRUMENTS[key // LARGEST_TRACK].name,
            INSTRUMENTS[key // LARGEST_TRACK].program,
            key // LARGEST_TRACK == DRUM_KIT,
            INSTRUMENTS[key // LARGEST_TRACK].family,
            tuple(notes),
        )
        for key, notes in sorted(written.items())
    )
