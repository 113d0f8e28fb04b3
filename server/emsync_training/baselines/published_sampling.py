"""Music from the published generator as published: the whole window read again for each token."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emsync_training.baselines.published_events import Playing, published_vocabulary
from emsync_training.networks.published import (
    EMOTION_ROWS,
    MAX_OFFSET_S,
    ROWS,
    PublishedGenerator,
)

TEMPERATURE, TOP_P = 1.35, 0.6
WINDOW = ROWS - EMOTION_ROWS  # tokens that are read at once


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of the generator."""

    seconds: float
    valence: float | None = None
    arousal: float | None = None
    boundaries_s: tuple[float, ...] = ()
    """Sorted."""
    many_instruments: bool = True
    most_tokens: int = 100_000


@torch.no_grad()
def generate(
    network: PublishedGenerator,
    wish: Wish,
    rng: np.random.Generator,
    *,
    vocabulary: Sequence[str] | None = None,
) -> list[int]:
    """Tokens until the wished length, the prefix included; no cache, as published."""
    names = list(vocabulary or published_vocabulary())
    prefix = [names.index("MORE" if wish.many_instruments else "LESS"), names.index("START"),
              names.index("BAR")]  # fmt: skip
    never = names.index("PAD")
    tokens, offsets = list(prefix), [_offset_s(wish, 0)] * len(prefix)
    playing = Playing()
    emotion = [None if v is None else torch.tensor([v]) for v in (wish.valence, wish.arousal)]
    while playing.time_ms < 1000 * wish.seconds and len(tokens) < wish.most_tokens:
        rows = _window(len(tokens))
        read = torch.tensor([[tokens[row] for row in rows]])
        offset_s = torch.tensor([[offsets[row] for row in rows]])
        logits = network(read, offset_s, *emotion)[0, -1]
        logits[never] = -torch.inf
        tokens.append(nucleus(logits, rng))
        playing.read(names[tokens[-1]])
        offsets.append(_offset_s(wish, playing.time_ms / 1000))
    return tokens


def nucleus(logits: Tensor, rng: np.random.Generator) -> int:
    """One token out of the likeliest that together have TOP_P of the mass."""
    probability: NDArray[np.float64] = (logits.double() / TEMPERATURE).softmax(-1).numpy()
    order = np.argsort(-probability, kind="stable")
    total = np.cumsum(probability[order])
    kept = int(np.searchsorted(total, TOP_P)) + 1
    drawn = rng.random() * total[kept - 1]
    return int(order[min(int(np.searchsorted(total, drawn, side="right")), kept - 1)])


def _window(length: int) -> list[int]:
    """The instrument token and as many of the last tokens as fit beside it."""
    if length <= WINDOW:
        return list(range(length))
    return [0, *range(length - WINDOW + 1, length)]


def _offset_s(wish: Wish, time_s: float) -> float:
    after = bisect.bisect_left(wish.boundaries_s, time_s)
    if after == len(wish.boundaries_s):
        return MAX_OFFSET_S
    return min(wish.boundaries_s[after] - time_s, MAX_OFFSET_S)
