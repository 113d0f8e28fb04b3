"""Correlations with their uncertainty and their control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Correlation", "correlation", "interval_of_mean", "lagged_correlation", "spearman"]

DRAWS = 1000
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's ρ between what was asked and what was found."""

    rho: float
    low: float
    """95 % of ρ when takes are drawn anew, with replacement."""
    high: float
    shuffled_mean: float
    """ρ when what was asked is dealt out at random: its mean, and 95 % of |ρ|."""
    shuffled_95: float
    count: int


def spearman(left: Floats, right: Floats) -> float:
    """Spearman's ρ; 0 where one side is constant."""
    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    return float(np.corrcoef(_ranks(left), _ranks(right))[0, 1])


def correlation(asked: Floats, found: Floats, *, seed: int = 0, draws: int = DRAWS) -> Correlation:
    """ρ, its bootstrap interval and its shuffled control; the same seed, the same figures."""
    rng = np.random.default_rng(seed)
    count = len(asked)
    again = [rng.integers(count, size=count) for _ in range(draws)]
    drawn = [spearman(asked[rows], found[rows]) for rows in again]
    shuffled = [spearman(rng.permutation(asked), found) for _ in range(draws)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Correlation(
        spearman(asked, found),
        float(low),
        float(high),
        float(np.mean(shuffled)),
        float(np.percentile(np.abs(shuffled), 95)),
        count,
    )


def interval_of_mean(values: Floats, *, seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """95 % of the mean when values are drawn anew, with replacement; the same seed, the same
    figures.
    """
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(draws)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def lagged_correlation(
    pairs: list[tuple[Floats, Floats]], most: int
) -> dict[int, tuple[float, float]]:
    """Pearson's r between asked and found series of several cues, each centred on its own mean,
    where the found is read `lag` places later; by lag from −most to most: r, and the count.
    """
    out: dict[int, tuple[float, float]] = {}
    for lag in range(-most, most + 1):
        left, right = [], []
        for asked, found in pairs:
            one = asked[: len(asked) - lag] if lag > 0 else asked[-lag:]
            two = found[lag:] if lag > 0 else found[: len(found) + lag]
            known = ~np.isnan(two)
            if known.sum() > 2:
                left.append(one[known] - one[known].mean())
                right.append(two[known] - two[known].mean())
        x, y = np.concatenate(left or [np.zeros(0)]), np.concatenate(right or [np.zeros(0)])
        size = float(np.sqrt((x**2).sum() * (y**2).sum()))
        out[lag] = (float((x * y).sum() / size) if size > 0 else 0.0, float(len(x)))
    return out


def _ranks(values: Floats) -> Floats:
    """Mean ranks of equal values; SciPy has this, but costs the command line a second to import."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[index], dtype=np.float64)
