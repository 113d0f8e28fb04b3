"""What the eye of the shot finder gets: how each frame differs from those shortly before it.

No picture goes in, only differences: between frames 1 to 32 apart, by five measures that are blind
to different things (motion, light, place). A cut, a dissolve, a flash and a whip pan leave
different marks in them, whatever the film shows, so that a small network can tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANNELS", "REACH", "Tracer"]

LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Frames between the two pictures of a difference."""
BEND_LAGS = (1, 2, 4, 8, 16)
"""Frames from one of three to the next: in a dissolve the middle one is the others' mean."""
MATCH_LAGS = (1, 3)
BLOCK_X, BLOCK_Y = 6, 7
MATCH_X, MATCH_Y = 4, 2
"""A block is looked for this far around its place, in cells of 1/32 of the picture's width."""
REACH = max(LAGS)
"""Frames before its own that a difference looks at."""
SPREAD_LAGS = (1, 4, 12)
SPREAD_LEVELS = 14
"""A cell has changed when it differs by more 8-bit levels."""
QUANTILES = 64
FLOOR = 1e-3

LUMA_CELLS = 16 * 9
LUMA_AND_COLOUR = np.repeat(np.eye(2, dtype=np.float32), (LUMA_CELLS, 2 * LUMA_CELLS), axis=0)
"""(432, 2): sums of the luma cells, and of the others."""
ALL_CELLS = np.ones(len(LUMA_AND_COLOUR), np.float32)
ALL_QUANTILES = np.ones(96, np.float32)

CHANNELS = 4 * len(LAGS) + len(BEND_LAGS) + 2 * len(MATCH_LAGS) + len(SPREAD_LAGS) + 4

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


class Tracer:
    """Fed pictures in order, in batches; keeps the last 32 frames' descriptions."""

    def __init__(self) -> None:
        self._kept: _Described | None = None

    def trace(self, pictures: Bytes) -> Floats:
        """pictures: (N, 3, 36, 64) luma and colour differences · returns (N, CHANNELS)"""
        described = _describe(pictures)
        before = self._kept or described.first_repeated(REACH)
        whole = before.followed_by(described)
        self._kept = whole.last(REACH)
        return whole.differences()


@dataclass(frozen=True, slots=True)
class _Described:
    """Descriptions of N frames."""

    cells: Floats
    """(N, 432): means of 16 × 9 cells, luma and colour; whole levels."""
    unit: Floats
    """(N, 576): luma at 32 × 18, less its mean, of length 1."""
    ordered: Floats
    """(N, 96): quantiles of luma and of the colour differences."""
    fine: Bytes
    """(N, 18, 32): luma."""
    single: Floats
    """(N, 4): light, contrast, sharpness, colour."""

    def first_repeated(self, count: int) -> _Described:
        """A film that has not begun stands still."""
        return self._each(lambda part: np.repeat(part[:1], count, axis=0))

    def followed_by(self, later: _Described) -> _Described:
        """These frames, then those."""
        return _Described(
            np.concatenate((self.cells, later.cells)),
            np.concatenate((self.unit, later.unit)),
            np.concatenate((self.ordered, later.ordered)),
            np.concatenate((self.fine, later.fine)),
            np.concatenate((self.single, later.single)),
        )

    def last(self, count: int) -> _Described:
        """The last so many frames."""
        return self._each(lambda part: part[-count:].copy())

    def _each(self, change: Callable[[Any], Any]) -> _Described:
        return _Described(
            change(self.cells),
            change(self.unit),
            change(self.ordered),
            change(self.fine),
            change(self.single),
        )

    def differences(self) -> Floats:
        """Of all frames but the first REACH. Returns (N - REACH, CHANNELS)"""
        columns: list[Floats] = []
        distances: dict[int, Floats] = {}
        apart, shifted = (np.empty_like(each[REACH:]) for each in (self.cells, self.ordered))
        for lag in LAGS:
            now, then = slice(REACH, None), slice(REACH - lag, -lag)
            np.subtract(self.cells[now], self.cells[then], out=apart)
            np.abs(apart, out=apart)
            # Sums of whole levels are exact, in whatever order; a product is the fastest.
            luma, colour = (apart @ LUMA_AND_COLOUR).T.astype(np.float64)
            distances[lag] = (luma + colour).astype(np.float32) / np.float32(len(LUMA_AND_COLOUR))
            columns.append(_logarithm(luma / LUMA_CELLS / 255))
            columns.append(_logarithm(colour / (2 * LUMA_CELLS) / 255))
            likeness = np.einsum("nd,nd->n", self.unit[now], self.unit[then])
            columns.append((1 - likeness).astype(np.float32))
            np.subtract(self.ordered[now], self.ordered[then], out=shifted)
            np.abs(shifted, out=shifted)
            moved = shifted @ ALL_QUANTILES / np.float32(len(ALL_QUANTILES)) / 255
            columns.append(_logarithm(moved))
            if lag in SPREAD_LAGS:
                far = apart[:, :LUMA_CELLS] > SPREAD_LEVELS
                columns.append(far.mean(axis=1, dtype=np.float32))
        columns += [self._bend(lag, distances[2 * lag]) for lag in BEND_LAGS]
        for lag in MATCH_LAGS:
            columns.extend(_matched(self.fine[REACH:], self.fine[REACH - lag : -lag]))
        return np.stack([*columns, *self.single[REACH:].T], axis=1).astype(np.float32)

    def _bend(self, lag: int, distance: Floats) -> Floats:
        """How far the middle of three frames lies off the mean of the others, over their
        distance."""
        ends = self.cells[REACH - 2 * lag : len(self.cells) - 2 * lag] + self.cells[REACH:]
        ends *= -0.5
        ends += self.cells[REACH - lag : len(self.cells) - lag]
        off = np.abs(ends, out=ends) @ ALL_CELLS / np.float32(len(ALL_CELLS))
        return np.asarray(off / (distance + 1.0), np.float32)


def _describe(pictures: Bytes) -> _Described:
    count = len(pictures)
    luma = np.ascontiguousarray(pictures[:, 0])
    fine = _halved(luma)  # (N, 18, 32)
    cells = [_halved(fine)] + [
        _halved(_halved(np.ascontiguousarray(pictures[:, plane]))) for plane in (1, 2)
    ]
    flat = fine.reshape(count, -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    step = fine.shape[1] * fine.shape[2] // QUANTILES
    ordered = [_sorted(fine)[:, step // 2 :: step]] + [_sorted(each)[:, 4::9] for each in cells[1:]]
    rows = luma.reshape(-1, luma.shape[2])
    steps = cv2.absdiff(rows[:, 1:], rows[:, :-1])
    across = steps.reshape(count, -1).mean(axis=1)
    colour = np.abs(np.concatenate(cells[1:], axis=1).reshape(count, -1).astype(np.int16) - 128)
    single = np.stack(
        [
            flat.mean(axis=1) / 255,
            length[:, 0] / (255 * np.sqrt(flat.shape[1])),
            _logarithm(across / 255),
            colour.mean(axis=1) / 128,
        ],
        axis=1,
    )
    return _Described(
        np.concatenate([plane.reshape(count, -1) for plane in cells], axis=1).astype(np.float32),
        # An even picture is like any other even one, and like no other.
        centred / np.maximum(length, 24.0),
        np.concatenate(ordered, axis=1).astype(np.float32),
        fine,
        single.astype(np.float32),
    )


def _sorted(planes: Bytes) -> Bytes:
    """The pixels of each by level; by counting them, which is three times as fast as comparing."""
    return np.asarray(np.sort(planes.reshape(len(planes), -1), axis=1, kind="stable"))


def _halved(planes: Bytes) -> Bytes:
    """Means of two by two. (N, H, W) · returns (N, H / 2, W / 2)"""
    count, height, width = planes.shape
    tall = planes.reshape(count * height, width)
    halves = cv2.resize(tall, (width // 2, count * height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(halves, np.uint8).reshape(count, height // 2, width // 2)


def _matched(now: Bytes, then: Bytes) -> tuple[Floats, Floats]:
    """How unlike blocks are to their best match around their place: mean, and share of bad ones."""
    # All pictures beside each other at each place: sums over a block are sums of whole rows.
    now, then = (np.ascontiguousarray(each.transpose(1, 2, 0)) for each in (now, then))  # (H, W, N)
    height, width, count = now.shape
    rows, columns = (height - 2 * MATCH_Y) // BLOCK_Y, (width - 2 * MATCH_X) // BLOCK_X  # 2, 4
    # The first columns of all blocks, then the second ones, and so on.
    order = (np.arange(BLOCK_X)[:, None] + BLOCK_X * np.arange(columns)).ravel()
    size, tall = BLOCK_X * BLOCK_Y, rows * BLOCK_Y
    inner = now[MATCH_Y : MATCH_Y + tall].take(MATCH_X + order, axis=1).reshape(tall, -1)
    least = np.full((rows, columns * count), np.inf, np.float32)
    for right in range(2 * MATCH_X + 1):
        strip = then.take(right + order, axis=1).reshape(height, -1)
        for down in range(2 * MATCH_Y + 1):
            apart = cv2.absdiff(inner, strip[down : down + tall]).reshape(rows, size, -1)
            for blocks, so_far in zip(apart, least, strict=True):
                (sums,) = cv2.reduce(blocks, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
                np.minimum(so_far, sums, out=so_far)
    means = np.rint(least * np.float32(1 / size)).astype(np.uint8)
    best = np.ascontiguousarray(means.reshape(-1, count).T)
    return _logarithm(best.mean(axis=1) / 255), (best > SPREAD_LEVELS).mean(
        axis=1, dtype=np.float32
    )


def _logarithm(values: NDArray[np.floating]) -> Floats:
    """Differences count by their ratio: 1 for all, 0 for a thousandth."""
    return np.asarray(1 + np.log10(np.maximum(values, 0) + FLOOR) / 3, np.float32)
