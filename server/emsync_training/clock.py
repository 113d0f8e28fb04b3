"""When the bars of a piece are played: its tempo as a crop draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.representation import BAR, END, STEPS_PER_QUARTER
from emsync_training.corpus import Corpus

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Random = np.random.Generator

TEMPO_FACTORS = (0.85, 1.2)
GUESSED_TEMPO_BPM = (50.0, 160.0)


@dataclass(frozen=True, slots=True)
class Clock:
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

    def bar_at(self, row: int) -> int:
        """The bar that a row of the piece lies in."""
        return int(np.searchsorted(self.bar_row, row, side="right")) - 1

    def bars_of(self, rows: Ints) -> Ints:
        """The bar of each row (N,)."""
        return np.asarray(np.searchsorted(self.bar_row, rows, side="right") - 1)

    def seconds(self, events: Ints, bar: Ints) -> NDArray[np.float64]:
        """When each event (N, 5 or more) of the bars (N,) starts."""
        step = np.where(events[:, 0] < BAR, events[:, 0], 0)
        step = np.where(events[:, 0] == END, self.bar_steps[-1], step)
        seconds_per_step = 60 / self.tempo / STEPS_PER_QUARTER
        return np.asarray(self.bar_s[bar] + step * seconds_per_step[bar])


def drawn_clock(rng: Random, corpus: Corpus, table: dict[str, int]) -> Clock:
    """The clock of a piece (its row of the corpus's table), at a tempo of the crop's own."""
    bars = slice(table["bar_start"], table["bar_stop"])
    tempo = _retimed(rng, np.array(corpus.bar_tempo[bars]), guessed=bool(table["guessed_tempo"]))
    seconds_per_step = 60 / tempo / STEPS_PER_QUARTER
    bar_steps = corpus.bar_steps[bars].astype(np.int64)
    bar_s = np.concatenate([[0], np.cumsum(bar_steps * seconds_per_step)])
    end_s = float(bar_s[-2] + table["tail_steps"] * seconds_per_step[-1])
    bar_row = corpus.bar_event[bars] - table["event_start"]
    rows = table["event_stop"] - table["event_start"]
    return Clock(bar_row, rows, tempo, bar_steps, bar_s, end_s)


def _retimed(rng: Random, tempo: Floats, *, guessed: bool) -> Floats:
    if guessed:  # one tempo for the whole piece, log-uniform
        low, high = np.log(GUESSED_TEMPO_BPM)
        return np.full_like(tempo, np.exp(rng.uniform(low, high)))
    return tempo * np.float32(np.exp(rng.uniform(*np.log(TEMPO_FACTORS))))
