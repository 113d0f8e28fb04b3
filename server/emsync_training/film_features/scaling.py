"""From features as they lie in files to what the published networks take: scaled by stored numbers,
of one length, zeros where a modality is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from emsync_server.spotting.experts.description import Modality
from emsync_training.film_features.films import Features, FilmSet
from emsync_training.film_features.published import feature_of

__all__ = ["Scaling"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """How each modality is made ready: as spotting does it (`Modality.prepared`)."""

    modalities: dict[str, Modality]
    """Their least and greatest values in training, as published: they become 0 and 1."""
    steps: int
    """Of a sequence."""

    @classmethod
    def of(cls, films: FilmSet, steps: int) -> Scaling:
        """From the films of the training split."""
        found = {}
        for name, (size, is_sequence) in films.modalities.items():
            arrays = [film[name] for film in films.features if name in film]
            low = min(float(each.min()) for each in arrays)
            high = max(float(each.max()) for each in arrays)
            found[name] = Modality(feature_of(name, size), size, is_sequence, low, high)
        return cls(found, steps)

    def batch(self, films: Sequence[Features]) -> dict[str, Tensor]:
        """(B, T, size) of sequences, (B, size) of texts."""
        return {
            name: torch.from_numpy(
                np.stack([each.prepared(film.get(name), self.steps) for film in films])
            )
            for name, each in self.modalities.items()
        }
