"""Probabilities that mean what they say: a line through the logits of each emotion, on dev alone.

N comments, E emotions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from emsync_training.text_emotion.measures import sigmoid

Floats = NDArray[np.float64]
Labels = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt 1999: probability = sigmoid(slope × logit + shift). (E,) each."""

    slope: Floats
    shift: Floats

    @classmethod
    def fit(cls, logits: Floats, labels: Labels) -> Calibration:
        """The line of each emotion with the greatest likelihood."""
        lines = np.array(
            [_line(*pair) for pair in zip(logits.T, labels.T.astype(np.float64), strict=True)]
        )
        return cls(lines[:, 0], lines[:, 1])

    def probabilities(self, logits: Floats) -> Floats:
        """(N, E) → (N, E)"""
        return sigmoid(self.slope * logits + self.shift)


def _line(logits: Floats, seen: Floats) -> tuple[float, float]:
    def nats(line: Floats) -> float:
        x = line[0] * logits + line[1]
        return float(np.mean(np.logaddexp(0, x) - seen * x))

    found = minimize(nats, np.array([1.0, 0.0]), method="Nelder-Mead")
    return float(found.x[0]), float(found.x[1])
