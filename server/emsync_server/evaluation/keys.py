"""Which key music is in, by the profiles of Krumhansl & Kessler 1982."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.evaluation.sounding import SoundingNotes

__all__ = ["estimated_key", "key_fits", "key_name", "pitch_class_seconds"]

# How well each pitch class fits a key of C major and C minor.
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
NAMES = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")

Floats = NDArray[np.float64]


def key_fits(pitch_classes: Floats) -> Floats:
    """(24,) correlations of pitch-class weights (12,) with C major to B major, then C minor to B
    minor; 0 where all weights are alike.
    """
    centred = pitch_classes - pitch_classes.mean()
    norm = float(np.linalg.norm(centred))
    if norm < 1e-12:
        return np.zeros(24)
    return np.asarray(_profiles() @ centred / norm)


def pitch_class_seconds(
    notes: SoundingNotes, start_s: float = 0.0, end_s: float = np.inf
) -> Floats:
    """(12,) seconds that each pitch class sounds within a stretch, drums aside."""
    inside = np.minimum(notes.end_s, end_s) - np.maximum(notes.start_s, start_s)
    kept = ~notes.is_drum & (inside > 0)
    return np.bincount(notes.pitch[kept] % 12, inside[kept], minlength=12).astype(np.float64)


def estimated_key(notes: SoundingNotes, start_s: float = 0.0, end_s: float = np.inf) -> int:
    """0 to 11: C major to B major; 12 to 23: C minor to B minor."""
    return int(np.argmax(key_fits(pitch_class_seconds(notes, start_s, end_s))))


def key_name(key: int) -> str:
    """'E♭ minor'."""
    return f"{NAMES[key % 12]} {'major' if key < 12 else 'minor'}"


@cache
def _profiles() -> Floats:
    """(24, 12): the major keys from C, then the minor ones; of zero mean and unit length."""
    rows = np.array([np.roll(p, k) for p in (MAJOR_PROFILE, MINOR_PROFILE) for k in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))
