"""Small pictures: read straight from the planes, the same whatever the pixel format."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from emsync_server.media import Shrinker

WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    random = np.random.default_rng(4)
    coarse = random.integers(20, 235, (9, 16, 3), np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    "pixels",
    [
        *("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p12le"),
        *("nv12", "rgb24", "bgra", "yuyv422", "gbrp", "p010le", "yuva420p"),
    ],
)
def test_every_pixel_format_gives_the_same_small_picture(scene, pixels):
    frame = av.VideoFrame.from_ndarray(scene, format="rgb24").reformat(format=pixels)
    small = Shrinker(WIDTH, HEIGHT).shrink(frame)
    assert small.luma.shape == small.blue_difference.shape == small.red_difference.shape
    expected = cv2.resize(scene, (160, 90), interpolation=cv2.INTER_AREA)[..., ::-1]
    off = np.abs(small.bgr().astype(int) - expected.astype(int))
    assert off.mean() < 5
    assert small.luma.dtype == np.uint8


def test_grey_has_no_colour(scene):
    frame = av.VideoFrame.from_ndarray(scene, format="rgb24").reformat(format="gray")
    small = Shrinker(WIDTH, HEIGHT).shrink(frame)
    assert (small.blue_difference == 128).all()
    assert small.luma.std() > 10


@pytest.mark.parametrize("size", [(16, 16), (319, 131), (7680, 32), (32, 2000)])
def test_any_size_can_be_shrunk(size):
    frame = av.VideoFrame(*size, "yuv420p")
    small = Shrinker(*size).shrink(frame)
    assert min(small.luma.shape) >= 16
    assert max(small.luma.shape) <= 160


def test_a_film_that_changes_its_size_keeps_its_small_size(scene):
    shrinker = Shrinker(WIDTH, HEIGHT)
    other = av.VideoFrame.from_ndarray(scene[:200, :300].copy(), format="rgb24")
    assert shrinker.shrink(other.reformat(format="yuv420p")).luma.shape == (90, 160)
