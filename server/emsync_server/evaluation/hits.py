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

__all__ = [
    "DRAWS",
    "Agreement",
    "Trial",
    "agreement",
    "pooled_agreement",
    "shares_with_accent",
]

DRAWS = 1000  # DESIGN §9 asks for 500 at the least
FLOAT_SLACK_S = 1e-6  # a landing computed in floating point still lies "within" its tolerance


@dataclass(frozen=True, slots=True)
class Agreement:
    """How targets (cuts or hits) and accents agree within a tolerance."""

    targets: int
    accents: int
    tolerance_s: float
    """The largest, where films of several frame rates are pooled."""
    hit_share: float | None
    """H, 0 to 1; None without targets."""
    chance_share: float | None
    """H₀, the mean over the shifted draws."""
    kappa: float | None
    """None without targets, or where chance alone reaches every target."""
    p: float | None
    """Share of draws that do at least as well, counting the real one."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One cue's targets and accents, in seconds from its start."""

    targets_s: NDArray[np.float64]
    accents_s: NDArray[np.float64]
    length_s: float
    tolerance_s: float

    def __post_init__(self) -> None:
        if self.length_s <= 0 or self.tolerance_s < 0:
            raise ValueError(f"no agreement over {self.length_s} s within {self.tolerance_s} s")


def agreement(
    targets_s: Sequence[float] | NDArray[np.float64],
    accents_s: Sequence[float] | NDArray[np.float64],
    *,
    length_s: float,
    tolerance_s: float,
    seed: int = 0,
    draws: int = DRAWS,
) -> Agreement:
    """Compare the targets and accents of one cue of `length_s`. Same seed, same figures."""
    trial = Trial(
        np.asarray(targets_s, dtype=np.float64),
        np.sort(np.asarray(accents_s, dtype=np.float64)),
        length_s,
        tolerance_s,
    )
    return pooled_agreement([trial], seed=seed, draws=draws)


def pooled_agreement(trials: Sequence[Trial], *, seed: int = 0, draws: int = DRAWS) -> Agreement:
    """Compare the targets of several cues at once, each shifted round its own cue."""
    if draws < 1:
        raise ValueError(f"no agreement from {draws} draws")
    targets = sum(len(trial.targets_s) for trial in trials)
    accents = sum(len(trial.accents_s) for trial in trials)
    tolerance_s = max((trial.tolerance_s for trial in trials), default=0.0)
    if targets == 0:
        return Agreement(0, accents, tolerance_s, None, None, None, None)
    rng = np.random.default_rng(seed)
    found, by_chance = 0.0, np.zeros(draws)
    for trial in trials:
        if len(trial.targets_s) == 0:
            continue
        weight = len(trial.targets_s) / targets
        shifts = rng.uniform(0.0, trial.length_s, size=(draws, 1))
        shifted = (trial.targets_s + shifts) % trial.length_s
        tolerance = trial.tolerance_s
        found += weight * shares_with_accent(trial.targets_s[None], trial.accents_s, tolerance)[0]
        by_chance += weight * shares_with_accent(shifted, trial.accents_s, tolerance)
    chance = float(by_chance.mean())
    p = (1 + int(np.count_nonzero(by_chance >= found - 1e-12))) / (1 + draws)
    kappa = float((found - chance) / (1 - chance)) if chance < 1 - 1e-12 else None
    return Agreement(targets, accents, tolerance_s, float(found), chance, kappa, p)


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
