"""Which key music that sounds is in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.keys import key_fits
from emsync_server.evaluation.sounding import SoundingNotes

__all__ = ["estimated_key", "key_name", "pitch_class_seconds"]

NAMES = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")

Floats = NDArray[np.float64]


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
