"""Who marks an accent: a player whose tone begins at once, struck or plucked.

A chord of bowed strings, choir or pads swells: heard, and measured in the sound, its beginning is
uncertain by more than half a frame (BENCHMARKS.md, 'Attacks'). So wherever somebody in the ensemble
can strike, an accent owes a strike, and in a run of landings the strikers play alone and short.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS
from emsync_server.composition.orchestration import (
    HEAVY,
    PERCUSSION,
    SHARP,
    SOLOS,
    STRIKERS,
)

Mask = NDArray[np.bool_]

STRIKE = 2  # notes that mark an accent; one of a heavy player does
LOWEST_SPEAKING, HIGHEST_SPEAKING = 36, 88  # below, tones begin slowly; above, they are thin
LOWEST_RUNNING = 55  # in a run the slow beginnings of low tones merge
DRUMS_THAT_STRIKE = (35, 36, 38, 40, 41, 43, 45, 47, 48, 49, 50, 57)
"""Bass drums, snares, toms and crashes: a hi-hat would mark nothing."""


@cache
def strikers_of(ensemble: frozenset[int]) -> tuple[int, ...]:
    """Who can mark an accent, in the order of the vocabulary; empty where all tones swell."""
    return tuple(sorted(ensemble & STRIKERS))


@cache
def runners_of(ensemble: frozenset[int]) -> tuple[int, ...]:
    """The strikers that play a run of close landings alone, the sharpest there are; empty where
    they make no chord.
    """
    pitched = [player for player in strikers_of(ensemble) if player != DRUM_KIT]
    harmonic = [player for player in pitched if player not in PERCUSSION]
    sharp = [player for player in pitched if player in SHARP]
    for players in (sharp, harmonic, pitched):
        if any(player not in SOLOS for player in players):  # that one makes chords
            return tuple(players)
    return ()


@cache
def speaking(instrument: int, *, in_run: bool = False) -> Mask:
    """(128,) pitches, or drum keys, on which a striker is heard at once."""
    pitches = np.arange(128)
    if instrument == DRUM_KIT:
        return np.isin(pitches, DRUMS_THAT_STRIKE)
    played = INSTRUMENTS[instrument]
    low = max(played.low, LOWEST_RUNNING if in_run else LOWEST_SPEAKING)
    high = min(played.high, max(HIGHEST_SPEAKING, played.low + 24))
    return (pitches >= low) & (pitches <= high)


def force_of(instrument: int) -> int:
    """How much of a strike one note of a player is."""
    return STRIKE if instrument in HEAVY else int(instrument in STRIKERS)
