"""Music makes room for the production sound: by scenes, and under each phrase."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsync.stem import GainCurve, GainPoint, LoudnessTarget
from emsync_server.media import probe_film, read_sound
from emsync_server.rendering.ducking import PHRASE_DB, SCENE_DB, ducking_curve, gain_factors
from emsync_server.rendering.loudness import HOP_S, Loudness, LoudnessMeter
from emsync_server.rendering.production import ProductionSound, music_loudness_lufs
from emsync_server.rendering.speech import SpeechListener, speech_detector

RATE_HZ = 48_000


def sound_with(momentary_lufs: list[float], integrated_lufs: float = -23.0) -> Loudness:
    return Loudness(integrated_lufs, -6.0, tuple(momentary_lufs))


def gain_at(curve: GainCurve, time_s: float) -> float:
    return float(20 * np.log10(gain_factors(curve, round(time_s * 1000), 1, 1000)[0]))


def test_music_goes_down_before_the_sound_and_comes_back_after_it():
    quiet, loud = [-60.0] * 50, [-20.0] * 20
    curve = ducking_curve(sound_with(quiet + loud + quiet), depth_db=18.0, length_s=12.0)
    assert gain_at(curve, 1.0) == pytest.approx(0.0, abs=0.5)
    assert gain_at(curve, 4.9) == pytest.approx(-PHRASE_DB, abs=0.5)
    assert gain_at(curve, 6.0) == pytest.approx(-PHRASE_DB, abs=0.5)
    assert gain_at(curve, 10.0) == pytest.approx(0.0, abs=0.5)


@settings(max_examples=50, deadline=None)
@given(
    levels=st.lists(st.floats(-70.0, 0.0), min_size=1, max_size=120),
    depth_db=st.floats(1.0, 24.0),
    missing_s=st.floats(0.0, 0.35),
)
def test_ducking_stays_within_its_depth_and_its_time(levels, depth_db, missing_s):
    length_s = max(len(levels) * HOP_S - missing_s, 0.01)
    curve = ducking_curve(sound_with(levels), depth_db=depth_db, length_s=length_s)
    assert all(-depth_db - 0.01 <= point.gain_db <= 0.0 for point in curve.points)
    assert all(0.0 <= point.time_s <= length_s + 0.001 for point in curve.points)


def test_the_curve_is_never_above_what_the_sound_asks_by_more_than_its_tolerance():
    random = np.random.default_rng(4)
    levels = random.uniform(-60.0, -15.0, 300)
    curve = ducking_curve(sound_with(levels.tolist()), depth_db=18.0, length_s=30.0)
    loud = np.flatnonzero(levels > -20.0)  # above the knee: all that a phrase gets
    assert all(
        gain_at(curve, (index - 1) * HOP_S) <= -PHRASE_DB + 0.41 for index in loud if index > 8
    )


def test_the_last_words_are_not_drowned_by_music_that_comes_back_early():
    curve = ducking_curve(sound_with([-20.0] * 40), depth_db=9.0, length_s=4.0)
    assert gain_at(curve, 3.999) == pytest.approx(-PHRASE_DB, abs=0.5)


@pytest.mark.parametrize(
    ("loudness_lufs", "depth_db"),
    [pytest.param(-55.0, 9.0, id="room tone"), pytest.param(-23.0, 0.0, id="not wanted")],
)
def test_there_is_no_ducking(loudness_lufs, depth_db):
    sound = sound_with([-20.0] * 30, loudness_lufs)
    assert ducking_curve(sound, depth_db=depth_db, length_s=3.0) == GainCurve()


def test_gain_is_linear_in_decibels_between_points_and_flat_outside():
    curve = GainCurve((GainPoint(1.0, 0.0), GainPoint(2.0, -6.0)))
    assert [gain_at(curve, time) for time in (0.0, 1.5, 3.0)] == pytest.approx([0.0, -3.0, -6.0])


def talk(level_lufs: float, seconds: float = 10.0) -> list[float]:
    """Momentary loudness of somebody who speaks: phrases of a second and a half, and pauses."""
    phrase = [level_lufs] * 15 + [level_lufs - 18.0] * 6
    hops = round(seconds / HOP_S)
    return (phrase * (hops // len(phrase) + 1))[:hops]


def depth_at(levels: list[float], integrated_lufs: float, time_s: float) -> float:
    """How far the music goes down at a moment, with the usual settings."""
    curve = ducking_curve(
        sound_with(levels, integrated_lufs),
        depth_db=18.0,
        length_s=len(levels) * HOP_S,
    )
    return -gain_at(curve, time_s)


@pytest.mark.parametrize("softer_db", [0.0, 4.0, 8.0])
def test_music_lies_as_far_under_a_soft_talk_as_under_a_loud_one(softer_db: float):
    levels = talk(-23.0) + talk(-23.0 - softer_db)
    depth = depth_at(levels, -25.0, 15.0)
    assert depth == pytest.approx(depth_at(levels, -25.0, 5.0) + softer_db, abs=1.0)


def test_a_talk_beside_a_battle_is_not_drowned():
    levels = talk(-33.0) + [-18.0] * 100 + talk(-33.0)
    music_lufs = -20.0 - 6.0  # under the battle, which makes the film's loudness
    for time_s in (5.0, 9.5, 20.6, 25.0):
        # within half a second of the battle too, though not at once
        assert -33.0 - (music_lufs - depth_at(levels, -20.0, time_s)) >= 7.0, time_s


@pytest.mark.parametrize(
    "level_lufs", [pytest.param(-45.0, id="room tone"), pytest.param(-70.0, id="silence")]
)
def test_music_stays_up_where_nothing_happens(level_lufs: float):
    levels = talk(-23.0) + [level_lufs] * 120
    assert depth_at(levels, -25.0, 18.0) == pytest.approx(0.0, abs=0.5)


def test_what_nobody_hears_does_not_move_the_music():
    levels = talk(-23.0) + talk(-60.0, 12.0)
    assert depth_at(levels, -25.0, 18.0) == pytest.approx(0.0, abs=0.5)


@given(
    levels=st.lists(st.floats(-70.0, 0.0), min_size=1, max_size=200), raised=st.floats(0.0, 20.0)
)
@settings(max_examples=40, deadline=None)
def test_a_scene_takes_no_more_than_its_share(levels: list[float], raised: float):
    curve = ducking_curve(
        sound_with(levels, -20.0), depth_db=SCENE_DB + PHRASE_DB + raised, length_s=20.0
    )
    assert all(point.gain_db >= -SCENE_DB - PHRASE_DB - 0.01 for point in curve.points)


def test_where_nobody_speaks_the_music_hardly_goes_down():
    sound = sound_with([-12.0] * 100 + [-30.0] * 20, -14.0)
    spoken = np.zeros(120, bool)
    blind, silent, half = (
        ducking_curve(sound, depth_db=18.0, length_s=12.0, spoken=known)
        for known in (None, spoken, spoken | (np.arange(120) < 50))
    )
    assert gain_at(blind, 8.0) < -7
    assert gain_at(silent, 8.0) > -2
    assert gain_at(half, 3.0) == pytest.approx(gain_at(blind, 3.0), abs=0.5)
    assert gain_at(half, 8.0) > -2


def test_music_lies_nearer_to_a_sound_without_speech():
    loudness = sound_with([-20.0] * 50, -20.0)
    with_speech, without = (
        music_loudness_lufs(LoudnessTarget.UNDER_DIALOGUE, ProductionSound(loudness, spoken))
        for spoken in (np.ones(50, bool), np.zeros(50, bool))
    )
    assert with_speech == -26.0
    assert without == -23.0


class Loud:
    """Takes everything loud for speech."""

    def probabilities(self, windows):
        steps = [window[16 * 512 :] for window in windows]
        padded = [np.pad(one, (0, 64 * 512 - len(one))).reshape(64, 512) for one in steps]
        return np.array([np.abs(one).max(axis=1) for one in padded], np.float32)


def test_speech_is_heard_with_room_around_it_and_a_cough_is_not():
    sound = np.zeros((12 * RATE_HZ, 2), np.float32)
    sound[3 * RATE_HZ : 4 * RATE_HZ] = 0.9
    sound[8 * RATE_HZ : 8 * RATE_HZ + RATE_HZ // 10] = 0.9
    listener = SpeechListener(Loud(), RATE_HZ)
    for start in range(0, len(sound), 50_000):
        listener.add(sound[start : start + 50_000])
    spoken = listener.spoken()
    assert len(spoken) == pytest.approx(12 / HOP_S, abs=1)
    times_s = np.flatnonzero(spoken) * HOP_S
    assert times_s.min() == pytest.approx(2.5, abs=0.2)
    assert times_s.max() == pytest.approx(5.2, abs=0.25)


def test_noise_and_tones_are_no_speech():
    detector = speech_detector()
    assert detector is not None
    listener = SpeechListener(detector, RATE_HZ)
    rng = np.random.default_rng(0)
    tone = np.sin(np.arange(5 * RATE_HZ) * 2 * np.pi * 220 / RATE_HZ)
    noise = rng.standard_normal(5 * RATE_HZ) * 0.1
    for sound in (tone, noise):
        listener.add(np.stack([sound, sound], axis=1).astype(np.float32) * np.float32(0.5))
    assert listener.spoken().mean() < 0.1


@pytest.mark.media
@pytest.mark.parametrize(
    ("film", "least", "most"),
    [("friday.mp4", 0.6, 1.0), ("tos_battle.webm", 0.0, 0.4)],
    ids=["a talk", "a battle"],
)
def test_speech_is_told_from_a_battle(media: Path, film: str, least: float, most: float):
    detector = speech_detector()
    assert detector is not None
    listener = SpeechListener(detector, RATE_HZ)
    sound = sound_of(media / "clips" / film)
    listener.add(sound)
    spoken = listener.spoken()
    heard = loudness_of(sound)
    curves = [
        ducking_curve(heard, depth_db=9.0, length_s=len(sound) / RATE_HZ, spoken=known)
        for known in (None, spoken)
    ]
    times_s = np.arange(0, len(sound) / RATE_HZ, 0.1)
    means = [np.mean([gain_at(curve, t) for t in times_s]) for curve in curves]
    print(f"{film}: speech in {spoken.mean():.0%}; ducked {means[0]:.1f} dB blind, {means[1]:.1f}")
    assert least <= spoken.mean() <= most
    assert means[1] >= means[0]


@pytest.mark.media
@pytest.mark.parametrize(("softer_db", "least_lu"), [(0.0, 10.0), (8.0, 7.0), (14.0, 3.0)])
def test_music_under_a_real_talk(media: Path, softer_db: float, least_lu: float):
    """Of 'His Girl Friday', beside ten seconds of noise at -26 LUFS: a louder scene."""
    talk_sound = sound_of(media / "clips" / "friday.mp4")
    noise = np.random.default_rng(0).standard_normal((10 * RATE_HZ, 2)).astype(np.float32)
    film = np.concatenate((talk_sound * 10 ** (-softer_db / 20), noise * np.float32(0.025)))
    heard = loudness_of(film)
    sound = ProductionSound(heard)
    music_lufs = music_loudness_lufs(LoudnessTarget.UNDER_DIALOGUE, sound)
    curve = ducking_curve(heard, depth_db=18.0, length_s=len(film) / RATE_HZ)
    talking = slice(5, int(len(talk_sound) / RATE_HZ / HOP_S) - 5)
    levels = np.array(heard.momentary_lufs)[talking]
    times_s = (np.arange(len(heard.momentary_lufs)) * HOP_S - 0.1)[talking]
    under = levels - music_lufs - np.array([gain_at(curve, time_s) for time_s in times_s])
    before = np.median(levels) - music_lufs
    print(
        f"talk at {np.median(levels):.1f} LUFS, film at {heard.integrated_lufs:.1f}: music "
        f"{np.median(under):.1f} LU under it (worst tenth {np.percentile(under, 10):.1f}), "
        f"without ducking {before:.1f}"
    )
    assert np.median(under) >= least_lu


def sound_of(film: Path) -> np.ndarray:
    probe = probe_film(film)
    length_s = probe.stated_duration_s or Fraction(0)
    return np.concatenate(list(read_sound(probe, rate_hz=RATE_HZ, duration_s=length_s)))


def loudness_of(sound: np.ndarray) -> Loudness:
    meter = LoudnessMeter(RATE_HZ, measures_peak=False)
    for start in range(0, len(sound), RATE_HZ):
        meter.add(sound[start : start + RATE_HZ])
    return meter.result()
