"""How weights are stored in the files that ship, and what rounding to eight bits does to them.

K inputs, N outputs of a projection.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LARGEST = 63
"""Seven bits and a sign are kept of eight: processors without dot-product instructions add pairs
of products in 16 bits, and 2 × 255 × 63 still fits there (2 × 255 × 127 does not). So the sums are
exact, and the same, everywhere."""
NARROWEST, TRIED = 0.6, 24
"""Scales are searched down to this share of the one that holds the largest weight."""


class Storage(Enum):
    """The numbers in the file."""

    SINGLE = "float32"
    HALF = "float16"
    """Widened when the session loads."""
    EIGHT_BITS = "int8"
    """The projections of the blocks as integers, one scale an output; the rest as `HALF`.

    The engine rounds activations as it goes (`DynamicQuantizeMatMul`) at every batch size: there
    is nothing to choose at load. Measured on two Zen 5 cores, ms a step for 1, 4 and 8 pieces:
    this 1.3, 3.3, 5.3; `MatMulNBits` with 8 bits 1.6, 3.6, 5.9, with 4 bits 1.4, 3.5, 5.6 (and
    1.9 % of likelihood lost, against 0.1 %); single precision 2.8, 5.2, 7.2. A choice by timing
    would also write other music on a busy day.
    """


def rounded(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """A weight (K, N) as integers and the scales (N,) of least squared error."""
    largest = np.abs(weight).max(axis=0)
    largest[largest == 0] = 1
    best, scale = np.full(weight.shape[1], np.inf), largest / LARGEST
    for share in np.linspace(1, NARROWEST, TRIED):
        tried = (largest * share / LARGEST).astype(np.float32)
        error = np.square(_integers(weight, tried) * tried - weight).sum(axis=0)
        scale = np.where(error < best, tried, scale)
        best = np.minimum(error, best)
    scale = scale.astype(np.float32)
    return _integers(weight, scale).astype(np.int8), scale


def _integers(weight: Floats, scale: Floats) -> Floats:
    return np.asarray(np.clip(np.rint(weight / scale), -LARGEST, LARGEST), np.float32)
