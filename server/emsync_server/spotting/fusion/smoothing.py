"""The emotion of a film along its shots: a state that drifts inside a shot and may jump at a cut.

Each axis is a stationary process around 0 whose likeness to what it was falls with time and, at a
boundary, by the boundary's strength. Known only through evidence that may be missing. A forward
pass (Kalman) and a backward pass (Rauch, Tung and Striebel 1965) give the mean and variance of
every shot, given all of them. S shots.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE

__all__ = ["likeness", "smoothed"]

Floats = NDArray[np.float64]

DRIFT_S = 90.0
"""Inside a shot likeness falls to 1/e in this time."""
CUT_LIKENESS = 0.35
"""Across a hard cut. Neighbouring shots of a scene are alike, of two scenes not: this lies nearer
to the latter, so that a cut is never smoothed away."""
OWN_SHARE = 0.5
"""Of an expert's error variance, what is drawn anew in each shot; the rest (it misjudges this film,
this place, this face) does not average out over shots. Photographs of one theme share 0.6 of it in
valence, 0.5 in arousal (`python -m emsync_training variances`)."""


def likeness(gaps_s: Floats, strengths: Floats) -> Floats:
    """Correlation between neighbouring stretches. (S - 1,) seconds between their middles, (S - 1,)
    strength of the boundary between them, 0 for none → (S - 1,)"""
    across = 1 - (1 - CUT_LIKENESS) * np.clip(strengths, 0, 1)
    return np.asarray(np.exp(-np.maximum(gaps_s, 0) / DRIFT_S) * across)


def smoothed(gain: Floats, mean: Floats, alike: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of one axis in each shot.

    gain, mean: (S,) evidence as `evidence.Given` has it · alike: (S - 1,) · returns two (S,)
    """
    count = len(gain)
    posterior = 1 / (gain + 1 / PRIOR_VARIANCE)
    common = _common_variance(gain, posterior)
    own = np.maximum(0.0, 1 / (posterior - common) - 1 / PRIOR_VARIANCE)
    # A shot alone keeps the mean that its evidence gives it, whatever part of the error is its own.
    wanted, free = gain * posterior * mean, own * (posterior - common)
    mean = np.divide(wanted, free, out=np.zeros(count), where=free > 0)
    ahead_m, ahead_v = np.zeros(count), np.full(count, PRIOR_VARIANCE)
    now_m, now_v = np.zeros(count), np.zeros(count)
    for k in range(count):
        if k:
            ahead_m[k] = alike[k - 1] * now_m[k - 1]
            ahead_v[k] = alike[k - 1] ** 2 * now_v[k - 1] + PRIOR_VARIANCE * (1 - alike[k - 1] ** 2)
        now_v[k] = 1 / (1 / ahead_v[k] + own[k])
        now_m[k] = now_v[k] * (ahead_m[k] / ahead_v[k] + own[k] * mean[k])
    for k in range(count - 2, -1, -1):
        back = now_v[k] * alike[k] / ahead_v[k + 1]
        now_m[k] += back * (now_m[k + 1] - ahead_m[k + 1])
        now_v[k] += back**2 * (now_v[k + 1] - ahead_v[k + 1])
    return now_m, np.clip(now_v + common, 0, PRIOR_VARIANCE)


def _common_variance(gain: Floats, posterior: Floats) -> Floats:
    """The part of the error that does not average out; 0 where nothing is known, since then all is
    in the prior."""
    known = gain * PRIOR_VARIANCE / (1 + gain * PRIOR_VARIANCE)  # 0 to 1
    return np.asarray((1 - OWN_SHARE) * known * posterior)
