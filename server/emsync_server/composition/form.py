"""The form of a cue: phrases, the chords under them, and where the theme returns.

A phrase is a few bars of one mood and mode. The first states the theme; others restate it, bring
it back in another mood, or depart from it. Chords come from the phrase's letter, so that what
returns brings its harmony along; the network writes the notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emsync.cue import Mode
from emsync_server.composition.orchestration import Mood
from emsync_server.composition.progressions import (
    CADENCES,
    PROGRESSIONS,
    brightness,
    chords_of,
    in_mode,
    is_diatonic,
    leaves_key,
    states_key,
)

Random = np.random.Generator

PHRASE_BARS, LEAST_BARS = 4, 3
THEME = "A"
SHORT_FORMS = ("", "A", "AA", "ABA", "AABA")
LONG_FORM = "CABA"  # after AABA, again and again; each C is new
RECALLED, DEPARTED = 0.72, 0.18
"""Likeness to the theme that is asked of bars that restate it and of bars that do not; of real
music, restated bars reach 0.6 to 1, any two bars 0.2.
"""
BRIGHTNESS_WIDTH = 0.45  # how far from the valence a progression's brightness may well lie
FOREIGN_VALENCE = -0.25  # below, excited phrases have a chord that belongs to no key
DIMINISHED = 0.3  # share of such dominants
SHORT = 2  # phrases of a cue that has no other place for colour
MOST_COLOURED, FIFTHLESS = 16, 2  # kinds of chord from the diminished on have no dominant
LIFTED_RECALL = 0.6  # where the theme comes back in another mode


@dataclass(frozen=True, slots=True)
class BarPlace:
    """What a bar is when its form is planned."""

    key: int
    mood: Mood

    @property
    def mode(self) -> Mode:
        """Of the key."""
        return Mode.MINOR if self.key >= 12 else Mode.MAJOR


@dataclass(frozen=True, slots=True)
class BarForm:
    """What the form asks of a bar."""

    chords: tuple[int, int]
    """Of its halves: root + 12 · kind."""
    recall: float
    """How much it should recall the theme, 0 to 1."""
    phrase: int
    """The phrase it belongs to, counted from 0."""
    letter: str
    """Of the phrase: what has the same letter has the same material, and "A" the theme's."""
    theme_bar: int | None
    """The bar of the theme that it restates."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a cue."""

    bars: tuple[BarForm, ...]
    theme_bars: int
    """The first bars, so many, state the theme."""


def plan_form(
    rng: Random,
    bars: Sequence[BarPlace],
    valence: Sequence[float],
    final: tuple[int, bool],
    *,
    keep_key: bool,
    landings: Sequence[int] = (),
    suspense: bool = False,
    colour: float = 0.0,
    riffs: bool = False,
    plain: bool = False,
) -> Form:
    """The form of bars in order.

    valence: of each bar; chords are the brighter the higher it is ·
    final: the bar in which the last chord begins, and whether it begins in its second half ·
    keep_key: whether only notes of the key may sound ·
    landings: bars at which something new may well begin, those that matter first ·
    suspense: whether what is excited and dark has chords that belong to no key ·
    colour: how likely a chord is led to by its own dominant, the last phrase of longer cues
    aside; where it is likely at all, one a phrase is ·
    riffs: whether each letter comes twice and has the same chords in all moods ·
    plain: whether chords keep to the key, the major one on the flat seventh aside
    """
    phrases = _phrases(bars, landings)
    letters = _letters(len(phrases), riffs=riffs)
    book = _Songbook(rng, keep_key=keep_key, suspense=suspense, plain=plain, riffs=riffs)
    units: dict[str, int] = {}
    forms: list[BarForm] = []
    theme_bars = phrases[0][1]
    for number, ((start, stop), letter) in enumerate(zip(phrases, letters, strict=True)):
        mean_valence = float(np.mean(valence[start:stop]))
        chords = book.chords(letter, bars[start], mean_valence)
        recall = _recall(letter, bars[start], bars[0])
        restates = number > 0 and letter == THEME
        unit = units.setdefault(letter, stop - start)
        pairs = _spread(chords, unit if riffs or letter == THEME else stop - start)
        if (number < len(phrases) - 1 or number < SHORT) and not keep_key and colour > 0.0:
            pairs = book.coloured(letter, pairs, (colour, bars[start].key))
        for place in range(stop - start):
            pair = pairs[place % len(pairs)]
            theme_bar = place if restates and place < theme_bars else None
            forms.append(BarForm(pair, recall, number, letter, theme_bar))
    for index, pair in _cadence(rng, bars, forms, final, keep_key=keep_key):
        forms[index] = replace(forms[index], chords=pair)
    for index in range(final[0], len(bars)):
        forms[index] = replace(forms[index], theme_bar=None)
    return Form(tuple(forms), theme_bars)


def _phrases(bars: Sequence[BarPlace], landings: Sequence[int]) -> list[tuple[int, int]]:
    """(first bar, bar after the last) of each phrase: about four bars, none across a change of
    mood or mode, beginning at landings where that leaves phrases of LEAST_BARS.
    """
    changes = [i for i, (a, b) in enumerate(pairwise(bars), start=1) if a != b]
    edges = [0, *changes, len(bars)]
    for landing in landings:
        is_inside = 0 < landing < len(bars)
        if is_inside and all(abs(landing - edge) >= LEAST_BARS for edge in edges):
            edges.append(landing)
    edges.sort()
    phrases: list[tuple[int, int]] = []
    for start, stop in pairwise(edges):
        count = max(round((stop - start) / PHRASE_BARS), 1)
        inner = [start + round((stop - start) * k / count) for k in range(count + 1)]
        phrases.extend(pairwise(inner))
    return phrases


def _letters(count: int, *, riffs: bool) -> list[str]:
    if riffs:
        turns = ((THEME, "B", THEME, chr(ord("C") + turn)) for turn in range(count))
        twice = [letter for turn in turns for letter in turn for _ in range(2)]
        return [*twice[: max(count - 1, 0)], THEME][:count]
    if count < len(SHORT_FORMS):
        return list(SHORT_FORMS[count])
    letters = list(SHORT_FORMS[-1])
    while len(letters) < count:
        fresh = chr(ord("C") + len(letters) // len(LONG_FORM) - 1)
        letters.extend(LONG_FORM.replace("C", fresh))
    return [*letters[: count - 1], THEME]  # it ends with what it began with


def _recall(letter: str, here: BarPlace, first: BarPlace) -> float:
    if letter != THEME:
        return DEPARTED
    return RECALLED if here.mode is first.mode else LIFTED_RECALL


class _Songbook:
    """One progression for each letter in each mode and mood; the theme's, and every one where the
    music is made of riffs, is the same in all moods, and comes in the other mode where that is
    asked.
    """

    def __init__(
        self, rng: Random, *, keep_key: bool, suspense: bool, plain: bool, riffs: bool
    ) -> None:
        self._rng = rng
        self._plain = plain
        self._riffs = riffs
        self._suspense = suspense
        self._keep_key = keep_key
        self._stated: dict[str, tuple[str, Mode]] = {}
        self._drawn: dict[tuple[str, Mode, Mood], str] = {}
        self._draws: dict[str, NDArray[np.float64]] = {}

    def chords(self, letter: str, place: BarPlace, valence: float) -> tuple[int, ...]:
        if letter in self._stated:
            return chords_of(in_mode(*self._stated[letter], place.mode), place.key)
        name = (letter, place.mode, place.mood)
        if name not in self._drawn:
            taken = {p for (_, mode, mood), p in self._drawn.items() if (mode, mood) == name[1:]}
            options = list(PROGRESSIONS[place.mode, place.mood])
            if self._keep_key:
                options = [one for one in options if states_key(one, place.mode)]
            elif self._plain:
                options = [one for one in options if is_diatonic(one, place.mode, flat=True)]
            elif place.mood is Mood.EXCITED_DARK and (self._suspense or valence < FOREIGN_VALENCE):
                options = [one for one in options if not is_diatonic(one, place.mode)]
            if letter == THEME:  # the key is plain from the start
                options = [one for one in options if one.split()[0] in ("I", "i")]
            elif self._riffs:  # a loop without its tonic is soon heard in another key
                options = [one for one in options if {"I", "i"} & {*one.split()}] or options
            fresh = [numerals for numerals in options if numerals not in taken] or options
            apart = np.array([brightness(one, place.mode) - valence for one in fresh])
            weights = np.exp(-((apart / BRIGHTNESS_WIDTH) ** 2)) + 1e-6
            chosen = self._rng.choice(len(fresh), p=weights / weights.sum())
            self._drawn[name] = fresh[int(chosen)]
        if letter == THEME or self._riffs:
            self._stated[letter] = (self._drawn[name], place.mode)
        return chords_of(self._drawn[name], place.key)

    def coloured(
        self, letter: str, pairs: list[tuple[int, int]], how: tuple[float, int]
    ) -> list[tuple[int, int]]:
        """The chords of a phrase, some led to by their own dominants: the same ones each time the
        letter comes, and one at least where there is one that leaves the key.

        how: how likely, and the key
        """
        colour, key = how
        if letter not in self._draws:
            self._draws[letter] = self._rng.random(MOST_COLOURED)
        draws = self._draws[letter]
        leading: dict[int, int] = {}
        for place, ((one, other), (coming, _)) in enumerate(pairwise(pairs)):
            led = _led_by(
                coming, key, rather_diminished=draws[place % MOST_COLOURED] <= DIMINISHED * colour
            )
            if one == other and coming != one and led is not None:
                leading[place] = led
        least = min(leading, key=lambda place: draws[place % MOST_COLOURED], default=None)
        coloured = list(pairs)
        for place, led in leading.items():
            if place == least or draws[place % MOST_COLOURED] < colour:
                coloured[place] = (pairs[place][0], led)
        return coloured


def _led_by(coming: int, key: int, *, rather_diminished: bool) -> int | None:
    """A chord outside the key that leads to the coming one: its dominant, or the diminished chord
    on its leading note; None where there is none.
    """
    if coming // 12 >= FIFTHLESS:
        return None
    dominant, diminished = (coming + 7) % 12, (coming - 1) % 12 + 24
    options = (diminished, dominant) if rather_diminished else (dominant, diminished)
    return next((chord for chord in options if leaves_key(chord, key)), None)


def _spread(chords: tuple[int, ...], bars: int) -> list[tuple[int, int]]:
    """A pair of chords a bar: the progression stretched or pressed over half-bars, changing on
    bar lines where it has a bar for each chord.
    """
    if bars >= len(chords):
        return [(chords[i * len(chords) // bars],) * 2 for i in range(bars)]
    halves = [chords[i * len(chords) // (2 * bars)] for i in range(2 * bars)]
    return list(zip(halves[::2], halves[1::2], strict=True))


def _cadence(
    rng: Random,
    bars: Sequence[BarPlace],
    forms: Sequence[BarForm],
    final: tuple[int, bool],
    *,
    keep_key: bool,
) -> list[tuple[int, tuple[int, int]]]:
    """Bars that lead home, and their chords."""
    last, in_second_half = final
    key, mode = bars[last].key, bars[last].mode
    options = [c for c in CADENCES[mode] if not keep_key or is_diatonic(c, mode)]
    before, dominant, tonic = chords_of(options[int(rng.integers(len(options)))], key)
    home = [(index, (tonic, tonic)) for index in range(last, len(bars))]
    if in_second_half:
        home[0] = (last, (dominant, tonic))
        leading = [(last - 1, (forms[last - 1].chords[0], before))] if last else []
    else:
        leading = [(last - 1, (before, dominant))] if last else []
    return [*leading, *home]
