"""What makes a line of notes a melody, as leanings over its next pitch: steps rather than leaps, an
arch, turns that come again, chord tones where it rests.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.leanings import chord_tones

Leaning = NDArray[np.float64]

INTERVALS = {
    0: -1.4, 1: 2.7, 2: 3.0, 3: 0.7, 4: -0.3, 5: -1.2, 6: -5.0, 7: -1.8, 8: -3.2, 9: -3.2,
    10: -6.0, 11: -6.0, 12: -3.0,
}  # fmt: skip
FARTHER = -5.0
TURN_LEANING, LEAP = 1.0, 5  # a leap is answered by a step back
ROCKING_LEANING = -1.6  # back to the note before the latest
ARCH_LEANING, ARCH_FREE = -0.22, 3  # a semitone farther from the arch than is free
ON_CHORD, OFF_CHORD = 1.0, -2.5  # on strong beats; elsewhere notes pass
OUT_OF_KEY_LEANING = -2.5
CLOSE_CHORD, CLOSE_ROOT = 3.0, 1.0
ECHO_LEANING = 3.5
GOING_ON_LEANING = -0.6  # a semitone that whoever takes a line over leaps beyond a fifth
FIFTH = 7  # semitones: a leap to the next line that needs no excuse
TAKEN_OVER = 2  # semitones outside its place where a line may go on from the one before
_SCALES = (np.array([0, 2, 4, 5, 7, 9, 11]), np.array([0, 2, 3, 5, 7, 8, 10]))


def arch(u: float) -> float:
    """How high a line lies at a share of its phrase: it rises to two thirds, and falls."""
    return 0.3 + 0.5 * math.sin(math.pi * min(u / 0.66, 1.0) / 2) - 0.55 * max(u - 0.66, 0) / 0.34


def towards_arch(band: tuple[int, int], height: float) -> Leaning:
    """(128,) to the height of the phrase's arch within a band."""
    wanted = band[0] + height * (band[1] - band[0])
    away = np.abs(np.arange(128) - wanted)
    return np.asarray(ARCH_LEANING * np.maximum(away - ARCH_FREE, 0.0))


def taking_over(band: tuple[int, int], latest: int) -> tuple[int, int]:
    """A line's band with room towards the note that it goes on from, which another player may have
    sung elsewhere.
    """
    low, high = band
    return max(min(low, latest), low - TAKEN_OVER), min(max(high, latest), high + TAKEN_OVER)


@cache
def going_on(latest: int) -> Leaning:
    """(128,) of the first notes of a line whose player takes it over, by the note before them."""
    away = np.abs(np.arange(128) - latest)
    return np.asarray(GOING_ON_LEANING * np.maximum(away - FIFTH, 0))


def from_latest(latest: list[int]) -> Leaning:
    """(128,) by the interval from the latest note of a line, which comes last."""
    if not latest:
        return np.zeros(128)
    leaning = _by_interval(latest[-1]).copy()
    if len(latest) > 1 and latest[-1] != latest[-2]:
        leaning[latest[-2]] += ROCKING_LEANING
    if len(latest) > 1 and abs(latest[-1] - latest[-2]) >= LEAP:
        back = -int(np.sign(latest[-1] - latest[-2]))
        leaning[[latest[-1] + back, latest[-1] + 2 * back]] += TURN_LEANING
    return leaning


@cache
def harmony(chord: int, *, strong: bool, closes: bool) -> Leaning:
    """(128,) by the chord under a note of a line."""
    tones = chord_tones(chord)
    inside = np.isin(np.arange(128) % 12, tones)
    if closes:
        leaning = np.where(inside, CLOSE_CHORD, OFF_CHORD)
        leaning[np.arange(128) % 12 == tones[0]] += CLOSE_ROOT
        return np.asarray(leaning)
    return np.where(inside, ON_CHORD, OFF_CHORD) if strong else np.zeros(128)


@cache
def inside_key(key: int, chord: int) -> Leaning:
    """(128,) away from what is neither in the key nor in the chord."""
    pitches = np.arange(128)
    kept = np.isin(pitches, _ladder(key)) | np.isin(pitches % 12, chord_tones(chord))
    return np.where(kept, 0.0, OUT_OF_KEY_LEANING)


def echo(heard: int, opening: int, opens_now: int, key: int) -> Leaning:
    """(128,) to the pitch that is as many steps of the scale from `opens_now` as `heard` was from
    `opening`.
    """
    leaning = np.zeros(128)
    steps = _ladder(key)
    opened, came, opens = np.searchsorted(steps, (opening, heard, opens_now))
    leaning[steps[min(max(opens + came - opened, 0), len(steps) - 1)]] = ECHO_LEANING
    return leaning


@cache
def _ladder(key: int) -> NDArray[np.int64]:
    """All pitches of a key, upwards."""
    pitches = np.arange(128)
    return pitches[np.isin((pitches - key % 12) % 12, _SCALES[key // 12])]


@cache
def _by_interval(latest: int) -> Leaning:
    distances = np.abs(np.arange(128) - latest)
    return np.array([INTERVALS.get(int(distance), FARTHER) for distance in distances])
