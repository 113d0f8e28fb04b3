"""Sentences about a score: counts, moments, hits that crowd, silence, what can be heard already."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from tests.cues import sheet_of
from tests.timelines import R24, clip, score_of, timeline, track

from emsync.counted import counted
from emsync.cue import Key
from emsync.errors import CueSheetError
from emsync.timecode import RationalTime, moment_of
from emsync_otio.reading import edit_of
from emsync_server.cli.console import shown_progress
from emsync_server.cli.telling import key_and_tempo
from emsync_server.composition.composing import planned


@pytest.mark.parametrize(
    ("count", "thing", "said"),
    [
        pytest.param(0, "hit", "0 hits", id="none"),
        pytest.param(1, "boundary", "1 boundary", id="one"),
        pytest.param(2, "boundary", "2 boundaries", id="two that end in y"),
        pytest.param(6, "stretch", "6 stretches", id="six that end in ch"),
    ],
)
def test_a_count_has_the_words_form(count: int, thing: str, said: str):
    assert counted(count, thing) == said


@pytest.mark.parametrize(
    ("time", "said"),
    [
        pytest.param(RationalTime(1500, Fraction(24)), "00:01:02:12", id="frames of a film"),
        pytest.param(RationalTime(30, Fraction(30_000, 1001)), "00:00:01:00", id="NTSC"),
        pytest.param(RationalTime(24_000, Fraction(48_000)), "0.500 s", id="samples"),
        pytest.param(RationalTime(-1, Fraction(25)), "-0.040 s", id="before the picture"),
    ],
)
def test_a_moment_is_said_as_cue_sheets_are_written(time: RationalTime, said: str):
    assert moment_of(time) == said


def test_locked_hits_of_which_one_is_heard_are_named():
    (cue,) = sheet_of(240, [100, 101, 150]).cues
    assert cue.crowded_hits == (
        "Locked hits of 'film' lie so close that only one accent is heard for two: 00:00:04:04 and "
        "00:00:04:05. Unlock or remove one of them.",
    )
    hits = [replace(hit, label=f"door {n}") for n, hit in enumerate(cue.hits)]
    assert "00:00:04:04 ('door 0') and" in replace(cue, hits=tuple(hits)).crowded_hits[0]
    assert sheet_of(240, [100, 101], locked=False).cues[0].crowded_hits == ()
    assert sheet_of(240, [100, 103]).cues[0].crowded_hits == ()


def test_hits_that_no_music_separates_are_refused_in_timecode():
    (cue,) = sheet_of(600, [130, 131], rate=Fraction(60)).cues
    with pytest.raises(CueSheetError, match=r"at 00:00:02:10 and 00:00:02:11 lie 17 ms apart"):
        planned(cue, seed=0)


def test_a_take_that_nobody_hears_is_told(tmp_path: Path):
    edit = edit_of(timeline(track(clip("a", 48, R24))), tmp_path / "cut.otio")
    stems = score_of(edit, tmp_path)[1][0].stems
    assert stems.silence_warning == ()
    silent = tuple(replace(stem, peak_db=-float("inf")) for stem in stems.stems)
    for nothing in (replace(stems, stems=silent), replace(stems, stems=())):
        (said,) = nothing.silence_warning
        assert said.startswith("'cue' is silent: no note")


def test_key_and_tempo_are_told_as_a_brief_takes_them(tmp_path: Path):
    edit = edit_of(timeline(track(clip("a", 48, R24))), tmp_path / "cut.otio")
    take = score_of(edit, tmp_path)[1][0].take  # 16 quarters in 2 s
    assert key_and_tempo(take) == "480 quarters a minute"
    assert key_and_tempo(replace(take, key=Key.parse("Dm"))) == "D minor, 480 quarters a minute"


def test_where_the_first_bars_lie_is_said_once(capsys: pytest.CaptureFixture[str]):
    with shown_progress("score") as progress:
        for seconds in (2.5, 5.0, 10.0):
            progress.ready(Path("/films/.emsync/beginning.mid"), seconds)
    said = capsys.readouterr().err
    assert said.count("beginning.mid") == 1
    assert "while the rest is composed; until then" in said, "the file is gone at the end"
