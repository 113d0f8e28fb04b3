"""A small head that remembers: kernel ridge regression from an embedding to valence and arousal.

What it says of a picture is a weighted sum over rated pictures that it resembles (a Gaussian
kernel on standardised features). Far from all of them it says what people say on the average, and
how far that may be off. N items, D features given, F features used, S rated pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from emsync_server.inference.network import unusable
from emsync_server.models import listed_sha256, sha256_of

__all__ = ["STEP", "HeadEstimate", "KernelHead"]

Floats = NDArray[np.float32]

STEP = 6.0 / 127
"""Standard deviations per level of a stored feature; r and error stay the same to three digits."""


class HeadEstimate(NamedTuple):
    """N estimates, valence first."""

    mean: Floats
    """(N, 2) in [-1, 1]."""
    variance: Floats
    """(N, 2)"""


@dataclass(frozen=True, slots=True, eq=False)
class KernelHead:
    """The arrays of a head."""

    chosen: NDArray[np.int32]
    """(F,) places of the features that count."""
    law: NDArray[np.int8]
    """(F,) how each is bent first: 0 as it is, 1 its square root, 2 the logarithm of it + 0.05."""
    mean: Floats
    """(F,)"""
    scale: Floats
    """(F,)"""
    support: NDArray[np.int8]
    """(S, F) rated pictures, in steps of `STEP` deviations."""
    weights: Floats
    """(S, 2)"""
    rest: Floats
    """(2,) what people say on the average."""
    gamma: float
    """Of the kernel exp(-gamma d²), d² the mean squared distance over features."""
    error_variance: Floats
    """(2,) of what it says about pictures like those that were rated."""
    absent_variance: Floats
    """(2,) of what it says about anything else."""
    familiar: float
    """Mean likeness to all rated pictures below which one is strange."""

    @classmethod
    def load(cls, path: Path, features: int) -> KernelHead:
        """From a safetensors file, for embeddings of D `features`; raises MissingPartError."""
        if not path.is_file():
            raise unusable(path, "there is no such file")
        data = path.read_bytes()
        listed = listed_sha256(path.parent, path.stem).get(path.name)
        if listed is not None and listed != sha256_of(data):
            raise unusable(path, "it is not the file that was installed")
        try:
            return cls.of_arrays(load(data), features)
        except (SafetensorError, KeyError, ValueError, TypeError) as err:
            raise unusable(path, f"it is not a complete head ({err})") from err

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], features: int) -> KernelHead:
        """From what a file holds; `ValueError` says what contradicts what."""
        numbers = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
        count, used = arrays["support"].shape
        shapes = {"chosen": (used,), "law": (used,), "mean": (used,), "scale": (used,),
                  "weights": (count, 2), "rest": (2,), "kernel": (2,), "error_variance": (2,),
                  "absent_variance": (2,)}  # fmt: skip
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise ValueError(f"its '{name}' has shape {arrays[name].shape}, not {shape}")
            if not np.isfinite(numbers[name]).all():
                raise ValueError(f"its '{name}' holds values that are not numbers")
        chosen = arrays["chosen"].astype(np.int32)
        if chosen.min() < 0 or chosen.max() >= features:
            raise ValueError(f"it asks for more than {features} features")
        if arrays["support"].dtype != np.int8 or not (numbers["scale"] > 0).all():
            raise ValueError("its features have no scale")
        gamma, familiar = numbers["kernel"].tolist()
        law = arrays["law"].astype(np.int8)
        return cls(
            chosen,
            law,
            numbers["mean"],
            numbers["scale"],
            np.asarray(arrays["support"], np.int8),
            numbers["weights"],
            numbers["rest"],
            gamma,
            numbers["error_variance"],
            numbers["absent_variance"],
            familiar,
        )

    def estimate(self, embeddings: Floats) -> HeadEstimate:
        """(N, D) to valence and arousal, in the units of [-1, 1]."""
        x = (bent(embeddings[:, self.chosen], self.law) - self.mean) / self.scale
        likeness = gaussian(x, self.support.astype(np.float32) * STEP, self.gamma)  # (N, S)
        mean = np.clip(likeness @ self.weights + self.rest, -1, 1)
        known = np.clip(likeness.mean(axis=1) / self.familiar, 0, 1)[:, None]
        variance = known * self.error_variance + (1 - known) * self.absent_variance
        return HeadEstimate(mean.astype(np.float32), variance.astype(np.float32))


def bent(features: Floats, law: NDArray[np.int8]) -> Floats:
    """Pooled activations are skewed; these bring them nearer to a normal law. (N, F) → (N, F)"""
    kinds = [law == 1, law == 2]
    positive = np.maximum(features, 0)
    return np.asarray(np.select(kinds, [np.sqrt(positive), np.log(positive + 0.05)], features))


def gaussian(x: Floats, support: Floats, gamma: float) -> Floats:
    """(N, F), (S, F) → (N, S)"""
    width = x.shape[1]
    squared = np.square(x).sum(axis=1)[:, None] + np.square(support).sum(axis=1)
    distance = np.maximum(squared - 2 * x @ support.T, 0) / width
    return np.asarray(np.exp(-gamma * distance), np.float32)
