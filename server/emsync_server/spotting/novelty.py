"""How much of one picture cannot be found in another: what tells a cut from motion, flashes and
titles."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media import SmallPicture

__all__ = ["novelty"]

BLOCK = 16
SEARCH_X, SEARCH_Y = 24, 14
"""A block is looked for this far around its place: a whip pan moves a tenth of the picture in a
frame."""
TEXTURED_STD = 4.0
"""Blocks with less contrast have nothing to match by; their colours are compared instead."""
LUMA_SCALE, CHROMA_SCALE, CONTRAST_SCALE = 64.0, 32.0, 16.0
"""Differences in 8-bit levels that make a flat block wholly new."""

Plane = NDArray[np.uint8]


def novelty(before: SmallPicture, after: SmallPicture) -> float:
    """The share of `after` that is not in `before`, 0 to 1.

    Blocks are matched by normalised correlation within a search window, so that motion, and
    changes of exposure such as flashes, explain themselves; a title covers few blocks. Costs 2
    ms at 160×90.
    """
    height, width = after.luma.shape
    shares = [
        _block_novelty(before, after, min(top, height - BLOCK), min(left, width - BLOCK))
        for top in range(0, height - BLOCK // 2, BLOCK)
        for left in range(0, width - BLOCK // 2, BLOCK)
    ]
    return sum(shares) / len(shares)


def _block_novelty(before: SmallPicture, after: SmallPicture, top: int, left: int) -> float:
    """0: the block is in the earlier picture; 1: nothing like it is."""
    here = (slice(top, top + BLOCK), slice(left, left + BLOCK))
    block = after.luma[here]
    contrast = _std(block)
    if contrast < TEXTURED_STD:
        return _flat_novelty(before, after, here, contrast)
    around = (
        slice(max(0, top - SEARCH_Y), top + BLOCK + SEARCH_Y),
        slice(max(0, left - SEARCH_X), left + BLOCK + SEARCH_X),
    )
    match = cv2.matchTemplate(before.luma[around], block, cv2.TM_CCOEFF_NORMED)
    return min(1.0, max(0.0, 1.0 - float(match.max())))


def _flat_novelty(
    before: SmallPicture, after: SmallPicture, here: tuple[slice, slice], contrast: float
) -> float:
    """How far brightness, colour and contrast of a flat block have moved."""
    luma = abs(_mean(after.luma[here]) - _mean(before.luma[here]))
    chroma = abs(_mean(after.blue_difference[here]) - _mean(before.blue_difference[here])) + abs(
        _mean(after.red_difference[here]) - _mean(before.red_difference[here])
    )
    smoothed = max(0.0, _std(before.luma[here]) - contrast)
    return min(1.0, luma / LUMA_SCALE + chroma / CHROMA_SCALE + smoothed / CONTRAST_SCALE)


def _mean(block: Plane) -> float:
    return float(cv2.mean(block)[0])


def _std(block: Plane) -> float:
    return float(cv2.meanStdDev(block)[1][0, 0])
