"""How much of one picture cannot be found in another: it tells cuts from motion and flashes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media.small_picture import HEIGHT, WIDTH

__all__ = ["Novelty", "novelties"]

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

Lumas = NDArray[np.uint8]
Planes = NDArray[np.uint8]
Places = NDArray[np.intp]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Mask = NDArray[np.bool_]

DOWN, ACROSS = HEIGHT // BLOCK, WIDTH // BLOCK
BLOCKS = DOWN * ACROSS
"""Blocks; the rows that are left over at the bottom belong to none."""
TOPS, LEFTS = (places.ravel() * BLOCK for places in np.mgrid[0:DOWN, 0:ACROSS])
"""(B,): the blocks' first rows and columns."""
PLACES_DOWN, PLACES_ACROSS = HEIGHT - BLOCK + 1, WIDTH - BLOCK + 1
"""Where a block fits into the picture."""
IN_REACH = np.where(
    np.abs(np.arange(PLACES_ACROSS) - BLOCK * np.arange(ACROSS)[:, None, None]) <= SEARCH_X,
    np.float32(np.inf),
    np.float32(-1),
)
"""(ACROSS, 1, PLACES_ACROSS): the most that a place can be like a block."""
BY_ROW = np.kron(np.eye(DOWN, dtype=np.float32), np.ones((1, BLOCK), np.float32))
BY_COLUMN = np.kron(np.eye(ACROSS, dtype=np.float32), np.ones((BLOCK, 1), np.float32))
"""(DOWN, H less what is left over), (W, ACROSS): sums over the rows and columns of blocks."""


@dataclass(frozen=True, slots=True)
class Novelty:
    """The share of one picture that is not in another, 0 to 1, measured in two ways."""

    shape: float
    """By texture alone: blind to light, exposure and colour."""
    look: float
    """By texture, light and colour: also of smooth pictures (fog, sky, a face out of focus)."""
    spread: float
    """Over how much of the picture anything is new: a title is very new in few places."""


def novelties(before: Planes, after: Planes) -> list[Novelty]:
    """How much of each picture of `after` is not in that of `before`. Both (N, 3, H, W)

    Blocks are matched by normalised correlation within a search window, so that motion, and changes
    of exposure such as flashes, explain themselves; a title covers few blocks. A tenth of a
    millisecond a pair, in batches of five.
    """
    unlike, brighter, recoloured = _compared(before, after)  # three (N, B)
    ordered = np.sort(brighter, axis=1)
    median = (ordered[:, BLOCKS // 2 - 1] + ordered[:, BLOCKS // 2])[:, None] / 2
    # A flash or an explosion brightens everything; of another place some is brighter, some darker.
    off = np.abs(brighter - median) / LUMA_SCALE + recoloured / CHROMA_SCALE
    look = np.minimum(1.0, unlike + np.maximum(0.0, off - SAME_COLOUR))
    rows = (unlike.mean(axis=1), look.mean(axis=1), (look > NEW_BLOCK).mean(axis=1))
    return [Novelty(*each) for each in np.stack(rows, axis=1).tolist()]


def _compared(before: Planes, after: Planes) -> tuple[Floats, Floats, Floats]:
    """Of each block: how unlike it is to its best match (0 to 1), how much brighter, and how
    recoloured. before, after: (N, 3, H, W) · returns three (N, B)"""
    now, contrast = _means(after), _contrasts(after[:, 0])
    step = np.abs(after[:, 0].astype(np.int16) - before[:, 0])
    moved = _means(step) >= SAME_LEVELS
    flat = moved & (contrast < TEXTURED_STD)
    unlike, tops, lefts = _matched(before[:, 0], after[:, 0], moved & ~flat)
    change = now - _means_at(before, tops, lefts)
    brighter, recoloured = change[:, 0], np.abs(change[:, 1]) + np.abs(change[:, 2])
    smoothed = np.maximum(0.0, _contrasts(before[:, 0]) - contrast)
    differs = np.abs(brighter) / LUMA_SCALE + recoloured / CHROMA_SCALE + smoothed / CONTRAST_SCALE
    return np.where(flat, differs, unlike).clip(0.0, 1.0), brighter, recoloured


def _matched(before: Lumas, after: Lumas, sought: Mask) -> tuple[Floats, Places, Places]:
    """How unlike each block that is sought is to what is most like it around its place, and where
    that is; the others are where they were. before, after: (N, H, W) · sought: (N, B) · returns
    three (N, B)"""
    count = len(after)
    unlike = np.zeros(sought.shape)
    tops, lefts = (np.broadcast_to(each, sought.shape).copy() for each in (TOPS, LEFTS))
    rows = np.flatnonzero(sought.reshape(count, DOWN, ACROSS).any(axis=(0, 2))).tolist()
    if not rows:
        return unlike, tops, lefts
    shown, lengths = _at_each_place(before)
    wanted = _of_length_1(after)
    for row in rows:
        of_row = slice(row * ACROSS, (row + 1) * ACROSS)
        first, end = max(0, row * BLOCK - SEARCH_Y), row * BLOCK + SEARCH_Y + 1
        places = shown[:, :, first:end].reshape(count, BLOCK * BLOCK, -1)
        likeness = wanted[:, of_row] @ places  # (N, ACROSS, places)
        likeness /= lengths[:, first:end].reshape(count, 1, -1)
        by_place = likeness.reshape(count, ACROSS, -1, PLACES_ACROSS)
        np.minimum(by_place, IN_REACH, out=by_place)
        best = likeness.argmax(axis=2)
        unlike[:, of_row] = 1 - np.take_along_axis(likeness, best[..., None], axis=2)[..., 0]
        tops[:, of_row], lefts[:, of_row] = first + best // PLACES_ACROSS, best % PLACES_ACROSS
    return (
        np.where(sought, unlike, 0.0),
        np.where(sought, tops, TOPS),
        np.where(sought, lefts, LEFTS),
    )


def _of_length_1(lumas: Lumas) -> Singles:
    """Each block, less its mean. Returns (N, B, BLOCK²)"""
    count = len(lumas)
    within = lumas[:, : DOWN * BLOCK].reshape(count, DOWN, BLOCK, ACROSS, BLOCK)
    blocks = within.transpose(0, 1, 3, 2, 4).reshape(count, BLOCKS, -1).astype(np.float32)
    blocks -= blocks.mean(axis=2, keepdims=True)
    lengths = np.sqrt(np.einsum("nbp,nbp->nb", blocks, blocks))
    blocks /= np.maximum(lengths, 1)[..., None]
    return blocks


def _at_each_place(lumas: Lumas) -> tuple[Singles, Singles]:
    """What a block would be there: (N, BLOCK², PLACES_DOWN, PLACES_ACROSS), levels from the middle
    grey; and its length less its mean, 1 at least: (N, PLACES_DOWN, PLACES_ACROSS)."""
    levels = np.subtract(lumas, 128, dtype=np.float32, order="C")
    shape = (len(lumas), BLOCK, BLOCK, PLACES_DOWN, PLACES_ACROSS)
    strides = (levels.strides[0], *levels.strides[1:] * 2)
    shown = np.ndarray(shape, np.float32, levels, strides=strides).copy()
    sums, squares = (
        _sums_at_each_place(np.stack(each))
        for each in zip(*(cv2.integral2(luma) for luma in lumas), strict=True)
    )
    lengths = np.sqrt(np.maximum(1.0, squares - sums * sums / (BLOCK * BLOCK)))
    return shown.reshape(len(lumas), BLOCK * BLOCK, *shape[3:]), lengths.astype(np.float32)


def _sums_at_each_place(integrals: NDArray[np.number]) -> Floats:
    """From the sums over all above and left of each pixel. Returns (N, PLACES_DOWN,
    PLACES_ACROSS)"""
    strips = integrals[:, BLOCK:] - integrals[:, :-BLOCK]
    return np.asarray(strips[..., BLOCK:] - strips[..., :-BLOCK], np.float64)


def _means(planes: NDArray[np.integer]) -> Floats:
    """Of the blocks, in each plane. planes: (…, H, W) · returns (…, B)"""
    return _block_sums(planes.astype(np.float32)) / (BLOCK * BLOCK)


def _contrasts(lumas: Lumas) -> Floats:
    """The standard deviation of each block. Returns (N, B)"""
    levels = lumas.astype(np.float32)
    sums, squares = _block_sums(np.stack((levels, levels * levels))) / (BLOCK * BLOCK)
    return np.asarray(np.sqrt(np.maximum(0.0, squares - sums * sums)))


def _block_sums(planes: Singles) -> Floats:
    """Of whole levels or their squares, which single precision holds exactly. planes: (…, H, W) ·
    returns (…, B)"""
    sums = BY_ROW @ (planes[..., : DOWN * BLOCK, :] @ BY_COLUMN)
    return sums.reshape(*planes.shape[:-2], -1).astype(np.float64)


def _means_at(planes: Planes, tops: Places, lefts: Places) -> Floats:
    """Of blocks at these places, in each plane. planes: (N, 3, H, W) · tops, lefts: (N, B) ·
    returns (N, 3, B)"""
    sums = np.stack([cv2.integral(plane) for each in planes for plane in each])
    sums = sums.reshape(len(planes), -1, sums[0].size)
    at = (tops * (WIDTH + 1) + lefts)[:, None]  # (N, 1, B)
    corners = [at + BLOCK * (WIDTH + 1) + BLOCK, at + BLOCK * (WIDTH + 1), at + BLOCK, at]
    within = [np.take_along_axis(sums, each, axis=2) for each in corners]
    return np.asarray(within[0] - within[1] - within[2] + within[3], np.float64) / (BLOCK * BLOCK)
