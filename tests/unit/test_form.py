"""The form of a cue: chords, phrases, and a theme that comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.cue import Mode
from emsync_server.composition.form import LEAST_BARS, RECALLED, BarPlace, plan_form
from emsync_server.composition.leanings import chord_tones
from emsync_server.composition.orchestration import Mood
from emsync_server.composition.progressions import (
    CADENCES,
    PROGRESSIONS,
    chords_of,
    in_mode,
    is_diatonic,
    leaves_key,
    states_key,
)

A_MINOR, C_MAJOR = 21, 0
places = st.lists(
    st.tuples(st.integers(1, 14), st.sampled_from((A_MINOR, C_MAJOR)), st.sampled_from(Mood)),
    min_size=1,
    max_size=8,
).map(lambda runs: [BarPlace(key, mood) for bars, key, mood in runs for _ in range(bars)])


@given(places, st.integers(0, 9), st.booleans(), st.booleans())
def test_every_bar_has_its_form_and_the_cue_ends_at_home(bars, seed, keep_key, second_half):
    last = len(bars) - 1
    form = plan_form(
        np.random.default_rng(seed), bars, [0.0] * len(bars), (last, second_half), keep_key=keep_key
    )
    assert len(form.bars) == len(bars)
    tonic = bars[last].key % 12 + (12 if bars[last].mode is Mode.MINOR else 0)
    assert form.bars[last].chords[1] == tonic
    assert 1 <= form.theme_bars <= len(bars)
    for bar in form.bars:
        assert 0 <= bar.recall <= 1
        assert bar.theme_bar is None or 0 <= bar.theme_bar < form.theme_bars
    assert all(bar.theme_bar is None for bar in form.bars[: form.theme_bars])


@given(places, st.integers(0, 9))
def test_a_phrase_keeps_to_one_mood_and_mode(bars, seed):
    form = plan_form(
        np.random.default_rng(seed), bars, [0.0] * len(bars), (len(bars) - 1, False), keep_key=False
    )
    of_phrase = {}
    for bar, asked in zip(bars, form.bars, strict=True):
        assert of_phrase.setdefault(asked.phrase, bar) == bar


@given(places, st.integers(0, 9), st.sets(st.integers(0, 60), max_size=6))
def test_something_new_begins_at_a_landing_where_that_leaves_whole_phrases(bars, seed, landings):
    form = plan_form(
        np.random.default_rng(seed), bars, [0.0] * len(bars), (len(bars) - 1, False),
        keep_key=False, landings=landings,
    )  # fmt: skip
    starts = [
        i for i, bar in enumerate(form.bars) if not i or form.bars[i - 1].phrase != bar.phrase
    ]
    for landing in landings:
        near = [abs(start - landing) for start in (*starts, len(bars))]
        assert landing >= len(bars) or min(near) < LEAST_BARS


def test_what_restates_the_theme_has_its_chords():
    bars = [BarPlace(C_MAJOR, Mood.CALM_BRIGHT)] * 32
    form = plan_form(
        np.random.default_rng(1),
        bars,
        [0.4] * 32,
        (31, False),
        keep_key=False,
        landings={5, 12, 19},
    )
    stated = [bar.chords for bar in form.bars[: form.theme_bars]]
    asked = [bar for bar in form.bars[:29] if bar.theme_bar is not None]
    assert len(asked) > 6
    assert all(bar.chords == stated[bar.theme_bar] for bar in asked)


def test_a_long_cue_brings_its_theme_back_and_leaves_it_in_between():
    bars = [BarPlace(A_MINOR, Mood.CALM_DARK)] * 32
    form = plan_form(np.random.default_rng(0), bars, [0.0] * len(bars), (31, False), keep_key=False)
    phrases = [form.bars[4 * i] for i in range(8)]
    assert [phrase.recall == RECALLED for phrase in phrases] == [
        *(True, True, False, True), *(False, True, False, True)
    ]  # fmt: skip
    chords = [bar.chords for bar in form.bars]
    assert chords[:4] == chords[4:8] == chords[12:16]
    assert chords[8:12] != chords[:4]


def test_a_theme_in_another_mood_and_mode_keeps_its_degrees():
    bars = [BarPlace(A_MINOR, Mood.CALM_DARK)] * 4 + [BarPlace(C_MAJOR, Mood.EXCITED_BRIGHT)] * 4
    form = plan_form(np.random.default_rng(3), bars, [0.0] * len(bars), (7, False), keep_key=False)
    degrees = [(bar.chords[0] - bars[0].key) % 12 for bar in form.bars[:2]]
    again = [(bar.chords[0] - bars[4].key) % 12 for bar in form.bars[4:6]]
    assert degrees[0] == again[0]
    assert all(abs(a - b) <= 1 for a, b in zip(degrees, again, strict=True))


def test_where_the_key_is_asked_only_its_notes_are_in_the_chords():
    scale = {9, 11, 0, 2, 4, 5, 7, 8}  # A minor with both sevenths
    for seed in range(30):
        bars = [BarPlace(A_MINOR, Mood.EXCITED_DARK)] * 24
        form = plan_form(
            np.random.default_rng(seed), bars, [0.0] * len(bars), (23, True), keep_key=True
        )
        assert {tone for b in form.bars for c in b.chords for tone in chord_tones(c)} <= scale


@pytest.mark.parametrize(("mode", "mood"), PROGRESSIONS, ids=str)
def test_every_progression_has_four_chords_and_goes_into_the_other_mode(mode, mood):
    other = Mode.MAJOR if mode is Mode.MINOR else Mode.MINOR
    for numerals in PROGRESSIONS[mode, mood]:
        assert len(chords_of(numerals, 0 if mode is Mode.MAJOR else 12)) == 4
        assert len(chords_of(in_mode(numerals, mode, other), 12 if mode is Mode.MAJOR else 0)) == 4
    assert any(states_key(numerals, mode) for numerals in PROGRESSIONS[mode, mood])
    assert any(is_diatonic(numerals, mode) for numerals in CADENCES[mode])


def test_numerals_are_chords_of_the_key():
    a, b_flat, d, e = 9, 10, 2, 4
    assert chords_of("i bII iv V", A_MINOR) == (a + 12, b_flat, d + 12, e)
    assert chords_of("i vii° VI v", A_MINOR) == (a + 12, 8 + 24, 5, e + 12)


def test_the_higher_the_valence_the_brighter_the_chords():
    def mean_brightness(valence):
        bars = [BarPlace(C_MAJOR, Mood.EXCITED_BRIGHT)] * 8  # the last four hold the cadence
        forms = [
            plan_form(np.random.default_rng(seed), bars, [valence] * 8, (7, False), keep_key=False)
            for seed in range(60)
        ]
        diatonic = {0, 5, 7}
        return np.mean([bar.chords[0] in diatonic for form in forms for bar in form.bars[:4]])

    assert mean_brightness(0.95) > mean_brightness(0.0) + 0.1


def _coloured(colour, *, keep_key=False, seed=4):
    bars = [BarPlace(C_MAJOR, Mood.CALM_BRIGHT)] * 20
    form = plan_form(
        np.random.default_rng(seed), bars, [0.5] * 20, (19, False),
        keep_key=keep_key, colour=colour,
    )  # fmt: skip
    return [bar.chords for bar in form.bars]


@pytest.mark.parametrize("seed", range(6))
def test_every_phrase_but_the_last_leaves_the_key_a_little_where_colour_is_asked(seed):
    coloured = _coloured(0.01, seed=seed)
    for start in range(0, 16, 4):
        phrase = coloured[start : start + 4]
        led = [other for one, other in phrase if one != other]
        assert len(led) == 1
        assert leaves_key(led[0], C_MAJOR)
    assert all(one == other for one, other in _coloured(0.0, seed=seed)[:18])


def test_a_key_that_is_asked_is_never_left_for_colour():
    assert _coloured(0.6, keep_key=True) == _coloured(0.0, keep_key=True)


def test_a_loop_comes_twice_and_ends_with_what_it_began_with():
    bars = [BarPlace(A_MINOR, Mood.EXCITED_DARK)] * 40
    form = plan_form(
        np.random.default_rng(2), bars, [-0.4] * 40, (39, False), keep_key=False, riffs=True
    )
    assert "".join(form.bars[4 * i].letter for i in range(10)) == "AABBAACCAA"
    theme, first, again = (
        [bar.chords for bar in form.bars[start : start + 4]] for start in (0, 8, 12)
    )
    assert first == again != theme


@pytest.mark.parametrize("mode", Mode)
def test_a_plain_form_keeps_to_its_key(mode):
    key = A_MINOR if mode is Mode.MINOR else C_MAJOR
    bars = [BarPlace(key, Mood.EXCITED_DARK)] * 16
    for seed in range(8):
        form = plan_form(
            np.random.default_rng(seed), bars, [-0.9] * 16, (15, False), keep_key=False, plain=True
        )
        foreign = {
            chord for bar in form.bars[:13] for chord in bar.chords if leaves_key(chord, key)
        }
        assert foreign <= {(key + 10) % 12}
