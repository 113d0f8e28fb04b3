"""The tempo that the emotion asks for, and how many quarters it would play in a stretch of time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from emsync.errors import CueSheetError

CALM_TO_EXCITED_OCTAVES = 0.55
NEUTRAL_BPM = 92.0
CELL_S = 0.25  # the asked tempo is read once in this many seconds
MOST_CELLS = 400_000  # 27 hours


def tempo_of_arousal(arousal: float) -> float:
    """Quarters a minute that an arousal asks for: 63 at -1 (calm), 92 at 0, 135 at 1 (excited).

    Tempo is the strongest carrier of arousal in music (Gabrielsson & Lindström 2010); the range is
    that of film music.
    """
    return NEUTRAL_BPM * 2 ** (CALM_TO_EXCITED_OCTAVES * arousal)


@dataclass(frozen=True, slots=True)
class TempoTarget:
    """The asked tempo over a cue, constant within cells, and the quarters it has played by the end
    of each.
    """

    edges_s: tuple[float, ...]
    bpm: tuple[float, ...]
    quarters: tuple[float, ...]
    """At each edge, from 0."""

    @classmethod
    def sampled(
        cls, length_s: float, asked: Callable[[float], float], limits_bpm: tuple[float, float]
    ) -> TempoTarget:
        """Read a tempo function over a cue, held within limits."""
        cells = min(max(math.ceil(length_s / CELL_S), 1), MOST_CELLS)
        width = length_s / cells
        edges = (*(i * width for i in range(cells)), length_s)
        bpm = tuple(_within(asked((i + 0.5) * width), limits_bpm) for i in range(cells))
        quarters = tuple(accumulate((tempo * width / 60 for tempo in bpm), initial=0.0))
        return cls(edges, bpm, quarters)

    def quarters_at(self, time_s: float) -> float:
        """Quarters played from the start of the cue to a moment."""
        cell = self._cell(self.edges_s, time_s)
        return self.quarters[cell] + (time_s - self.edges_s[cell]) * self.bpm[cell] / 60

    def bpm_at_quarters(self, quarters: float) -> float:
        """The asked tempo where this many quarters have been played."""
        return self.bpm[self._cell(self.quarters, quarters)]

    def range_between(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Least and greatest tempo asked within a stretch."""
        first, last = self._cell(self.edges_s, start_s), self._cell(self.edges_s, end_s)
        if last > first and self.edges_s[last] >= end_s:
            last -= 1
        inside = self.bpm[first : last + 1]
        return min(inside), max(inside)

    def _cell(self, edges: tuple[float, ...], value: float) -> int:
        return min(max(bisect_right(edges, value) - 1, 0), len(self.bpm) - 1)


def _within(bpm: float, limits_bpm: tuple[float, float]) -> float:
    if not math.isfinite(bpm) or bpm <= 0:
        raise CueSheetError(
            f"The emotion curve asks for a tempo of {bpm}, which is not a tempo. "
            "Check the cue's emotion points: valence and arousal are numbers from -1 to 1."
        )
    return min(max(bpm, limits_bpm[0]), limits_bpm[1])
