"""Loudness, peaks, and limiting, against a second opinion and against their laws."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emsync.stem import LoudnessTarget
from emsync_server.rendering.limiter import (
    HOP_SAMPLES,
    PeakWatch,
    limiting_curve,
    limiting_factors,
)
from emsync_server.rendering.loudness import (
    SILENCE_DB,
    SILENCE_LUFS,
    Loudness,
    LoudnessMeter,
)
from emsync_server.rendering.production import ProductionSound, music_loudness_lufs


def measured(sound: np.ndarray, rate_hz: int = 48_000, block: int = 7001) -> Loudness:
    meter = LoudnessMeter(rate_hz)
    for start in range(0, len(sound), block):
        meter.add(sound[start : start + block])
    return meter.result()


def noisy(seconds: float, rate_hz: int = 48_000) -> np.ndarray:
    """Loud, quiet and silent stretches, different left and right: the gates have work to do."""
    random = np.random.default_rng(5)
    sound = random.standard_normal((round(seconds * rate_hz), 2)) * (0.1, 0.05)
    third = len(sound) // 3
    sound[third : 2 * third] *= 0.03
    sound[2 * third : 2 * third + third // 2] = 0.0
    return sound.astype(np.float32)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_loudness_agrees_with_pyloudnorm_within_a_tenth(rate_hz):
    sound = noisy(9.3, rate_hz)
    other = pyloudnorm.Meter(rate_hz).integrated_loudness(sound.astype(np.float64))
    assert measured(sound, rate_hz).integrated_lufs == pytest.approx(other, abs=0.1)


def test_loudness_does_not_depend_on_the_blocks():
    sound = noisy(3.0)
    one, other = measured(sound, block=500), measured(sound, block=100_000)
    assert one == other


def test_peaks_between_the_samples_are_seen():
    time = np.arange(48_000)
    tone = np.sin(2 * np.pi * time / 4 + np.pi / 4) * 0.5  # each sample at 0.707 of the peak
    tone *= np.hanning(len(tone))  # a sudden start would ring
    found = measured(np.stack([tone, tone], axis=1).astype(np.float32))
    assert found.true_peak_db == pytest.approx(20 * np.log10(0.5), abs=0.1)


def test_silence_has_no_loudness_and_no_peak():
    found = measured(np.zeros((48_000, 2), np.float32))
    assert found.is_silent
    assert (found.integrated_lufs, found.true_peak_db) == (SILENCE_LUFS, SILENCE_DB)
    assert LoudnessMeter(48_000).result().is_silent


def test_stretches_of_digital_silence_are_numbers():
    sound = noisy(4.0)
    sound[48_000:120_000] = 0.0
    levels = measured(sound).momentary_lufs
    assert len(levels) == 40 and min(levels) == SILENCE_LUFS


def test_less_sound_than_one_measuring_window_is_silent_not_an_error():
    assert measured(np.full((100, 2), 0.5, np.float32)).integrated_lufs >= SILENCE_LUFS


# Limiter


def limited(sound: np.ndarray, gain_db: float, ceiling_db: float, block: int) -> np.ndarray:
    watch = PeakWatch()
    for start in range(0, len(sound), block):
        watch.add(sound[start : start + block], [sound[start : start + block]])
    curve = limiting_curve(watch.peaks(), gain_db=gain_db, ceiling_db=ceiling_db, rate_hz=48_000)
    assert len(curve) == -(-len(sound) // HOP_SAMPLES) + 1
    assert curve.max() <= 0.0
    factors = limiting_factors(curve, 0, len(sound)) * 10 ** (gain_db / 20)
    return sound * factors[:, None].astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    hops=arrays(np.float32, st.integers(3, 60), elements=st.floats(0.0, 1.0, width=32)),
    gain_db=st.floats(-6.0, 12.0),
    last=st.integers(1, HOP_SAMPLES),
)
def test_no_limited_sample_exceeds_the_ceiling(hops, gain_db, last):
    random = np.random.default_rng(len(hops))
    shape = np.repeat(hops, HOP_SAMPLES)[: (len(hops) - 1) * HOP_SAMPLES + last]
    sound = (random.uniform(-1, 1, (len(shape), 2)) * shape[:, None]).astype(np.float32)
    found = limited(sound, gain_db, -1.0, block=8 * HOP_SAMPLES)
    assert np.abs(found).max() <= 10 ** (-1.0 / 20) * 1.0001


def test_true_peak_after_limiting_stays_under_the_ceiling():
    random = np.random.default_rng(2)
    sound = (random.standard_normal((96_000, 2)) * 0.4).astype(np.float32)
    assert measured(limited(sound, 3.0, -1.3, 4096)).true_peak_db <= -1.0


def test_sound_under_the_ceiling_is_not_touched():
    sound = np.full((10_000, 2), 0.5, np.float32)
    assert np.array_equal(limited(sound, 0.0, -1.0, 640), sound)


def test_blocks_do_not_change_what_the_limiter_sees():
    sound = noisy(0.5)
    assert np.allclose(
        limited(sound, 20.0, -1.0, 640), limited(sound, 20.0, -1.0, 64_000), atol=1e-6
    )


@pytest.mark.parametrize(
    ("target", "sound_lufs", "wanted_lufs"),
    [
        pytest.param(LoudnessTarget.EBU_R128, -10.0, -23.0, id="named"),
        pytest.param(LoudnessTarget.UNDER_DIALOGUE, -20.0, -26.0, id="under the sound"),
        pytest.param(LoudnessTarget.UNDER_DIALOGUE, -5.0, -14.0, id="loud film"),
        pytest.param(LoudnessTarget.UNDER_DIALOGUE, -49.0, -42.0, id="quiet film"),
        pytest.param(LoudnessTarget.UNDER_DIALOGUE, -70.0, -23.0, id="silent film"),
        pytest.param(LoudnessTarget.UNDER_DIALOGUE, None, -23.0, id="no sound"),
    ],
)
def test_loudness_of_the_music(target, sound_lufs, wanted_lufs):
    sound = None if sound_lufs is None else ProductionSound(Loudness(sound_lufs, -6.0, ()))
    assert music_loudness_lufs(target, sound) == wanted_lufs
