"""A push has a seam where its two pictures meet; a pan has none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emsync_server.media.small_picture import HEIGHT, WIDTH
from emsync_server.spotting.evidence import Stretch
from emsync_server.spotting.judging import shipped_judge
from emsync_server.spotting.seams import of_seam

FRAMES, BEFORE = 12, 6


def place(seed: int, width: int = 2 * WIDTH) -> np.ndarray:
    """(3, 2 H, width), rough at every scale, with little in it that stands upright."""
    random = np.random.default_rng(seed)
    out = np.full((2 * HEIGHT, width, 3), 128, np.float32)
    for cells, height in ((2, 35), (6, 25), (20, 12)):
        coarse = random.normal(0, height, (cells, cells * width // HEIGHT, 3)).astype(np.float32)
        out += cv2.resize(coarse, (width, 2 * HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.moveaxis(out.clip(0, 255), -1, 0).astype(np.uint8)


def over(wide: np.ndarray, to: int, *, is_down: bool = False) -> Stretch:
    """A camera that rests, goes so far across or down within `FRAMES`, and rests."""
    way = [0] * BEFORE + [round(to * (k + 1) / FRAMES) for k in range(FRAMES)] + [to] * BEFORE
    shown = [
        wide[:, at : at + HEIGHT, :WIDTH] if is_down else wide[:, :HEIGHT, at : at + WIDTH]
        for at in way
    ]
    return Stretch(np.stack(shown), np.empty((0, 0), np.float32))


def score(film: Stretch) -> float:
    """Below 0: a pan."""
    seam = of_seam(film, BEFORE, BEFORE + FRAMES - 1)
    assert seam is not None
    return shipped_judge().seam.of(tuple(seam))


def beside_each_other(one: int, other: int, *, is_down: bool = False) -> np.ndarray:
    axis, length = (1, HEIGHT) if is_down else (2, WIDTH)
    pictures = [np.take(place(seed), range(length), axis) for seed in (one, other)]
    return np.concatenate(pictures, axis)


@pytest.mark.parametrize("is_down", [False, True], ids=["across", "down"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_pan_over_one_place_has_no_seam_and_a_push_has_one(seed, is_down):
    length = HEIGHT if is_down else WIDTH
    pan = score(over(place(seed), length, is_down=is_down))
    push = score(over(beside_each_other(seed, seed + 10, is_down=is_down), length, is_down=is_down))
    assert pan < 0 < push


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_backwards_is_the_same(seed):
    for wide, sign in ((place(seed), -1), (beside_each_other(seed, seed + 10), 1)):
        forwards = over(wide, WIDTH)
        assert sign * score(Stretch(forwards.pictures[::-1], forwards.answers)) > 0


def test_a_picture_that_covers_another_is_no_pan():
    old, new = (place(seed)[:, :HEIGHT, :WIDTH] for seed in (4, 5))
    shown = [old] * BEFORE
    for k in range(FRAMES):
        edge = round(WIDTH * (k + 1) / FRAMES)
        shown.append(np.concatenate((new[..., WIDTH - edge :], old[..., edge:]), axis=2))
    assert score(Stretch(np.stack(shown + [new] * BEFORE), np.empty((0, 0), np.float32))) > 0


def test_where_the_bars_of_two_pictures_meet_nothing_is_said():
    wide = beside_each_other(1, 11)
    wide[0, :, WIDTH - 8 : WIDTH + 8], wide[1:, :, WIDTH - 8 : WIDTH + 8] = 0, 128
    assert of_seam(over(wide, WIDTH), BEFORE, BEFORE + FRAMES - 1) is None


def test_bars_around_the_film_do_not_hide_the_seam():
    for wide, sign in ((place(2), -1), (beside_each_other(2, 12), 1)):
        boxed = over(wide, WIDTH).pictures.copy()
        boxed[:, 0, :4], boxed[:, 0, -4:] = 0, 0
        boxed[:, 1:, :4], boxed[:, 1:, -4:] = 128, 128
        assert sign * score(Stretch(boxed, np.empty((0, 0), np.float32))) > 0


def test_a_still_picture_is_no_pan():
    still = np.repeat(place(1)[None, :, :HEIGHT, :WIDTH], BEFORE * 2 + FRAMES, axis=0)
    grain = np.random.default_rng(1).integers(-1, 2, still.shape)
    noisy = (still.astype(int) + grain).clip(0, 255).astype(np.uint8)
    assert score(Stretch(noisy, np.empty((0, 0), np.float32))) > 0
