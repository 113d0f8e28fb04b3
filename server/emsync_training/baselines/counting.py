"""Interpolated n-grams over contexts of small integers, as sorted arrays of hashes. N rows counted,
M rows asked for, K context columns.

Discounts are those of modified Kneser-Ney (Chen & Goodman 1999). Shorter contexts keep their plain
counts, not Kneser-Ney's number of kinds: with alphabets as small as these nearly every kind is met
and the number says nothing (measured: worse). Music repeats itself inside a piece far more than
from piece to piece, so counts promise too much: as in a Pitman-Yor process (Teh 2006) each length
of context has a strength, pseudo-counts that the shorter context gets besides the discounts,
fitted on other pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]
_Masses = tuple[NDArray[np.bool_], Floats, Floats, Floats]

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 over the golden ratio
_SHIFT = np.uint64(29)
STRENGTHS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 2048.0, 8192.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model says of the rows it was asked for."""

    probability: Floats
    """(M,) of the value that came."""
    order: Ints
    """(M,) how many context columns of the row were ever met together, 0 to K."""
    seen: Floats
    """(M,) how often that context was met."""


@dataclass(frozen=True, slots=True)
class _Level:
    """One length of context."""

    pairs: Hashes
    """Sorted hashes of (context, value)."""
    pair_counts: Ints
    contexts: Hashes
    """Sorted hashes of contexts."""
    totals: Floats
    discounted: Floats
    """Mass that goes to the shorter context."""
    discounts: Floats
    """(4,) for counts of 0, 1, 2, 3 and more."""
    strength: float = 0.0
    """Pseudo-counts of the shorter context."""


class Interpolated:
    """A distribution over `classes` values given up to K columns, the nearest first; a shorter
    context drops the last."""

    def __init__(self, context: Ints, value: Ints, classes: int) -> None:
        """Count. context: (N, K), value: (N,)."""
        self.classes = classes
        self.levels: list[_Level] = []
        weights = np.ones(len(value), np.int64)
        for length in range(context.shape[1], -1, -1):
            hashed = _hashed(context[:, :length])
            pairs, first, inverse = np.unique(
                _paired(hashed, value), return_index=True, return_inverse=True
            )
            weights = np.bincount(inverse, weights).astype(np.int64)
            self.levels.append(_level(pairs, weights, hashed[first]))
            context, value = context[first], value[first]
        self.levels.reverse()

    def fit(self, context: Ints, value: Ints) -> None:
        """Choose each level's strength on rows (M, K), (M,) of other pieces, the shortest first."""
        probability = np.full(len(value), 1 / self.classes)
        for length, level in enumerate(self.levels):
            hashed = _hashed(context[:, :length])
            asked = _asked(level, hashed, value)
            tried = [_mixed(asked, probability, strength) for strength in STRENGTHS]
            best = int(np.argmax([np.log(one).sum() for one in tried]))
            self.levels[length] = replace(level, strength=STRENGTHS[best])
            probability = tried[best]

    def ask(self, context: Ints, value: Ints) -> Asked:
        """context: (M, K), value: (M,)."""
        probability = np.full(len(value), 1 / self.classes)
        order, seen = np.zeros(len(value), np.int64), np.zeros(len(value))
        for length, level in enumerate(self.levels):
            asked = _asked(level, _hashed(context[:, :length]), value)
            probability = _mixed(asked, probability, level.strength)
            known, total = asked[0], asked[2]
            order, seen = np.where(known, length, order), np.where(known, total, seen)
        return Asked(probability, order, seen)


def _asked(level: _Level, hashed: Hashes, value: Ints) -> _Masses:
    """Of each row: is its context known, its own mass, all mass, the mass of the discounts."""
    place, known = _found(level.contexts, hashed)
    pair, met = _found(level.pairs, _paired(hashed, value))
    count = np.where(met, level.pair_counts[pair], 0)
    kept = count - level.discounts[np.minimum(count, 3)]
    return known, kept, level.totals[place], level.discounted[place]


def _mixed(asked: _Masses, probability: Floats, strength: float) -> Floats:
    known, kept, total, discounted = asked
    mixed = (kept + (discounted + strength) * probability) / (total + strength)
    return np.where(known, mixed, probability)


def _level(pairs: Hashes, counts: Ints, contexts: Hashes) -> _Level:
    unique, inverse = np.unique(contexts, return_inverse=True)
    discounts = _discounts(counts)
    totals = np.bincount(inverse, counts).astype(np.float64)
    discounted = np.bincount(inverse, discounts[np.minimum(counts, 3)]).astype(np.float64)
    return _Level(pairs, counts, unique, totals, discounted, discounts)


def _discounts(counts: Ints) -> Floats:
    """D1, D2, D3+ from how many pairs were met once, twice, three and four times."""
    n1, n2, n3, n4 = (max(int((counts == times).sum()), 1) for times in range(1, 5))
    share = n1 / (n1 + 2 * n2)
    found = [1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3]
    return np.array([0.0, *(np.clip(d, 0.05, times - 0.05) for times, d in enumerate(found, 1))])


def _hashed(context: Ints) -> Hashes:
    out = np.full(len(context), context.shape[1], np.uint64)
    for column in context.T:
        out = _paired(out, column)
    return out


def _paired(hashed: Hashes, value: Ints) -> Hashes:
    mixed = (hashed ^ (value.astype(np.uint64) + np.uint64(1))) * _ODD
    return np.asarray((mixed ^ (mixed >> _SHIFT)) * _ODD)


def _found(keys: Hashes, wanted: Hashes) -> tuple[Ints, NDArray[np.bool_]]:
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted
