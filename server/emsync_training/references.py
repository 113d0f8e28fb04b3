"""Which other bars of a piece stand before a crop for reference: a theme that was heard earlier,
and the bars that follow the gap it fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.representation import REFERENCE_EVENTS
from emsync_training.motifs import Fingerprints, likeness

Ints = NDArray[np.int64]
Random = np.random.Generator

THEME_SHARE = 0.45  # of crops that have anything before them
AFTER_SHARE = 0.20  # of crops that have anything behind them
OPENING_SHARE, LIKEST_SHARE = 0.35, 0.45  # of themes; the others are drawn anywhere before
THEME_BARS = (2, 5)  # stop excluded
AFTER_BARS = (1, 5)
MOST_EVENTS = REFERENCE_EVENTS // 2  # of either


@dataclass(frozen=True, slots=True)
class Rows:
    """A stretch of a piece: rows and bars, from the first to before the last."""

    start: int
    stop: int
    first_bar: int
    stop_bar: int

    def __bool__(self) -> bool:
        return self.stop > self.start

    def __len__(self) -> int:
        return self.stop - self.start


NOTHING = Rows(0, 0, 0, 0)


def drawn_theme(rng: Random, bar_row: Ints, motifs: Fingerprints, bars: tuple[int, int]) -> Rows:
    """Some bars before the crop's `bars` (first, stop), or NOTHING.

    bar_row: (K,) the row of each BAR · motifs: (K,) fingerprints of the piece's bars
    """
    first, stop = bars
    count = int(rng.integers(*THEME_BARS))
    how = rng.random(2)
    latest = first - count
    if how[0] >= THEME_SHARE or latest < 0:
        return NOTHING
    if how[1] < OPENING_SHARE:
        begin = 0
    elif how[1] < OPENING_SHARE + LIKEST_SHARE:
        begin = _likest(motifs[:first], motifs[first:stop], count)
    else:
        begin = int(rng.integers(latest + 1))
    return _whole_bars(bar_row, begin, begin + count)


def drawn_after(rng: Random, bar_row: Ints, stop_bar: int) -> Rows:
    """Some bars from the crop's `stop_bar` on, or NOTHING. The last bar of a piece never counts:
    where it ends is not in the arrays."""
    count = int(rng.integers(*AFTER_BARS))
    if rng.random() >= AFTER_SHARE or stop_bar + 1 >= len(bar_row):
        return NOTHING
    return _whole_bars(bar_row, stop_bar, min(stop_bar + count, len(bar_row) - 1))


def recalled(motifs: Fingerprints, theme: Fingerprints) -> NDArray[np.float32]:
    """(K,) how much each bar recalls the likest bar of a theme."""
    return np.asarray(likeness(motifs[:, None], theme[None, :]).max(axis=1))


def _likest(before: Fingerprints, crop: Fingerprints, count: int) -> int:
    """Where `count` bars begin that the crop's bars resemble most."""
    best = likeness(before[:, None], crop[None, :]).max(axis=1)
    total = np.concatenate([[0.0], np.cumsum(best)])
    return int(np.argmax(total[count:] - total[:-count]))


def _whole_bars(bar_row: Ints, first: int, stop: int) -> Rows:
    """As many of these bars, from the first on, as reference has room for."""
    while stop > first and bar_row[stop] - bar_row[first] > MOST_EVENTS:
        stop -= 1
    if stop == first:
        return NOTHING
    return Rows(int(bar_row[first]), int(bar_row[stop]), first, stop)
