"""Which of the 128 MIDI pitches something holds for: reach, triads, what was struck or is worn."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition import leanings
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS
from emsync_server.composition.piece import LOW_PITCH, Piece

Mask = NDArray[np.bool_]

FIRST_KIT_KEY, LAST_KIT_KEY = 35, 81  # drum keys that every General MIDI kit has
WORN_AFTER = 2  # a bar that stood this often among the remembered ones must change
RECENT_NOTES = 24  # more than two onsets hold


def worn_pitches(piece: Piece, step: int, instrument: int) -> set[int]:
    """Pitches that would go on copying a bar that has been heard too often."""
    so_far = tuple(piece.content)
    worn: set[int] = set()
    for content in {bar for bar in piece.recent if piece.recent.count(bar) >= WORN_AFTER}:
        count = len(so_far)
        if count < len(content) and count >= len(content) // 2 and content[:count] == so_far:
            place, player, pitch = content[count]
            if (place, player) == (step - piece.bar_start, instrument):
                worn.add(pitch)
    return worn


def struck_at(piece: Piece, step: int) -> list[int]:
    """The pitches that began at a step not long ago."""
    return [n.pitch for n in piece.notes[-RECENT_NOTES:] if n.step == step and not n.is_drum]


def same_notes(struck: list[int]) -> Mask:
    """(128,) these notes in every octave: struck again at once, they would hardly be new, since
    their partials sound already.
    """
    return np.isin(np.arange(128) % 12, np.array(struck, np.int64) % 12)


@cache
def range_of(instrument: int) -> Mask:
    """(128,) what an instrument reaches; of the drum kit, the keys that every kit has."""
    pitches = np.arange(128)
    if instrument == DRUM_KIT:
        return (pitches >= FIRST_KIT_KEY) & (pitches <= LAST_KIT_KEY)
    return (pitches >= INSTRUMENTS[instrument].low) & (pitches <= INSTRUMENTS[instrument].high)


@cache
def triad_pitches(key: int) -> Mask:
    """(128,) the tonic triad; in the bass only its root."""
    pitches = np.arange(128)
    steps = (pitches - key % 12) % 12
    triad = np.isin(steps, leanings.TRIADS[key // 12])
    return np.asarray(triad & ((pitches >= LOW_PITCH) | (steps == 0)))
