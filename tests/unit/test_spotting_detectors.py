"""Who looks at a film: every detector through one suite, and who watches."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.films import draw_film

from emsync.errors import MissingPartError
from emsync.picture import BoundaryKind
from emsync.settings import ShotDetector, SpotSettings
from emsync_server.inference.network import Network
from emsync_server.media import open_film
from emsync_server.models import MODELS_FOLDER
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot
from emsync_server.spotting.looking import look_at_film
from emsync_server.spotting.shots import ShotFinder

CUT_DETECTORS = [one for one in ShotDetector if one is not ShotDetector.THRESHOLD]


@pytest.mark.parametrize("detector", CUT_DETECTORS, ids=lambda one: one.value)
def test_every_detector_finds_a_drawn_cut_to_the_frame(tmp_path, detector):
    # Red, blue, yellow: the first two are as light as each other, which some detectors go by.
    cuts = draw_film(tmp_path / "film.mp4", seconds=4.0, cuts_s=(1.0, 2.5), size=(320, 180))
    settings = SpotSettings(shots=detector)
    found = [
        each.time.value
        for each in spot(tmp_path / "film.mp4", settings, silent_progress()).boundaries
    ]
    assert cuts[1] in found
    assert set(found) <= set(cuts)


def test_the_threshold_detector_tells_fades(tmp_path):
    draw_film(tmp_path / "film.mp4", seconds=4.0, cuts_s=(2.0,), size=(320, 180))
    settings = SpotSettings(shots=ShotDetector.THRESHOLD)
    boundaries = spot(tmp_path / "film.mp4", settings, silent_progress()).boundaries
    assert all(each.kind is BoundaryKind.FADE for each in boundaries)


def test_whoever_watches_is_shown_every_frame_of_the_one_pass(tmp_path):
    draw_film(tmp_path / "film.mp4", seconds=5.0, size=(320, 180))
    shown: list[tuple[int, float]] = []
    with open_film(tmp_path / "film.mp4") as film:
        look_at_film(
            film,
            ShotFinder(),
            silent_progress(),
            watch=lambda picture, time_s: shown.append((picture.width, time_s)),
        )
    assert [time_s for _, time_s in shown] == pytest.approx(np.arange(120) / 24)
    assert {width for width, _ in shown} == {320}


@pytest.mark.parametrize("damage", ["missing", "text", "other"])
def test_weights_that_cannot_be_used_are_told_in_a_sentence(tmp_path, damage):
    path = tmp_path / "shots.onnx"
    if damage == "text":
        path.write_text("no network")
    elif damage == "other":
        path.write_bytes((MODELS_FOLDER / "speech.onnx").read_bytes())
    with pytest.raises(MissingPartError, match=r"shots\.onnx"):
        Network.load(path, inputs={"traces": (1, None, 56)}, outputs={"answers": (1, None, 6)})


def test_the_rate_of_a_film_does_not_move_its_cuts(tmp_path):
    for rate in (Fraction(8), Fraction(60000, 1001)):
        cuts = draw_film(tmp_path / "film.mkv", seconds=5.0, cuts_s=(1.5, 3.5), rate=rate)
        sheet = spot(tmp_path / "film.mkv", SpotSettings(), silent_progress())
        assert [round(each.time.seconds * rate) for each in sheet.boundaries] == list(cuts)
