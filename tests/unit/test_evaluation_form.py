"""Measures of form, texture and endings, on music whose values are known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from emsync.family import Family
from emsync.score import Meter, Note, Part, Score, TempoAnchor, TempoMap
from emsync_server.evaluation.endings import ending_of
from emsync_server.evaluation.form import measure_form
from emsync_server.evaluation.keys import estimated_key, key_name
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.evaluation.style_ranges import all_measures, style_ranges
from emsync_server.evaluation.texture import instrument_registers, measure_texture

SCALE = (0, 2, 4, 5, 7, 9, 11)


def score_of(notes, *, bars, program=0):
    """(quarter, length, pitch) rows over bars of four quarters, 60 quarters a minute."""
    part = Part(
        "piano",
        program,
        False,
        Family.KEYS,
        tuple(Note(Fraction(at), Fraction(length), pitch, 80) for at, length, pitch in notes),
    )
    end = Fraction(4 * bars)
    tempo = TempoMap(
        (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(end, end)), (Meter(Fraction(0), 4, 4),)
    )
    return Score((part,), tempo)


def melody(seed, bars, *, start=0, shift=0):
    """Eighth notes that walk about."""
    rng = np.random.default_rng(seed)
    pitches = 60 + rng.integers(0, 20, 8 * bars)
    return [
        (Fraction(8 * start + at, 2), Fraction(1, 2), int(pitch) + shift)
        for at, pitch in enumerate(pitches)
    ]


@pytest.mark.parametrize("shift", [0, 5], ids=["same key", "other key"])
def test_a_theme_that_comes_back_recurs_in_any_key(shift):
    notes = melody(1, 4) + melody(2, 8, start=4) + melody(1, 4, start=12, shift=shift)
    form = measure_form(score_of(notes, bars=16))
    fresh = measure_form(score_of(melody(1, 16), bars=16))
    assert form.recurring_units_share > 0.3 > fresh.recurring_units_share
    assert form.recurring_motifs_share > 0.3 and fresh.recurring_motifs_share == 0
    assert form.nearest_unit_similarity > fresh.nearest_unit_similarity


def test_a_short_piece_has_no_form():
    form = measure_form(score_of(melody(1, 2), bars=2))
    assert (form.recurring_units_share, form.recurring_motifs_share) == (None, None)


def test_rests_bass_and_stubs_are_counted():
    notes = [(4 * bar + beat, 1, 40) for bar in range(8) for beat in (0, 1)]
    notes += [(4 * bar, Fraction(1, 20), 72) for bar in range(8)]
    texture = measure_texture(score_of(notes, bars=8), 32)
    assert texture.empty_beats_share == pytest.approx(0.5)
    assert texture.longest_silence_s == pytest.approx(2)
    assert texture.still_beats_share == pytest.approx(0.5)
    assert texture.bass_share == 1
    assert texture.stub_share == pytest.approx(1 / 3)
    assert texture.density_variation == pytest.approx(0)


def test_steps_leaps_and_clashes_are_told_apart():
    steps = [(at, 1, 60 + SCALE[at % 7]) for at in range(32)]
    leaps = [(at, 1, 40 + 12 * (at % 2)) for at in range(32)]
    clash = [(at, 1, 60 + k) for at in range(32) for k in (0, 1)]
    assert measure_texture(score_of(steps, bars=8), 32).melody_step_share > 0.8
    assert measure_texture(score_of(leaps, bars=8), 32).bass_leap_share == 1
    assert measure_texture(score_of(clash, bars=8), 32).semitone_clashes == 1
    assert measure_texture(score_of(steps, bars=8), 32).semitone_clashes is None


def cadence(last, *, held=4, at=28):
    """C major for seven bars, then a last chord."""
    notes = [(q, 1, p) for q in range(28) for p in (48, 60 + SCALE[q % 7], 67)]
    return score_of([*notes, *((at, held, pitch) for pitch in last)], bars=8)


def test_a_tonic_that_is_held_to_the_end_is_a_good_ending():
    ending = ending_of(SoundingNotes.of(cadence((48, 64, 67, 72))), 32)
    assert ending.is_good and ending.struck_before_end_s == 4


@pytest.mark.parametrize(
    ("score", "why"),
    [
        (cadence((50, 65, 69)), "not the tonic"),
        (cadence((52, 60, 67)), "its third below"),
        (cadence((48, 64, 67), held=2), "let go"),
        (cadence((48, 64, 67), held=Fraction(1, 4), at=Fraction(127, 4)), "too late"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_endings_are_not(score, why):
    assert not ending_of(SoundingNotes.of(score), 32).is_good


def test_silence_has_no_ending_and_a_scale_has_its_key():
    assert ending_of(SoundingNotes.of(score_of([], bars=1)), 4) is None
    d_major = score_of([(at, 1, 62 + SCALE[at % 7]) for at in range(28)] + [(28, 4, 62)], bars=8)
    assert key_name(estimated_key(SoundingNotes.of(d_major))) == "D major"


def test_every_measure_has_a_range_of_real_pieces():
    measures = all_measures(score_of(melody(3, 16), bars=16), 64)
    assert set(style_ranges("all").ranges) == set(measures)
    assert style_ranges("folk").of == "all" and style_ranges("chamber").of == "chamber"


def test_registers_are_mean_pitches_by_programme():
    assert instrument_registers(score_of(melody(1, 1), bars=1, program=40)).keys() == {40}
