"""Events and condition of the composer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.family import Family
from emsync_server.composition import representation as r
from emsync_server.composition.instruments import (
    CLASS_OF_PROGRAM,
    DRUM_KIT,
    INSTRUMENTS,
    instruments_of,
    playable,
)


def test_every_programme_has_one_instrument_and_plays_in_its_own_class():
    assert len(CLASS_OF_PROGRAM) == 128
    for index, instrument in enumerate(INSTRUMENTS[:DRUM_KIT]):
        assert CLASS_OF_PROGRAM[instrument.program] == index
        assert instrument.low < instrument.high


def test_every_family_has_an_instrument():
    assert sorted(i for family in Family for i in instruments_of(family)) == list(
        range(len(INSTRUMENTS))
    )


def test_drum_keys_follow_the_pitches():
    row = r.note_row(0, DRUM_KIT, 27, 3, 100)
    assert row[r.PITCH] == 128
    assert r.pitch_of(row[r.PITCH]) == 27
    assert r.note_row(0, DRUM_KIT, 87, 3, 100)[r.PITCH] == r.PITCHES - 1
    assert playable(DRUM_KIT, 87)


@given(
    st.integers(0, r.MAX_BAR_STEPS - 1),
    st.integers(0, DRUM_KIT - 1),
    st.integers(0, 127),
    st.sampled_from(r.LENGTH_STEPS),
    st.integers(1, 127),
)
def test_a_note_row_says_what_it_was_made_from(position, instrument, pitch, length, velocity):
    row = r.note_row(position, instrument, pitch, length, velocity)
    assert row[:2] == [position, instrument]
    assert r.pitch_of(row[r.PITCH]) == pitch
    assert r.LENGTH_STEPS[row[r.LENGTH]] == length
    assert abs(r.velocity_of(row[r.VELOCITY]) - velocity) <= r.VELOCITY_BIN_WIDTH // 2
    assert all(value < classes for value, classes in zip(row, r.CLASSES, strict=True))


@given(st.floats(0.5, 400))
def test_no_length_of_the_table_is_nearer_than_the_chosen_one(steps):
    chosen = r.LENGTH_STEPS[r.length_index(steps)]
    assert abs(chosen - steps) == min(abs(length - steps) for length in r.LENGTH_STEPS)


def test_bars_and_ends_hold_none_in_every_other_field():
    assert r.BAR_ROW[1:] == r.END_ROW[1:] == r.PAD_ROW[1:] == r.NONE[1:]
    assert (r.BAR, r.END, r.PAD) == (96, 97, 98)
    assert r.POSITIONS == 98


def test_condition_slices_are_disjoint_and_cover_the_vector():
    covered = [i for part in r.CONDITION.values() for i in range(part.start, part.stop)]
    assert covered == list(range(r.CONDITION_SIZE))


def test_an_empty_condition_is_tempo_and_meter_alone():
    vector = r.condition_vector(tempo_bpm=100, bar_quarters=4)
    assert np.flatnonzero(vector).tolist() == [r.CONDITION["bar_length"].start]


def test_absent_values_differ_from_zero():
    absent = r.condition_vector(tempo_bpm=90, bar_quarters=3)
    zero = r.condition_vector(tempo_bpm=90, bar_quarters=3, valence=0, next_hit_s=0)
    assert (absent != zero).sum() == 2  # the two flags


@pytest.mark.parametrize(("given_s", "stored"), [(-1.0, 0.0), (3.5, 3.5), (math.inf, 8.0)])
def test_offsets_are_clamped_to_eight_seconds(given_s, stored):
    vector = r.condition_vector(tempo_bpm=90, bar_quarters=4, end_s=given_s)
    assert vector[r.CONDITION["end_s"]].item() == stored


def test_the_brief_sets_one_style_one_key_and_its_instruments():
    brief = r.Brief(r.Style.HYBRID, 23, 4.0, frozenset({0, DRUM_KIT}))
    vector = r.condition_vector(tempo_bpm=90, bar_quarters=4, brief=brief)
    assert vector[r.CONDITION["style"]].argmax() == r.STYLES.index(r.Style.HYBRID)
    assert np.flatnonzero(vector[r.CONDITION["key"]]).tolist() == [23]
    assert np.flatnonzero(vector[r.CONDITION["instruments"]]).tolist() == [0, DRUM_KIT]
    assert vector[r.CONDITION["density"]].item() == 0
    assert vector[r.CONDITION["density_present"]].item() == 1


def test_rows_are_sorted_by_position_instrument_pitch():
    rows = [[12, 0, 60, 1, 1], [0, 5, 70, 1, 1], [0, 5, 40, 1, 1], [0, 2, 80, 1, 1]]
    assert [row[:3] for row in r.sort_rows(rows)] == sorted(row[:3] for row in rows)
