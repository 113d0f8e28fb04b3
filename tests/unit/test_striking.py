"""Hits in the texture: who strikes, how hard, what leads to it, and what holds back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.cues import sheet_of
from tests.textures import HITS, phrases_of, struck_at, textured
from tests.tiny_composer import TinyNetwork

from emsync.cue import Style
from emsync.emotion import Mood, ShotNotes, ValenceArousal
from emsync_server.composition.accents import CHORD_NOTES, AccentPlan
from emsync_server.composition.composing import planned
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.dynamics import loudness
from emsync_server.composition.force import Force
from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.leanings import chord_tones
from emsync_server.composition.requesting import request_for
from emsync_server.composition.roles import Role
from emsync_server.composition.texture import plan_texture
from emsync_server.progress import silent_progress


def test_at_a_landing_everybody_strikes_and_nobody_right_beside_it():
    request, texture = textured(hits=HITS)
    accents = AccentPlan(request)
    for landing in (accents.at(step) for step in request.landings):
        index = request.bar_index_at(landing.step)
        bar = request.bars[index]
        here = landing.step - bar.start_step
        struck = [s for s in texture[index] if s.step == here and s.instrument != DRUM_KIT]
        assert len(struck) > CHORD_NOTES
        assert {s.role for s in struck} >= {Role.LEAD, Role.BASS, Role.PAD}
        hushed = range(landing.hush_from, landing.hush_to)
        assert not [
            s for s in texture[index] if s.step != here and bar.start_step + s.step in hushed
        ]


def test_excited_dark_music_strikes_or_holds_back():
    seen = {}
    for seed in range(16):
        feeling = ((0, -0.725, 0.6),)  # between fear and anger
        request, texture = textured(feeling, seconds=40, seed=seed, style=Style.GAME)
        slots = [slot for bar in texture for slot in bar]
        lines = sum(slot.role is Role.LEAD for slot in slots) / len(texture)
        drums = any(slot.role is Role.DRUMS for slot in slots)
        highest = max(slot.band[1] for slot in slots if slot.role is Role.PAD)
        seen.setdefault(request.suspense, []).append((lines, drums, highest))
    assert set(seen) == {False, True}
    assert not any(drums for _, drums, _ in seen[True])
    assert all(drums for _, drums, _ in seen[False])
    sparse, dense = (np.mean([lines for lines, _, _ in seen[one]]) for one in (True, False))
    assert sparse < 0.8 * dense
    assert max(highest for _, _, highest in seen[False]) < min(h for _, _, h in seen[True])


def test_bright_music_never_holds_back():
    assert not any(textured(((0, 0.5, 0.6),), seed=seed)[0].suspense for seed in range(8))


@pytest.mark.parametrize(
    ("mood", "holds_back"),
    [(Mood.FEAR.place, True), (Mood.ANGER.place, False), (ValenceArousal(-0.6, 0.7), False)],
    ids=["fear", "anger", "anger as the brief has it"],
)
def test_fear_holds_back_and_anger_strikes(mood, holds_back):
    for seed in range(12):
        request, _ = textured(((0, mood.valence, mood.arousal),), seed=seed)
        assert request.suspense is holds_back


@pytest.mark.parametrize("felt", ["fear", "anger"])
def test_what_faces_and_words_said_tells_fear_from_anger(felt):
    sheet = sheet_of(24 * 30, emotion=((0, -0.72, 0.6),))
    cue = sheet.cues[0]
    shots = (ShotNotes(cue.range, ekman=((felt, 0.6), ("joy", 0.1))),)
    plan, landings = planned(cue, 0)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        request = request_for(cue, plan.tempo_map, landings, rng, shots=shots)
        assert request.suspense is (felt == "fear")


def test_a_cut_in_a_calm_scene_is_a_chord_and_one_struck_player():
    request, texture = textured(((0, 0.2, -0.5),), HITS)
    for step in request.landings:
        struck = struck_at(request, texture, step)
        assert AccentPlan(request).at(step).force is Force.LIGHT
        marking = {s.instrument for s in struck if s.role in (Role.ACCENT, Role.STROKE)}
        assert len(marking) == 1
        assert not [s for s in struck if s.instrument == DRUM_KIT or s.role is Role.DOUBLE]
        loudest = max(struck, key=lambda s: s.velocity)
        assert loudest.role is Role.ACCENT


def test_everybody_strikes_at_the_strongest_hits_only_and_never_twice_running():
    hits = [24 * second for second in (8, 12, 16, 20, 24, 28, 32)]
    request, texture = textured(((0, -0.3, 0.8),), hits, style=Style.GAME, seconds=40)
    accents = AccentPlan(request)
    forces = [accents.at(step).force for step in request.landings]
    assert Force.FULL in forces
    assert not any(one is other is Force.FULL for one, other in pairwise(forces))
    players = []
    for step, force in zip(request.landings, forces, strict=True):
        struck = struck_at(request, texture, step)
        cymbal = any(s.pitch == 49 for s in struck)
        assert cymbal == (force is Force.FULL)
        players.append(frozenset((s.instrument, s.band) for s in struck))
    assert all(one != other for one, other in pairwise(players)), "each strike is another one"


def test_a_struck_chord_is_let_go_where_the_harmony_or_its_player_goes_on():
    changed = 0
    for seed in range(6):
        request, texture = textured(((0, -0.2, 0.5),), HITS, seed=seed)
        for step in request.landings[:-1]:
            index = request.bar_index_at(step)
            bar, slots = request.bars[index], texture[index]
            middle = bar.start_step + bar.steps // 2
            changed += bar.halves and step < middle and bar.chords[0] != bar.chords[1]
            for slot in struck_at(request, texture, step):
                until = slot.step + slot.steps
                assert bar.chord_at(bar.start_step + until - 1) == bar.chord_at(step)
                assert not [
                    later
                    for later in slots
                    if (later.instrument, later.role) == (slot.instrument, slot.role)
                    and slot.step < later.step < until
                ]
    assert changed


def test_a_heavier_hit_is_struck_harder():
    sheet = sheet_of(24 * 40, HITS, emotion=((0, 0.0, 0.4),))
    hits = tuple(
        replace(hit, weight=weight)
        for hit, weight in zip(sheet.cues[0].hits, (0.1, 1.0, 0.1), strict=True)
    )
    cue = replace(sheet.cues[0], hits=hits)
    plan, landings = planned(cue, 0)
    request = request_for(cue, plan.tempo_map, landings, np.random.default_rng(0))
    accents = AccentPlan(request)
    soft, hard, _ = (accents.at(step) for step in request.landings)
    assert soft.force < hard.force
    soft_bar, hard_bar = (request.bars[request.bar_index_at(s.step)] for s in (soft, hard))
    levels = [
        loudness(accents, bar, (one.step - bar.start_step, Role.PAD), 1)
        for one, bar in ((soft, soft_bar), (hard, hard_bar))
    ]
    assert levels[0] < levels[1]


def test_drums_lead_over_to_a_strike():
    """The bar before is not the bar before that."""
    led = 0
    for seed in range(8):
        request, texture = textured(
            ((0, -0.2, 0.8),), [24 * 15, 24 * 23], style=Style.GAME, seed=seed
        )
        for step in request.landings:
            index = request.bar_index_at(step)
            if request.bars[index].start_step != step or index < 3:
                continue
            drums = [
                {(s.step, s.pitch) for s in texture[at] if s.role is Role.DRUMS}
                for at in (index - 2, index - 1)
            ]
            led += bool(drums[1]) and drums[0] != drums[1]
    assert led >= 8


def test_music_leans_to_hits_that_are_not_locked():
    cue = sheet_of(24 * 40, [24 * 13], locked=False).cues[0]
    plan, landings = planned(cue, 0)
    assert landings == ()
    rng = np.random.default_rng(0)
    request = request_for(cue, plan.tempo_map, landings, rng)
    texture = plan_texture(rng, request)
    accents = AccentPlan(request)
    (soft,) = accents.soft
    assert abs(request.seconds_at(soft) - 13) < 1.0
    bar = request.bars[request.bar_index_at(soft)]
    here = soft - bar.start_step
    struck = {slot.role for slot in texture[request.bar_index_at(soft)] if slot.step == here}
    assert struck >= {Role.BASS, Role.PAD}
    marked = loudness(accents, bar, (here, Role.PAD), 1)
    far = request.bars[request.bar_index_at(soft) - 3]
    assert marked > loudness(accents, far, (here, Role.PAD), 1)
    assert min(abs(phrase[0][0].start_step - soft) for phrase in phrases_of(request, texture)) <= 48


def test_whoever_sang_or_held_comes_home_in_the_last_chord():
    for seed in range(6):
        request, texture = textured(((0, 0.3, -0.1),), seed=seed, style=Style.ORCHESTRAL)
        last = struck_at(request, texture, request.final_step)
        index = request.bar_index_at(request.final_step)
        before = [slot for slots in texture[index - 2 : index] for slot in slots]
        sang = {slot.instrument for slot in before if slot.role in (Role.LEAD, Role.DOUBLE)}
        held = {slot.instrument for slot in before if slot.role is Role.PAD}
        assert sang | held <= {slot.instrument for slot in last}


def test_what_is_struck_at_a_hit_is_its_chord():
    """Of a network that knows no music and is sure of it, too."""
    wrong = struck = 0
    for seed in range(4):
        cue = sheet_of(24 * 30, [24 * 9, 24 * 19], emotion=[(0, 0.3, 0.4)]).cues[0]
        plan, landings = planned(cue, seed)
        rng = np.random.default_rng(seed)
        writer = Writer(request_for(cue, plan.tempo_map, landings, rng), rng)
        write_takes(TinyNetwork(sharpness=1.0), [writer], DecoderSettings(), silent_progress())
        for note in writer.piece.notes:
            if note.step in landings and note.instrument != DRUM_KIT:
                bar = writer.request.bars[writer.request.bar_index_at(note.step)]
                wrong += note.pitch % 12 not in chord_tones(bar.chord_at(note.step))
                struck += 1
    assert struck > 60
    assert wrong <= 0.05 * struck
