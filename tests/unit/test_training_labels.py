"""Computed valence and arousal."""

import numpy as np
import pytest

from emsync_server.composition.keys import key_fits
from emsync_training.labels import (
    BAR_FEATURES,
    CLARITY,
    MODE,
    LabelScale,
    Notes,
    arousal_terms,
    bar_features,
    valence_terms,
)

BARS = 8


def chords(pitches, *, per_bar=4, length=12):
    bar = np.repeat(np.arange(BARS), per_bar * len(pitches))
    step = np.tile(np.repeat(np.arange(per_bar) * (48 // per_bar), len(pitches)), BARS)
    pitch = np.tile(pitches, BARS * per_bar)
    n = len(bar)
    return Notes(bar, step, pitch, np.full(n, length), np.full(n, 80), np.zeros(n, dtype=bool))


def features(notes):
    return bar_features(notes, np.full(BARS, 48))


@pytest.mark.parametrize("tonic", range(12))
def test_a_major_scale_sounds_major_in_every_key(tonic):
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 0, 4, 7]) + 60 + tonic
    out = features(chords(scale))
    assert out.shape == (BARS, BAR_FEATURES)
    assert (out[:, MODE] > 0.02).all()
    histogram = np.bincount(scale % 12, minlength=12).astype(float)
    assert key_fits(histogram).argmax() == tonic


def test_minor_is_lower_in_mode_than_major():
    major, minor = features(chords([60, 64, 67])), features(chords([60, 63, 67]))
    assert (major[:, MODE] > minor[:, MODE]).all()


def test_a_cluster_is_less_clear_than_a_chord():
    cluster, chord = features(chords(np.arange(60, 72))), features(chords([60, 64, 67]))
    assert (cluster[:, CLARITY] < chord[:, CLARITY]).all()


@pytest.fixture
def scale():
    sample = np.concatenate(
        [
            features(chords(np.array(pitches) + shift, per_bar=per_bar))
            for pitches in ([60, 64, 67], [60, 63, 67], [60, 61, 66])
            for shift in (-12, 0, 12)
            for per_bar in (1, 4, 12)
        ]
    )
    tempo = np.linspace(60, 160, len(sample)).astype(np.float32)
    return LabelScale.fit(valence_terms(sample), arousal_terms(sample, tempo))


def test_labels_stay_in_range_and_follow_mode_and_register(scale):
    major, minor = features(chords([60, 64, 67])), features(chords([60, 63, 67]))
    assert (scale.valence(major) > scale.valence(minor)).all()
    assert (scale.valence(major, 7) >= scale.valence(major, -7)).all()
    assert np.abs(scale.valence(major)).max() <= 1


def test_faster_and_denser_music_is_more_aroused(scale):
    slow, fast = np.full(BARS, 60, np.float32), np.full(BARS, 150, np.float32)
    sparse, dense = (features(chords([60, 64, 67], per_bar=n)) for n in (1, 12))

    def arousal(part, tempo):
        return scale.arousal(part, tempo, flat_velocity=False)

    assert (arousal(sparse, fast) > arousal(sparse, slow)).all()
    assert (arousal(dense, slow) > arousal(sparse, slow)).all()


def test_a_scale_survives_its_file(scale, tmp_path):
    scale.save(tmp_path / "labels.json")
    again = LabelScale.load(tmp_path / "labels.json")
    part = features(chords([60, 64, 67]))
    assert (again.valence(part) == scale.valence(part)).all()


def test_bars_without_notes_have_finite_features():
    empty = np.zeros(0, dtype=np.int64)
    notes = Notes(empty, empty, empty, empty, empty, empty.astype(bool))
    assert np.isfinite(bar_features(notes, np.full(3, 48))).all()
