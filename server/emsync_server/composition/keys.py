"""How well pitch classes fit each key, by the profiles of Krumhansl & Kessler 1982."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_LEAST_NORM = 1e-9


def key_fits(pitch_classes: Floats) -> Floats:
    """(…, 24) Pearson correlations of pitch-class weights (…, 12) with C major to B major, then C
    minor to B minor; 0 where all weights are alike.
    """
    centred = pitch_classes - pitch_classes.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(centred, axis=-1, keepdims=True)
    return np.asarray(centred @ _PROFILES.T / np.maximum(norm, _LEAST_NORM))


def _profiles() -> Floats:
    """(24, 12), of zero mean and unit length."""
    rows = np.array([np.roll(p, k) for p in (MAJOR_PROFILE, MINOR_PROFILE) for k in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


_PROFILES = _profiles()
