"""The report and the pictures of a scored folder."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import cv2
import pytest
from tests.unit.rendered_scores import DRUMS, RATE, part, write_take

from emsync import wire
from emsync.cue import CueSheet, Hit
from emsync.errors import NotFoundError
from emsync.family import Family
from emsync.picture import Boundary, BoundaryKind
from emsync.score import Score
from emsync.settings import RenderSettings
from emsync.timecode import RationalTime
from emsync_server.evaluation import (
    evaluate,
    report_dict,
    summary_lines,
    write_pictures,
    write_report,
)
from emsync_server.evaluation.canvas import Canvas
from emsync_server.evaluation.piano_roll import draw_piano_roll
from emsync_server.evaluation.report import AccentKind, Medium, TargetKind, Tolerance
from emsync_server.evaluation.time_axis import TimeAxis
from emsync_server.midi import read_midi, write_midi
from emsync_server.progress import silent_progress
from emsync_server.rendering import render
from emsync_server.rendering.soundfonts import bundled_soundfont

HITS_S = (Fraction(2), Fraction(5), Fraction(9))
CUE_S = Fraction(12)


def frames(seconds):
    return RationalTime.from_seconds(seconds, RATE)


def scored_folder(folder, *, name="test", late_q=Fraction(0)):
    """A take whose chords fall on its hits, or later by some quarters (120 a minute)."""
    quarters = [float(2 * hit + late_q) for hit in HITS_S]
    path = write_take(folder, (part(Family.KEYS, 0, (48, 60, 64, 67), quarters),), cue_s=CUE_S)
    take = wire.read_take(path)
    hits = tuple(Hit(frames(hit), 1.0, True) for hit in HITS_S)
    cue = replace(take.cue, name=name, hits=hits)
    take = replace(take, cue=cue)
    path.write_text(wire.dumps(take), encoding="utf-8")
    boundaries = tuple(Boundary(frames(at), BoundaryKind.CUT, 1.0) for at in (*HITS_S, Fraction(7)))
    return CueSheet(take.picture, boundaries, (cue,))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    sheet = scored_folder(folder)
    settings = RenderSettings(soundfont=bundled_soundfont().path)
    render(folder / "take.json", folder, settings, silent_progress())
    return folder, sheet


def row(report, *key):
    return next(
        r for r in report.agreements if (r.medium, r.targets, r.accents, r.tolerance) == key
    )


def test_hits_that_land_are_reported_in_score_and_sound_with_their_control(rendered):
    folder, sheet = rendered
    hits = evaluate(folder, sheet).hits
    assert (hits.locked, hits.landed_in_score, hits.landed_in_sound) == (3, 1.0, 1.0)
    assert hits.worst_score_error_s is not None and hits.worst_score_error_s < 1e-5
    assert hits.control_in_sound == 0.0


def test_music_that_comes_two_frames_late_is_reported_as_missing(tmp_path):
    sheet = scored_folder(tmp_path, late_q=Fraction(1, 6))
    settings = RenderSettings(soundfont=bundled_soundfont().path)
    render(tmp_path / "take.json", tmp_path, settings, silent_progress())
    hits = evaluate(tmp_path, sheet).hits
    assert (hits.landed_in_score, hits.landed_in_sound) == (0.0, 0.0)
    assert hits.hits[1].sound_error_s == pytest.approx(1 / 12, abs=0.01)


def test_cuts_without_accents_lower_their_share(rendered):
    folder, sheet = rendered
    report = evaluate(folder, sheet)
    key = (Medium.SCORE, TargetKind.CUTS, AccentKind.ALL, Tolerance.FRAME)
    assert row(report, *key).found.hit_share == pytest.approx(3 / 4)


def test_the_rendered_files_fit_the_cue(rendered):
    folder, sheet = rendered
    levels = evaluate(folder, sheet).levels
    assert levels is not None
    assert levels.length_error_samples == 0
    assert levels.sum_error_lsb <= 1.01


def test_a_take_that_is_not_rendered_yet_is_measured_as_a_score(tmp_path):
    sheet = scored_folder(tmp_path)
    report = evaluate(tmp_path, sheet)
    assert report.hits.landed_in_score == 1.0
    assert (report.hits.landed_in_sound, report.levels) == (None, None)
    write_pictures(tmp_path, sheet, report)
    assert not (tmp_path / "hits.png").exists()


def test_the_same_folder_gives_the_same_report(rendered):
    folder, sheet = rendered
    assert evaluate(folder, sheet) == evaluate(folder, sheet)


def test_the_report_is_plain_json(rendered):
    folder, sheet = rendered
    report = evaluate(folder, sheet)
    write_report(report, folder / "report.json")
    text = (folder / "report.json").read_text(encoding="utf-8")
    assert json.loads(text) == report_dict(report)
    assert "NaN" not in text and "Infinity" not in text


def test_the_summary_says_the_promise_first(rendered):
    folder, sheet = rendered
    lines = summary_lines(evaluate(folder, sheet))
    assert "100 % in the score, 100 % in the sound (moved by 60 ms: 0 %), of 3" in lines[1]


@pytest.mark.parametrize("name", ["night train", "Ночной поезд", "夜汽車 🎬"], ids=str)
def test_pictures_are_drawn_whatever_the_cue_is_called(tmp_path, rendered, name):
    folder, sheet = rendered
    report = evaluate(folder, sheet)
    take = wire.read_take(folder / "take.json")
    named = replace(take, cue=replace(take.cue, name=name))
    (folder / "take.json").write_text(wire.dumps(named), encoding="utf-8")
    write_pictures(folder, sheet, replace(report, cue=name))
    for picture in ("piano-roll.png", "hits.png"):
        drawn = cv2.imread(str(folder / picture))
        assert drawn.shape[1] >= 1400 and drawn.std() > 5


def test_dissolves_are_drawn_as_cuts_are_and_markers_are_not(rendered, monkeypatch):
    folder, sheet = rendered
    report, drawn = evaluate(folder, sheet), []
    kinds = (BoundaryKind.CUT, BoundaryKind.DISSOLVE, BoundaryKind.WIPE, BoundaryKind.MARKER)
    boundaries = tuple(Boundary(frames(2 * at), kind, 1.0) for at, kind in enumerate(kinds, 1))
    monkeypatch.setattr(Canvas, "dashed", lambda _, start, *__: drawn.append(start[0]))
    write_pictures(folder, replace(sheet, boundaries=boundaries), report)
    axis = TimeAxis.of_length(float(CUE_S))
    assert drawn == [axis.x(at) for at in (2.0, 4.0, 6.0)] * 2, "in both pictures"


def test_a_score_without_notes_is_reported_and_drawn(tmp_path):
    sheet = scored_folder(tmp_path)
    take = wire.read_take(tmp_path / "take.json")
    write_midi(Score((), take.tempo_map), tmp_path / "score.mid")
    report = evaluate(tmp_path, sheet)
    assert report.hits.landed_in_score == 0.0
    write_pictures(tmp_path, sheet, report)


def test_drums_alone_are_drawn(tmp_path):
    write_take(tmp_path, (DRUMS,))
    take = wire.read_take(tmp_path / "take.json")
    sheet = CueSheet(take.picture, (), (take.cue,))
    write_pictures(tmp_path, sheet, evaluate(tmp_path, sheet))
    assert (tmp_path / "piano-roll.png").stat().st_size > 1000


def test_a_folder_without_a_take_is_said_in_a_sentence(tmp_path):
    sheet = scored_folder(tmp_path / "other")
    with pytest.raises(NotFoundError, match="take"):
        evaluate(tmp_path, sheet)


def test_one_bar_of_one_note_is_said_in_the_singular(tmp_path, monkeypatch):
    path = write_take(tmp_path, (part(Family.KEYS, 0, (60,), [0.0]),), cue_s=Fraction(2))
    take, said = wire.read_take(path), []
    text = Canvas.text

    def heard(self, words, *where, **how):
        said.append(words)
        return text(self, words, *where, **how)

    monkeypatch.setattr(Canvas, "text", heard)
    sheet = CueSheet(take.picture, (), (take.cue,))
    draw_piano_roll(take, read_midi(tmp_path / "score.mid"), sheet)
    assert "take 1, seed 0: 2.0 s, 1 bar, 120 quarters a minute, 1 note" in said
