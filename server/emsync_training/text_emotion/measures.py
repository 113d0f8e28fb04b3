"""How good probabilities are: F1, thresholds, calibration; with intervals.

N comments, E emotions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.float32]
Decisions = NDArray[np.bool_]

DRAWS = 1000
ECE_BINS = 15


def sigmoid(logits: Floats) -> Floats:
    """Element by element."""
    return np.asarray(1 / (1 + np.exp(-logits)), np.float64)


def f1_each(decisions: Decisions, labels: Labels) -> Floats:
    """F1 of each emotion; 0 where nothing is right. (N, E), (N, E) → (E,)"""
    seen = labels > 0.5
    right = (decisions & seen).sum(axis=0)
    return np.asarray(2 * right / np.maximum(decisions.sum(axis=0) + seen.sum(axis=0), 1))


def macro_f1(decisions: Decisions, labels: Labels) -> float:
    """The mean of the emotions' F1."""
    return float(f1_each(decisions, labels).mean())


def best_thresholds(probabilities: Floats, labels: Labels) -> Floats:
    """For each emotion the threshold with the greatest F1. (E,)"""
    best = np.zeros(probabilities.shape[1])
    for emotion, (column, seen) in enumerate(zip(probabilities.T, labels.T > 0.5, strict=True)):
        order = np.argsort(-column, kind="stable")
        right = np.cumsum(seen[order])
        f1 = 2 * right / (np.arange(1, len(column) + 1) + seen.sum())
        last = int(np.argmax(f1))
        below = column[order[last + 1]] if last + 1 < len(column) else 0.0
        best[emotion] = (column[order[last]] + below) / 2
    return best


def calibration_error(probabilities: Floats, labels: Labels) -> float:
    """Expected calibration error over all emotions of all comments: the mean distance between
    what is said and how often it is so, in 15 bins of equal width."""
    said, seen = probabilities.ravel(), labels.ravel()
    bins = np.clip((said * ECE_BINS).astype(int), 0, ECE_BINS - 1)
    count = np.bincount(bins, minlength=ECE_BINS)
    gap = np.abs(
        np.bincount(bins, said, ECE_BINS) - np.bincount(bins, seen, ECE_BINS)
    )  # already times the count
    return float(gap.sum() / count.sum())


def macro_f1_interval(decisions: Decisions, labels: Labels) -> tuple[float, float]:
    """95 % of the macro F1 when comments are drawn anew, with replacement."""
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(DRAWS):
        rows = rng.integers(len(labels), size=len(labels))
        drawn.append(macro_f1(decisions[rows], labels[rows]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)
