"""How much better than chance accents fall on cuts: H, H₀, κ and p of DESIGN §9.

H alone means nothing, since dense music hits everything. H₀ is the same share with the cuts
shifted round the cue by a random amount, which keeps their spacing and the music as they are.
κ = (H − H₀)/(1 − H₀): 1 where every cut has its accent and chance does not explain it, about 0
where chance does, below 0 where accents avoid cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DRAWS", "Agreement", "agreement", "shares_with_accent"]

DRAWS = 1000  # DESIGN §9 asks for 500 at the least
FLOAT_SLACK_S = 1e-6  # a landing computed in floating point still lies "within" its tolerance


@dataclass(frozen=True, slots=True)
class Agreement:
    """How targets (cuts or hits) and accents agree within a tolerance."""

    targets: int
    accents: int
    tolerance_s: float
    hit_share: float | None
    """H, 0 to 1; None without targets."""
    chance_share: float | None
    """H₀, the mean over the shifted draws."""
    kappa: float | None
    """None without targets, or where chance alone reaches every target."""
    p: float | None
    """Share of draws that do at least as well, counting the real one."""


def agreement(
    targets_s: Sequence[float] | NDArray[np.float64],
    accents_s: Sequence[float] | NDArray[np.float64],
    *,
    length_s: float,
    tolerance_s: float,
    seed: int = 0,
    draws: int = DRAWS,
) -> Agreement:
    """Compare targets with accents, both in seconds inside a cue of `length_s`. Same seed, same
    figures.
    """
    if length_s <= 0 or tolerance_s < 0 or draws < 1:
        raise ValueError(f"no agreement over {length_s} s within {tolerance_s} s in {draws} draws")
    targets = np.asarray(targets_s, dtype=np.float64)
    accents = np.sort(np.asarray(accents_s, dtype=np.float64))
    if len(targets) == 0:
        return Agreement(0, len(accents), tolerance_s, None, None, None, None)
    share = float(shares_with_accent(targets[None, :], accents, tolerance_s)[0])
    shifts = np.random.default_rng(seed).uniform(0.0, length_s, size=(draws, 1))
    by_chance = shares_with_accent((targets + shifts) % length_s, accents, tolerance_s)
    chance = float(by_chance.mean())
    p = (1 + int(np.count_nonzero(by_chance >= share - 1e-12))) / (1 + draws)
    kappa = (share - chance) / (1 - chance) if chance < 1 - 1e-12 else None
    return Agreement(len(targets), len(accents), tolerance_s, share, chance, kappa, p)


def shares_with_accent(
    targets_s: NDArray[np.float64], accents_s: NDArray[np.float64], tolerance_s: float
) -> NDArray[np.float64]:
    """Share of each row's targets (R, C) that have one of the ascending accents within tolerance;
    (R,).
    """
    if len(accents_s) == 0:
        return np.zeros(len(targets_s))
    after = np.searchsorted(accents_s, targets_s).clip(0, len(accents_s) - 1)
    before = (after - 1).clip(0)
    distance = np.minimum(abs(accents_s[after] - targets_s), abs(accents_s[before] - targets_s))
    shares: NDArray[np.float64] = (distance <= tolerance_s + FLOAT_SLACK_S).mean(axis=1)
    return shares
