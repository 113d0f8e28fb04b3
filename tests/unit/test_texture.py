"""Textures: roles, rhythms that come again, a line on top that breathes, everybody at landings."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cues import sheet_of
from tests.tiny_composer import TinyNetwork

from emsync.cue import Brief, Style
from emsync.emotion import Mood, ShotNotes, ValenceArousal
from emsync.family import Family
from emsync_server.composition import melody, rhythm
from emsync_server.composition.accents import CHORD_NOTES, AccentPlan
from emsync_server.composition.composing import planned
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.dynamics import loudness
from emsync_server.composition.force import Force
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS, playable
from emsync_server.composition.orchestration import ensemble_for, mood_of
from emsync_server.composition.requesting import request_for
from emsync_server.composition.roles import Role, cast_phrase, singing_band
from emsync_server.composition.texture import plan_texture
from emsync_server.progress import silent_progress

HITS = [24 * 10, 24 * 17, 24 * 31]


def textured(emotion=((0, 0.3, 0.1),), hits=(), *, seconds=40, seed=0, **brief):
    """The request of a cue, and its texture."""
    cue = sheet_of(24 * seconds, list(hits), emotion=emotion, brief=Brief(**brief)).cues[0]
    plan, landings = planned(cue, seed)
    rng = np.random.default_rng(seed)
    request = request_for(cue, plan.tempo_map, landings, rng)
    return request, plan_texture(rng, request)


def lines_of(request, texture):
    """The line's slots of each bar, phrase by phrase."""
    pairs = zip(request.bars, texture, strict=True)
    for _, phrase in groupby(pairs, key=lambda pair: pair[0].phrase):
        yield [(bar, [s for s in slots if s.role is Role.LEAD]) for bar, slots in phrase]


@given(
    st.floats(-1, 1),
    st.floats(-1, 1),
    st.sets(st.integers(0, 959), max_size=8).map(sorted),
    st.none() | st.sampled_from(Style),
    st.sets(st.sampled_from(Family), max_size=3),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_what_is_due_can_be_played_and_stands_in_the_order_of_writing(
    valence, arousal, hits, style, families, seed
):
    brief = {"style": style, "families": tuple(sorted(families, key=list(Family).index))}
    request, texture = textured(((0, valence, arousal),), hits, seed=seed, **brief)
    assert len(texture) == len(request.bars)
    for bar, slots in zip(request.bars, texture, strict=True):
        assert [slot.place for slot in slots] == sorted(slot.place for slot in slots)
        for slot in slots:
            assert slot.instrument in bar.ensemble or slot.instrument in bar.players
            assert 0 <= slot.step < bar.steps
            assert slot.steps >= 1
            assert 1 <= slot.velocity <= 127
            low, high = slot.band
            assert any(playable(slot.instrument, pitch) for pitch in range(low, high + 1))


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


@pytest.mark.parametrize("style", Style)
def test_the_line_lies_above_the_harmony(style):
    for arousal in (-0.7, 0.0, 0.7):
        _, texture = textured(((0, 0.4, arousal),), style=style)
        for slots in texture:
            lead = [sum(s.band) / 2 for s in slots if s.role is Role.LEAD]
            held = [sum(s.band) / 2 for s in slots if s.role is Role.PAD]
            assert not lead or not held or max(held) < min(lead)


def test_a_phrase_takes_up_its_rhythms_and_breathes_at_its_end():
    request, texture = textured(seconds=60)
    phrases = [phrase for phrase in lines_of(request, texture) if len(phrase) >= 4]
    assert phrases
    for phrase in phrases:
        steps = [[slot.step for slot in slots] for _, slots in phrase]
        assert steps[2] == steps[0] or not steps[0], "a cue's line may enter late"
        bar, closing = phrase[-1]
        end = closing[-1].step + closing[-1].steps
        if bar.end_step < request.final_step:
            assert closing[-1].closes
            assert end <= bar.steps - rhythm.BREATH_STEPS
            assert closing[-1].steps >= 12, "a phrase ends on a long note"


def test_what_restates_the_theme_has_its_rhythm():
    request, texture = textured(seconds=90)
    bars = list(zip(request.bars, texture, strict=True))
    stated = [[s.step for s in slots if s.role is Role.LEAD] for _, slots in bars]
    asked = [
        (index, bar.theme_bar)
        for index, bar in enumerate(request.bars)
        if bar.theme_bar is not None
        and bar.steps == request.bars[bar.theme_bar].steps
        and stated[bar.theme_bar]
    ]
    assert len(asked) >= 5
    same = sum(stated[index] == stated[of] for index, of in asked)
    assert same / len(asked) >= 0.7  # shorter phrases close sooner


def test_louder_music_has_more_to_play():
    notes = [
        sum(len(slots) for slots in textured(((0, 0.0, arousal),), seconds=30)[1])
        for arousal in (-0.8, 0.0, 0.8)
    ]
    assert notes[0] * 1.5 < notes[1] < notes[2] / 1.5


def test_the_line_is_louder_than_what_goes_under_it_and_swells_into_a_landing():
    request, _ = textured(hits=HITS)
    accents = AccentPlan(request)
    hit = request.bar_index_at(request.landings[0])
    before, after = request.bars[hit - 2], request.bars[hit + 1]
    last = request.bars[hit - 1]
    for bar in (before, last, after):
        lead, pad = (loudness(accents, bar, (0, role), 1) for role in (Role.LEAD, Role.PAD))
        assert lead > pad + 10
    swelling = [loudness(accents, bar, (0, Role.PAD), 1) for bar in (before, last)]
    assert swelling[0] < swelling[1]
    assert loudness(accents, after, (0, Role.PAD), 1) < swelling[1]


@pytest.mark.parametrize("valence", [-0.6, 0.6])
@pytest.mark.parametrize("arousal", [-0.6, 0.6])
@pytest.mark.parametrize("style", Style)
def test_every_ensemble_has_somebody_for_the_line_and_for_the_bass(style, arousal, valence):
    players = ensemble_for(style, mood_of(valence, arousal), ())
    leads = set()
    for turn in range(6):
        casting = cast_phrase(players, turn=turn, excited=arousal > 0)
        assert casting.lead in players
        assert casting.bass in players
        assert casting.figure in players
        assert {*casting.pads} <= players
        low, high = singing_band(casting.lead, valence)
        assert high - low >= 12, "an octave to sing in"
        assert INSTRUMENTS[casting.lead].low <= low < high <= INSTRUMENTS[casting.lead].high
        leads.add(casting.lead)
    assert len(leads) > 1 or len(players) < 5, "the line wanders through the band"


@pytest.mark.parametrize("bar_steps", [36, 48])
@given(st.floats(-1, 1), st.integers(0, 999))
def test_cells_stay_in_their_bar_and_closes_leave_a_breath(bar_steps, arousal, seed):
    rng = np.random.default_rng(seed)
    first, second = rhythm.melody_cells(rng, arousal, bar_steps)
    assert first != second
    bass = rhythm.bass_cell(rng, arousal, bar_steps)
    close = rhythm.closing_cell(rng, arousal, bar_steps)
    for cell in (first, second, bass, close):
        for one, other in pairwise(cell):
            assert one.step + one.steps <= other.step
        assert cell[-1].step + cell[-1].steps <= bar_steps
    assert close[-1].step + close[-1].steps <= bar_steps - rhythm.BREATH_STEPS
    assert close[-1].steps == max(stroke.steps for stroke in close)


@given(st.floats(0.2, 40), st.integers(0, 99))
def test_a_figure_has_about_as_many_notes_as_there_is_room_for(wanted, seed):
    cell = rhythm.figure_cell(np.random.default_rng(seed), wanted)
    assert sum(stroke.steps for stroke in cell) <= 48
    assert not cell or 0.4 < len(cell) / min(max(wanted, 1), 16) < 2.5


@given(st.integers(55, 75), st.integers(-7, 7), st.integers(55, 75), st.integers(0, 23))
def test_an_echo_goes_as_many_steps_of_the_scale(opening, leap, opens_now, key):
    scale = melody._ladder(key)
    opening, opens_now = (int(scale[np.searchsorted(scale, p)]) for p in (opening, opens_now))
    heard = int(scale[np.searchsorted(scale, opening) + leap])
    wanted = int(np.argmax(melody.echo(heard, opening, opens_now, key)))
    assert np.searchsorted(scale, wanted) - np.searchsorted(scale, opens_now) == leap


def test_a_line_would_rather_step_than_leap_or_stand():
    leaning = melody.from_latest([60])
    assert leaning[62] > leaning[64] > leaning[67] > leaning[71]
    assert leaning[60] < leaning[64]
    assert melody.from_latest([60, 67])[65] > melody.from_latest([67])[65]


@pytest.mark.parametrize("arousal", [-0.6, 0.6])
def test_even_a_network_that_knows_no_music_plays_what_is_due(arousal):
    cue = sheet_of(24 * 20, [24 * 8], emotion=((0, 0.5, arousal),)).cues[0]
    plan, landings = planned(cue, 1)
    rng = np.random.default_rng(1)
    writer = Writer(request_for(cue, plan.tempo_map, landings, rng), rng)
    write_takes(TinyNetwork(0, 0.4), [writer], DecoderSettings(), silent_progress())
    written = {(note.step, note.instrument) for note in writer.piece.notes}
    due = [
        (bar.start_step + slot.step, slot.instrument)
        for bar, slots in zip(writer.request.bars, writer.rules.due._texture, strict=True)
        for slot in slots
    ]
    assert np.mean([place in written for place in due]) > 0.9
    assert np.mean([place in {*due} for place in written]) > 0.9
    pitched = [note for note in writer.piece.notes if not note.is_drum]
    top = [
        pitch >= max(note.pitch for note in pitched if note.step == step) - 12
        for step, pitch in writer.piece.line.items()
    ]
    assert np.mean(top) > 0.9  # its double lies an octave higher


def test_without_a_texture_the_network_is_free():
    cue = sheet_of(24 * 10).cues[0]
    plan, landings = planned(cue, 0)
    rng = np.random.default_rng(0)
    request = request_for(cue, plan.tempo_map, landings, rng)
    free, bound = (Writer(request, np.random.default_rng(0), textured=t) for t in (False, True))
    for writer in (free, bound):
        write_takes(TinyNetwork(), [writer], DecoderSettings(), silent_progress())
    assert not free.piece.line
    assert bound.piece.line


def test_celesta_and_timpani_are_no_bass():
    players = frozenset(INSTRUMENT_INDEX[name] for name in ("celesta", "timpani", "cello"))
    assert cast_phrase(players, turn=0, excited=False).bass == INSTRUMENT_INDEX["cello"]


def phrases_of(request, texture):
    """(bar, slots) of each phrase."""
    pairs = zip(request.bars, texture, strict=True)
    return [list(phrase) for _, phrase in groupby(pairs, key=lambda pair: pair[0].phrase)]


@pytest.mark.parametrize("seed", range(6))
def test_a_cue_opens_with_a_few_and_the_drums_come_later(seed):
    request, texture = textured(((0, 0.6, 0.6),), seconds=60, seed=seed, style=Style.GAME)
    opening, *others = phrases_of(request, texture)
    assert {slot.role for slot in opening[0][1]} <= {Role.BASS, Role.PAD, Role.FIGURE, Role.STROKE}
    assert any(slot.role is Role.LEAD for _, slots in opening for slot in slots)
    assert not [s for _, slots in opening[:-1] for s in slots if s.role is Role.DRUMS]
    assert any(s.role is Role.DRUMS for phrase in others for _, slots in phrase for s in slots)


def test_basses_and_drums_rest_now_and_then_but_somebody_plays():
    bassless = drumless = 0
    for seed in range(12):
        request, texture = textured(((0, 0.4, 0.5),), seconds=90, seed=seed, style=Style.GAME)
        for slots in texture:
            roles = {slot.role for slot in slots}
            assert roles - {Role.DRUMS, Role.STROKE}, "dead air"
            bassless += Role.BASS not in roles
        for phrase in phrases_of(request, texture)[1:]:
            drumless += not any(s.role is Role.DRUMS for _, slots in phrase[:-1] for s in slots)
    assert bassless > 12
    assert drumless > 3


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


def struck_at(request, texture, step):
    index = request.bar_index_at(step)
    return [s for s in texture[index] if s.step == step - request.bars[index].start_step]


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


def sounding(request, texture, step):
    return sum(
        bar.start_step + s.step <= step < bar.start_step + s.step + s.steps
        for bar, slots in zip(request.bars, texture, strict=True)
        for s in slots
        if s.instrument != DRUM_KIT
    )


def test_music_thins_out_at_the_ends_of_phrases():
    middles, ends = [], []
    for seed in range(6):
        request, texture = textured(((0, 0.2, 0.2),), seconds=80, seed=seed)
        for phrase in phrases_of(request, texture)[:-1]:
            last = phrase[-1][0]
            if len(phrase) > 2:
                middles.append(sounding(request, texture, phrase[1][0].end_step - 10))
                ends.append(sounding(request, texture, last.end_step - 5))
    assert np.mean(ends) < 0.6 * np.mean(middles)
    assert min(ends) >= 1, "somebody holds on"


def test_some_phrases_are_a_line_over_held_chords_alone():
    alone = 0
    for seed in range(12):
        request, texture = textured(((0, 0.2, -0.1),), seconds=90, seed=seed)
        for phrase in phrases_of(request, texture):
            roles = {slot.role for _, slots in phrase for slot in slots}
            alone += roles == {Role.LEAD, Role.PAD}
    assert alone >= 4


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


@pytest.mark.parametrize("arousal", [-0.4, 0.4])
def test_a_piano_alone_has_a_melody_and_a_left_hand(arousal):
    _, texture = textured(((0, 0.3, arousal),), style=Style.PIANO, seconds=60)
    slots = [slot for bar in texture for slot in bar]
    assert {slot.instrument for slot in slots} == {INSTRUMENT_INDEX["piano"]}
    sung = [s for s in slots if s.role is Role.LEAD]
    broken = [s for s in slots if s.role is Role.FIGURE]
    assert len(broken) > len(texture)
    assert max(s.band[1] for s in broken) < np.mean([s.band[0] for s in sung]) + 6
    assert min(s.band[0] for s in broken) < 55, "in the left hand"
    request, texture = textured(((0, 0.3, arousal),), HITS, style=Style.PIANO, seconds=40)
    for step in request.landings:
        bands = [s.band for s in struck_at(request, texture, step)]
        assert len(bands) >= 5
        assert max(high for _, high in bands) <= 88


def test_a_piano_of_a_chamber_group_plays_and_not_only_strikes():
    request, texture = textured(((0, 0.2, 0.0),), style=Style.CHAMBER, seconds=60)
    piano = [
        s for bar, slots in zip(request.bars, texture, strict=True) for s in slots
        if s.instrument == INSTRUMENT_INDEX["piano"]
    ]  # fmt: skip
    assert sum(s.role is Role.FIGURE for s in piano) > len(texture)


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


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("valence", [-0.8, 0.8])
def test_no_line_is_shrill(style, valence):
    _, texture = textured(((0, valence, 0.7),), style=style, seconds=60)
    sung = [s for slots in texture for s in slots if s.role in (Role.LEAD, Role.DOUBLE)]
    assert max(slot.band[1] for slot in sung) <= 88  # E6
