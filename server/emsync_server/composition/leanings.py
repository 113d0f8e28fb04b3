"""What is better written next, as leanings that are added to logits: taste, never a prohibition.

What holds for every note, whatever its part: notes of the key, no semitone clashes on the beat, no
mud in the bass, chords that are complete, a hush before the accent. K classes of the field at
hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.accents import AccentPlan
from emsync_server.composition.piece import LOW_PITCH
from emsync_server.composition.representation import (
    BAR,
    CHORD_TONES,
    CLASSES,
    POSITION,
)
from emsync_server.composition.request import BarRequest

Mask = NDArray[np.bool_]
Leaning = NDArray[np.float64]

HUSH_LEANING = -2.5
OUT_OF_KEY_LEANING, ASKED_KEY_LEANING, OTHER_SEVENTH_LEANING = -1.1, -20.0, -0.9
TENSE_OUT_OF_KEY_LEANING = -0.3
LACKING_LEANINGS = (0.3, 1.3, 0.5)  # root, third, fifth
ENOUGH_VOICES, DOUBLED_LEANING = 2, -0.6
CLASH_LEANING, TRITONE_LEANING, MUD_LEANING = -0.5, -0.1, -6.0
PASSING_SHARE = 0.5  # off the beat, clashes pass
ROUGH_SHARE = 0.1  # a band rubs more than an orchestra, on the beat too
ODD_PLACE_LEANING = -1.5
WRONG_LEANING = -14.0  # at a landing
UNTUNED_LEANING = -4.0  # timpani are tuned to tonic and dominant
TRIADS = (np.array([0, 4, 7]), np.array([0, 3, 7]))
_SCALES = (np.array([0, 2, 4, 5, 7, 9, 11]), np.array([0, 2, 3, 5, 7, 8, 10]))
_LOWEST_ABOVE_BASS = [LOW_PITCH + (tone - LOW_PITCH) % 12 for tone in range(12)]
"""Of each pitch class the lowest note that is no bass."""


@cache
def key_leaning(key: int, chord: int, *, is_asked: bool, is_tense: bool = False) -> Leaning:
    """(128,) away from notes outside the key, less where it is tense, out of the question where
    the brief asks for it; the notes of the chord are always welcome.

    Minor keys have both sevenths: the leading tone where the chord has it, else the flat one.
    """
    steps = (np.arange(128) - key % 12) % 12
    outside = TENSE_OUT_OF_KEY_LEANING if is_tense else OUT_OF_KEY_LEANING
    outside = ASKED_KEY_LEANING if is_asked else outside
    leaning = np.where(np.isin(steps, _SCALES[key // 12]), 0.0, outside)
    if key >= 12:
        leads = (key + 11) % 12 in chord_tones(chord)
        leaning[steps == 11] = 0.0 if leads else OTHER_SEVENTH_LEANING
        leaning[steps == 10] = OTHER_SEVENTH_LEANING if leads else 0.0
    leaning[np.isin(np.arange(128) % 12, chord_tones(chord))] = 0.0
    return np.asarray(leaning)


def chord_tones(chord: int) -> tuple[int, ...]:
    """Pitch classes of a chord (root + 12 · kind), root first."""
    return tuple((chord + tone) % 12 for tone in CHORD_TONES[chord // 12])


@cache
def struck_chord(chord: int) -> Leaning:
    """(128,) away from all but the chord: what is struck at a landing is heard most."""
    return np.where(np.isin(np.arange(128) % 12, chord_tones(chord)), 0.0, WRONG_LEANING)


def completion(chord: int, sounding: Iterable[int]) -> Leaning:
    """(128,) to the notes that the chord lacks, the third above all, above the bass; away from
    what two voices have already.
    """
    present = [pitch % 12 for pitch in sounding]
    leaning = np.zeros(128)
    for tone, towards in zip(chord_tones(chord), LACKING_LEANINGS, strict=False):
        if tone not in present:
            leaning[_LOWEST_ABOVE_BASS[tone] :: 12] = towards
    for tone in set(present):
        if present.count(tone) >= ENOUGH_VOICES:
            leaning[_LOWEST_ABOVE_BASS[tone] :: 12] += DOUBLED_LEANING
    return leaning


@cache
def tuning(key: int) -> Leaning:
    """(128,) of timpani: away from all but tonic and dominant."""
    steps = (np.arange(128) - key % 12) % 12
    return np.where(np.isin(steps, (0, 7)), 0.0, UNTUNED_LEANING)


def clashes(sounding: Iterable[int]) -> Leaning:
    """(128,) away from semitones against what sounds, and from close intervals in the bass."""
    leaning = np.zeros(128)
    for pitch in sounding:
        leaning = np.minimum(leaning, _clashes_with(pitch))
    return leaning


@cache
def _clashes_with(pitch: int) -> Leaning:
    pitches = np.arange(128)
    steps = (pitches - pitch) % 12
    leaning = np.where(np.isin(steps, (1, 11)), CLASH_LEANING, 0.0)
    leaning[steps == 6] = TRITONE_LEANING
    near = (np.abs(pitches - pitch) <= 4) & (pitches != pitch)
    leaning[near & (pitches < LOW_PITCH) & (pitch < LOW_PITCH)] = MUD_LEANING
    return np.asarray(leaning)


@cache
def odd_places() -> Leaning:
    """(K,) away from steps that are neither semiquavers nor triplets."""
    steps = np.arange(CLASSES[POSITION])
    odd = (steps % 3 != 0) & (steps % 4 != 0) & (steps < BAR)
    return np.where(odd, ODD_PLACE_LEANING, 0.0)


def hush(accents: AccentPlan, bar: BarRequest) -> Leaning:
    """(K,) away from the steps around a landing, not from the landing itself."""
    leaning = np.zeros(CLASSES[POSITION])
    for landing in accents.within(bar.start_step, bar.end_step):
        low = max(landing.hush_from - bar.start_step, 0)
        high = min(landing.hush_to - bar.start_step, bar.steps)
        leaning[low:high] += HUSH_LEANING
    for landing in accents.within(bar.start_step, bar.end_step):
        if bar.start_step <= landing.step < bar.end_step:
            leaning[landing.step - bar.start_step] = 0
    return leaning
