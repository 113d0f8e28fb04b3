"""Emotion labels computed from the notes: valence and arousal of every bar, in [-1, 1].

They are computed, not human: valence from how major the bar sounds (Krumhansl & Kessler 1982 key
profiles), how clear its key is and how high it lies; arousal from onsets and notes a second,
tempo, shortness, loudness and drums. Each is standardised over the corpus and spread evenly over
[-1, 1] by its rank.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.harmony import Notes
from emsync_server.composition.keys import key_fits
from emsync_server.composition.representation import STEPS_PER_QUARTER

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

CONTEXT_BARS = 2  # a bar is judged with two bars on either side
QUANTILES = 201

MODE, CLARITY, REGISTER, ONSETS, NOTES, LOG_LENGTH, LOUDNESS, DRUMS = range(8)
"""Columns of the bar features: major minus minor fit; best fit; mean MIDI pitch; onsets, notes per
quarter; mean log2 length in quarters; mean velocity 0 to 1; drum strokes per quarter."""
BAR_FEATURES = 8

VALENCE_WEIGHTS = np.array([1.0, 0.35, 0.35])
"""Of mode, clarity, register."""
AROUSAL_WEIGHTS = np.array([1.0, 0.5, 0.5, -0.5, 0.6, 0.4])
"""Of log2(1 + onsets/s), log2(1 + notes/s), log2 tempo, log2 seconds a note, velocity, log2(1 +
drum strokes/s).
"""


def bar_features(notes: Notes, bar_steps: Ints) -> Floats:
    """(bars, BAR_FEATURES) over each bar and its context, independent of tempo and transposition
    of register.
    """
    bars = len(bar_steps)
    pitched = ~notes.is_drum
    bar, pitch = notes.bar[pitched], notes.pitch[pitched]
    length = np.minimum(notes.length[pitched], 4 * STEPS_PER_QUARTER).astype(np.float64)

    def per_bar(index: Ints, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        return _windowed(np.bincount(index, weights, minlength=bars).astype(np.float64))

    histogram = np.bincount(bar * 12 + pitch % 12, length, minlength=bars * 12).reshape(bars, 12)
    fits = key_fits(_windowed(histogram.astype(np.float64)))
    quarters = _windowed(bar_steps.astype(np.float64)) / STEPS_PER_QUARTER
    onset_bar = np.unique(notes.bar * 256 + notes.step) // 256
    weight, count = per_bar(bar, length), per_bar(bar)
    everything = per_bar(notes.bar)
    features = np.zeros((bars, BAR_FEATURES))
    features[:, MODE] = fits[:, :12].max(axis=1) - fits[:, 12:].max(axis=1)
    features[:, CLARITY] = fits.max(axis=1)
    features[:, REGISTER] = np.where(
        weight > 0, per_bar(bar, length * pitch) / np.maximum(weight, 1), 60
    )
    features[:, ONSETS] = per_bar(onset_bar) / quarters
    features[:, NOTES] = everything / quarters
    logs = np.log2(length / STEPS_PER_QUARTER)
    features[:, LOG_LENGTH] = np.where(count > 0, per_bar(bar, logs) / np.maximum(count, 1), 1.0)
    loud = per_bar(notes.bar, notes.velocity.astype(np.float64))
    features[:, LOUDNESS] = np.where(everything > 0, loud / np.maximum(everything, 1) / 127, 0.5)
    features[:, DRUMS] = per_bar(notes.bar[notes.is_drum]) / quarters
    return features.astype(np.float32)


def _windowed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over each bar and its context, along the first axis."""
    total = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    index = np.arange(len(values))
    stop = np.minimum(index + CONTEXT_BARS + 1, len(values))
    return np.asarray(total[stop] - total[np.maximum(index - CONTEXT_BARS, 0)])


def valence_terms(features: Floats, transposition: float = 0.0) -> NDArray[np.float64]:
    """(bars, 3) raw terms of valence."""
    register = features[:, REGISTER] + transposition
    return np.stack([features[:, MODE], features[:, CLARITY], register], axis=1).astype(np.float64)


def arousal_terms(features: Floats, tempo_bpm: Floats) -> NDArray[np.float64]:
    """(bars, 6) raw terms of arousal at a tempo for each bar."""
    per_s = tempo_bpm.astype(np.float64) / 60
    columns = [
        np.log2(1 + features[:, ONSETS] * per_s),
        np.log2(1 + features[:, NOTES] * per_s),
        np.log2(per_s),
        features[:, LOG_LENGTH] - np.log2(per_s),
        features[:, LOUDNESS],
        np.log2(1 + features[:, DRUMS] * per_s),
    ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class LabelScale:
    """How raw terms become labels: means and deviations over the corpus, then ranks."""

    valence_mean: NDArray[np.float64]
    valence_sd: NDArray[np.float64]
    arousal_mean: NDArray[np.float64]
    arousal_sd: NDArray[np.float64]
    valence_quantiles: NDArray[np.float64]
    arousal_quantiles: NDArray[np.float64]

    @classmethod
    def fit(cls, valence: NDArray[np.float64], arousal: NDArray[np.float64]) -> LabelScale:
        """The scale of a representative sample of bars' raw terms."""
        spread = [np.maximum(terms.std(axis=0), 1e-6) for terms in (valence, arousal)]
        means = (valence.mean(axis=0), spread[0], arousal.mean(axis=0), spread[1])
        ranks = np.linspace(0, 1, QUANTILES)
        v = (valence - means[0]) / means[1] @ VALENCE_WEIGHTS
        a = (arousal - means[2]) / means[3] @ AROUSAL_WEIGHTS
        return cls(*means, np.quantile(v, ranks), np.quantile(a, ranks))

    def valence(self, features: Floats, transposition: float = 0.0) -> Floats:
        """(bars,) valence in [-1, 1]."""
        z = (valence_terms(features, transposition) - self.valence_mean) / self.valence_sd
        return _spread(z @ VALENCE_WEIGHTS, self.valence_quantiles)

    def arousal(self, features: Floats, tempo_bpm: Floats, *, flat_velocity: bool) -> Floats:
        """(bars,) arousal in [-1, 1]; loudness does not count where velocities are flat."""
        z = (arousal_terms(features, tempo_bpm) - self.arousal_mean) / self.arousal_sd
        if flat_velocity:
            z[:, 4] = 0
        return _spread(z @ AROUSAL_WEIGHTS, self.arousal_quantiles)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        data = {name: getattr(self, name).tolist() for name in self.__dataclass_fields__}
        path.write_text(json.dumps(data), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> LabelScale:
        """Read what `save` wrote."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{name: np.array(data[name]) for name in cls.__dataclass_fields__})


def _spread(raw: NDArray[np.float64], quantiles: NDArray[np.float64]) -> Floats:
    ranks = np.linspace(-1, 1, len(quantiles))
    return np.interp(raw, quantiles, ranks).astype(np.float32)
