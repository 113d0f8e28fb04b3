"""The demo film: drawn by the product; spotting finds its cuts, and not its flashes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from emsync.cue import CueSheet
from emsync.settings import SpotSettings
from emsync.timecode import RationalTime
from emsync_server.composition.expression import expressed
from emsync_server.demo import CUTS, FRAMES, RATE, draw_demo_film
from emsync_server.demo.scenes import HEIGHT, SCENES, WIDTH
from emsync_server.demo.sounds import sound_of_scene
from emsync_server.media import probe_film, read_sound
from emsync_server.progress import ProgressSink, silent_progress
from emsync_server.spotting import spot


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.mp4"
    told: list[float] = []
    cuts = draw_demo_film(path, ProgressSink(lambda share, note: told.append(share)))
    assert cuts == CUTS
    assert told == sorted(told)
    assert told[-1] == 1.0
    return path


@pytest.fixture(scope="module")
def sheet(film) -> CueSheet:
    return spot(film, SpotSettings(), silent_progress())


def test_spotting_finds_all_cuts_of_the_demo_film_and_nothing_else(sheet):
    assert [each.time.value for each in sheet.boundaries] == list(CUTS)
    assert sheet.picture.duration == RationalTime(FRAMES, Fraction(RATE))
    assert (sheet.picture.width, sheet.picture.height) == (WIDTH, HEIGHT)
    assert len(sheet.cues[0].hits) >= 4


def test_the_demo_film_goes_through_several_moods(sheet):
    curve = expressed(sheet.cues[0]).emotion  # what its music follows
    calm, chase, feast = curve.at(2.5), curve.at(14.0), curve.at(28.0)
    assert chase.arousal > calm.arousal + 0.4
    assert feast.valence > chase.valence + 0.2


def test_the_demo_film_sounds_throughout_and_never_clips(film):
    sound = np.concatenate(list(read_sound(probe_film(film), duration_s=Fraction(30))))
    seconds = sound.reshape(30, -1)
    level_db = 10 * np.log10(np.mean(seconds**2, axis=1))
    assert level_db.min() > -50
    assert np.abs(sound).max() < 1.0
    assert level_db.max() - level_db.min() > 15


def test_the_demo_film_plays_anywhere(film):
    with av.open(str(film)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert picture.codec_context.name in ("h264", "mpeg4")
        assert picture.codec_context.pix_fmt == "yuv420p"
        assert sound.codec_context.name == "aac"
    assert b"moov" in film.read_bytes()[:4096]  # the index first: it streams


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_scene_is_drawn_alike_each_time_and_moves(scene):
    first, again = scene(60), scene(60)
    assert np.array_equal(first(20), again(20))
    moved = np.abs(first(20).astype(int) - first(26).astype(int))
    assert first(20).shape == (HEIGHT, WIDTH, 3)
    assert moved.max() > 40
    assert first(20).std() > 8


def test_a_scene_sounds_alike_each_time():
    assert np.array_equal(sound_of_scene(4, 48_000), sound_of_scene(4, 48_000))
