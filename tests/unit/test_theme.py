"""The theme is stated, remembered and sung again."""

from dataclasses import replace

import numpy as np
import pytest
from tests.cues import sheet_of
from tests.tiny_composer import tiny_composer

from emsync.settings import ComposeSettings
from emsync_server.composition import composing
from emsync_server.composition.groove import Groove
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.piece import Piece, WrittenNote
from emsync_server.composition.representation import DRUM_PITCH_OFFSET, Style
from emsync_server.composition.request import request_for
from emsync_server.composition.theme import stated_theme, sung_bar
from emsync_server.progress import ProgressSink

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


def test_it_is_sung_again_within_reach_and_only_where_the_form_asks(request_of_a_minute):
    theme = stated_theme(line(request_of_a_minute, VIOLIN, 72), request_of_a_minute)
    sung = [
        (bar, sung_bar(theme, request_of_a_minute, index))
        for index, bar in enumerate(request_of_a_minute.bars)
    ]
    assert any(one for _, one in sung)
    for bar, one in sung:
        assert one is None or bar.theme_bar is not None
        if one:
            assert one.lead in bar.ensemble
            low, high = INSTRUMENTS[one.lead].low, INSTRUMENTS[one.lead].high
            assert all(low <= note.pitch <= high for note in one.notes)
            assert [note.step for note in one.notes] == [0, 12, 24, 36][: len(one.notes)]


def test_even_a_network_that_knows_no_music_brings_its_theme_back(tmp_path, monkeypatch):
    writers = []
    write = composing.write_takes
    monkeypatch.setattr(
        composing,
        "write_takes",
        lambda net, ws, *a, **k: (writers.extend(ws), write(net, ws, *a, **k)),
    )
    sheet = sheet_of(24 * 60, [24 * 30], emotion=((0, 0.6, -0.4),))
    sink = ProgressSink(lambda share, note: None)
    compose = composing.compose
    compose(sheet, "film", tmp_path, ComposeSettings(), sink, composer=tiny_composer())
    kept = asked = 0
    for writer in writers:
        theme = writer.piece.theme
        written = {(n.step, n.instrument, n.pitch) for n in writer.piece.notes}
        for index, bar in enumerate(writer.request.bars):
            one = sung_bar(theme, writer.request, index) if theme else None
            for note in one.notes if one else ():
                asked += 1
                kept += (bar.start_step + note.step, one.lead, note.pitch) in written
    assert asked > 0
    assert kept / asked > 0.3  # by chance one note in forty would be right


def groove_after(request, strokes):
    piece = Piece()
    for step, key in strokes:
        piece.add(WrittenNote(request.bars[0].start_step + step, DRUM_KIT, key, 3, 80))
    piece.next_bar(request.bars[1].start_step)
    return piece, Groove(piece, request)


def test_drums_keep_to_a_pattern_that_fits(request_of_a_minute):
    request = replace(request_of_a_minute, style=Style.HYBRID)
    piece, groove = groove_after(request, [])
    assert groove.strokes
    place, key = groove.strokes[0]
    step = piece.bar_start + place
    assert place == 0 or groove.positions(piece)[place] > 0
    assert groove.instruments(piece, step)[DRUM_KIT] < 0  # the pitched players come first
    for pitch in range(40, 70):
        piece.add(WrittenNote(step, CELLO, pitch, 3, 80))
    assert groove.instruments(piece, step)[DRUM_KIT] > 0
    piece.add(WrittenNote(step, DRUM_KIT, key, 3, 80))
    assert key + DRUM_PITCH_OFFSET not in np.flatnonzero(groove.keys(piece, step) > 0)
    rests = set(range(request.bars[1].steps)) - groove.steps
    assert groove.instruments(piece, piece.bar_start + min(rests))[DRUM_KIT] < 0


def test_where_no_pattern_fits_drums_go_on_with_the_bar_before(request_of_a_minute, monkeypatch):
    monkeypatch.setattr("emsync_server.composition.groove._pattern_for", lambda request, bar: None)
    strokes = [(0, 36), (24, 38), (36, 42)]
    _, groove = groove_after(request_of_a_minute, strokes)
    assert groove.strokes == strokes
