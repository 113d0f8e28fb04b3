"""Choosing among logits: temperature, top-p. Knows nothing of music or networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float64]
Mask = NDArray[np.bool_]
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class HeadSampling:
    """How one field is chosen."""

    temperature: float = 1.0
    top_p: float = 0.95
    """The least share of probability kept, likeliest first."""

    def __post_init__(self) -> None:
        if not self.temperature > 0 or not 0 < self.top_p <= 1:
            raise ValueError(
                f"temperature {self.temperature}, top-p {self.top_p} cannot be sampled"
            )


def choose(rng: Random, logits: Logits, allowed: Mask, sampling: HeadSampling) -> tuple[int, float]:
    """A class and its log-likelihood among the allowed ones, before temperature.

    logits, allowed: (K,); at least one class is allowed
    """
    (classes,) = allowed.nonzero()
    assert len(classes), "nothing is allowed"
    if len(classes) == 1:
        rng.random()  # each choice draws once, however little there is to choose
        return int(classes[0]), 0.0
    values = logits[classes]
    values -= values.max()
    share = np.exp(values)
    log_total = np.log(share.sum())
    if sampling.temperature != 1:
        share = np.exp(values / sampling.temperature)
    share /= share.sum()
    order = (-share).argsort(kind="stable")
    reached = share[order].cumsum()
    kept = min(int(reached.searchsorted(sampling.top_p)) + 1, int(np.count_nonzero(share)))
    place = int(reached[:kept].searchsorted(rng.random() * reached[kept - 1], side="right"))
    chosen = order[min(place, kept - 1)]
    return int(classes[chosen]), float(values[chosen] - log_total)
