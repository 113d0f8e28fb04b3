"""Cuts between pictures that hardly move: cards, slides, drawings; and what is none there."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from emsync_server.media import shrink
from emsync_server.spotting.steps import StepFinder

HEIGHT, WIDTH = 36, 64
RED, BLUE, ORANGE = (76, 85, 255), (76, 200, 110), (150, 40, 190)
PAPER = (240, 128, 128)


def card(colour: tuple[int, int, int]) -> np.ndarray:
    """An even picture: (3, H, W), luma and colour differences."""
    return np.broadcast_to(np.uint8(colour)[:, None, None], (3, HEIGHT, WIDTH)).copy()


def slide(seed: int) -> np.ndarray:
    """Lines of words on paper, each slide with others."""
    random = np.random.default_rng(seed)
    picture = card(PAPER)
    for row in random.choice(np.arange(2, 33), 9, replace=False):
        end = int(random.integers(20, 60))
        picture[0, row, 4:end] = np.where(random.random(end - 4) < 0.6, 60, 240)
    return picture


def found(*parts: tuple[np.ndarray, int], rate: Fraction = Fraction(25), batch: int = 64):
    film = np.concatenate([np.repeat(picture[None], frames, axis=0) for picture, frames in parts])
    finder = StepFinder(rate)
    for first in range(0, len(film), batch):
        finder.see(film[first : first + batch])
    return [frame for frame, new in finder.told(0, len(film)) if new]


@pytest.mark.parametrize("rate", [24, 30, 60])
@pytest.mark.parametrize("batch", [7, 64, 300])
def test_cards_of_one_lightness_are_told_apart_by_colour(rate, batch):
    cards = ((card(RED), 70), (card(BLUE), 70), (card(ORANGE), 70))
    assert found(*cards, rate=Fraction(rate), batch=batch) == [70, 140]


def test_slides_on_the_same_paper_are_told_apart():
    assert found((slide(1), 60), (slide(2), 60), (slide(3), 60)) == [60, 120]


def test_cards_with_the_same_words_on_them_are_told_apart():
    one, other = card(RED), card(ORANGE)
    for each in (one, other):
        cv2.putText(each[0], "Clip", (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 235)
    assert found((one, 60), (other, 60)) == [60]


def test_a_line_or_a_window_that_joins_the_picture_is_no_cut():
    before = slide(1)
    line, window = before.copy(), before.copy()
    line[0, 34, 4:50] = 40
    window[0, 10:24, 20:44] = 200
    window[0, 10, 20:44] = window[0, 23, 20:44] = 30
    assert found((before, 60), (line, 60), (window, 60), (before, 60)) == []


@pytest.mark.parametrize("frames", [1, 5, 10])
def test_what_comes_back_within_half_a_second_is_no_cut(frames):
    assert found((slide(1), 60), (card(ORANGE), frames), (slide(1), 60)) == []


def test_other_light_on_one_place_is_no_cut():
    place = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 255, (36, 64)).astype(np.float32), (3, 3), 1.0
    )
    dark = card(PAPER)
    dark[0] = place * 0.5
    light = dark.copy()
    light[0] = np.clip(dark[0] * 1.8 + 10.0, 0, 255)
    assert found((dark, 60), (light, 60)) == []


def test_a_slow_pan_in_whole_pixels_of_the_film_is_no_cut():
    """320 pixels wide, two at a time: the small picture moves by four tenths of a pixel."""
    random = np.random.default_rng(4)
    place = cv2.GaussianBlur(random.integers(0, 255, (180, 480)).astype(np.float32), (0, 0), 6)
    place = (place - place.mean()) * 8 + 120
    views = []
    for at in range(0, 40, 2):
        seen = card(PAPER)
        seen[0] = cv2.resize(place[:, at : at + 320].clip(0, 255), (WIDTH, HEIGHT),
                             interpolation=cv2.INTER_AREA)  # fmt: skip
        views.append((seen, 20))
    assert found(*views) == []


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_a_slow_pan_over_fine_detail_is_no_cut(seed):
    """Detail finer than the small picture jumps about in it, since only some rows are looked at."""
    random = np.random.default_rng(seed)
    place = cv2.GaussianBlur(random.normal(0, 60, (180, 480)).astype(np.float32), (0, 0), 0.6) + 120
    views = []
    for at in range(0, 40, 2):
        seen = np.ascontiguousarray(place[:, at : at + 320].clip(0, 255).astype(np.uint8))
        views.append((shrink(av.VideoFrame.from_ndarray(seen, format="gray")).planes, 20))
    assert found(*views) == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_slow_zoom_over_fine_detail_is_no_cut(seed):
    """In whole pixels of the still, as FFmpeg's zoompan does."""
    random = np.random.default_rng(seed)
    place = cv2.GaussianBlur(random.normal(0, 60, (400, 500)).astype(np.float32), (0, 0), 1.4)
    place = (place * 2 + 120).clip(0, 255).astype(np.uint8)
    views = []
    for step in range(20):
        across, down = 480 - 2 * step, 270 - step
        left, top = (500 - across) // 2, (400 - down) // 2
        seen = cv2.resize(place[top : top + down, left : left + across], (640, 360))
        views.append((shrink(av.VideoFrame.from_ndarray(seen, format="gray")).planes, 20))
    assert found(*views) == []


def test_a_drawn_camera_that_moves_in_leaps_is_no_cut():
    place = np.concatenate([slide(seed) for seed in range(1, 7)], axis=2)
    views = [(place[:, :, at : at + WIDTH], 3) for at in range(0, 5 * WIDTH, 6)]
    assert found(*views, rate=Fraction(24)) == []
