"""How a cue ends: on which chord, when it is struck, and whether it is left to ring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emsync_server.evaluation.keys import estimated_key
from emsync_server.evaluation.sounding import SoundingNotes

__all__ = ["Ending", "ending_of"]

KEY_FROM_S = 20.0  # the key is that of so many last seconds
TOGETHER_S = 0.03
HELD_TO_S = 0.35  # a chord let go this shortly before the out-point still rings past it
LEAST_HELD_S = 0.5  # what is struck later is cut off
MAJOR_TRIAD, MINOR_TRIAD = frozenset((0, 4, 7)), frozenset((0, 3, 7))


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a cue."""

    is_tonic: bool
    """The last onset with what still sounds then is the tonic triad of the estimated key (or a
    part of it, or the minor key's major triad), its root below.
    """
    struck_before_end_s: float
    """From the last onset to the out-point; negative where it comes after."""
    held_to_end: bool
    """The last onset's notes last until shortly before the out-point, or to it."""

    @property
    def is_good(self) -> bool:
        """A stable chord, struck before the out-point, in time to be heard, and left to ring."""
        return self.is_tonic and self.struck_before_end_s >= LEAST_HELD_S and self.held_to_end


def ending_of(notes: SoundingNotes, end_s: float) -> Ending | None:
    """The ending of a cue that lasts `end_s`; None without pitched notes."""
    pitched = ~notes.is_drum
    if not pitched.any():
        return None
    start, end, pitch = notes.start_s[pitched], notes.end_s[pitched], notes.pitch[pitched]
    last_s = float(start.max())
    struck = start >= last_s - TOGETHER_S
    sounding = struck | ((start < last_s) & (end > last_s + TOGETHER_S))
    key = estimated_key(notes, end_s - KEY_FROM_S)
    return Ending(
        _is_tonic(pitch[sounding].tolist(), key),
        end_s - last_s,
        bool(np.max(end[struck]) >= end_s - HELD_TO_S),
    )


def _is_tonic(pitches: list[int], key: int) -> bool:
    root = key % 12
    classes = {(pitch - root) % 12 for pitch in pitches}
    triads = (MAJOR_TRIAD,) if key < 12 else (MINOR_TRIAD, MAJOR_TRIAD)
    return min(pitches) % 12 == root and any(classes <= triad for triad in triads)
