"""Valence and arousal that a score sounds like, by the rules that labelled the training corpus.

Valence: how major it sounds (Krumhansl & Kessler 1982 key profiles), how clear its key is, how high
it
lies. Arousal: onsets and notes a second, tempo, shortness, loudness, drums. It ranks takes; it is
no judge of the
network, which was trained on the same rules (DESIGN §9 has an independent one).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.keys import key_fits

Floats = NDArray[np.float64]

# Means and deviations of the terms over the training corpus, and the weights of its labels.
_VALENCE = (
    np.array([0.075, 0.814, 61.506]),
    np.array([0.189, 0.107, 6.014]),
    np.array([1.0, 0.35, 0.35]),
)
_AROUSAL = (
    np.array([2.367, 3.84, 0.82, -1.587, 0.59, 0.754]),
    np.array([0.734, 1.12, 0.574, 0.958, 0.143, 1.423]),
    np.array([1.0, 0.5, 0.5, -0.5, 0.6, 0.4]),
)
# The corpus' deciles of the weighted sums: rank becomes label, evenly over [-1, 1].
_VALENCE_DECILES = (-4.708, -1.697, -1.273, -0.898, -0.472, 0.042, 0.519, 0.92, 1.287, 1.681, 3.123)
_AROUSAL_DECILES = (-8.83, -3.461, -2.31, -1.435, -0.719, -0.053, 0.687, 1.483, 2.437, 3.594, 7.966)


@dataclass(frozen=True, slots=True)
class Passage:
    """Notes of a stretch of music, as parallel arrays."""

    start_s: Floats
    length_s: Floats
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    is_drum: NDArray[np.bool_]

    def between(self, start_s: float, end_s: float) -> Passage:
        """The notes that begin in a stretch."""
        kept = (self.start_s >= start_s) & (self.start_s < end_s)
        return Passage(
            self.start_s[kept],
            self.length_s[kept],
            self.pitch[kept],
            self.velocity[kept],
            self.is_drum[kept],
        )

    @property
    def pitch_classes(self) -> Floats:
        """(12,) seconds of each pitch class, drums aside."""
        pitched = ~self.is_drum
        classes = self.pitch[pitched] % 12
        return np.bincount(classes, self.length_s[pitched], minlength=12).astype(np.float64)


def estimated_emotion(passage: Passage, duration_s: float, tempo_bpm: float) -> tuple[float, float]:
    """(valence, arousal) of a passage that lasts `duration_s`."""
    pitched = ~passage.is_drum
    if not pitched.any():
        return 0.0, -1.0
    fits = key_fits(passage.pitch_classes)
    register = float(np.average(passage.pitch[pitched], weights=passage.length_s[pitched]))
    valence = [fits[:12].max() - fits[12:].max(), fits.max(), register]
    onsets = len(np.unique(np.round(passage.start_s, 3)))
    arousal = [
        np.log2(1 + onsets / duration_s),
        np.log2(1 + len(passage.pitch) / duration_s),
        np.log2(tempo_bpm / 60),
        np.log2(np.maximum(passage.length_s[pitched], 0.01)).mean(),
        passage.velocity.mean() / 127,
        np.log2(1 + int(passage.is_drum.sum()) / duration_s),
    ]
    return (
        _label(np.array(valence), _VALENCE, _VALENCE_DECILES),
        _label(np.array(arousal), _AROUSAL, _AROUSAL_DECILES),
    )


def _label(
    terms: Floats, scale: tuple[Floats, Floats, Floats], deciles: tuple[float, ...]
) -> float:
    mean, deviation, weights = scale
    raw = float(((terms - mean) / deviation) @ weights)
    return float(np.interp(raw, deciles, np.linspace(-1, 1, len(deciles))))
