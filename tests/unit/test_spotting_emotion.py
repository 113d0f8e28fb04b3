"""The first emotion curve: honest about what it does not know."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.emotion import EmotionCurve
from emsync.timecode import RationalTime
from emsync_server.spotting.appearance import Appearance
from emsync_server.spotting.emotion import Evidence, curve_of
from emsync_server.spotting.hearing import Hearing

RATE = Fraction(24)


def at(time_s: float) -> RationalTime:
    return RationalTime.from_seconds(time_s, RATE)


def seen(seconds: float, **values: float) -> Appearance:
    times = np.arange(0, seconds, 1 / 8, dtype=np.float32)
    usual = {"light": 0.37, "contrast": 0.2, "saturation": 0.14, "warmth": 0.02, "motion": 0.045}
    return Appearance(
        times, *(np.full_like(times, (usual | values)[name]) for name in Appearance.__slots__[1:])
    )


def heard(seconds: float, level_db: float = -28.5, centroid_hz: float = 1320) -> Hearing:
    times = np.arange(0.05, seconds, 0.1, dtype=np.float32)
    return Hearing(times, np.full_like(times, level_db), np.full_like(times, centroid_hz))


def curve(seconds=40.0, cuts=(), look=None, sound=None, **how) -> EmotionCurve:
    return curve_of(Evidence(at(seconds), tuple(at(cut) for cut in cuts), look, sound, **how))


def mean(of: EmotionCurve) -> np.ndarray:
    """Valence, arousal, and both uncertainties."""
    return np.mean(
        [
            (p.emotion.valence, p.emotion.arousal, p.uncertainty.valence, p.uncertainty.arousal)
            for p in of.points
        ],
        axis=0,
    )


def test_a_fast_loud_film_excites_and_a_slow_quiet_one_calms():
    fast = curve(cuts=range(2, 40, 2), look=seen(40, motion=0.3), sound=heard(40, -14))
    slow = curve(look=seen(40, motion=0.006), sound=heard(40, -48))
    assert mean(fast)[1] > 0.5
    assert mean(slow)[1] < -0.5


def test_a_bright_colourful_film_is_more_pleasant_than_a_dark_grey_one():
    bright = curve(look=seen(40, light=0.65, saturation=0.28, warmth=0.1), sound=heard(40))
    dark = curve(look=seen(40, light=0.1, saturation=0.03, warmth=-0.1), sound=heard(40))
    assert mean(bright)[0] > 0.25
    assert mean(dark)[0] < -0.25


def test_an_ordinary_film_lies_in_the_middle():
    ordinary = mean(curve(cuts=range(8, 40, 8), look=seen(40), sound=heard(40)))
    assert np.abs(ordinary[:2]).max() < 0.2


def test_a_dull_film_is_not_stretched_to_extremes():
    dull = curve(look=seen(40), sound=heard(40))
    values = [point.emotion.arousal for point in dull.points]
    assert max(values) - min(values) < 0.1


def test_black_and_silent_is_near_neutral_and_very_uncertain():
    black = seen(20, light=0.0, contrast=0.0, saturation=0.0, warmth=0.0, motion=np.nan)
    values = mean(curve(20.0, look=black, sound=heard(20, -100)))
    assert np.abs(values[:2]).max() < 0.05
    assert values[2:].min() > 0.5


def test_what_stands_still_is_not_calm_and_what_hardly_moves_is():
    still = curve(look=seen(40, motion=0.0))
    slow = curve(look=seen(40, motion=0.005))
    assert mean(slow)[1] < mean(still)[1] - 0.2
    assert mean(still)[3] > mean(slow)[3] + 0.05


def test_a_moment_without_motion_in_a_shot_that_moves_is_calm():
    look = seen(40)
    pause = np.where((look.time_s > 18) & (look.time_s < 24), 0.0, 0.045).astype(np.float32)
    paused = Appearance(*(pause if name == "motion" else getattr(look, name)
                          for name in Appearance.__slots__))  # fmt: skip
    of_paused, of_moving = curve(look=paused).at(21), curve(look=look).at(21)
    assert of_paused.arousal < of_moving.arousal - 0.1


@pytest.mark.parametrize(
    ("less", "axis"),
    [
        ({"look": seen(40)}, 3),  # no sound
        ({"look": seen(40)}, 2),
        ({"sound": heard(40)}, 3),  # nothing to see
        ({"look": seen(40, saturation=0.0), "sound": heard(40)}, 2),  # black and white
    ],
)
def test_less_evidence_means_more_uncertainty(less, axis):
    cuts = range(8, 40, 8)
    whole = curve(cuts=cuts, look=seen(40), sound=heard(40))
    assert mean(curve(cuts=cuts, **less))[axis] > mean(whole)[axis] + 0.01


def test_evidence_that_disagrees_means_more_uncertainty():
    agree = curve(look=seen(40, motion=0.3), sound=heard(40, -14), cuts=range(2, 40, 2))
    disagree = curve(look=seen(40, motion=0.3), sound=heard(40, -60), cuts=range(2, 40, 2))
    assert mean(disagree)[3] > mean(agree)[3] + 0.1


def test_a_short_film_tells_less_than_a_long_one():
    long, short = curve(look=seen(40), sound=heard(40)), curve(2.0, look=seen(2), sound=heard(2))
    assert (mean(short)[2:] > mean(long)[2:]).all()


def test_an_edit_alone_gives_arousal_from_its_cutting_and_no_valence():
    fast = curve(60.0, cuts=range(1, 60), cuts_are_known=True)
    slow = curve(60.0, cuts=(30,), cuts_are_known=True)
    assert mean(fast)[1] > 0.2 > -0.2 > mean(slow)[1]
    assert mean(fast)[0] == mean(slow)[0] == 0
    assert mean(fast)[2] > 0.55


def test_offline_stretches_of_an_edit_are_less_certain():
    half = seen(40)
    contrast = np.where(half.time_s < 20, half.contrast, 0).astype(np.float32)
    look = Appearance(half.time_s, half.light, contrast, half.saturation, half.warmth, half.motion)
    points = curve(cuts=(20,), look=look, cuts_are_known=True).points
    assert points[-1].uncertainty.valence > points[0].uncertainty.valence + 0.1


def test_each_shot_has_a_point_in_its_middle_and_long_shots_have_several():
    points = curve(40.0, cuts=(4, 10), look=seen(40), sound=heard(40)).points
    times = [float(point.time.seconds) for point in points]
    assert times == pytest.approx([2, 7, 15, 25, 35], abs=0.05)


def test_the_curve_follows_the_shots():
    look = seen(40)
    motion = np.where(look.time_s < 20, 0.006, 0.35).astype(np.float32)
    look = Appearance(look.time_s, look.light, look.contrast, look.saturation, look.warmth, motion)
    level = heard(40)
    level_db = np.where(level.time_s < 20, -45, -14).astype(np.float32)
    of = curve(cuts=(20,), look=look, sound=Hearing(level.time_s, level_db, level.brightness_hz))
    assert of.at(5).arousal < -0.4
    assert of.at(35).arousal > 0.4


def test_where_the_sound_has_ended_it_is_missing_not_quiet():
    look = seen(40)
    whole = heard(40, level_db=-14)
    ended = np.where(whole.time_s < 20, -14, -100).astype(np.float32)
    quiet = np.where(whole.time_s < 20, -14, -60).astype(np.float32)
    of_ended, of_quiet = (
        curve(cuts=(20,), look=look, sound=Hearing(whole.time_s, level, whole.brightness_hz))
        for level in (ended, quiet)
    )
    assert Hearing(whole.time_s, ended, whole.brightness_hz).ended_s == pytest.approx(20, abs=0.1)
    assert Hearing(whole.time_s, quiet, whole.brightness_hz).ended_s is None
    assert of_ended.at(35).arousal > of_quiet.at(35).arousal + 0.1


@given(
    st.integers(1, 2000),
    st.lists(st.integers(1, 2000), max_size=30),
    st.floats(0, 1),
    st.floats(0, 5),
    st.floats(-100, 20),
)
def test_any_evidence_gives_a_valid_curve(frames, cuts, light, motion, level):
    duration = RationalTime(frames, RATE)
    seconds = frames / 24
    inside = tuple(RationalTime(cut, RATE) for cut in sorted(set(cuts)) if cut < frames)
    look = seen(seconds, light=light, motion=motion, contrast=light / 2)
    points = curve_of(Evidence(duration, inside, look, heard(seconds, level))).points
    assert len(points) >= len(inside) + 1
    for point in points:
        assert 0 <= point.time.value < frames
        assert 0 <= point.uncertainty.valence <= 1
        assert 0 <= point.uncertainty.arousal <= 1
