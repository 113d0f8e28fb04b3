"""Every odd and broken file: read, read with a warning, or refused in a sentence."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from tests.conftest import MEDIA

from emsync.errors import MediaError
from emsync.settings import SpotSettings
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot

EDGE = MEDIA / "edge"
EXPECTED = json.loads((EDGE / "edge.json").read_text()) if (EDGE / "edge.json").exists() else {}
pytestmark = pytest.mark.media


@pytest.mark.parametrize("name", sorted(EXPECTED) or ["none"])
def test_an_odd_file_is_met_as_it_deserves(name, capfd):
    expect = EXPECTED[name]["expect"]
    path = EDGE / name
    if expect == "reject":
        with pytest.raises(MediaError) as caught:
            spot(path, SpotSettings(), silent_progress())
        assert caught.value.sentence.count("\n") == 0
        assert name in caught.value.sentence
    else:
        sheet = spot(path, SpotSettings(), silent_progress())
        assert bool(sheet.picture.warnings) == (expect == "warn"), sheet.picture.warnings
    assert capfd.readouterr() == ("", "")


CUT_S = 52 / 24
"""The only cut of base.mp4 and of everything made from it."""
SAME_CUT = [
    *("base.mp4", "fps_23976.mp4", "fps_2997.mp4", "fps_5994.mp4", "fps_50.mp4", "fps_12_5.mp4"),
    *("vfr.mp4", "vfr_jitter.mkv", "rot90.mp4", "sar_2_1.mp4", "odd_319x131_444.mp4"),
    *("hdr10_10bit.mp4", "gray_ffv1.mkv", "vp8.webm", "mjpeg.avi", "start_offset.mkv"),
    *("fragmented.mp4", "wrong_extension.mp4", "no_audio.mp4", "two_audio.mkv", "audio_51.mp4"),
]


@pytest.mark.parametrize("name", SAME_CUT)
def test_the_one_cut_is_found_whatever_the_container(name):
    sheet = spot(EDGE / name, SpotSettings(), silent_progress())
    (boundary,) = sheet.boundaries
    # To the frame: half a frame is by how much other rates move it.
    assert float(boundary.time.seconds) == pytest.approx(CUT_S, abs=0.5 / float(sheet.picture.rate))


def test_what_an_edit_list_leaves_out_is_not_counted():
    (boundary,) = spot(EDGE / "edit_list.mp4", SpotSettings(), silent_progress()).boundaries
    assert boundary.time.seconds == Fraction(35, 24)  # as FFmpeg shows it, 17 frames sooner


def test_a_turned_film_is_told_as_it_is_shown():
    picture = spot(EDGE / "rot90.mp4", SpotSettings(), silent_progress()).picture
    assert (picture.width, picture.height) == (132, 320)


def test_black_and_silent_is_near_neutral():
    (cue,) = spot(EDGE / "black_silent.mp4", SpotSettings(), silent_progress()).cues
    (point,) = cue.emotion.points
    assert abs(point.emotion.valence) < 0.05
    assert abs(point.emotion.arousal) < 0.05
    assert point.uncertainty.valence == 0.5  # as wide as it gets


def test_of_two_pictures_the_first_is_read(media: Path):
    picture = spot(media / "clips" / "nasa_13013.mp4", SpotSettings(), silent_progress()).picture
    assert (picture.width, picture.height, picture.rate) == (320, 180, 25)
