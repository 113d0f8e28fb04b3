"""The judge of emotion: its features, and that it hears what people hear."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emsync.family import Family
from emsync.score import Meter, Note, Part, Score, TempoAnchor, TempoMap
from emsync_server.evaluation.judge import FEATURES, EmotionJudge, RatedNotes, emotion_features

DATA = (
    Path(os.environ.get("EMSYNC_DATA", Path(__file__).parents[3] / "shared" / "data"))
    / "music-emotion"
)
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the ratings are not on this machine")


def random_notes(seed, count=60):
    rng = np.random.default_rng(seed)
    start = np.sort(rng.uniform(0, 20, count)).round(3)
    return RatedNotes(
        start,
        rng.uniform(0.05, 6, count),
        rng.integers(30, 100, count),
        rng.integers(1, 128, count),
    )


def piece(*, minor=False, bpm=60, per_beat=1, drums=False):
    """Four bars of a broken triad."""
    triad = (60, 63, 67) if minor else (60, 64, 67)
    notes = tuple(
        Note(Fraction(at, per_beat), Fraction(1, per_beat), triad[at % 3], 80)
        for at in range(16 * per_beat)
    )
    part = Part("piano", 0, drums, Family.PERCUSSION if drums else Family.KEYS, notes)
    end = TempoAnchor(Fraction(16), Fraction(16 * 60, bpm))
    tempo = TempoMap((TempoAnchor(Fraction(0), Fraction(0)), end), (Meter(Fraction(0), 4, 4),))
    return Score((part,), tempo)


@needs_data
@pytest.mark.parametrize("seed", range(20))
def test_the_features_are_those_that_the_ratings_come_with(seed):
    spec = importlib.util.spec_from_file_location("given_features", DATA / "features.py")
    given = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(given)
    notes = random_notes(seed)
    rows = zip(notes.start_s, notes.length_s, notes.pitch, notes.velocity, strict=True)
    assert given.NAMES == FEATURES
    expected = given.piece_features(list(rows), 97.0)
    np.testing.assert_allclose(emotion_features(notes, 97.0), expected, rtol=1e-9)


@needs_data
def test_the_shipped_judge_is_the_one_that_the_ratings_give():
    from emsync_training.judge import Ratings, fit

    judge, again = EmotionJudge.shipped(), fit(Ratings.read(DATA / "ratings.csv"))
    np.testing.assert_allclose(judge.weights, again.weights, atol=1e-6)
    with (DATA / "ratings.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    judged = judge.of_features(np.array([float(row[name]) for name in FEATURES]))
    assert judged.valence > 0 and judged.arousal > 0


def test_the_card_and_the_file_say_the_same():
    folder = Path(__file__).parents[2] / "server/emsync_server/evaluation"
    facts = json.loads((folder / "judge.json").read_text())["groups_held_out"]
    card = (folder / "judge.md").read_text()
    for axis in ("valence", "arousal"):
        assert f"| {axis} | {facts[axis]['auc']:.2f} |" in card


def test_major_is_more_pleasant_than_minor():
    judge = EmotionJudge.shipped()
    assert judge.of_score(piece()).valence > judge.of_score(piece(minor=True)).valence


def test_fast_and_dense_music_is_more_excited():
    judge = EmotionJudge.shipped()
    slow, fast = judge.of_score(piece()), judge.of_score(piece(bpm=160, per_beat=2))
    assert fast.arousal > slow.arousal


def test_windows_are_judged_apart_and_silence_is_not_judged():
    judge = EmotionJudge.shipped()
    windows = judge.of_windows(piece(), np.array([0.0, 8.0, 16.0, 24.0]))
    assert windows[0] is not None and windows[1] is not None and windows[2] is None
    assert judge.of_score(piece(drums=True)) is None


def test_twelve_equal_pitch_classes_have_no_key():
    notes = RatedNotes(
        np.arange(12.0), np.ones(12), np.arange(60, 72), np.full(12, 80, dtype=np.int64)
    )
    features = dict(zip(FEATURES, emotion_features(notes, 100), strict=True))
    assert features["key_clarity"] == features["major_minus_minor"] == 0
