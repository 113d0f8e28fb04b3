"""The bands of the curve against moods that were named by hand."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest

from emsync.cue import Cue, CueSheet
from emsync.emotion import EmotionCurve, EmotionPoint, ShotNotes, ValenceArousal
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime, TimeRange
from emsync_server.benchmarks.mood_bands import (
    JudgedBand,
    band_figures,
    bands_table,
    judged_band,
)
from emsync_server.spotting.fusion import FILM_LIKENESS, on_film

CORNER = 0.45
RATE = Fraction(24)


def drawn(likeness, films=60, seed=1):
    """Films whose moods are like their shots to a degree that we know; what is said is sure."""
    rng = np.random.default_rng(seed)
    bands = []
    for film in range(films):
        side = int(rng.integers(-1, 2))
        # The likeliest mean under the model, given where the film lies, and its own scatter.
        mean = likeness * CORNER * side + rng.normal(0, np.sqrt(0.24 * (1 - likeness**2)))
        shipped = [on_film(np.array([mean]), np.array([0.01]), each) for each in FILM_LIKENESS]
        bands.append(JudgedBand(f"{film}", (side, side),
                                (float(shipped[0][0][0]), float(shipped[1][0][0])),
                                (float(shipped[0][1][0]), float(shipped[1][1][0]))))  # fmt: skip
    return bands


@pytest.mark.parametrize("axis", [0, 1], ids=["valence", "arousal"])
def test_shots_that_are_like_their_film_are_told_from_those_that_are_not(axis):
    alike, unlike = (band_figures(drawn(each), axis, CORNER) for each in (0.98, 0.3))
    assert alike.likeness > 0.9
    assert unlike.likeness < 0.6
    assert alike.cover_by_itself > unlike.cover_by_itself + 0.2
    assert unlike.cover > unlike.cover_by_itself + 0.2
    assert unlike.left_out[0] <= unlike.likeness <= unlike.left_out[1]


def test_a_film_counts_once_however_many_of_its_stretches_were_judged():
    bands = drawn(0.5, films=9)
    odd = JudgedBand("odd", (1, 1), (-0.9, -0.9), bands[0].variance)
    once, often = (band_figures([*bands, *[odd] * count], 1, CORNER) for count in (1, 50))
    for name, value in asdict(once).items():
        assert asdict(often)[name] == pytest.approx(value), name


def test_what_is_asked_about_a_film_was_fitted_without_it():
    """One film that nothing explains makes the rest no wider where it is left out."""
    bands = [JudgedBand(f"{k}", (0, 0), (0.0, 0.0), (0.06, 0.13)) for k in range(5)]
    odd = JudgedBand("odd", (0, 1), (0.0, -0.5), (0.06, 0.13))
    found = band_figures([*bands, odd], 1, 0.6)
    assert found.left_out[1] == 1.0  # without it all are like their films
    assert found.likeness < 1.0


def test_the_table_has_a_row_for_each_axis_and_corner():
    rows = bands_table(drawn(0.7, films=8), "command").rows
    assert [row[:2] for row in rows] == [
        (axis, corner) for axis in ("valence", "arousal") for corner in ("0.3", "0.45", "0.6")
    ]


def test_a_stretch_has_the_mean_of_its_shots_by_their_time_in_it():
    def second(value):
        return RationalTime(24 * value, RATE)

    shots = [TimeRange(second(at), second(10)) for at in (0, 10)]
    points = [
        EmotionPoint(second(at), ValenceArousal(value, 0.0), ValenceArousal(off, 0.5))
        for at, value, off in ((5, 0.8, 0.3), (15, -0.4, 0.4))
    ]
    whole = TimeRange(second(0), second(20))
    sheet = CueSheet(
        PictureInfo("film", RATE, second(20), second(0), 320, 180, True, ()), (),
        (Cue("one", whole, (), EmotionCurve(tuple(points))),),
        tuple(ShotNotes(each) for each in shots),
    )  # fmt: skip
    found = judged_band("film", (1, 0), sheet, 8, 16)
    assert found.mean == pytest.approx((0.25 * 0.8 - 0.75 * 0.4, 0.0))
    assert found.variance == pytest.approx((0.25 * 0.09 + 0.75 * 0.16, 0.25))
