"""Cuts are found to the frame; flashes, motion and titles are none; transitions are told once."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from emsync.picture import BoundaryKind
from emsync_server.media import SmallPicture
from emsync_server.spotting.cuts import CutFinder
from emsync_server.spotting.novelty import novelty
from emsync_server.spotting.transitions import TransitionFinder

RATE = Fraction(24)
WIDTH, HEIGHT = 160, 90


def world(seed: int) -> np.ndarray:
    """A place, larger than the picture, rough at every scale: (180, 480, 3), Y, Cb, Cr."""
    random = np.random.default_rng(seed)
    place = np.zeros((180, 480, 3), np.float32)
    for cells, height in ((3, 30), (12, 20), (45, 14)):
        coarse = random.normal(0, height, (cells, cells * 8 // 3, 3)).astype(np.float32)
        place += cv2.resize(coarse, (480, 180), interpolation=cv2.INTER_CUBIC)
    return np.clip(place * (1, 0.4, 0.4) + (120, 128, 128), 16, 235).astype(np.float32)


def shot(seed: int, frames: int, speed: float = 0.3) -> list[np.ndarray]:
    """A slow pan over a place, with grain."""
    place, random = world(seed), np.random.default_rng(seed + 1)
    images = []
    for index in range(frames):
        shift = np.array([[1, 0, -60 - speed * index], [0, 1, -40]], np.float32)
        view = cv2.warpAffine(place, shift, (WIDTH, HEIGHT)).astype(float)
        images.append(view + random.normal(0, 1.5, view.shape))
    return images


def small(image: np.ndarray) -> SmallPicture:
    planes = np.clip(image, 0, 255).astype(np.uint8)
    return SmallPicture(*(np.ascontiguousarray(planes[..., plane]) for plane in range(3)))


def cuts_of(images: list[np.ndarray], rate: Fraction = RATE) -> list[int]:
    finder = CutFinder(rate)
    for image in images:
        finder.see(small(image))
    finder.finish()
    assert all(0 < cut.strength <= 1 for cut in finder.cuts)
    return [cut.index for cut in finder.cuts]


def transitions_of(images: list[np.ndarray], rate: Fraction = RATE):
    finder = TransitionFinder(rate)
    for image in images:
        finder.see(small(image))
    return finder.finish()


def dissolve(before: list[np.ndarray], after: list[np.ndarray], frames: int) -> list[np.ndarray]:
    mixed = [
        before[-frames + k] * (1 - (k + 1) / (frames + 1)) + after[k] * (k + 1) / (frames + 1)
        for k in range(frames)
    ]
    return [*before[:-frames], *mixed, *after[frames:]]


@pytest.mark.parametrize("lengths", [(30, 40, 26), (6, 8, 60, 7, 30), (50, 3)])
def test_every_cut_is_found_to_the_frame(lengths):
    images = [image for seed, length in enumerate(lengths) for image in shot(seed, length)]
    expected = np.cumsum(lengths)[:-1].tolist()
    if lengths[-1] <= 3:  # a shot as short as a flash, at the very end, may count or not
        assert cuts_of(images) in ([], expected)
    else:
        assert cuts_of(images) == expected


def test_a_still_film_has_no_cut():
    assert cuts_of([world(1)[:HEIGHT, :WIDTH]] * 60) == []


def test_a_single_frame_has_no_cut():
    assert cuts_of(shot(1, 1)) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_not_a_cut(length):
    images = shot(1, 60)
    for index in range(30, 30 + length):
        images[index] = images[index] * 2.4 + 70
    assert cuts_of(images) == []


@pytest.mark.parametrize("level", [0.0, 255.0], ids=["black", "white"])
def test_a_blank_frame_is_not_a_cut(level):
    images = shot(1, 60)
    images[30] = np.full_like(images[30], 128.0)
    images[30][..., 0] = level
    assert cuts_of(images) == []


def test_strobe_light_is_not_a_cut():
    images = shot(1, 90)
    for index in range(20, 70):
        if index % 6 < 2:
            images[index] = images[index] * 2.6 + 90
    assert cuts_of(images) == []


def test_a_cut_beside_a_flash_is_found():
    images = shot(1, 40) + shot(2, 40)
    images[20] = images[20] * 2.4 + 70
    assert cuts_of(images) == [40]


def test_a_title_is_not_a_cut():
    images = shot(1, 60)
    for index in range(30, 60):
        images[index][64:76, 16:96] = (235, 128, 128)
    assert cuts_of(images) == []


def test_a_fast_pan_is_not_a_cut():
    still, pan = shot(1, 20, 0.0), shot(1, 16, 9.0)
    assert cuts_of(still + pan) == []


@pytest.mark.parametrize("frames", [8, 14, 24])
def test_a_dissolve_is_one_boundary_in_its_middle(frames):
    images = dissolve(shot(1, 60), shot(2, 60), frames)
    (seen,) = transitions_of(images)
    assert seen.kind is BoundaryKind.DISSOLVE
    assert seen.middle == pytest.approx(60 - frames / 2, abs=2)
    assert cuts_of(images) == []


@pytest.mark.parametrize("level", [0.0, 255.0], ids=["black", "white"])
def test_a_fade_through_a_colour_is_one_boundary_in_its_middle(level):
    before, after = shot(1, 60), shot(2, 60)
    blank = np.full_like(before[0], 128.0)
    blank[..., 0] = level
    out = [image * (1 - k / 12) + blank * k / 12 for k, image in enumerate(before[-12:], 1)]
    back = [blank * (1 - k / 12) + image * k / 12 for k, image in enumerate(after[:12], 1)]
    (seen,) = transitions_of([*before[:-12], *out, *[blank] * 4, *back, *after[12:]])
    assert seen.kind is BoundaryKind.FADE
    assert seen.middle == pytest.approx(62, abs=2)


def test_fades_at_the_ends_of_the_film_are_no_boundaries():
    images = shot(1, 90)
    for k in range(14):
        images[k] = images[k] * k / 14
        images[-1 - k] = images[-1 - k] * k / 14
    assert transitions_of(images) == ()


def test_a_shot_that_dims_and_brightens_again_is_one_shot():
    images = shot(1, 120)
    for k in range(30):
        images[40 + k] = images[40 + k] * (1 - 0.8 * np.sin(np.pi * k / 30))
    assert transitions_of(images) == ()


def test_motion_is_no_transition():
    assert transitions_of(shot(3, 150, 2.0)) == ()


def test_many_batches_find_what_one_does():
    images = dissolve(shot(1, 300), shot(2, 300), 16)
    (seen,) = transitions_of(images)
    assert seen.middle == pytest.approx(292, abs=2)


def test_novelty_runs_from_nothing_new_to_all_new():
    here, there = small(shot(1, 1)[0]), small(shot(9, 1)[0])
    black = small(np.full((HEIGHT, WIDTH, 3), (0, 128, 128), float))
    assert novelty(here, here).look < 0.01
    assert novelty(here, small(shot(1, 12)[11])).whole < 0.1
    assert novelty(here, there).whole > 0.4
    assert novelty(here, black).shape > 0.9
    assert novelty(black, here).shape > 0.9


def test_smooth_pictures_are_told_apart_by_their_colours():
    blur = [cv2.GaussianBlur(shot(seed, 1)[0], (0, 0), 9) for seed in (1, 2)]
    here, there = (small(image) for image in blur)
    assert novelty(here, there).shape + 0.1 < novelty(here, there).look
    assert novelty(here, small(blur[0] * (1.1, 1, 1))).whole < 0.2
