"""The composition step: files, landings as written, determinism, bad input."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from threading import Event

import numpy as np
import pytest
from tests.compositions import HITS, SHEET, composed
from tests.cues import sheet_of
from tests.tiny_composer import tiny_composer

from emsync import wire
from emsync.cue import Brief, Hit
from emsync.emotion import ValenceArousal
from emsync.errors import CueSheetError, JobCancelledError, MissingPartError, NotFoundError
from emsync.family import Family
from emsync.settings import ComposeSettings
from emsync.timecode import RationalTime
from emsync_server.composition import DecoderSettings, compose, load_composer
from emsync_server.composition.emotion_estimate import Passage, estimated_emotion
from emsync_server.composition.keys import key_fits
from emsync_server.composition.representation import BAR, CONDITION, CONDITION_SIZE
from emsync_server.midi import read_midi
from emsync_server.progress import ProgressSink, silent_progress


def test_a_take_is_written_with_its_midi(tmp_path):
    (take,) = composed(tmp_path / "new folder")
    assert sorted(p.name for p in (tmp_path / "new folder").iterdir()) == ["score.mid", "take.json"]
    assert wire.read_take(tmp_path / "new folder" / "take.json") == take
    assert take.midi == "score.mid"
    assert (take.number, take.seed, take.model) == (1, 0, "tiny seed 0")


def test_every_locked_hit_lands_in_the_file_as_written(tmp_path):
    (take,) = composed(tmp_path)
    assert [landing.hit_s for landing in take.landings] == [Fraction(f, 24) for f in HITS]
    assert all(abs(landing.error_s) < 20e-6 for landing in take.landings)


def test_a_take_says_what_its_chords_cost_the_network(tmp_path):
    (take,) = composed(tmp_path)
    known = dict(take.measures)
    for where in ("landings", "other_chords"):
        assert 0 < known[f"pitch_nats_at_{where}"] < known[f"nats_at_{where}"] < 30
    (free,) = composed(tmp_path, sheet_of(24 * 20))
    assert "nats_at_landings" not in dict(free.measures)


def test_the_midi_lasts_as_long_as_the_cue(tmp_path):
    composed(tmp_path)
    assert abs(read_midi(tmp_path / "score.mid").tempo_map.end_s - 20) < Fraction(10, 1_000_000)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        composed(tmp_path / name, seed=7)
    for file in ("score.mid", "take.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_another_seed_writes_other_music(tmp_path):
    composed(tmp_path / "a", seed=7)
    composed(tmp_path / "b", seed=8)
    assert (tmp_path / "a/score.mid").read_bytes() != (tmp_path / "b/score.mid").read_bytes()


def test_several_takes_are_numbered_best_first(tmp_path):
    takes = composed(tmp_path, takes=3)
    assert [take.number for take in takes] == [1, 2, 3]
    assert [take.midi for take in takes] == ["score.mid", "score-2.mid", "score-3.mid"]
    assert len({(tmp_path / take.midi).read_bytes() for take in takes}) == 3
    assert all((tmp_path / name).is_file() for name in ("take.json", "take-2.json", "take-3.json"))
    assert all(dict(take.measures)["sounding_share"] > 0.9 for take in takes)


def test_unlocked_hits_are_heard_but_not_forced(tmp_path):
    (take,) = composed(tmp_path, sheet_of(24 * 8, [61, 130], locked=False))
    assert take.landings == ()


@pytest.mark.parametrize(
    ("frames", "hits"),
    [
        (1, []),
        (1, [0]),
        (2, [0, 1]),
        (24, [23]),
        (24, [0, 1, 2, 3]),
        (240, [0, 239]),
        (240, [100, 101, 102]),
        (240, list(range(0, 240, 6))),
    ],
    ids=["a frame", "a frame, hit", "two", "last frame", "first four", "ends", "row", "drumming"],
)
def test_odd_cues_are_composed(tmp_path, frames, hits):
    (take,) = composed(tmp_path, sheet_of(frames, hits))
    assert len(take.landings) == len(hits)
    assert all(abs(landing.error_s) < 1 / 48 for landing in take.landings)


def test_a_cue_inside_the_picture_counts_from_its_own_start(tmp_path):
    (take,) = composed(tmp_path, sheet_of(120, [60], start=1000))
    assert [landing.hit_s for landing in take.landings] == [Fraction(5, 2)]


def test_at_variable_rate_hits_lie_anywhere(tmp_path):
    sheet = sheet_of(24 * 6)
    clock = Fraction(90_000)
    hits = tuple(Hit(RationalTime(t, clock), 1.0, True) for t in (100_001, 333_331, 440_017))
    sheet = replace(sheet, cues=(replace(sheet.cues[0], hits=hits),))
    (take,) = composed(tmp_path, sheet)
    assert all(abs(landing.error_s) < 20e-6 for landing in take.landings)


def test_the_brief_is_obeyed(tmp_path):
    brief = Brief(families=(Family.STRINGS, Family.CHOIR), tempo_bpm=(84.0, 96.0))
    (take,) = composed(tmp_path, sheet_of(24 * 20, [250], brief=brief))
    score = read_midi(tmp_path / "score.mid")
    assert {part.family for part in score.parts} <= {Family.STRINGS, Family.CHOIR}
    for anchor in take.tempo_map.anchors[:-1]:
        assert 83.9 <= take.tempo_map.tempo_bpm_at(anchor.time_q) <= 96.1


def test_hits_too_close_for_music_are_refused_and_nothing_is_written(tmp_path):
    sheet = sheet_of(240, [60, 61], rate=Fraction(60))
    with pytest.raises(CueSheetError, match="Unlock or remove"):
        composed(tmp_path, sheet)
    assert list(tmp_path.iterdir()) == []


def test_a_cue_that_the_sheet_does_not_have_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="'other'; its cues are: 'film'"):
        compose(SHEET, "other", tmp_path, ComposeSettings(), silent_progress())


def test_missing_weights_are_said_so(tmp_path):
    with pytest.raises(MissingPartError, match="composer"):
        load_composer(tmp_path)


def test_cancelling_during_sampling_leaves_no_files(tmp_path):
    cancelled = Event()

    def leave(fraction: float, note: str) -> None:
        if "notes" in note:
            cancelled.set()

    with pytest.raises(JobCancelledError):
        composed(tmp_path, sheet_of(24 * 120), progress=ProgressSink(leave, cancelled))
    assert list(tmp_path.iterdir()) == []


def test_the_first_bars_can_be_played_while_the_rest_is_composed(tmp_path):
    heard: list[tuple[float, float]] = []
    fractions = [0.0]

    def listen(path, seconds):
        score = read_midi(path)
        starts = [
            float(score.tempo_map.seconds_at(note.start_q)) for p in score.parts for note in p.notes
        ]
        assert starts and max(starts) < seconds + 1e-3
        heard.append((fractions[-1], seconds))

    sink = ProgressSink(lambda f, note: fractions.append(f), ready_sink=listen)
    composed(tmp_path, sheet_of(24 * 120), progress=sink)
    assert heard[0][0] < 0.1 and heard[0][1] < 8
    assert [seconds for _, seconds in heard] == sorted(seconds for _, seconds in heard)
    assert heard[-1][1] > 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["score.mid", "take.json"]


def test_progress_grows_and_says_that_the_best_of_several_versions_is_kept(tmp_path):
    told: list[float] = []
    notes: list[str] = []

    def hear(fraction, note):
        told.append(fraction)
        notes.append(note)

    composed(tmp_path, sheet_of(24 * 60), progress=ProgressSink(hear))
    assert told == sorted(told)
    assert len(told) >= 5
    assert any(re.fullmatch(r"\d+ notes in 3 versions, to keep the best", note) for note in notes)


def test_work_grows_linearly_with_length(tmp_path):
    counts = []
    for seconds in (60, 240):
        composer = tiny_composer()
        steps: list[int] = []
        counting(composer.session, steps.append)
        composed(tmp_path, sheet_of(24 * seconds), composer=composer)
        counts.append(len(steps))
    assert counts[1] < 5.5 * counts[0]


def counting(session, call: Callable[[int], None]) -> None:
    step = session.step

    def counted(state, events, condition):
        call(1)
        return step(state, events, condition)

    session.step = counted


def test_a_nan_in_the_emotion_never_reaches_the_composer(tmp_path):
    with pytest.raises(ValueError, match="valence"):
        ValenceArousal(math.nan, 0.0)
    data = json.loads(wire.dumps(SHEET))
    data["cues"][0]["emotion"]["points"][0]["emotion"]["arousal"] = "NaN"
    with pytest.raises(CueSheetError):
        wire.cue_sheet_from_dict(data)


def test_a_negative_hit_never_reaches_the_composer():
    with pytest.raises(ValueError, match="before the picture"):
        Hit(RationalTime(-1, Fraction(24)), 0.5, True)


def passage(pitches, *, length_s=0.5, velocity=80):
    count = len(pitches)
    return Passage(
        np.arange(count) * length_s,
        np.full(count, length_s),
        np.array(pitches),
        np.full(count, velocity),
        np.zeros(count, bool),
    )


def test_major_sounds_more_pleasant_than_minor():
    major = estimated_emotion(passage([60, 64, 67, 72, 65, 69, 71, 72] * 2), 8, 100)
    minor = estimated_emotion(passage([60, 63, 67, 72, 65, 68, 70, 72] * 2), 8, 100)
    assert major[0] > minor[0]


def test_fast_loud_and_short_sounds_more_excited_than_slow_and_soft():
    notes = [60, 64, 67, 72, 65, 69, 71, 72]
    slow = estimated_emotion(passage(notes, length_s=1.0, velocity=50), 8, 60)
    fast = estimated_emotion(passage(notes * 8, length_s=0.125, velocity=110), 8, 140)
    assert fast[1] > slow[1] + 0.5


def test_a_scale_is_found_in_its_key():
    weights = np.bincount([2, 4, 5, 7, 9, 10, 1, 2, 2, 9, 5], minlength=12).astype(float)
    assert int(np.argmax(key_fits(weights))) == 12 + 2


def test_music_breathes_before_it_lands(tmp_path):
    (take,) = composed(tmp_path, takes=1)
    score = read_midi(tmp_path / take.midi)
    at = score.tempo_map.seconds_at
    for landing in take.landings:
        for note in (n for part in score.parts if not part.is_drums for n in part.notes):
            end_s = float(at(note.start_q + note.length_q) - landing.hit_s)
            if note.start_q < landing.time_q and abs(end_s) < 0.01:
                pytest.fail(f"{note} runs into the accent at {float(landing.hit_s):.2f} s")


def test_each_event_hears_its_own_bar_and_how_far_away_the_hits_are(tmp_path):
    composer, read = tiny_composer(), []
    real = composer.session.step

    def listening(state, events, condition):
        read.append(
            (np.reshape(events, (-1, 5))[0], np.reshape(condition, (-1, CONDITION_SIZE))[0])
        )
        return real(state, events, condition)

    composer.session.step = listening
    curve = [(0, -0.8, -0.6), (20, 0.8, 0.6)]
    sheet = sheet_of(24 * 20, [240], emotion=curve)
    compose(sheet, "film", tmp_path, ComposeSettings(), silent_progress(), composer=composer,
            decoding=DecoderSettings(candidates=1))  # fmt: skip
    (take,) = (wire.read_take(tmp_path / "take.json"),)
    bars = take.tempo_map.bars()
    bar, heard = -1, []
    for event, condition in read:
        if event[0] > BAR or condition[CONDITION["is_theme"]]:
            break  # the end, or the theme is read again for reference
        bar += event[0] == BAR
        step = 0 if event[0] == BAR else int(event[0])
        at_s = float(take.tempo_map.seconds_at(bars[bar].start_q + Fraction(step, 12)))
        told = {name: condition[CONDITION[name]].item() for name in
                ("valence", "arousal", "next_hit_s", "end_s")}  # fmt: skip
        if 0.5 < at_s < 9.5:
            assert told["next_hit_s"] == pytest.approx(min(10 - at_s, 8), abs=0.03)
        assert told["end_s"] == pytest.approx(min(20 - at_s, 8), abs=0.03)
        heard.append((bar, told["valence"], told["arousal"]))
    assert len({valence for _, valence, _ in heard}) >= 4  # bars before the theme is read
    for column in (1, 2):
        values = [row[column] for row in heard]
        assert values == sorted(values)  # the curve rises
        assert len(set(zip([row[0] for row in heard], values, strict=True))) == len(
            {row[0] for row in heard}
        )


def test_composing_needs_no_training_libraries(tmp_path):
    program = (
        "import sys, emsync_server.cli.commands, emsync_server.app, emsync_server.rpc.server\n"
        "from emsync_server.composition import load_composer\n"
        "load_composer()\n"
        "print({'torch', 'onnx', 'emsync_training'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"
