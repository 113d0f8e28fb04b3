"""How much of one picture is not in another: measured in batches, and as plain searching would."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emsync_server.media.small_picture import HEIGHT, WIDTH
from emsync_server.spotting.novelty import (
    BLOCK,
    LEFTS,
    SEARCH_X,
    SEARCH_Y,
    TOPS,
    _matched,
    novelties,
)
from emsync_server.spotting.traces import BLOCK_X, BLOCK_Y, FLOOR, MATCH_X, MATCH_Y
from emsync_server.spotting.traces import _matched as matched_blocks


def place(seed: int, width: int = WIDTH) -> np.ndarray:
    """A picture, rough at two scales: (3, H, width)."""
    random = np.random.default_rng(seed)
    planes = [
        cv2.resize(random.uniform(60, 200, (9, 16)), (width, HEIGHT), interpolation=cv2.INTER_CUBIC)
        + random.normal(0, 12, (HEIGHT, width))
        for _ in range(3)
    ]
    return np.stack(planes).clip(0, 255).astype(np.uint8)


def test_blocks_are_found_where_plain_searching_finds_them():
    before = np.stack([place(1)[0], place(2)[0]])
    after = np.stack([np.roll(before[0], (2, -3), (0, 1)), place(3)[0]])
    unlike, tops, lefts = _matched(before, after, np.ones((2, len(TOPS)), bool))
    for pair, block in np.ndindex(unlike.shape):
        top, left = int(TOPS[block]), int(LEFTS[block])
        first_row, first_column = max(0, top - SEARCH_Y), max(0, left - SEARCH_X)
        around = before[pair][
            first_row : top + BLOCK + SEARCH_Y, first_column : left + BLOCK + SEARCH_X
        ]
        wanted = after[pair][top : top + BLOCK, left : left + BLOCK]
        found = cv2.matchTemplate(around, wanted, cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(found)
        assert unlike[pair, block] == pytest.approx(1 - best, abs=1e-3)
        assert (tops[pair, block], lefts[pair, block]) == (first_row + row, first_column + column)


def test_blocks_that_are_not_sought_are_where_they_were():
    sought = np.zeros((1, len(TOPS)), bool)
    sought[0, 5] = True
    unlike, tops, lefts = _matched(place(1)[:1], place(2)[:1], sought)
    assert unlike[0, 5] > 0.1
    assert not unlike[~sought].any()
    assert (tops[~sought] == np.delete(TOPS, 5)).all()
    assert (lefts[~sought] == np.delete(LEFTS, 5)).all()


def test_pairs_are_measured_alike_alone_and_together():
    before = np.stack([place(seed) for seed in range(4)])
    after = np.stack([place(9), before[1], np.roll(before[2], 4, 2), before[3] // 2])
    together = novelties(before, after)
    for one, other, seen in zip(before, after, together, strict=True):
        (alone,) = novelties(one[None], other[None])
        assert alone.look == pytest.approx(seen.look, abs=1e-5)
        assert alone.shape == pytest.approx(seen.shape, abs=1e-5)
    cut, still, moved, dimmed = together
    assert cut.look > 0.3
    assert cut.spread > 0.8
    assert still.look == still.shape == still.spread == 0
    assert moved.shape < 0.5 * cut.shape
    assert dimmed.shape < 0.2 * cut.shape  # another light is no other picture


def test_even_pictures_are_compared_by_light_and_colour():
    grey, lighter = (np.full((1, 3, HEIGHT, WIDTH), level, np.uint8) for level in (90, 120))
    (seen,) = novelties(grey, lighter)
    assert seen.shape == pytest.approx(min(1.0, 30 / 64 + 2 * 30 / 32))
    assert seen.spread == 1


def test_traced_blocks_are_matched_as_one_by_one():
    random = np.random.default_rng(5)
    now, then = (random.integers(0, 255, (3, 18, 32)).astype(np.uint8) for _ in range(2))
    then[2] = np.roll(now[2], (1, 2), (0, 1))
    mean, far = matched_blocks(now, then)
    for frame in range(3):
        best = []
        for top in (MATCH_Y, MATCH_Y + BLOCK_Y):
            for left in range(MATCH_X, MATCH_X + 4 * BLOCK_X, BLOCK_X):
                block = now[frame, top : top + BLOCK_Y, left : left + BLOCK_X].astype(float)
                best.append(
                    min(
                        np.abs(block - then[frame, y : y + BLOCK_Y, x : x + BLOCK_X]).mean()
                        for y in range(top - MATCH_Y, top + MATCH_Y + 1)
                        for x in range(left - MATCH_X, left + MATCH_X + 1)
                    )
                )
        means = np.rint(best)
        assert mean[frame] == pytest.approx(1 + np.log10(means.mean() / 255 + FLOOR) / 3, abs=1e-5)
        assert far[frame] == pytest.approx((means > 14).mean())
    assert far[2] < far[0]
