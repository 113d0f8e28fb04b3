"""From features as they lie in files to what the published networks take: scaled by stored numbers,
of one length, zeros where a modality is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from emsync_training.film_features.films import Features, FilmSet

__all__ = ["Scaling"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Least and greatest value of each modality in training, as published: they become 0 and 1."""

    limits: dict[str, tuple[float, float]]
    sizes: dict[str, tuple[int, bool]]
    """Of each modality's features, and whether it is a sequence."""
    steps: int
    """Of a sequence; longer ones are thinned out evenly, shorter ones repeat their end."""

    @classmethod
    def of(cls, films: FilmSet, steps: int) -> Scaling:
        """From the films of the training split."""
        limits = {}
        for name in films.modalities:
            arrays = [film[name] for film in films.features if name in film]
            limits[name] = (
                min(float(each.min()) for each in arrays),
                max(float(each.max()) for each in arrays),
            )
        return cls(limits, films.modalities, steps)

    def batch(self, films: Sequence[Features]) -> dict[str, Tensor]:
        """(B, T, size) of sequences, (B, size) of texts."""
        return {
            name: torch.from_numpy(np.stack([self._one(film, name) for film in films]))
            for name in self.limits
        }

    def _one(self, film: Features, name: str) -> np.ndarray:
        size, is_sequence = self.sizes[name]
        array = film.get(name)
        if array is None:  # the published rule: what is missing is zeros
            return np.zeros((self.steps, size) if is_sequence else size, np.float32)
        low, high = self.limits[name]
        scaled = (array - low) / max(high - low, 1e-9)
        if not is_sequence:
            return np.asarray(scaled, np.float32)
        rows = np.linspace(0, len(array) - 1, self.steps) if len(array) >= self.steps else (
            np.minimum(np.arange(self.steps), len(array) - 1)
        )  # fmt: skip
        return np.asarray(scaled[np.rint(rows).astype(int)], np.float32)
