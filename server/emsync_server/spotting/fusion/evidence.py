"""What all experts together say about one shot.

Each expert's estimate is what it believes after the evidence, with what it took for granted before
in it. Multiplying two such beliefs counts the latter twice, and weak experts make a sure one. So
what each *adds* is counted, its precision less that of the common prior, and the prior once:

    gain = max(0, 1 / variance - 1 / prior)

Experts that look at the same evidence err together. Among those gains are not added but mixed with
weights that sum to one (covariance intersection, Julier and Uhlmann 1997, whose weights here are
the gains' own shares): the mix is right however much they have in common.
Two axes everywhere: valence, arousal. V votes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.experts import Estimate

__all__ = ["PRIOR_VARIANCE", "Evidence", "Given", "Vote", "joined"]

Floats = NDArray[np.float64]

PRIOR_VARIANCE = 0.25
"""Of a shot about which nothing is known, around 0: the deviation is 0.5, as in `emotion.py`."""
MOST_DISAGREEMENT = 4.0


class Evidence(Enum):
    """What an expert's estimate rests on; experts with the same err together."""

    PICTURE = "picture"
    FACES = "faces"
    SOUND = "sound"
    MOVEMENT = "movement"  # motion, cutting, level: how, not what
    WORDS = "words"
    ALL = "all"  # a network that was trained on what the others say


@dataclass(frozen=True, slots=True)
class Vote:
    """One expert's word about one shot."""

    expert: str
    evidence: tuple[Evidence, Evidence]
    """What its valence and its arousal rest on."""
    estimate: Estimate
    is_of_film: bool = False
    """Whether its variance was measured on film, not on photographs or comments."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of a shot: precision gained over the prior, and the mean that goes with it."""

    gain: Floats
    """(2,) 0: nothing."""
    mean: Floats
    """(2,) of no meaning where the gain is 0."""
    shares: tuple[tuple[str, Floats], ...]
    """Of each vote, (2,): its part of all gain, 0 to 1."""


def joined(votes: Sequence[Vote]) -> Given:
    """All votes of a shot as one."""
    if not votes:
        return Given(np.zeros(2), np.zeros(2), ())
    # A belief (m, v) over a prior around 0 adds the precision g and speaks for m / (v g).
    variance = np.array([vote.estimate.variance for vote in votes])  # (V, 2)
    means = np.array([(v.estimate.mean.valence, v.estimate.mean.arousal) for v in votes])
    gains = np.maximum(0.0, 1 / variance - 1 / PRIOR_VARIANCE)
    pulls = np.where(gains > 0, means / variance, 0.0)
    weights = _weights(votes, gains)
    gain, pull = (weights * gains).sum(axis=0), (weights * pulls).sum(axis=0)
    mean = np.divide(pull, gain, out=np.zeros(2), where=gain > 0)
    parts = np.divide(weights * gains, gain, out=np.zeros_like(gains), where=gain > 0)
    gain = gain / _disagreement(means, variance, weights, gains)
    return Given(gain, mean, tuple((v.expert, part) for v, part in zip(votes, parts, strict=True)))


def _weights(votes: Sequence[Vote], gains: Floats) -> Floats:
    """(V, 2): 1 for a vote whose evidence is its own, shares of 1 among those that look at the
    same."""
    weights = np.ones_like(gains)
    for axis in (0, 1):
        groups: dict[Evidence, list[int]] = defaultdict(list)
        for at, vote in enumerate(votes):
            groups[vote.evidence[axis]].append(at)
        for members in groups.values():
            total = gains[members, axis].sum()
            if total > 0:
                weights[members, axis] = gains[members, axis] / total
        if Evidence.ALL in groups:
            _share_with_all(weights[:, axis], gains[:, axis], groups[Evidence.ALL])
    return weights


def _share_with_all(weights: Floats, gains: Floats, of_all: Sequence[int]) -> None:
    """Who looks at everything errs with everybody: its weight and that of all others together sum
    to one. Changes the weights; (V,), (V,)"""
    parts = weights * gains
    total, own = parts.sum(), parts[of_all].sum()
    if total > 0:
        is_of_all = np.isin(np.arange(len(weights)), of_all)
        weights *= np.where(is_of_all, own / total, 1 - own / total)


def _disagreement(means: Floats, variance: Floats, weights: Floats, gains: Floats) -> Floats:
    """(2,) from 1: by how much the votes lie farther apart than they say they may (Birge's ratio,
    squared)."""
    used = weights * (gains > 0)
    count = np.maximum(used.sum(axis=0), 1e-9)
    centre = (used * means / variance).sum(axis=0) / np.maximum((used / variance).sum(axis=0), 1e-9)
    apart = (used * (means - centre) ** 2 / variance).sum(axis=0)
    free = np.maximum(count - 1, 1e-9)
    ratio = np.where(count > 1, apart / np.maximum(free, 1.0), 1.0)
    return np.clip(ratio, 1.0, MOST_DISAGREEMENT)
