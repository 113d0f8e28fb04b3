"""Chord progressions by mode and mood, as film music uses them, written in Roman numerals.

Capitals are major, small letters minor, ° diminished; degrees count on the major scale in major,
on the natural minor scale in minor, and b or # alters them by a semitone.
"""

from __future__ import annotations

import re
from functools import cache

from emsync.cue import Mode
from emsync_server.composition.orchestration import Mood
from emsync_server.composition.representation import CHORD_KINDS, CHORD_TONES

_MAJOR_DEGREES = (0, 2, 4, 5, 7, 9, 11)
_MINOR_DEGREES = (0, 2, 3, 5, 7, 8, 10)
_BRIGHTNESS = {
    Mode.MAJOR: {
        "I": 1.0, "IV": 0.8, "V": 0.9, "II": 0.8, "ii": 0.0, "iii": -0.2, "vi": -0.4, "iv": -0.8,
        "bVII": 0.2, "bVI": -0.2, "bIII": -0.2,
    },
    Mode.MINOR: {
        "i": -1.0, "iv": -0.9, "v": -0.8, "V": -0.7, "VI": -0.1, "III": 0.4, "VII": 0.3, "IV": 0.2,
        "ii°": -1.0, "bII": -0.8, "vii°": -1.0, "#iv°": -1.0,
    },
}  # fmt: skip
_NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii")

PROGRESSIONS: dict[tuple[Mode, Mood], tuple[str, ...]] = {
    (Mode.MAJOR, Mood.CALM_BRIGHT): (
        "I iii IV I", "I V vi IV", "I IV I V", "IV I V vi", "I vi IV V", "I IV vi V", "I II IV I",
        "I V IV I", "vi IV I V", "I ii IV I",
    ),
    (Mode.MAJOR, Mood.EXCITED_BRIGHT): (
        "I bVII IV I", "I V vi IV", "I IV V I", "I bVI bVII I", "vi IV I V", "I IV ii V",
        "I IV I V",
        "I V IV V", "I bIII IV I", "IV V vi I", "I iii IV V",
    ),
    (Mode.MAJOR, Mood.CALM_DARK): (
        "I iv I iv", "I vi ii V", "vi iii IV I", "I iii vi IV", "vi IV ii iii", "I bVI iv I",
        "ii vi IV I",
    ),
    (Mode.MAJOR, Mood.EXCITED_DARK): (
        "I bVI bVII I", "I vi iii V", "vi IV ii iii", "I bIII bVII IV", "vi bVII IV vi",
        "I iv bVI bVII", "I vi ii iii",
    ),
    (Mode.MINOR, Mood.CALM_DARK): (
        "i VI III VII", "i iv VI v", "i v VI iv", "i VI iv V", "i ii° V i", "VI iv i i",
        "i III VI iv", "i iv i v", "i VII VI v",
    ),
    (Mode.MINOR, Mood.EXCITED_DARK): (
        "i VI VII i", "i bII i V", "i iv bII V", "i VI III VII", "i VII VI V", "i i VI V",
        "i vii° i iv", "i III bII V", "i #iv° V i", "i iv VI V",
    ),
    (Mode.MINOR, Mood.CALM_BRIGHT): (
        "i iv V i", "i VI V i", "i III VII IV", "VI VII i III", "i VI III VII", "III VII i VI",
        "i IV i VII",
        "VI III VII i",
    ),
    (Mode.MINOR, Mood.EXCITED_BRIGHT): (
        "i iv V i", "i VI V i", "i VI III VII", "i VII IV i", "VI VII i VII", "i III VII IV",
        "III VI VII i", "i IV VI VII",
    ),
}  # fmt: skip
"""Four chords a phrase."""

CADENCES: dict[Mode, tuple[str, ...]] = {
    Mode.MAJOR: ("IV V I", "ii V I", "iv V I", "bVI bVII I", "IV iv I"),
    Mode.MINOR: ("iv V i", "VI VII i", "ii° V i", "VI V i", "bII V i"),
}
"""The last three chords of a cue."""


_TO_MINOR = {
    "I": "i", "ii": "iv", "II": "IV", "iii": "III", "bIII": "III", "iv": "iv", "IV": "iv",
    "V": "V", "vi": "VI", "bVI": "VI", "bVII": "VII",
}  # fmt: skip
_TO_MAJOR = {
    "i": "I", "ii°": "ii", "bII": "ii", "III": "iii", "iv": "IV", "IV": "IV", "#iv°": "IV",
    "v": "V", "V": "V", "VI": "vi", "VII": "bVII", "vii°": "V",
}  # fmt: skip


def in_mode(numerals: str, mode: Mode, asked: Mode) -> str:
    """A progression of one mode as the other would have it."""
    if mode is asked:
        return numerals
    table = _TO_MINOR if asked is Mode.MINOR else _TO_MAJOR
    return " ".join(table[numeral] for numeral in numerals.split())


def chords_of(numerals: str, key: int) -> tuple[int, ...]:
    """The chords (root + 12 · kind) of a progression in a key, 0 to 11 C major to B major, 12 to
    23 C minor to B minor.
    """
    mode = Mode.MINOR if key >= 12 else Mode.MAJOR
    return tuple((r + key) % 12 + 12 * kind for r, kind in _steps_of(numerals, mode))


def brightness(numerals: str, mode: Mode) -> float:
    """How bright a progression sounds in its mode, -1 to 1: the mean of its chords."""
    chords = numerals.split()
    return sum(_BRIGHTNESS[mode][chord] for chord in chords) / len(chords)


def is_diatonic(numerals: str, mode: Mode, *, flat: bool = False) -> bool:
    """Whether all notes of a progression belong to the key; minor keys have both sevenths.

    flat: whether major keys have the major chord on their flat seventh, as rock music's do
    """
    scale = set(_MINOR_DEGREES) | {11} if mode is Mode.MINOR else set(_MAJOR_DEGREES)
    numerals = " ".join(one for one in numerals.split() if not flat or one != "bVII")
    return all(
        (root + tone) % 12 in scale
        for root, kind in _steps_of(numerals, mode)
        for tone in CHORD_TONES[kind]
    )


def leaves_key(chord: int, key: int) -> bool:
    """Whether a chord (root + 12 · kind) leaves a key; minor keys have both sevenths."""
    scale = set(_MINOR_DEGREES) | {11} if key >= 12 else set(_MAJOR_DEGREES)
    return any((chord + tone - key) % 12 not in scale for tone in CHORD_TONES[chord // 12])


def states_key(numerals: str, mode: Mode) -> bool:
    """Whether a progression leaves no doubt of its key: notes of the key only, from the tonic, and
    with a chord that no neighbour has: in minor the dominant, whose leading note the relative major
    lacks; in major one with the fourth degree, which the key of the dominant lacks.
    """
    chords = numerals.split()
    tonic = "i" if mode is Mode.MINOR else "I"
    telling = {"V"} if mode is Mode.MINOR else {"IV", "ii"}
    return is_diatonic(numerals, mode) and chords[0] == tonic and bool(telling & {*chords})


@cache
def _steps_of(numerals: str, mode: Mode) -> tuple[tuple[int, int], ...]:
    return tuple(_step_of(numeral, mode) for numeral in numerals.split())


def _step_of(numeral: str, mode: Mode) -> tuple[int, int]:
    match = re.fullmatch(r"([b#]?)([ivIV]+)(°?)", numeral)
    assert match, numeral
    sign, letters, diminished = match.groups()
    degrees = _MINOR_DEGREES if mode is Mode.MINOR else _MAJOR_DEGREES
    root = degrees[_NUMERALS.index(letters.lower())] + {"b": -1, "#": 1, "": 0}[sign]
    if diminished and mode is Mode.MINOR and letters == "vii":
        root = 11  # on the leading tone
    kind = "diminished" if diminished else "major" if letters.isupper() else "minor"
    return root, CHORD_KINDS.index(kind)
