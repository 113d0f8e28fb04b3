"""Levels of files whose contents are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile

from emsync.family import Family
from emsync.stem import GainCurve, GainPoint, LoudnessTarget, Stem, StemSet
from emsync_server.evaluation import measure_levels

RATE_HZ = 48_000
SECOND = RATE_HZ


def write(folder, name, sound):
    """A stereo file of 24 bit."""
    soundfile.write(folder / name, np.stack((sound, sound), axis=1), RATE_HZ, subtype="PCM_24")


def stem_set(*stems, length=3 * SECOND, tail=0, ducking=None):
    """A stem set over files that lie in one folder."""
    return StemSet(
        cue="test",
        stems=tuple(Stem(family, name, 0.0) for family, name in stems),
        mix="mix.wav",
        sample_rate_hz=RATE_HZ,
        length_samples=length,
        tail_samples=tail,
        loudness_lufs=-23.0,
        true_peak_db=-6.0,
        target=LoudnessTarget.EBU_R128,
        ducking=ducking or GainCurve(),
        synthesizer="sines",
    )


def sine(amplitude, seconds=3.0):
    return amplitude * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def test_a_sine_of_half_scale_has_its_textbook_levels(tmp_path):
    write(tmp_path, "mix.wav", sine(0.5))
    write(tmp_path, "strings.wav", sine(0.5))
    levels = measure_levels(
        tmp_path, stem_set((Family.STRINGS, "strings.wav")), cue_samples=3 * SECOND
    )
    assert levels.mix.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert levels.mix.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert (levels.mix.clipped_samples, levels.mix.silence_share) == (0, 0.0)
    assert (levels.length_error_samples, levels.sum_error_lsb) == (0, 0.0)
    assert levels.equal_lengths


def test_clipping_and_dead_air_are_found(tmp_path):
    sound = np.concatenate((sine(1.5, 1.0), np.zeros(SECOND), sine(0.1, 1.0)))
    write(tmp_path, "mix.wav", sound.clip(-1, 1))
    mix = measure_levels(tmp_path, stem_set(), cue_samples=3 * SECOND).mix
    assert mix.clipped_samples > 10_000
    assert mix.dead_air_s == pytest.approx(1.0, abs=0.05)
    assert mix.silence_share == pytest.approx(1 / 3, abs=0.02)


def test_a_stem_that_rests_says_so_and_the_mix_of_it_does_not(tmp_path):
    rests = np.concatenate((np.zeros(2 * SECOND), sine(0.3, 1.0)))
    for name, sound in (("a.wav", rests), ("b.wav", sine(0.3)), ("mix.wav", rests + sine(0.3))):
        write(tmp_path, name, sound)
    stems = stem_set((Family.BRASS, "a.wav"), (Family.STRINGS, "b.wav"))
    levels = measure_levels(tmp_path, stems, cue_samples=3 * SECOND)
    resting, playing = levels.stems
    assert (resting.silence_share, resting.dead_air_s) == (pytest.approx(2 / 3, abs=0.02), 2.0)
    assert (playing.silence_share, levels.mix.silence_share) == (0.0, 0.0)


def test_digital_silence_has_no_level(tmp_path):
    write(tmp_path, "mix.wav", np.zeros(3 * SECOND))
    mix = measure_levels(tmp_path, stem_set(), cue_samples=3 * SECOND).mix
    assert (mix.peak_dbfs, mix.rms_dbfs) == (-math.inf, -math.inf)
    assert (mix.silence_share, mix.dead_air_s) == (1.0, pytest.approx(3.0))


def test_stems_that_do_not_make_the_mix_are_seen_in_last_bits(tmp_path):
    write(tmp_path, "a.wav", sine(0.2))
    write(tmp_path, "b.wav", sine(0.3))
    write(tmp_path, "mix.wav", sine(0.5) + 5 * 2.0**-23)
    levels = measure_levels(
        tmp_path,
        stem_set((Family.STRINGS, "a.wav"), (Family.BRASS, "b.wav")),
        cue_samples=3 * SECOND,
    )
    assert 3 <= levels.sum_error_lsb <= 7


def test_ducking_is_taken_into_account(tmp_path):
    ducking = GainCurve((GainPoint(0.0, 0.0), GainPoint(1.0, -9.0), GainPoint(3.0, -9.0)))
    time_s = np.arange(3 * SECOND) / RATE_HZ
    gain = 10 ** (np.interp(time_s, [0, 1, 3], [0, -9, -9]) / 20)
    write(tmp_path, "a.wav", sine(0.4))
    write(tmp_path, "mix.wav", sine(0.4) * gain)
    stems = ((Family.STRINGS, "a.wav"),)
    ducked = measure_levels(tmp_path, stem_set(*stems, ducking=ducking), cue_samples=3 * SECOND)
    plain = measure_levels(tmp_path, stem_set(*stems), cue_samples=3 * SECOND)
    assert ducked.sum_error_lsb <= 1.01
    assert plain.sum_error_lsb > 10_000


def test_a_wrong_length_is_counted_in_samples_and_tails_do_not_count(tmp_path):
    write(tmp_path, "mix.wav", sine(0.1)[:-7])
    write(tmp_path, "a.wav", sine(0.1))
    stems = stem_set((Family.STRINGS, "a.wav"), tail=SECOND)
    levels = measure_levels(tmp_path, stems, cue_samples=2 * SECOND)
    assert levels.length_error_samples == -7
    assert not levels.equal_lengths
    assert levels.sum_error_lsb == math.inf
