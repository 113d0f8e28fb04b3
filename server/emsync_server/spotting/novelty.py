"""How much of one picture cannot be found in another: it tells cuts from motion and flashes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media import SmallPicture

__all__ = ["EVERYTHING", "NOTHING", "WIDESPREAD", "Novelty", "novelty"]

BLOCK = 16
SEARCH_X, SEARCH_Y = 24, 14
"""A block is looked for this far around its place: a whip pan moves a tenth of the picture in a
frame."""
TEXTURED_STD = 4.0
"""Blocks with less contrast have nothing to match by; their colours are compared instead."""
LUMA_SCALE, CHROMA_SCALE, CONTRAST_SCALE = 64.0, 32.0, 16.0
"""Differences in 8-bit levels that make a flat block wholly new."""

SAME_COLOUR = 0.35
"""Matches may differ this much in light and colour."""
WIDESPREAD = 0.45
"""Colours must be off over half of the picture: a title, an explosion, a lamp stay below."""

NEW_BLOCK = 0.1
"""A block counts as new from this on."""

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Novelty:
    """The share of one picture that is not in another, 0 to 1, measured in two ways."""

    shape: float
    """By texture alone: blind to light, exposure and colour."""
    look: float
    """By texture, light and colour: also of smooth pictures (fog, sky, a face out of focus)."""
    spread: float
    """Over how much of the picture anything is new: a title is very new in few places."""

    @property
    def whole(self) -> float:
        """By texture, unless light and colour are off over half of the picture."""
        return self.look if self.look >= WIDESPREAD else self.shape


NOTHING, EVERYTHING = Novelty(0.0, 0.0, 0.0), Novelty(1.0, 1.0, 1.0)


def novelty(before: SmallPicture, after: SmallPicture) -> Novelty:
    """How much of `after` is not in `before`.

    Blocks are matched by normalised correlation within a search window, so that motion, and changes
    of exposure such as flashes, explain themselves; a title covers few blocks. 2 ms at 160×90.
    """
    height, width = after.luma.shape
    blocks = np.array(
        [
            _compared(before, after, min(top, height - BLOCK), min(left, width - BLOCK))
            for top in range(0, height - BLOCK // 2, BLOCK)
            for left in range(0, width - BLOCK // 2, BLOCK)
        ]
    )
    unlike, brighter, recoloured = blocks.T  # three (B,)
    # A flash or an explosion brightens everything; of another place some is brighter, some darker.
    off = np.abs(brighter - np.median(brighter)) / LUMA_SCALE + recoloured / CHROMA_SCALE
    look = np.minimum(1.0, unlike + np.maximum(0.0, off - SAME_COLOUR))
    return Novelty(float(unlike.mean()), float(look.mean()), float(np.mean(look > NEW_BLOCK)))


def _compared(
    before: SmallPicture, after: SmallPicture, top: int, left: int
) -> tuple[float, float, float]:
    """How unlike a block is to its best match (0 to 1), how much brighter, and how recoloured."""
    here = (slice(top, top + BLOCK), slice(left, left + BLOCK))
    block = after.luma[here]
    contrast = _std(block)
    if contrast < TEXTURED_STD:
        brighter, recoloured = _colour_change(before, here, after, here)
        smoothed = max(0.0, _std(before.luma[here]) - contrast)
        unlike = abs(brighter) / LUMA_SCALE + recoloured / CHROMA_SCALE + smoothed / CONTRAST_SCALE
        return min(1.0, unlike), brighter, recoloured
    first_row, first_column = max(0, top - SEARCH_Y), max(0, left - SEARCH_X)
    around = before.luma[first_row : top + BLOCK + SEARCH_Y, first_column : left + BLOCK + SEARCH_X]
    _, best, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED))
    row, column = first_row + y, first_column + x
    there = (slice(row, row + BLOCK), slice(column, column + BLOCK))
    return min(1.0, max(0.0, 1.0 - best)), *_colour_change(before, there, after, here)


def _colour_change(
    before: SmallPicture,
    there: tuple[slice, slice],
    after: SmallPicture,
    here: tuple[slice, slice],
) -> tuple[float, float]:
    """By how many 8-bit levels a block is brighter, and by how many its colour is off."""
    brighter = _mean(after.luma[here]) - _mean(before.luma[there])
    blue = _mean(after.blue_difference[here]) - _mean(before.blue_difference[there])
    red = _mean(after.red_difference[here]) - _mean(before.red_difference[there])
    return brighter, abs(blue) + abs(red)


def _mean(block: Plane) -> float:
    return float(cv2.mean(block)[0])


def _std(block: Plane) -> float:
    return float(cv2.meanStdDev(block)[1][0, 0])
