"""Choosing among logits: temperature, top-p, guidance. Knows nothing of music or networks."""

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
    assert allowed.any(), "nothing is allowed"
    masked = np.where(allowed, logits, -np.inf)
    likelihood = _log_softmax(masked)
    share = np.exp(_log_softmax(masked / sampling.temperature))
    order = np.argsort(-share, kind="stable")
    reached = np.cumsum(share[order])
    kept = order[: int(np.searchsorted(reached, sampling.top_p)) + 1]
    kept = kept[share[kept] > 0]
    edges = np.cumsum(share[kept])
    index = int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
    chosen = int(kept[min(index, len(kept) - 1)])
    return chosen, float(likelihood[chosen])


def guided(with_emotion: Logits, without: Logits, strength: float) -> Logits:
    """Classifier-free guidance (Ho & Salimans, arXiv 2207.12598): 1 changes nothing."""
    return without + strength * (with_emotion - without)


def _log_softmax(logits: Logits) -> Logits:
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))
