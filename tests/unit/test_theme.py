"""The theme is stated, remembered and sung again."""

from dataclasses import replace

import numpy as np
import pytest
from tests.cues import sheet_of
from tests.tiny_composer import TinyNetwork

from emsync_server.composition import composing
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.groove import strokes_of
from emsync_server.composition.instruments import INSTRUMENT_INDEX
from emsync_server.composition.patterns.library import DRUM_KEYS
from emsync_server.composition.piece import WrittenNote
from emsync_server.composition.representation import Style
from emsync_server.composition.requesting import request_for
from emsync_server.composition.roles import singing_band
from emsync_server.composition.theme import _moved, stated_theme, theme_pitch
from emsync_server.progress import silent_progress

VIOLIN, CELLO = INSTRUMENT_INDEX["violin"], INSTRUMENT_INDEX["cello"]
TUNE = (0, 2, 4, 2)


@pytest.fixture
def request_of_a_minute():
    cue = sheet_of(24 * 60, emotion=((0, 0.6, -0.4),)).cues[0]
    plan, landings = composing.planned(cue, 0)
    return request_for(cue, plan.tempo_map, landings, np.random.default_rng(0))


def line(request, instrument, pitch):
    """A quarter on each beat of the theme's bars."""
    return [
        WrittenNote(bar.start_step + 12 * beat, instrument, pitch + TUNE[beat], 12, 80)
        for bar in request.bars[: request.theme_bars]
        for beat in range(min(bar.steps // 12, 4))
    ]


def test_the_theme_is_the_highest_line_that_sings(request_of_a_minute):
    notes = line(request_of_a_minute, VIOLIN, 72) + line(request_of_a_minute, CELLO, 48)
    theme = stated_theme(notes, request_of_a_minute)
    assert theme is not None
    assert theme.sung_by == VIOLIN
    assert [note.pitch for note in theme.bars[0]][:3] == [72, 74, 76]


def test_chords_and_silence_are_no_theme(request_of_a_minute):
    assert stated_theme([], request_of_a_minute) is None
    block = [n for pitch in (60, 64, 67) for n in line(request_of_a_minute, VIOLIN, pitch)]
    assert stated_theme(block, request_of_a_minute) is None


def test_it_comes_back_only_where_the_form_asks_and_by_octaves_within_reach(request_of_a_minute):
    theme = stated_theme(line(request_of_a_minute, VIOLIN, 72), request_of_a_minute)
    asked = 0
    for bar in request_of_a_minute.bars:
        for player in (VIOLIN, CELLO):
            band = singing_band(player, bar.valence)
            sung = [theme_pitch(theme, bar, step, band) for step in (0, 12, 24, 36)]
            if bar.theme_bar is None:
                assert sung == [None] * 4
            else:
                asked += 1
                assert all(abs(pitch - sum(band) / 2) <= 12 for pitch in sung if pitch)
    assert asked


def test_it_comes_back_in_the_octave_nearest_to_the_line_before_it_where_that_is_in_reach(
    request_of_a_minute,
):
    theme = stated_theme(line(request_of_a_minute, VIOLIN, 72), request_of_a_minute)
    bar = next(one for one in request_of_a_minute.bars if one.theme_bar == 0)
    low = theme_pitch(theme, bar, 0, (58, 76), None)
    assert theme_pitch(theme, bar, 0, (58, 76), low + 1) == low
    assert theme_pitch(theme, bar, 0, (58, 76), low + 13) == low + 12
    assert theme_pitch(theme, bar, 0, (54, 68), low + 13) == low  # too high for its player


def test_even_a_network_that_knows_no_music_brings_its_theme_back():
    cue = sheet_of(24 * 60, [24 * 30], emotion=((0, 0.6, -0.4),)).cues[0]
    plan, landings = composing.planned(cue, 0)
    rng = np.random.default_rng(0)
    writer = Writer(request_for(cue, plan.tempo_map, landings, rng), rng)
    write_takes(TinyNetwork(0, 0.4), [writer], DecoderSettings(), silent_progress())
    theme, line_sung = writer.piece.theme, writer.piece.line
    assert theme is not None
    asked = [
        (bar.start_step + note.step, _moved(note.pitch, theme.key, bar.key) % 12)
        for bar in writer.request.bars
        if bar.theme_bar is not None
        for note in theme.bars[bar.theme_bar]
        if bar.start_step + note.step in line_sung
    ]
    assert len(asked) >= 8
    kept = sum(line_sung[step] % 12 == pitch for step, pitch in asked)
    assert kept / len(asked) > 0.85  # by chance one in seven


def test_drums_keep_to_a_pattern_that_fits_and_fill_where_the_phrase_closes(request_of_a_minute):
    request = replace(request_of_a_minute, style=Style.HYBRID)
    plain = [[*strokes_of(request, index, closes=False)] for index in range(2)]
    assert plain[0]
    assert all(0 <= step < request.bars[0].steps for step, _, _ in plain[0])
    assert {key for _, key, _ in plain[0]} <= set(DRUM_KEYS.values())
    filled = [*strokes_of(request, 0, closes=True)]
    assert filled != plain[0]
    common = min(step for step, *_ in set(filled) ^ set(plain[0]))
    assert [s for s in filled if s[0] < common] == [s for s in plain[0] if s[0] < common]
