"""Sampling and the rules: what holds whatever the network says."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cues import sheet_of
from tests.tiny_composer import TinyNetwork

from emsync.cue import Brief, Key, Mode, Style
from emsync.family import Family
from emsync_server.composition.accents import CHORD_NOTES, HUSH_BEFORE_S, STILL_S
from emsync_server.composition.composing import planned
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.guidance import Guidance, guided
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS, playable
from emsync_server.composition.orchestration import SOLOS, ensemble_for, mood_of
from emsync_server.composition.representation import CONDITION, CONDITION_SIZE, LENGTH_STEPS
from emsync_server.composition.requesting import request_for
from emsync_server.composition.sampling import HeadSampling, choose
from emsync_server.composition.striking import (
    STRIKE,
    force_of,
    runners_of,
    speaking,
    strikers_of,
)
from emsync_server.progress import silent_progress


@given(
    st.lists(st.floats(-30, 30), min_size=2, max_size=40),
    st.integers(0, 2**32),
    st.floats(0.05, 3),
    st.floats(0.01, 1),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_what_is_not_allowed_is_never_chosen(logits, seed, temperature, top_p, data):
    size = len(logits)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    allowed[data.draw(st.integers(0, size - 1))] = True
    sampling = HeadSampling(temperature, top_p)
    index, likelihood = choose(np.random.default_rng(seed), np.array(logits), allowed, sampling)
    assert allowed[index]
    assert likelihood <= 1e-9


def test_choices_follow_the_probabilities():
    rng, logits = np.random.default_rng(1), np.log(np.array([0.6, 0.3, 0.1]))
    whole = HeadSampling(1.0, 1.0)
    drawn = Counter(choose(rng, logits, np.ones(3, bool), whole)[0] for _ in range(4000))
    assert [round(drawn[i] / 4000, 1) for i in range(3)] == [0.6, 0.3, 0.1]


def test_top_p_drops_the_tail():
    rng, logits = np.random.default_rng(1), np.log(np.array([0.6, 0.3, 0.1]))
    narrow = HeadSampling(1.0, 0.85)
    assert {choose(rng, logits, np.ones(3, bool), narrow)[0] for _ in range(300)} == {0, 1}


def test_guidance_of_one_changes_nothing():
    a, b = np.array([1.0, 2.0]), np.array([0.0, 5.0])
    assert guided(a, [b], [1.0]) == pytest.approx(a)
    assert guided(a, [b], [2.0]) == pytest.approx([2.0, -1.0])
    assert Guidance().rows == 1


@pytest.mark.parametrize(
    ("guidance", "withheld"),
    [
        pytest.param(Guidance(emotion=2.0), [["valence", "arousal"]], id="emotion"),
        pytest.param(Guidance(offsets=3.0), [["next_hit_s", "last_hit_s", "end_s"]], id="offsets"),
        pytest.param(
            Guidance(2.0, 3.0),
            [["valence", "arousal"], ["next_hit_s", "last_hit_s", "end_s"]],
            id="both",
        ),
    ],
)
def test_guidance_withholds_one_part_a_row(guidance, withheld):
    conditions = np.ones((2, CONDITION_SIZE), np.float32)
    rows, known = guidance.spread(np.arange(2)[:, None], conditions)
    assert rows[:, 0].tolist() == [0, 1] * guidance.rows
    for part, names in enumerate(withheld, start=1):
        row = known[2 * part]
        assert [float(row[CONDITION[name]][0]) for name in names] == [0.0] * len(names)
        assert float(row.sum()) == CONDITION_SIZE - 2 * len(names)  # the value and its flag


@pytest.mark.parametrize(("temperature", "top_p"), [(0, 0.9), (1, 0), (1, 1.1), (-1, 0.5)])
def test_senseless_sampling_is_refused(temperature, top_p):
    with pytest.raises(ValueError, match="cannot be sampled"):
        HeadSampling(temperature, top_p)


def written(sheet, *, seed=0, network_seed=0, sharpness=0.4) -> Writer:
    """One take by the tiny network."""
    cue = sheet.cues[0]
    plan, landings = planned(cue, seed)
    rng = np.random.default_rng([seed, 1, 0])
    writer = Writer(request_for(cue, plan.tempo_map, landings, rng), rng)
    write_takes(
        TinyNetwork(network_seed, sharpness), [writer], DecoderSettings(), silent_progress()
    )
    return writer


@st.composite
def sheets(draw):
    """Cues of a frame to 20 seconds with hits anywhere, any emotion, any brief."""
    frames = draw(st.integers(1, 480))
    hits = draw(st.sets(st.integers(0, frames - 1), max_size=12).map(sorted))
    emotion = [
        (2.0 * i, draw(st.floats(-1, 1)), draw(st.floats(-1, 1)))
        for i in range(draw(st.integers(1, 6)))
    ]
    brief = Brief(
        style=draw(st.none() | st.sampled_from(Style)),
        families=tuple(draw(st.sets(st.sampled_from(Family), max_size=3).map(_in_order))),
        key=draw(st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(Mode))),
        density=draw(st.none() | st.floats(0, 1)),
    )
    return sheet_of(frames, hits, emotion=emotion, brief=brief)


def _in_order(families):
    return sorted(families, key=list(Family).index)


@given(sheets(), st.integers(0, 1000), st.sampled_from([0.1, 0.4, 2.0]))
@settings(max_examples=60, deadline=None)
def test_whatever_the_network_says_the_rules_hold(sheet, seed, sharpness):
    writer = written(sheet, seed=seed, network_seed=seed, sharpness=sharpness)
    request, notes = writer.request, writer.piece.notes
    for step in {*request.landings, request.final_step}:
        struck = [note for note in notes if note.step == step and not note.is_drum]
        assert len({note.pitch for note in struck}) >= CHORD_NOTES, f"no chord at step {step}"
        longest = min(6, max(s for s in LENGTH_STEPS if s <= _room_after(request, step)))
        ensemble = request.bars[request.bar_index_at(step)].ensemble
        able = strikers_of(ensemble - {DRUM_KIT} if step == request.final_step else ensemble)
        marking = [n for n in struck if n.instrument in able] if able else struck
        assert all(note.velocity >= 80 for note in marking)
        assert all(note.velocity >= 48 and note.steps >= longest for note in struck)
    first_s = min(map(request.seconds_at, {*request.landings, request.final_step}))
    assert notes[0].step == 0 or request.seconds_at(notes[0].step) == first_s <= HUSH_BEFORE_S
    assert max(note.end_step for note in notes) <= request.end_step
    assert len({(n.step, n.instrument, n.pitch) for n in notes}) == len(notes)
    order = [(note.step, note.instrument, note.pitch) for note in notes]
    assert order == sorted(order)
    families = set(sheet.cues[0].brief.families)
    for note in notes:
        assert playable(note.instrument, note.pitch)
        assert not families or INSTRUMENTS[note.instrument].family in families


def _room_after(request, step):
    """Steps until the end, or until the next landing, before which it may be damped."""
    landings = sorted({*request.landings, request.final_step})
    return min([one for one in landings if one > step], default=request.end_step) - step


@given(sheets(), st.integers(0, 1000), st.sampled_from([0.1, 2.0]))
@settings(max_examples=60, deadline=None)
def test_every_locked_hit_has_a_struck_attack_where_somebody_can_strike(sheet, seed, sharpness):
    writer = written(sheet, seed=seed, network_seed=seed, sharpness=sharpness)
    request = writer.request
    for step in request.landings:
        ensemble = request.bars[request.bar_index_at(step)].ensemble
        able = strikers_of(ensemble - {DRUM_KIT} if step == request.final_step else ensemble)
        strikes = [n for n in writer.piece.notes if n.step == step and n.instrument in able]
        assert not able or sum(force_of(note.instrument) for note in strikes) >= STRIKE
        assert all(speaking(note.instrument)[note.pitch] for note in strikes)
        assert all(note.velocity >= 80 for note in strikes)


@given(st.sampled_from(Style), st.floats(-1, 1), st.floats(-1, 1))
def test_every_ensemble_has_somebody_who_strikes_chords(style, valence, arousal):
    ensemble = ensemble_for(style, mood_of(valence, arousal), ())
    assert any(player not in SOLOS for player in runners_of(ensemble))


@pytest.mark.parametrize("family", Family, ids=lambda family: family.value)
def test_a_family_of_the_brief_strikes_if_any_of_it_can(family):
    ensemble = ensemble_for(Style.ORCHESTRAL, mood_of(0.5, -0.5), (family,))
    swelling = {Family.WOODWINDS, Family.BRASS, Family.CHOIR, Family.SYNTH, Family.BASS}
    assert bool(strikers_of(ensemble)) == (family not in swelling)


@given(st.integers(0, 1000), st.lists(st.integers(1, 5), min_size=2, max_size=8))
@settings(max_examples=40, deadline=None)
def test_a_run_of_hits_is_struck_short_and_on_ever_new_notes(seed, gaps):
    frames = list(np.cumsum([60, *gaps]))
    writer = written(sheet_of(24 * 12, [int(frame) for frame in frames]), seed=seed)
    request = writer.request
    chords = [[n for n in writer.piece.notes if n.step == step] for step in request.landings]
    runners = runners_of(request.bars[request.bar_index_at(request.landings[0])].ensemble)
    assert all(note.instrument in runners for chord in chords for note in chord)
    for chord, following in pairwise(chords):
        assert all(note.end_step <= following[0].step for note in chord)
        assert not {n.pitch % 12 for n in chord} & {n.pitch % 12 for n in following}


@given(st.integers(0, 10_000), st.sampled_from([(), (Family.WOODWINDS,), (Family.CHOIR,)]))
@settings(max_examples=25, deadline=None)
def test_nothing_begins_right_beside_a_landing(seed, families):
    sheet = sheet_of(24 * 12, [60, 133, 202], brief=Brief(families=families))
    writer = written(sheet, seed=seed)
    request = writer.request
    starts = {request.seconds_at(note.step) for note in writer.piece.notes}
    breath_s = HUSH_BEFORE_S if families else STILL_S
    for step in request.landings:
        hit_s = request.seconds_at(step)
        assert not any(0 < hit_s - start < breath_s for start in starts)
        assert not any(0 < start - hit_s < STILL_S for start in starts)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_where_nobody_strikes_all_is_let_go_before_a_landing(seed):
    sheet = sheet_of(24 * 12, [60, 133, 202], brief=Brief(families=(Family.CHOIR,)))
    writer = written(sheet, seed=seed)
    for step in writer.request.landings:
        assert not any(n.step < step < n.end_step for n in writer.piece.notes)


@given(st.integers(0, 10_000), st.floats(-1, 1))
@settings(max_examples=25, deadline=None)
def test_there_is_no_dead_air(seed, arousal):
    writer = written(sheet_of(24 * 20, emotion=[(0.0, 0.0, arousal)]), seed=seed)
    request = writer.request
    reached = 0.0
    for note in writer.piece.notes:
        start = request.seconds_at(note.step)
        assert start - reached < 0.6, f"silence from {reached} to {start}"
        reached = max(reached, request.seconds_at(note.end_step))


def test_the_last_chord_is_the_tonic_triad_and_leaves_room_to_ring():
    key = Key(2, Mode.MINOR)
    writer = written(sheet_of(24 * 30, brief=Brief(key=key)), seed=3)
    request = writer.request
    last = [note for note in writer.piece.notes if note.step == request.final_step]
    assert {(note.pitch - 2) % 12 for note in last if not note.is_drum} <= {0, 3, 7}
    assert 1.5 <= 30 - request.seconds_at(request.final_step) <= 5
    assert not any(note.step > request.final_step for note in writer.piece.notes)


def test_accents_are_louder_than_what_surrounds_them():
    writer = written(sheet_of(24 * 20, [120, 290], emotion=[(0.0, 0.0, 0.0)]), seed=5)
    landings = {*writer.request.landings, writer.request.final_step}
    on_hits = [note.velocity for note in writer.piece.notes if note.step in landings]
    elsewhere = [note.velocity for note in writer.piece.notes if note.step not in landings]
    assert min(on_hits) > max(elsewhere)


def test_a_network_that_always_says_the_same_does_not_repeat_one_bar():
    network = TinyNetwork(0)
    network.recur[:] = 0
    network.condition[:] = 0
    cue = sheet_of(24 * 40).cues[0]
    plan, landings = planned(cue, 0)
    rng = np.random.default_rng(0)
    writer = Writer(request_for(cue, plan.tempo_map, landings, rng), rng)
    greedy = DecoderSettings(heads=(HeadSampling(0.05, 0.05),) * 5)
    write_takes(network, [writer], greedy, silent_progress())
    bars = [
        tuple((n.step - b.start_step, n.instrument, n.pitch) for n in writer.piece.notes
              if b.start_step <= n.step < b.end_step)
        for b in writer.request.bars
    ]  # fmt: skip
    for first in range(len(bars)):
        assert max(Counter(bars[first : first + 8]).values()) <= 2, (
            "heard a third time in eight bars"
        )


def test_several_takes_side_by_side_differ():
    cue = sheet_of(24 * 8, [100]).cues[0]
    plan, landings = planned(cue, 0)
    rngs = [np.random.default_rng([0, 1, number]) for number in range(3)]
    writers = [Writer(request_for(cue, plan.tempo_map, landings, rng), rng) for rng in rngs]
    write_takes(TinyNetwork(), writers, DecoderSettings(), silent_progress())
    assert len({tuple(writer.piece.notes) for writer in writers}) == 3


@pytest.mark.parametrize(
    "guidance", [Guidance(emotion=3.0), Guidance(offsets=3.0), Guidance(2.0, 2.0)]
)
def test_guidance_adds_rows_and_changes_the_music(guidance):
    plain = written(sheet_of(24 * 6))
    cue = sheet_of(24 * 6).cues[0]
    plan, landings = planned(cue, 0)
    rng = np.random.default_rng([0, 1, 0])
    writer = Writer(request_for(cue, plan.tempo_map, landings, rng), rng)
    write_takes(TinyNetwork(), [writer], DecoderSettings(guidance=guidance), silent_progress())
    assert writer.piece.notes != plain.piece.notes


def test_the_drum_kit_counts_for_no_accent():
    writer = written(sheet_of(24 * 6, [70], brief=Brief(families=(Family.PERCUSSION,))))
    step = writer.request.landings[0]
    struck = [n for n in writer.piece.notes if n.step == step and n.instrument != DRUM_KIT]
    assert len({note.pitch for note in struck}) >= CHORD_NOTES


def test_a_key_that_the_brief_names_is_never_left():
    key = Key(9, Mode.MINOR)
    writer = written(sheet_of(24 * 20, brief=Brief(key=key)), sharpness=0.1)
    used = {(n.pitch - 9) % 12 for n in writer.piece.notes if n.instrument != DRUM_KIT}
    assert used <= {0, 2, 3, 5, 7, 8, 10, 11}


@pytest.mark.parametrize("family", Family, ids=lambda family: family.name)
@pytest.mark.parametrize("valence", [-1.0, 1.0])
def test_one_family_alone_can_make_the_chord_of_a_single_frame(family, valence):
    sheet = sheet_of(1, emotion=((0, valence, 0.0),), brief=Brief(families=(family,)))
    for seed in range(6):
        notes = written(sheet, seed=seed).piece.notes
        assert len({note.pitch for note in notes if not note.is_drum}) >= CHORD_NOTES
