"""Macro average precision, precision, recall, F1, accuracy, with intervals. N films, C classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_precision", "figures"]

Floats = NDArray[np.float64]

DRAWS = 500


def average_precision(scores: Floats, seen: NDArray[np.bool_]) -> float:
    """The mean precision at each film that has the class; NaN where none has it. (N,), (N,)"""
    if not seen.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(seen[order])
    precision = found / np.arange(1, len(order) + 1)
    return float(precision[seen[order]].mean())


def figures(scores: Floats, labels: Floats, *, one_label: bool) -> dict[str, object]:
    """Each figure with 95 % when films are drawn anew. Decisions: the likeliest class where films
    have one label, else all above a half."""
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(DRAWS):
        rows = rng.integers(len(labels), size=len(labels))
        drawn.append(_values(scores[rows], labels[rows], one_label))
    out: dict[str, object] = {}
    for name, value in _values(scores, labels, one_label).items():
        low, high = np.nanpercentile([each[name] for each in drawn], [2.5, 97.5])
        out[name] = round(value, 4)
        out[f"{name}_95"] = [round(float(low), 4), round(float(high), 4)]
    return out


def _values(scores: Floats, labels: Floats, one_label: bool) -> dict[str, float]:
    seen = labels > 0.5
    if one_label:
        said = np.zeros_like(seen)
        said[np.arange(len(seen)), scores.argmax(axis=1)] = True
    else:
        said = scores > 0.5
    right = (said & seen).sum(axis=0)
    precision = right / np.maximum(said.sum(axis=0), 1)
    recall = right / np.maximum(seen.sum(axis=0), 1)
    f1 = 2 * right / np.maximum(said.sum(axis=0) + seen.sum(axis=0), 1)
    each = [average_precision(*pair) for pair in zip(scores.T, seen.T, strict=True)]
    values = {
        "macro_average_precision": float(np.nanmean(each)) if any(np.isfinite(each)) else 0.0,
        "macro_precision": float(precision.mean()),
        "macro_recall": float(recall.mean()),
        "macro_f1": float(f1.mean()),
    }
    if one_label:
        values["accuracy"] = float((said & seen).any(axis=1).mean())
    return values
