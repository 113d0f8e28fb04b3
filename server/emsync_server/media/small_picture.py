"""Small copies of frames, cheaply: the planes are read where they lie and shrunk, nothing is
converted at full size.

All are 64 × 36, whatever the film's shape. 72 rows of a 1080p frame, shrunk by whole factors, cost
0.09 ms; 180 rows for 160 × 90, which brings no better shot boundaries, 0.36 ms; libswscale's area
filter 0.36 ms (two Zen 3 cores; decoding the frame: 1.6 to 5 ms).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import av
import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["HEIGHT", "WIDTH", "SmallPicture", "shrink"]

Plane = NDArray[np.uint8]

WIDTH, HEIGHT = 64, 36
LUMA_ROWS, CHROMA_ROWS = 2, 1
"""How many source rows make a small one: enough against grain, few enough to stay cheap."""
FEW_SKIPPED = 8
"""Narrower pictures, up to 1024 wide, are shrunk in two steps."""
NEUTRAL = 128

PLANAR_BITS = {
    **dict.fromkeys(("gray", "yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv440p", "yuv410p"), 8),
    **dict.fromkeys(("yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p", "yuvj411p"), 8),
    **dict.fromkeys(("yuva420p", "yuva422p", "yuva444p"), 8),
    **{f"yuv{kind}p{bits}le": bits for kind in (420, 422, 444) for bits in (9, 10, 12, 14, 16)},
    **{f"gray{bits}le": bits for bits in (9, 10, 12, 14, 16)},
    **{f"yuva{kind}p{bits}le": bits for kind in (422, 444) for bits in (10, 12)},
}  # fmt: skip
"""Formats whose planes are read directly, with bits per sample; libswscale shrinks all others."""
FULL_RANGE = 2
"""AVCOL_RANGE_JPEG: luma runs from 0 to 255, not from 16 to 235."""

LEVELS = np.arange(256)
LUMA_OF_LIMITED = np.clip((LEVELS - 16) * (255 / 219), 0, 255).round().astype(np.uint8)
CHROMA_OF_LIMITED = np.clip((LEVELS - 128) * (255 / 224) + 128, 0, 255).round().astype(np.uint8)


@dataclass(frozen=True, slots=True)
class SmallPicture:
    """A frame at thumbnail size, full range, BT.601 axes."""

    planes: NDArray[np.uint8]
    """(3, HEIGHT, WIDTH): luma, blue and red difference; 128 is neutral."""

    @property
    def luma(self) -> Plane:
        """(HEIGHT, WIDTH)"""
        return np.asarray(self.planes[0])

    @property
    def blue_difference(self) -> Plane:
        """(HEIGHT, WIDTH)"""
        return np.asarray(self.planes[1])

    @property
    def red_difference(self) -> Plane:
        """(HEIGHT, WIDTH)"""
        return np.asarray(self.planes[2])

    def bgr(self) -> NDArray[np.uint8]:
        """(HEIGHT, WIDTH, 3), as OpenCV and PySceneDetect want it."""
        stacked = cv2.merge([self.planes[0], self.planes[2], self.planes[1]])
        return np.asarray(cv2.cvtColor(stacked, cv2.COLOR_YCrCb2BGR), np.uint8)


def shrink(frame: av.VideoFrame) -> SmallPicture:
    """The small copy of a frame as it is stored, before any rotation."""
    bits = PLANAR_BITS.get(frame.format.name)
    if bits is None or any(plane.line_size <= 0 for plane in frame.planes):
        frame = frame.reformat(width=WIDTH, height=HEIGHT, format="yuv444p", interpolation="AREA")
        bits = 8
    out = np.full((3, HEIGHT, WIDTH), NEUTRAL, np.uint8)
    grey = frame.format.name.startswith("gray")
    for index, plane in enumerate(frame.planes[: 1 if grey else 3]):
        _shrink_plane(plane, bits, CHROMA_ROWS if index else LUMA_ROWS, out[index])
    if frame.color_range != FULL_RANGE and not frame.format.name.startswith(("yuvj", "gray")):
        cv2.LUT(out[0], LUMA_OF_LIMITED, out[0])
        cv2.LUT(out[1:], CHROMA_OF_LIMITED, out[1:])
    return SmallPicture(out)


def _shrink_plane(
    plane: av.video.plane.VideoPlane, bits: int, rows_per_row: int, out: Plane
) -> None:
    """Write one plane, small and 8 bit, to `out`."""
    sample = np.dtype(np.uint8 if bits == 8 else np.uint16)
    stored = plane.line_size // sample.itemsize
    samples: NDArray[np.unsignedinteger] = np.frombuffer(memoryview(plane), sample)
    full = samples[: stored * plane.height].reshape(plane.height, stored)
    few = full[_evenly(plane.height, rows_per_row * HEIGHT), : plane.width]
    columns = rows_per_row * WIDTH
    if columns < plane.width <= FEW_SKIPPED * columns:
        # Two columns of up to eight are enough, and cost a third of all of them: the same changes
        # are found.
        size = (columns, len(few))
        few = np.asarray(cv2.resize(few, size, interpolation=cv2.INTER_LINEAR), sample)
    elif plane.width % WIDTH and plane.width > WIDTH:  # odd factors cost OpenCV five times as much
        few = few.take(_evenly(plane.width, plane.width // WIDTH * WIDTH), axis=1)
    if bits > 8:
        few = np.right_shift(few, bits - 8).astype(np.uint8)
    cv2.resize(few, (WIDTH, HEIGHT), out, interpolation=cv2.INTER_AREA)


@lru_cache(maxsize=64)
def _evenly(size: int, wanted: int) -> NDArray[np.intp]:
    """`wanted` rows or columns evenly over a size, or all where there are fewer."""
    count = min(size, wanted)
    return ((np.arange(count) + 0.5) * size / count).astype(np.intp)
