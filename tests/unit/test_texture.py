"""Textures: roles, rhythms that come again, a line on top that breathes, everybody at landings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cues import sheet_of
from tests.textures import HITS, lines_of, phrases_of, sounding, struck_at, textured
from tests.tiny_composer import TinyNetwork

from emsync.cue import Style
from emsync.family import Family
from emsync_server.composition import melody, rhythm
from emsync_server.composition.accents import AccentPlan
from emsync_server.composition.composing import planned
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.dynamics import loudness
from emsync_server.composition.instruments import INSTRUMENT_INDEX, INSTRUMENTS, playable
from emsync_server.composition.orchestration import ensemble_for, mood_of
from emsync_server.composition.requesting import request_for
from emsync_server.composition.roles import Role, cast_phrase, singing_band
from emsync_server.progress import silent_progress


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


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("valence", [-0.8, 0.8])
def test_no_line_is_shrill(style, valence):
    _, texture = textured(((0, valence, 0.7),), style=style, seconds=60)
    sung = [s for slots in texture for s in slots if s.role in (Role.LEAD, Role.DOUBLE)]
    assert max(slot.band[1] for slot in sung) <= 88  # E6


def test_short_calm_cues_state_a_shape():
    notes = []
    for seed in range(8):
        request, texture = textured(((0, 0.2, -0.6),), seconds=8, seed=seed, style=Style.CHAMBER)
        starts = [
            bar.start_step + slot.step
            for phrase in lines_of(request, texture)
            for bar, slots in phrase
            for slot in slots
        ]
        notes.append(sum(step < request.final_step for step in starts))
    assert np.mean(notes) >= 6
