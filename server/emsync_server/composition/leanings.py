"""What is better written next, as leanings that are added to logits: taste, never a prohibition.

Counterpoint and orchestration in their plainest form: notes of the key, no semitone clashes on
the beat, no mud in the bass, no needless leaps, a foundation below, nobody playing everything, a
hush before the accent. K classes of the field at hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.accents import AccentPlan
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS
from emsync_server.composition.piece import LOW_PITCH, Piece
from emsync_server.composition.representation import (
    BAR,
    CHORD_TONES,
    CLASSES,
    INSTRUMENT,
    LENGTH_STEPS,
    POSITION,
    STEPS_PER_QUARTER,
)
from emsync_server.composition.request import BarRequest

Mask = NDArray[np.bool_]
Leaning = NDArray[np.float64]

HUSH_LEANING = -2.5
OUT_OF_KEY_LEANING, ASKED_KEY_LEANING, OTHER_SEVENTH_LEANING = -1.1, -20.0, -0.9
TENSE_OUT_OF_KEY_LEANING = -0.3
CHORD_LEANINGS = (0.5, 0.8, 0.3)  # root, third, fifth, on beats: the third tells the mode
FOREIGN_LEANING = -1.0  # of other notes there
ROOT_BASS_LEANING = 0.7
LACKING_LEANINGS = (0.3, 1.3, 0.5)  # root, third, fifth
ENOUGH_VOICES, DOUBLED_LEANING = 2, -0.6
CLASH_LEANING, TRITONE_LEANING, MUD_LEANING = -0.5, -0.1, -1.5
PASSING_SHARE = 0.5  # off the beat, clashes pass
LEAP_LEANING, SOLO_LEAP_LEANING = -0.08, -0.2  # a semitone of leap beyond the free ones
MOST_LEAP_LEANING = -3.0
FREE_LEAP, FREE_SOLO_LEAP = 9, 4
REPEAT_LEANING, SOLO_REPEAT_LEANING = -0.45, -0.9  # of a note struck again so often already
MOST_REPEATS = 4
CALM_LENGTH_LEANING = 1.0  # an octave of length, at arousal -1
REGISTER_LEANING, MIDDLE_PITCH = 0.04, 62  # a semitone from the middle, at valence 1
HIGH_FLOOR = 60  # celesta, glockenspiel, piccolo
HIGH_PITCH, HIGH_LEANING = 84, -0.15  # a semitone above, but for those who live up there
ODD_PLACE_LEANING = -1.5
BALANCE_LEANING, MOST_BALANCE_LEANING, BALANCE_PRIOR = 5.0, -3.0, 6.0
DRUM_SHARE = 0.5  # of the notes, before the kit is leaned away from
HASTE_LEANING, SPARE_NOTES = -2.5, 2.0
UNTUNED_LEANING = -4.0  # timpani are tuned to tonic and dominant
BASS_PLAYER_LEANING, BASS_LEANING = 1.0, 2.0  # where nothing low sounds on a strong beat
MOST_LACK_OF_BASS = 4.0
TRIADS = (np.array([0, 4, 7]), np.array([0, 3, 7]))
_SCALES = (np.array([0, 2, 4, 5, 7, 9, 11]), np.array([0, 2, 3, 5, 7, 8, 10]))


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
def chord_leaning(chord: int, *, opens: bool) -> Leaning:
    """(128,) on a beat, towards the notes of the chord and in the bass to its root; stronger
    where the chord `opens`.
    """
    pitches = np.arange(128)
    tones = chord_tones(chord)
    leaning = np.where(np.isin(pitches % 12, tones), 0.0, FOREIGN_LEANING)
    for tone, towards in zip(tones, CHORD_LEANINGS, strict=False):
        leaning[pitches % 12 == tone] = towards
    low = pitches < LOW_PITCH
    leaning[low & (pitches % 12 == tones[0])] += ROOT_BASS_LEANING
    leaning[low & ~np.isin(pitches % 12, tones)] += FOREIGN_LEANING
    return np.asarray(leaning if opens else PASSING_SHARE * leaning)


def completion(chord: int, sounding: Iterable[int]) -> Leaning:
    """(128,) to the notes that the chord lacks, the third above all, above the bass; away from
    what two voices have already.
    """
    pitches = np.arange(128)
    present = [pitch % 12 for pitch in sounding]
    leaning = np.zeros(128)
    for tone, towards in zip(chord_tones(chord), LACKING_LEANINGS, strict=False):
        if tone not in present:
            leaning[(pitches % 12 == tone) & (pitches >= LOW_PITCH)] = towards
    for tone in set(present):
        if present.count(tone) >= ENOUGH_VOICES:
            leaning[(pitches % 12 == tone) & (pitches >= LOW_PITCH)] += DOUBLED_LEANING
    return leaning


@cache
def tuning(key: int) -> Leaning:
    """(128,) of timpani: away from all but tonic and dominant."""
    steps = (np.arange(128) - key % 12) % 12
    return np.where(np.isin(steps, (0, 7)), 0.0, UNTUNED_LEANING)


def balance(usage: Mapping[int, float], ensemble: frozenset[int]) -> Leaning:
    """(K,) towards pitched players that have rested, away from one that plays everything."""
    leaning = np.zeros(CLASSES[INSTRUMENT])
    players = [player for player in ensemble if player != DRUM_KIT]
    total = sum(usage.get(player, 0.0) for player in players) + BALANCE_PRIOR
    for player in players:
        share = (usage.get(player, 0.0) + BALANCE_PRIOR / len(players)) / total
        leaning[player] = max(BALANCE_LEANING * (1 / len(players) - share), MOST_BALANCE_LEANING)
    drums = usage.get(DRUM_KIT, 0.0)
    ahead = DRUM_SHARE - drums / (drums + total)
    leaning[DRUM_KIT] = max(BALANCE_LEANING * min(ahead, 0.0), MOST_BALANCE_LEANING)
    return leaning


@cache
def register(instrument: int, valence_tenths: int) -> Leaning:
    """(128,) up where it is pleasant and down where it is not (valence in tenths, -10 to 10), and
    down from the shrill top, where an instrument has a middle.
    """
    pitches = np.arange(128)
    lift = REGISTER_LEANING * valence_tenths / 10 * np.clip(pitches - MIDDLE_PITCH, -18, 18)
    if INSTRUMENTS[instrument].low >= HIGH_FLOOR:
        return np.asarray(lift)
    return np.asarray(lift + HIGH_LEANING * np.maximum(pitches - HIGH_PITCH, 0))


def clashes(sounding: Iterable[int]) -> Leaning:
    """(128,) away from semitones against what sounds, and from close intervals in the bass."""
    leaning = np.zeros(128)
    for pitch in sounding:
        leaning = np.minimum(leaning, _clashes_with(pitch))
    return leaning


def leaps(before: Iterable[int], *, solo: bool) -> Leaning:
    """(128,) away from great leaps from an instrument's latest notes; solos leap less."""
    latest = np.array(list(before))
    if not len(latest):
        return np.zeros(128)
    distance = np.abs(np.arange(128)[:, None] - latest).min(axis=1)
    beyond = np.maximum(distance - (FREE_SOLO_LEAP if solo else FREE_LEAP), 0)
    towards = SOLO_LEAP_LEANING if solo else LEAP_LEANING
    return np.asarray(np.maximum(towards * beyond, MOST_LEAP_LEANING))


def repeats(before: Sequence[int], count: int, *, solo: bool) -> Leaning:
    """(128,) away from an instrument's latest top note, the more the oftener it was struck; solos
    repeat less.
    """
    leaning = np.zeros(128)
    if before:
        towards = SOLO_REPEAT_LEANING if solo else REPEAT_LEANING
        leaning[before[-1]] = towards * min(count, MOST_REPEATS)
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
def calm_lengths(arousal_tenths: int) -> Leaning:
    """(K,) to long notes, the more the calmer: arousal in tenths, -10 to 10."""
    calm = max(-arousal_tenths / 10, 0.0)
    octaves = np.clip(np.log2(np.array(LENGTH_STEPS) / STEPS_PER_QUARTER), -2, 2)
    return np.asarray(CALM_LENGTH_LEANING * calm * octaves)


@cache
def odd_places() -> Leaning:
    """(K,) away from steps that are neither semiquavers nor triplets."""
    steps = np.arange(CLASSES[POSITION])
    odd = (steps % 3 != 0) & (steps % 4 != 0) & (steps < BAR)
    return np.where(odd, ODD_PLACE_LEANING, 0.0)


@cache
def reaches_bass() -> Mask:
    """(K,) which pitched instruments play low enough."""
    return np.array([i.low < LOW_PITCH - 7 and i.programs != () for i in INSTRUMENTS])


def lack_of_bass(piece: Piece, step: int, *, is_accent: bool) -> float:
    """How much a strong beat needs a foundation: 0 where one sounds, else 1 and growing."""
    strong = (step - piece.bar_start) % (2 * STEPS_PER_QUARTER) == 0
    if not (strong or is_accent) or piece.bass_until > step:
        return 0.0
    if any(pitch < LOW_PITCH for pitch in piece.pitched_onset) and step == piece.step:
        return 0.0
    return min(1 + (step - piece.bass_until) / (4 * STEPS_PER_QUARTER), MOST_LACK_OF_BASS)


def haste(piece: Piece, bar: BarRequest) -> float:
    """Away from here and the next semiquaver, where the bar has run ahead of its density."""
    quarters = (piece.step - bar.start_step) / STEPS_PER_QUARTER + 1
    expected = bar.density * quarters * STEPS_PER_QUARTER * bar.seconds_per_step
    ahead = math.log2((piece.pitched_notes + 1) / (expected + SPARE_NOTES))
    return HASTE_LEANING * min(max(ahead, 0.0), 1.5)


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
