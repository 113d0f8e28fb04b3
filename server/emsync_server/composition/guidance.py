"""Classifier-free guidance (Ho & Salimans, arXiv 2207.12598) of parts of the condition: what
withholding a part would change is added again and again. Costs a row a take for each guided part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.conditions import without_emotion, without_offsets

Floats = NDArray[np.float32]
Logits = NDArray[np.float64]
Ints = NDArray[np.int64]
Withhold = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Guidance:
    """How strongly valence and arousal, and the offsets to hits and end, are followed; 1 is the
    network's own strength, and costs nothing.
    """

    emotion: float = 1.0
    offsets: float = 1.0

    @property
    def rows(self) -> int:
        """Rows of the network that one take needs."""
        return 1 + len(self._parts)

    def spread(self, rows: Ints, conditions: Floats) -> tuple[Ints, Floats]:
        """The rows (B, …) with their conditions (B, …, C), and again with each guided part
        withheld: (R · B, …).
        """
        if not self._parts:
            return rows, conditions
        known = [conditions, *(withhold(conditions) for withhold, _ in self._parts)]
        return np.concatenate([rows] * len(known)), np.concatenate(known)

    def joined(self, logits: Logits) -> Logits:
        """(R · B, K), in the order of `spread`, to (B, K)."""
        if not self._parts:
            return logits
        told, *withheld = np.split(logits, self.rows)
        strengths = [strength for _, strength in self._parts]
        return guided(told, withheld, strengths)

    @property
    def _parts(self) -> list[tuple[Withhold, float]]:
        parts = ((without_emotion, self.emotion), (without_offsets, self.offsets))
        return [(withhold, strength) for withhold, strength in parts if strength != 1.0]


UNGUIDED = Guidance()


def guided(told: Logits, withheld: Sequence[Logits], strengths: Sequence[float]) -> Logits:
    """Logits moved away from those that were told less: a strength of 1 changes nothing."""
    moved = told
    for less, strength in zip(withheld, strengths, strict=True):
        moved = moved + (strength - 1) * (told - less)
    return moved
