"""Small pictures: read straight from the planes, the same whatever the pixel format."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from emsync_server.media import Shrinker, shrink

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
    small = shrink(frame)
    assert small.planes.shape == (3, 36, 64)
    assert small.planes.dtype == np.uint8
    expected = cv2.resize(scene, (64, 36), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(expected, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    off = np.abs(np.moveaxis(small.planes, 0, -1).astype(int) - planes.astype(int))
    assert off.mean() < 5


def test_grey_has_no_colour(scene):
    small = shrink(av.VideoFrame.from_ndarray(scene, format="rgb24").reformat(format="gray"))
    assert (small.blue_difference == 128).all()
    assert (small.red_difference == 128).all()
    assert small.luma.std() > 10


@pytest.mark.parametrize("size", [(16, 16), (319, 131), (7680, 32), (32, 2000)])
def test_any_size_can_be_shrunk(size):
    assert shrink(av.VideoFrame(*size, "yuv420p")).planes.shape == (3, 36, 64)


def test_no_column_or_row_counts_more_than_the_others(scene):
    bright = np.zeros((332, 854, 3), np.uint8)
    bright[:, 427:] = 255
    luma = shrink(
        av.VideoFrame.from_ndarray(bright, format="rgb24").reformat(format="yuv420p")
    ).luma
    assert luma[:, :31].max() < 10 < 245 < luma[:, 33:].min()


def test_frames_of_changing_shape_come_in_order_and_as_one_by_one(scene):
    random = np.random.default_rng(3)
    shapes = [(480, 270)] * 3 + [(800, 332)] * 40 + [(34, 20)] * 2 + [(480, 270)] * 17
    frames = [
        av.VideoFrame.from_ndarray(
            random.integers(0, 255, (height, width, 3), np.uint8), format="rgb24"
        ).reformat(format="yuv420p")
        for width, height in shapes
    ]
    frames.append(av.VideoFrame.from_ndarray(scene, format="rgb24"))
    frames.append(frames[0].reformat(format="gray"))
    shrinker = Shrinker()
    counts, small = [], []
    for frame in frames:
        given = shrinker.add(frame)
        counts.append(len(given))
        small += given
    small += shrinker.finish()
    assert shrinker.finish() == []
    assert max(counts) > 1
    assert len(small) == len(frames)
    for frame, each in zip(frames, small, strict=True):
        np.testing.assert_array_equal(each.planes, shrink(frame).planes)
