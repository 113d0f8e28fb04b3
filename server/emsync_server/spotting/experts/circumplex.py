"""From six basic emotions to valence and arousal: the published table, and how wide it is.

Means and deviations of Russell and Mehrabian, *Evidence for a three-factor theory of emotions*
(1977). As published, each axis is stretched so that its least and greatest mean become -0.8 and
0.8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync.emotion import ValenceArousal
from emsync_server.spotting.experts.readings import Ekman, EkmanProbabilities, Estimate

__all__ = ["drawn_emotion", "emotion_of", "estimate_of", "table"]

Floats = NDArray[np.float64]

_ROWS: dict[Ekman, tuple[float, float, float, float]] = {
    Ekman.ANGER: (-0.51, 0.20, 0.59, 0.29),
    Ekman.DISGUST: (-0.60, 0.20, 0.35, 0.41),
    Ekman.FEAR: (-0.64, 0.20, 0.60, 0.32),
    Ekman.JOY: (0.76, 0.22, 0.48, 0.26),
    Ekman.SADNESS: (-0.63, 0.23, -0.27, 0.34),
    Ekman.SURPRISE: (0.40, 0.30, 0.67, 0.27),
}
"""Valence: mean, deviation; arousal: mean, deviation."""
assert tuple(_ROWS) == tuple(Ekman), "in the order of every array of six"

EXTREME = 0.8


def table(*, stretched: bool = True) -> tuple[Floats, Floats]:
    """Means and deviations of the six. Two (6, 2), valence first."""
    rows = np.array(list(_ROWS.values()))
    means, deviations = rows[:, ::2], rows[:, 1::2]
    if not stretched:
        return means, deviations
    low, high = means.min(axis=0), means.max(axis=0)
    gain = 2 * EXTREME / (high - low)
    return (means - low) * gain - EXTREME, deviations * gain


def emotion_of(probabilities: EkmanProbabilities, *, stretched: bool = True) -> ValenceArousal:
    """The probability-weighted mean of the six, as published: what is neutral does not count.

    Nothing but neutral is (0, 0).
    """
    six = probabilities.six().astype(np.float64)
    if six.sum() <= 0:
        return ValenceArousal(0.0, 0.0)
    means, _ = table(stretched=stretched)
    return _clipped(six / six.sum() @ means)


def drawn_emotion(
    probabilities: EkmanProbabilities, rng: np.random.Generator, *, stretched: bool = True
) -> ValenceArousal:
    """A draw from the mixture of six Gaussians instead of its mean."""
    six = probabilities.six().astype(np.float64)
    if six.sum() <= 0:
        return ValenceArousal(0.0, 0.0)
    means, deviations = table(stretched=stretched)
    chosen = int(rng.choice(len(six), p=six / six.sum()))
    return _clipped(rng.normal(means[chosen], deviations[chosen]))


def estimate_of(probabilities: EkmanProbabilities, error_variance: tuple[float, float]) -> Estimate:
    """The mean over the six and a neutral state at (0, 0), with the variance that the expert's
    errors were measured to have."""
    weights = np.append(probabilities.six().astype(np.float64), probabilities.neutral)
    means = np.vstack((table()[0], np.zeros(2)))
    return Estimate(_clipped(weights / weights.sum() @ means), error_variance)


def _clipped(pair: Floats) -> ValenceArousal:
    valence, arousal = np.clip(pair, -1, 1).tolist()
    return ValenceArousal(valence, arousal)
