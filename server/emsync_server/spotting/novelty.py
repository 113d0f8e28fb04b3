"""How much of one picture cannot be found in another: it tells cuts from motion and flashes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media.small_picture import HEIGHT, WIDTH, SmallPicture

__all__ = ["Novelty", "novelty"]

BLOCK = 8
SEARCH_X, SEARCH_Y = 10, 6
"""A block is looked for this far around its place: a whip pan moves a tenth of the picture in a
frame."""
SAME_LEVELS = 1.5
"""A block that differs from what was in its place by less than this has not moved."""
TEXTURED_STD = 4.0
"""Blocks with less contrast have nothing to match by; their colours are compared instead."""
LUMA_SCALE, CHROMA_SCALE, CONTRAST_SCALE = 64.0, 32.0, 16.0
"""Differences in 8-bit levels that make a flat block wholly new."""

SAME_COLOUR = 0.35
"""Matches may differ this much in light and colour."""
NEW_BLOCK = 0.1
"""A block counts as new from this on."""

Plane = NDArray[np.uint8]
Planes = NDArray[np.uint8]
Places = NDArray[np.intp]
Floats = NDArray[np.float64]

TOPS, LEFTS = (
    places.ravel()
    for places in np.meshgrid(
        np.minimum(np.arange(0, HEIGHT - BLOCK // 2, BLOCK), HEIGHT - BLOCK),
        np.minimum(np.arange(0, WIDTH - BLOCK // 2, BLOCK), WIDTH - BLOCK),
        indexing="ij",
    )
)
"""(B,): the blocks' first rows and columns."""


@dataclass(frozen=True, slots=True)
class Novelty:
    """The share of one picture that is not in another, 0 to 1, measured in two ways."""

    shape: float
    """By texture alone: blind to light, exposure and colour."""
    look: float
    """By texture, light and colour: also of smooth pictures (fog, sky, a face out of focus)."""
    spread: float
    """Over how much of the picture anything is new: a title is very new in few places."""


def novelty(before: SmallPicture, after: SmallPicture) -> Novelty:
    """How much of `after` is not in `before`.

    Blocks are matched by normalised correlation within a search window, so that motion, and changes
    of exposure such as flashes, explain themselves; a title covers few blocks. Half a millisecond.
    """
    unlike, brighter, recoloured = _compared(before.planes, after.planes)  # three (B,)
    # A flash or an explosion brightens everything; of another place some is brighter, some darker.
    off = np.abs(brighter - np.median(brighter)) / LUMA_SCALE + recoloured / CHROMA_SCALE
    look = np.minimum(1.0, unlike + np.maximum(0.0, off - SAME_COLOUR))
    return Novelty(float(unlike.mean()), float(look.mean()), float(np.mean(look > NEW_BLOCK)))


def _compared(before: Planes, after: Planes) -> tuple[Floats, Floats, Floats]:
    """Of each block: how unlike it is to its best match (0 to 1), how much brighter, and how
    recoloured. before, after: (3, H, W)"""
    now, contrast = _means(after, TOPS, LEFTS), _contrasts(after[0])
    step = cv2.absdiff(before[0], after[0])
    moved = _means(step[None], TOPS, LEFTS)[0] >= SAME_LEVELS
    flat = moved & (contrast < TEXTURED_STD)
    tops, lefts, unlike = TOPS.copy(), LEFTS.copy(), np.zeros(len(TOPS))
    for at in np.flatnonzero(moved & ~flat):
        unlike[at], tops[at], lefts[at] = _match(before[0], after[0], int(TOPS[at]), int(LEFTS[at]))
    change = now - _means(before, tops, lefts)
    brighter, recoloured = change[0], np.abs(change[1]) + np.abs(change[2])
    smoothed = np.maximum(0.0, _contrasts(before[0]) - contrast)
    differs = np.abs(brighter) / LUMA_SCALE + recoloured / CHROMA_SCALE + smoothed / CONTRAST_SCALE
    return np.where(flat, differs, unlike).clip(0.0, 1.0), brighter, recoloured


def _match(before: Plane, after: Plane, top: int, left: int) -> tuple[float, int, int]:
    """How unlike a block is to what is most like it around its place, and where that is."""
    block = after[top : top + BLOCK, left : left + BLOCK]
    first_row, first_column = max(0, top - SEARCH_Y), max(0, left - SEARCH_X)
    around = before[first_row : top + BLOCK + SEARCH_Y, first_column : left + BLOCK + SEARCH_X]
    _, best, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED))
    return 1.0 - best, first_row + y, first_column + x


def _means(planes: Planes, tops: Places, lefts: Places) -> Floats:
    """Of blocks at these places, in each plane. planes: (P, H, W) · returns (P, B)"""
    sums = np.stack([cv2.integral(plane) for plane in planes])
    return _within(sums, tops, lefts) / (BLOCK * BLOCK)


def _contrasts(plane: Plane) -> Floats:
    """The standard deviation of each block: (B,)."""
    sums, squares = cv2.integral2(plane)
    mean = _within(sums, TOPS, LEFTS) / (BLOCK * BLOCK)
    return np.sqrt(np.maximum(0.0, _within(squares, TOPS, LEFTS) / (BLOCK * BLOCK) - mean * mean))


def _within(sums: NDArray[np.number], tops: Places, lefts: Places) -> Floats:
    """Sums over blocks, from the sums over all above and left of each pixel. sums: (…, H, W)"""
    down, right = tops + BLOCK, lefts + BLOCK
    return np.asarray(
        sums[..., down, right]
        - sums[..., tops, right]
        - sums[..., down, lefts]
        + sums[..., tops, lefts],
        np.float64,
    )
