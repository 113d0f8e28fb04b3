"""A push, or a pan: both move the whole picture across, and in the end another one is shown.

Laid side by side where the camera would have been, the frames of either make one long picture. In
a pan it is one place; in a push the new picture begins where the old one's border was, and there
is a seam. Where one picture slides over another, or is wiped, no such picture explains the frames.
Measured only where an edge seems to move over the picture.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.evidence import Stretch

__all__ = ["SEAM_EVIDENCE", "of_seam"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SEAM_EVIDENCE = ("left_over", "jump", "unlike")
"""What `of_seam` measures, in order."""

ASIDE = 3
"""Frames: so far before and after a change it is looked at, too."""
SOUGHT = (2 / 3, 9 / 16)
"""Share of a frame's height and width: of its middle, which is sought in the next frame."""
NEAR = 4
"""Pixels: so far from where it is expected the seam may be."""
JUMPY = 90
"""Percentile of the long picture's jumps that a seam is compared with."""
LEVEL = 1.0
"""8-bit levels. Smaller jumps are coding."""
BAR_LEVELS = 12
"""Rows and columns at a border that vary by less, in all frames, are bars."""
LEAST_SHOWN = 0.5
"""Share of the height and width that is no bar."""
EVEN = 20.0
"""Levels squared: columns whose variance is about so much show nothing that could be alike."""


def of_seam(film: Stretch, first: int, last: int) -> list[float] | None:
    """Of what these frames show, both inclusive: how much of it no moving camera explains (share of
    the differences between frames), how much the long picture jumps where the seam of a push would
    be (times its other jumps), and how unlike each other its two sides are there (0 to 2). None
    where an even strip lies there: two pictures' bars may meet in it."""
    shown = list(_without_bars(np.stack([
        film.at(frame) for frame in range(first - ASIDE, last + ASIDE + 1)
    ])))  # fmt: skip
    pairs = list(pairwise(shown))
    moves = [_move(before, after) for before, after in pairs]
    left_over = sum(_left_over(*pair, move) for pair, move in zip(pairs, moves, strict=True))
    in_all = sum(float(np.abs(after - before).mean()) for before, after in pairs)
    corners = np.concatenate((np.zeros((1, 2)), -np.cumsum(moves, axis=0)))
    across, down = np.abs(corners[-1])
    height, width = shown[0].shape[:2]
    starts = corners[:, 0]
    if across / width < down / height:  # turned, so that the camera always moves across
        shown, starts = [frame.transpose(1, 0, 2) for frame in shown], corners[:, 1]
    starts = starts - starts.min()
    border = shown[0].shape[1] if starts[-1] > starts[0] else 0
    place = _laid_side_by_side(shown, starts)
    at_seam = _at_seam(place, int(starts[0]) + border)
    return [left_over / max(in_all, LEVEL), *at_seam] if at_seam else None


def _without_bars(pictures: Bytes) -> Floats:
    """(N, 3, H, W) · returns (N, h, w, 3)"""
    luma = pictures[:, 0]
    rows, columns = (
        _between_bars(luma.max(axis=axes).astype(np.int16) - luma.min(axis=axes))
        for axes in ((0, 2), (0, 1))
    )
    return np.ascontiguousarray(
        np.moveaxis(pictures[:, :, rows, columns], 1, -1).astype(np.float32)
    )


def _between_bars(vary: NDArray[np.int16]) -> slice:
    """From the first line that varies to the last; of a picture that is mostly bars, all of it."""
    lively = np.flatnonzero(vary > BAR_LEVELS)
    if len(lively) < LEAST_SHOWN * len(vary):
        return slice(0, len(vary))
    return slice(int(lively[0]), int(lively[-1]) + 1)


def _move(before: Floats, after: Floats) -> tuple[float, float]:
    """How far the middle of a frame has moved across and down, in pixels."""
    sizes = [round(length * share) for length, share in zip(before.shape, SOUGHT, strict=False)]
    top, left = ((length - size) // 2 for length, size in zip(before.shape, sizes, strict=False))
    middle = np.ascontiguousarray(before[top : top + sizes[0], left : left + sizes[1]])
    unlike = np.asarray(cv2.matchTemplate(after, middle, cv2.TM_SQDIFF), np.float32)
    down, across = np.unravel_index(int(unlike.argmin()), unlike.shape)
    return (
        float(across) - left + _between(unlike[down], int(across)),
        float(down) - top + _between(unlike[:, across], int(down)),
    )


def _between(values: Floats, least: int) -> float:
    """How far from a place a parabola through it and its neighbours is least: -0.5 to 0.5."""
    if not 0 < least < len(values) - 1:
        return 0.0
    before, here, after = values[least - 1 : least + 2].tolist()
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend > 0 else 0.0


def _left_over(before: Floats, after: Floats, move: tuple[float, float]) -> float:
    """Mean difference of two frames where they overlap, after a move."""
    across, down = move
    height, width = before.shape[:2]
    moved = cv2.warpAffine(before, np.array([[1, 0, across], [0, 1, down]]), (width, height))
    rows, columns = (
        slice(int(np.ceil(max(0.0, by))), int(np.floor(length + min(0.0, by))))
        for by, length in ((down, height), (across, width))
    )
    return float(np.abs(moved[rows, columns] - after[rows, columns]).mean())


def _laid_side_by_side(shown: list[Floats], starts: NDArray[np.float64]) -> Floats:
    """The long picture: the mean of what the frames show of each place. (R, C, 3)"""
    rows, width = shown[0].shape[:2]
    columns = width + int(np.ceil(starts.max()))
    told, times = np.zeros((rows, columns, 3), np.float32), np.zeros(columns, np.float32)
    for frame, start in zip(shown, starts, strict=True):
        to_place = np.array([[1, 0, start], [0, 1, 0]])
        told += cv2.warpAffine(frame, to_place, (columns, rows))
        times += cv2.warpAffine(np.ones((1, width), np.float32), to_place, (columns, 1))[0]
    return np.asarray(told / np.maximum(times, 0.01)[:, None], np.float32)


def _at_seam(place: Floats, seam: int) -> tuple[float, float] | None:
    """How much the long picture jumps about a column, for how much it does elsewhere; and how
    unlike the columns beside it are. None where all of them are even."""
    jumps = np.abs(place[:, 2:] - place[:, :-2]).mean(axis=(0, 2))  # (C - 2,)
    near = range(max(0, seam - NEAR - 1), min(len(jumps), seam + NEAR))
    luma = place[..., 0]
    if not near or float(np.ptp(luma[:, near], axis=0).max()) < BAR_LEVELS:
        return None
    jump = max(float(jumps[at]) for at in near)
    unlike = max(_unlike(luma[:, at], luma[:, at + 2]) for at in near)
    return jump / (float(np.percentile(jumps, JUMPY)) + LEVEL), unlike


def _unlike(one: Floats, other: Floats) -> float:
    """1 less the correlation of two columns; of even ones, 1."""
    one, other = one - one.mean(), other - other.mean()
    lengths = float(np.sqrt((one @ one) * (other @ other))) + EVEN * len(one)
    return 1 - float(one @ other) / lengths
