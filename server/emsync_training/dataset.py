"""Training crops: a piece of music re-orchestrated, transposed and retimed, with the condition it
would be asked by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.representation import (
    BAR,
    CONDITION,
    CONDITION_SIZE,
    END,
    NONE,
    PAD_ROW,
    STEPS_PER_QUARTER,
    VELOCITY_BINS,
    write_brief,
)
from emsync_training.boundaries import hit_times
from emsync_training.conditioning import drawn_brief, write_boundaries, write_emotion
from emsync_training.corpus import GROUPS, Corpus, piece_weights
from emsync_training.orchestration import reorchestrate

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Random = np.random.Generator

CROP_EVENTS = 768  # events a crop predicts; its rows are one more
NEIGHBOURHOOD_EVENTS = 384  # rows on either side searched for hits
SPARE_EVENTS = 64  # read in addition, to replace notes that become doubles

AT_START, AT_END, MID_BAR = (
    0.25,
    0.20,
    0.15,
)  # shares of crops that begin, end, and begin inside a bar
TRANSPOSITIONS = (-6, 6)  # semitones, stop excluded
TEMPO_FACTORS = (0.85, 1.2)
GUESSED_TEMPO_BPM = (50.0, 160.0)


@dataclass(frozen=True, slots=True)
class Batch:
    """B crops. The row after each input row is its target."""

    events: Ints
    """(B, T + 1, 5)"""
    condition: Floats
    """(B, T, C)"""


class CropSampler:
    """Draws crops from one side of the hold-out."""

    def __init__(
        self,
        corpus: Corpus,
        *,
        held_out: bool,
        events: int = CROP_EVENTS,
        group: str | None = None,
    ) -> None:
        """Crops of `events` predictions from the training or the held-out pieces."""
        self.corpus = corpus
        self.events = events
        self._cumulative = np.cumsum(piece_weights(corpus.pieces, held_out=held_out, group=group))

    def batch(self, rng: Random, crops: int) -> Batch:
        """Independent crops."""
        drawn = [self.crop(rng) for _ in range(crops)]
        return Batch(np.stack([e for e, _ in drawn]), np.stack([c for _, c in drawn]))

    def crop(self, rng: Random) -> tuple[Ints, Floats]:
        """One crop: events (T + 1, 5), condition (T, C)."""
        last = len(self._cumulative) - 1
        piece = min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), last)
        return build_crop(rng, self.corpus, piece, self.events)


def build_crop(rng: Random, corpus: Corpus, piece: int, length: int) -> tuple[Ints, Floats]:
    """A random crop of one piece: events (length + 1, 5), condition (length, C)."""
    table = {name: int(column[piece]) for name, column in corpus.pieces.items()}
    clock = _clock(rng, corpus, table)
    start = _crop_start(rng, clock.bar_row, clock.rows, length + 1)
    near, stop = max(start - NEIGHBOURHOOD_EVENTS, 0), start + length + NEIGHBOURHOOD_EVENTS
    around, around_bar, around_s = _excerpt(corpus, table, clock, (near, min(stop, clock.rows)))
    hits = hit_times(rng, around, around_s)

    crop = slice(start - near, start - near + length + 1 + SPARE_EVENTS)
    events, bar = around[crop, :5], around_bar[crop]
    group = list(GROUPS)[table["group"]]
    transposition = int(rng.integers(*TRANSPOSITIONS))
    order = _transform(rng, events, (bar, around[crop, 5]), group, transposition)[: length + 1]
    events, bar = events[order], bar[order]
    flat = bool(table["flat_velocity"])
    if flat:
        events[:, 4] = VELOCITY_BINS  # 'none': neither read nor learned

    condition = np.zeros((len(events), CONDITION_SIZE), np.float32)
    condition[:, CONDITION["tempo"]] = np.log2(clock.tempo[bar] / 100)[:, None]
    condition[:, CONDITION["bar_length"]] = (clock.bar_steps[bar] / STEPS_PER_QUARTER / 4)[:, None]
    played = slice(bar[0], bar[-1] + 1)
    features = corpus.bar_features[table["bar_start"] + bar[0] : table["bar_start"] + played.stop]
    valence = corpus.scale.valence(np.array(features), transposition)
    arousal = corpus.scale.arousal(np.array(features), clock.tempo[played], flat_velocity=flat)
    write_emotion(rng, condition, valence[bar - bar[0]], arousal[bar - bar[0]])
    time_s = around_s[crop][order]
    write_boundaries(rng, condition, time_s, hits, clock.end_s)
    write_brief(condition, drawn_brief(rng, events, time_s, group))
    return _padded(events, condition, length)


@dataclass(frozen=True, slots=True)
class _Clock:
    """When the bars of a piece are played. K bars."""

    bar_row: Ints
    """(K,) row of each BAR, counted from the start of the piece."""
    rows: int
    tempo: Floats
    """(K,) quarters a minute."""
    bar_steps: Ints
    bar_s: NDArray[np.float64]
    """(K + 1,) seconds at each bar line."""
    end_s: float
    """When the last note stops sounding."""

    @property
    def seconds_per_step(self) -> Floats:
        return np.asarray(60 / self.tempo / STEPS_PER_QUARTER, dtype=np.float32)


def _clock(rng: Random, corpus: Corpus, table: dict[str, int]) -> _Clock:
    bars = slice(table["bar_start"], table["bar_stop"])
    tempo = _retimed(rng, np.array(corpus.bar_tempo[bars]), guessed=bool(table["guessed_tempo"]))
    seconds_per_step = 60 / tempo / STEPS_PER_QUARTER
    bar_steps = corpus.bar_steps[bars].astype(np.int64)
    bar_s = np.concatenate([[0], np.cumsum(bar_steps * seconds_per_step)])
    end_s = float(bar_s[-2] + table["tail_steps"] * seconds_per_step[-1])
    bar_row = corpus.bar_event[bars] - table["event_start"]
    rows = table["event_stop"] - table["event_start"]
    return _Clock(bar_row, rows, tempo, bar_steps, bar_s, end_s)


def _excerpt(
    corpus: Corpus, table: dict[str, int], clock: _Clock, rows: tuple[int, int]
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Rows (N, 6) of a piece, the bar of each, and the seconds at which each starts."""
    first = table["event_start"]
    events = corpus.events[first + rows[0] : first + rows[1]].astype(np.int64)
    bar = np.searchsorted(clock.bar_row, np.arange(*rows), side="right") - 1
    step = np.where(events[:, 0] < BAR, events[:, 0], 0)
    step = np.where(events[:, 0] == END, clock.bar_steps[-1], step)
    return events, bar, clock.bar_s[bar] + step * clock.seconds_per_step[bar]


def _padded(events: Ints, condition: Floats, length: int) -> tuple[Ints, Floats]:
    rows = np.tile(np.array(PAD_ROW, dtype=np.int64), (length + 1, 1))
    rows[: len(events)] = events
    out = np.zeros((length, CONDITION_SIZE), np.float32)
    out[: len(events)] = condition[:length]
    return rows, out


def _retimed(rng: Random, tempo: Floats, *, guessed: bool) -> Floats:
    if guessed:  # one tempo for the whole piece, log-uniform
        low, high = np.log(GUESSED_TEMPO_BPM)
        return np.full_like(tempo, np.exp(rng.uniform(low, high)))
    return tempo * np.float32(np.exp(rng.uniform(*np.log(TEMPO_FACTORS))))


def _crop_start(rng: Random, bar_row: Ints, rows: int, wanted: int) -> int:
    draw = rng.random()
    if draw < AT_START or (rows <= wanted and draw < 0.8):
        return 0
    if draw < AT_START + AT_END:
        return int(bar_row[np.searchsorted(bar_row, max(rows - wanted, 0))]) if rows > wanted else 0
    latest = max(int(np.searchsorted(bar_row, rows - wanted // 2)), 1)
    start = int(bar_row[rng.integers(latest)])
    if draw > 1 - MID_BAR:
        start = min(start + int(rng.integers(1, 16)), max(rows - wanted // 2, 0))
    return start


def _transform(
    rng: Random, events: Ints, place: tuple[Ints, Ints], group: str, transposition: int
) -> Ints:
    """Transpose and re-orchestrate the notes in place; returns the rows in their new order,
    without doubles.
    """
    bar, track = place
    note = events[:, 0] < BAR
    if note.any():
        events[note, 1] = reorchestrate(rng, group, (events[note, 1], events[note, 2], track[note]))
        pitched = note & (events[:, 1] != DRUM_KIT)
        moved = events[pitched, 2] + transposition
        moved = np.where(moved > 127, moved - 12, np.where(moved < 0, moved + 12, moved))
        events[pitched, 2] = moved
        shift = int(rng.choice((-1, 0, 0, 0, 1)))
        events[note, 4] = np.clip(events[note, 4] + shift, 0, VELOCITY_BINS - 1)
    position = np.where(note, events[:, 0] + 1, np.where(events[:, 0] == END, 127, 0))
    key = ((bar * 128 + position) * 64 + events[:, 1]) * 256 + events[:, 2]
    order = np.lexsort((-events[:, 3], key))
    keep = np.concatenate([[True], np.diff(key[order]) != 0])
    return np.asarray(order[keep])


assert NONE[4] == VELOCITY_BINS
