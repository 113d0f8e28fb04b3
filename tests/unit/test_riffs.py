"""Riffs: what a band or a game plays comes again, note by note, and keeps to its chords."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cues import sheet_of
from tests.tiny_composer import TinyNetwork

from emsync.cue import Brief, Style
from emsync_server.composition.composing import planned
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.leanings import chord_tones
from emsync_server.composition.requesting import request_for
from emsync_server.composition.riffs import HeardNote, again, earlier_in_phrase
from emsync_server.composition.roles import Role
from emsync_server.composition.score_writing import score_of
from emsync_server.composition.slots import RiffPlace
from emsync_server.evaluation.form import measure_form
from emsync_server.progress import silent_progress

C_MAJOR_CHORD, F_MAJOR_CHORD, A_MINOR_CHORD = 0, 5, 9 + 12
C_MAJOR, A_MINOR = 0, 21


def composed(style, *, seed=3, seconds=40):
    """The written request and its notes."""
    cue = sheet_of(24 * seconds, [], emotion=[(0, 0.4, 0.4)], brief=Brief(style=style)).cues[0]
    plan, landings = planned(cue, seed)
    rng = np.random.default_rng(seed)
    request = request_for(cue, plan.tempo_map, landings, rng)
    writer = Writer(request, rng)
    write_takes(TinyNetwork(sharpness=0.3), [writer], DecoderSettings(), silent_progress())
    return request, writer


@given(st.integers(36, 90), st.sampled_from((F_MAJOR_CHORD, A_MINOR_CHORD, C_MAJOR_CHORD)))
def test_notes_of_the_chord_stay_notes_of_the_chord_and_near(pitch, chord):
    heard = HeardNote(pitch, C_MAJOR_CHORD, C_MAJOR)
    moved = again(heard, chord, C_MAJOR, is_line=False)
    assert abs(moved - pitch) <= 9
    if pitch % 12 in chord_tones(C_MAJOR_CHORD):
        assert moved % 12 in chord_tones(chord)


@given(st.integers(36, 90), st.booleans())
def test_over_the_same_chord_it_is_the_same_note(pitch, is_line):
    heard = HeardNote(pitch, F_MAJOR_CHORD, C_MAJOR)
    assert again(heard, F_MAJOR_CHORD, C_MAJOR, is_line=is_line) == pitch


def test_a_passing_note_keeps_its_distance_in_the_scale():
    assert again(HeardNote(62, C_MAJOR_CHORD, C_MAJOR), F_MAJOR_CHORD, C_MAJOR, is_line=False) == 67
    assert again(HeardNote(62, C_MAJOR_CHORD, C_MAJOR), A_MINOR_CHORD, A_MINOR, is_line=False) == 59


def test_a_line_does_not_come_again_where_it_would_leave_its_chord():
    heard = HeardNote(67, C_MAJOR_CHORD, C_MAJOR)
    assert again(heard, F_MAJOR_CHORD, C_MAJOR, is_line=True) is None


def test_figures_and_basses_loop_within_a_phrase_and_lines_do_not():
    assert earlier_in_phrase(RiffPlace("B", 3, Role.FIGURE, 0, 0)).bar == 1
    assert earlier_in_phrase(RiffPlace("B", 1, Role.FIGURE, 0, 0)) is None
    assert earlier_in_phrase(RiffPlace("B", 3, Role.LEAD, 0, 0)) is None


@pytest.mark.parametrize("style", [Style.BAND, Style.GAME], ids=lambda style: style.value)
def test_what_a_band_plays_comes_again(style):
    request, writer = composed(style)
    looped = measure_form(score_of(writer.piece.notes, request)).recurring_units_share
    other, player = composed(Style.ORCHESTRAL)
    free = measure_form(score_of(player.piece.notes, other)).recurring_units_share
    assert looped > 0.3 > 2 * free
    chords = {}
    for bar in request.bars[: request.bar_index_at(request.final_step) - 1]:
        chords.setdefault(bar.letter, set()).add(bar.chords)
    assert all(len(of_letter) <= 4 for of_letter in chords.values())


def test_an_orchestra_does_not_loop():
    request, writer = composed(Style.ORCHESTRAL)
    assert not request.riffs
    assert not writer.piece.riffs
