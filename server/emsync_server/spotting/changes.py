"""A change of the picture, in frames, and what the shot network's answers mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync.picture import BoundaryKind

__all__ = [
    "ANSWERS",
    "CUT",
    "FIRST_KIND",
    "INSIDE",
    "KINDS",
    "MIDDLE",
    "SeenChange",
    "peaks",
    "probability",
    "runs",
]

Floats = NDArray[np.float32]

CUT, INSIDE, MIDDLE, FIRST_KIND = 0, 1, 2, 3
"""Which answer is which: first frame of a new shot; inside a gradual change; its middle; its
kinds."""
KINDS = (BoundaryKind.DISSOLVE, BoundaryKind.FADE, BoundaryKind.WIPE)
ANSWERS = FIRST_KIND + len(KINDS)


@dataclass(frozen=True, slots=True)
class SeenChange:
    """One change of the picture, in frames."""

    frame: int
    """The new shot's first frame; of a gradual change, its middle."""
    kind: BoundaryKind
    probability: float
    first: int
    """First and last frame that show it; of a cut, `frame`."""
    last: int


def peaks(values: Floats, least: float, apart: int) -> list[int]:
    """Where values are above `least` and the highest for `apart` frames around."""
    high = np.flatnonzero(values > least)
    return [
        int(at) for at in high if values[at] >= values[max(0, at - apart) : at + apart + 1].max()
    ]


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of each stretch that holds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def probability(logits: Floats) -> Floats:
    """From minus infinity to infinity, to 0 to 1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)
