"""A tiny recurrent network with fixed random weights, in the place of the trained composer.

It knows no music, which is the point: what holds with it holds by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition import Composer
from emsync_server.composition.representation import CLASSES, CONDITION_SIZE, EMBEDDINGS

WIDTH = 24

Array = NDArray[np.float64]


class TinyHeads:
    """Logits that know the fields chosen so far."""

    def __init__(self, rng: np.random.Generator, sharpness: float) -> None:
        self.logit_weights = [rng.normal(0, sharpness, (WIDTH, size)) for size in CLASSES]
        self.chained = [rng.normal(0, 0.5, (size, WIDTH)) for size in CLASSES]

    def field_logits(self, hidden: Array, field: int) -> Array:
        return hidden @ self.logit_weights[field]

    def after(self, hidden: Array, field: int, index: NDArray[np.int64]) -> Array:
        return hidden + self.chained[field][np.asarray(index)]


@dataclass
class TinyState:
    hidden: Array
    events: int = 0


class TinyNetwork:
    """h ← tanh(W h + E event + U condition)."""

    def __init__(self, seed: int = 0, sharpness: float = 0.4) -> None:
        rng = np.random.default_rng(seed)
        self.heads = TinyHeads(rng, sharpness)
        self.recur = rng.normal(0, WIDTH**-0.5, (WIDTH, WIDTH))
        self.embed = [rng.normal(0, 0.5, (size, WIDTH)) for size in EMBEDDINGS]
        self.condition = rng.normal(0, 0.3, (CONDITION_SIZE, WIDTH))

    def start(self, batch: int) -> TinyState:
        return TinyState(np.zeros((batch, WIDTH)))

    def pin(self, state: TinyState, events: Array, condition: Array) -> None:
        """It reads what stands for reference as if it had just been played."""
        batch = len(state.hidden)
        shape = (batch, *np.shape(events)[-2:])
        wide = (batch, *np.shape(condition)[-2:])
        self.step(state, np.broadcast_to(events, shape), np.broadcast_to(condition, wide))

    def step(self, state: TinyState, events: Array, condition: Array) -> Array:
        batch = len(state.hidden)
        events = np.asarray(events).reshape(batch, -1, len(EMBEDDINGS))
        condition = np.asarray(condition, np.float64).reshape(batch, -1, CONDITION_SIZE)
        for time in range(events.shape[1]):
            read = sum(table[events[:, time, f]] for f, table in enumerate(self.embed))
            read = read + condition[:, time] @ self.condition
            state.hidden = np.tanh(state.hidden @ self.recur + read)
            state.events += 1
        return state.hidden


def tiny_composer(seed: int = 0, sharpness: float = 0.4) -> Composer:
    return Composer(TinyNetwork(seed, sharpness), f"tiny seed {seed}")
