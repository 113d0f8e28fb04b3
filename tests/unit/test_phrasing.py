"""Expression and pedal: everything at landings, less between them, a last chord that dies away."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cues import sheet_of
from tests.tiny_composer import tiny_composer

from emsync.cue import Brief, Style
from emsync.score import Controller
from emsync.settings import ComposeSettings
from emsync_server.composition import compose
from emsync_server.composition.accents import AccentPlan
from emsync_server.composition.composing import planned
from emsync_server.composition.instruments import INSTRUMENT_INDEX
from emsync_server.composition.phrasing import PEDAL_LEADS_S, PEDALLED, SUSTAINING, Phrasing
from emsync_server.composition.piece import WrittenNote
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.requesting import request_for
from emsync_server.midi import read_midi
from emsync_server.progress import silent_progress

STRINGS, PIANO = INSTRUMENT_INDEX["string_ensemble"], INSTRUMENT_INDEX["piano"]
HARP = INSTRUMENT_INDEX["harp"]


def phrasing_of(hits=(), *, seconds=40, arousal=0.0, seed=0):
    cue = sheet_of(24 * seconds, list(hits), emotion=((0, -0.2, arousal),)).cues[0]
    plan, landings = planned(cue, seed)
    request = request_for(cue, plan.tempo_map, landings, np.random.default_rng(seed))
    return request, Phrasing(request)


def value_at(changes, step):
    time_q = Fraction(step, STEPS_PER_QUARTER)
    return [one.value for one in changes if one.time_q <= time_q][-1]


def held(request):
    """A note in every bar."""
    return [WrittenNote(bar.start_step, PIANO, 60, bar.steps, 70) for bar in request.bars]


@given(st.sets(st.integers(48, 900), max_size=8).map(sorted), st.floats(-1, 1), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_at_a_landing_everything_is_given_and_every_bar_says_where_it_stands(hits, arousal, seed):
    request, phrasing = phrasing_of(hits, arousal=arousal, seed=seed)
    curve = phrasing.of(STRINGS, held(request))
    for step in {*request.landings, request.final_step}:
        assert value_at(curve, step) == 127
    told = {one.time_q * STEPS_PER_QUARTER for one in curve}
    assert {bar.start_step for bar in request.bars} <= told
    assert all(earlier.time_q < later.time_q for earlier, later in pairwise(curve))


def test_music_grows_into_a_landing_and_falls_back_after_it():
    request, phrasing = phrasing_of([24 * 20])
    (hit,) = [step for step in request.landings if step]
    before = [phrasing.level_db(request.step_at(20.0 - ago_s)) for ago_s in (2.5, 1.5, 0.5)]
    assert before == sorted(before)
    assert before[2] - before[0] > 2
    assert phrasing.level_db(hit) == 0
    assert phrasing.level_db(request.step_at(22.0)) < -1


def test_expression_never_drops_at_once_under_held_notes():
    request, phrasing = phrasing_of([24 * 20])
    levels = [one.value for one in phrasing.of(STRINGS, held(request))]
    assert min(later - earlier for earlier, later in pairwise(levels)) > -20  # 2.5 dB from the top


def test_the_last_chord_dies_away_before_the_out_point():
    request, phrasing = phrasing_of()
    steps = np.linspace(request.final_step, request.end_step - 1, 12)
    levels = [phrasing.level_db(step) for step in steps]
    assert levels[0] == 0
    assert levels[-1] < -10
    assert all(later <= earlier for earlier, later in pairwise(levels))


def test_a_calm_cue_comes_from_nowhere_and_a_lively_one_does_not():
    calm, lively = (phrasing_of(arousal=arousal)[1].level_db(0) for arousal in (-0.6, 0.6))
    assert calm < -15 < lively


def test_who_strikes_or_plucks_has_no_expression_and_a_piano_its_pedal():
    request, phrasing = phrasing_of([24 * 20])
    assert not phrasing.of(HARP, held(request))
    assert not SUSTAINING & PEDALLED
    pedal = phrasing.of(PIANO, held(request))
    assert {one.controller for one in pedal} == {Controller.PEDAL}
    assert sum(one.value == 127 for one in pedal) > len(request.bars) / 2
    assert pedal[-1].value == 0
    for landing in map(AccentPlan(request).at, request.landings):
        early = request.step_at(landing.time_s - PEDAL_LEADS_S / 2)
        assert value_at(pedal, int(early)) == 0
        assert value_at(pedal, landing.step) == 0, "the chord is struck before the pedal"


def test_bars_written_anew_leave_the_other_bars_expression_as_it_is(tmp_path):
    sheet = sheet_of(24 * 30, [24 * 12], brief=Brief(style=Style.ORCHESTRAL))
    composer, quiet = tiny_composer(), silent_progress()
    (take,) = compose(sheet, "film", tmp_path, ComposeSettings(seed=3), quiet, composer=composer)
    before = read_midi(tmp_path / take.midi)
    again = ComposeSettings(seed=9, bars=(3, 5))
    compose(sheet, "film", tmp_path, again, quiet, composer=composer)
    after = read_midi(tmp_path / take.midi)
    bars = take.tempo_map.bars()
    start_q, stop_q = bars[2].start_q, bars[4].start_q
    old = {part.name: part.controls for part in before.parts}
    new = {part.name: part.controls for part in after.parts}
    assert any(old.values())
    for name in old.keys() & new.keys():
        kept, left = (
            [one for one in controls[name] if not start_q <= one.time_q < stop_q]
            for controls in (old, new)
        )
        assert kept == left


@pytest.mark.parametrize("arousal", [-0.5, 0.5])
def test_a_score_swells_in_the_file_too(tmp_path, arousal):
    sheet = sheet_of(24 * 20, [24 * 10], emotion=((0, 0.2, arousal),))
    (take,) = compose(
        sheet, "film", tmp_path, ComposeSettings(), silent_progress(), composer=tiny_composer()
    )
    parts = [part for part in read_midi(tmp_path / take.midi).parts if part.controls]
    values = [
        one.value for part in parts for one in part.controls
        if one.controller is Controller.EXPRESSION
    ]  # fmt: skip
    assert parts
    assert max(values) == 127
    assert min(values) < 80
