"""Small copies of frames, cheaply: the planes are read where they lie and shrunk, nothing is
converted at full size.

All are 64 × 36, whatever the film's shape. 72 rows of a 1080p frame, shrunk by whole factors, cost
0.09 ms; 180 rows for 160 × 90, which brings no better shot boundaries, 0.36 ms; libswscale's area
filter 0.36 ms (two Zen 3 cores; decoding the frame: 1.6 to 5 ms).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["HEIGHT", "WIDTH", "Shrinker", "SmallPicture", "shrink"]

Plane = NDArray[np.uint8]
Samples = NDArray[np.unsignedinteger]

WIDTH, HEIGHT = 64, 36
ROWS_PER_ROW = (2, 1, 1)
"""How many source rows make a small one, of luma and of colour: enough against grain, few enough to
stay cheap."""
BATCH, BATCH_BYTES = 64, 4 << 20
"""Most frames, and about the most bytes of them, that are kept until they are shrunk."""
FEW_SKIPPED = 8
"""Narrower pictures, up to 1024 wide, are shrunk in two steps."""
NEUTRAL = 128

cv2.setNumThreads(1)
"""On pictures this small OpenCV's threads only wait for each other: a sixth of the whole cost."""

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
    (small,) = Shrinker(batch=1).add(frame)
    return small


class Shrinker:
    """Fed frames in order; makes their small copies in batches, which costs half of one by one."""

    def __init__(self, batch: int = BATCH) -> None:
        self._batch = batch
        self._layout: _Layout | None = None
        self._rows: list[Samples] = []
        self._filled = 0

    def add(self, frame: av.VideoFrame) -> list[SmallPicture]:
        """The next frame; what is read of it is read now. Returns the copies of all frames up to
        this one that have not been returned, or none of them yet."""
        bits = PLANAR_BITS.get(frame.format.name)
        planes = frame.planes
        if bits is None or any(plane.line_size <= 0 for plane in planes):
            frame = frame.reformat(
                width=WIDTH, height=HEIGHT, format="yuv444p", interpolation="AREA"
            )
            bits, planes = 8, frame.planes
        layout = _Layout(
            frame.format.name,
            bits,
            frame.color_range,
            tuple((plane.height, plane.width, plane.line_size) for plane in planes),
        )
        done = []
        if layout != self._layout:
            done = self.finish()
            self._layout, self._rows = layout, layout.buffers(self._batch)
        for plane, rows, wanted in zip(planes, self._rows, ROWS_PER_ROW, strict=False):
            samples: Samples = np.frombuffer(memoryview(plane), rows.dtype)
            stored = rows.shape[2]
            full = samples[: stored * plane.height].reshape(plane.height, stored)
            which = _evenly(plane.height, wanted * HEIGHT)
            full.take(which, axis=0, out=rows[self._filled], mode="clip")  # as it would raise, too
        self._filled += 1
        return [*done, *self.finish()] if self._filled == len(self._rows[0]) else done

    def finish(self) -> list[SmallPicture]:
        """The copies that have not been returned."""
        if self._layout is None or not self._filled:
            return []
        count, self._filled = self._filled, 0
        out = np.full((3, count, HEIGHT, WIDTH), NEUTRAL, np.uint8)
        sizes = self._layout.planes
        for small, rows, (_, width, _), wanted in zip(
            out, self._rows, sizes, ROWS_PER_ROW, strict=False
        ):
            _shrink_rows(rows[:count, :, :width], self._layout.bits, wanted, small)
        if self._layout.is_limited:
            cv2.LUT(out[0].reshape(-1, WIDTH), LUMA_OF_LIMITED, out[0].reshape(-1, WIDTH))
            cv2.LUT(out[1:].reshape(-1, WIDTH), CHROMA_OF_LIMITED, out[1:].reshape(-1, WIDTH))
        return [SmallPicture(planes) for planes in out.transpose(1, 0, 2, 3).copy()]


class _Layout(NamedTuple):
    """How the frames of a batch are stored."""

    name: str
    bits: int
    colour_range: int
    planes: tuple[tuple[int, int, int], ...]
    """Rows and columns, and bytes from one row to the next."""

    @property
    def is_limited(self) -> bool:
        """Whether luma runs from 16 to 235."""
        return self.colour_range != FULL_RANGE and not self.name.startswith(("yuvj", "gray"))

    def buffers(self, count: int) -> list[Samples]:
        """Room for the rows that are looked at, of so many frames or fewer; luma alone, of grey
        ones."""
        sample = np.dtype(np.uint8 if self.bits == 8 else np.uint16)
        wanted = ROWS_PER_ROW[:1] if self.name.startswith("gray") else ROWS_PER_ROW
        shapes = [
            (min(height, each * HEIGHT), stored // sample.itemsize)
            for (height, _, stored), each in zip(self.planes, wanted, strict=False)
        ]
        frame_bytes = sum(rows * columns for rows, columns in shapes) * sample.itemsize
        count = max(1, min(count, BATCH_BYTES // frame_bytes))
        return [np.empty((count, *shape), sample) for shape in shapes]


def _shrink_rows(rows: Samples, bits: int, rows_per_row: int, out: Plane) -> None:
    """Write one plane of some frames, small and 8 bit, to `out`: (N, HEIGHT, WIDTH). rows: (N, R,
    width)"""
    if rows.shape[1] < rows_per_row * HEIGHT or rows.shape[2] < WIDTH:  # frames would run together
        for each, small in zip(rows, out, strict=True):
            _shrink_together(each, bits, rows_per_row, small)
    else:
        together = rows.reshape(-1, rows.shape[2])
        _shrink_together(together, bits, rows_per_row, out.reshape(-1, WIDTH))


def _shrink_together(few: Samples, bits: int, rows_per_row: int, out: Plane) -> None:
    """Write rows, small and 8 bit, to `out`: those of frames one below the other."""
    width, columns = few.shape[1], rows_per_row * WIDTH
    if columns < width <= FEW_SKIPPED * columns:
        # Two columns of up to eight are enough, and cost a third of all of them: the same changes
        # are found.
        size = (columns, len(few))
        few = np.asarray(cv2.resize(few, size, interpolation=cv2.INTER_LINEAR), few.dtype)
    elif width % WIDTH and width > WIDTH:  # odd factors cost OpenCV five times as much
        few = few.take(_evenly(width, width // WIDTH * WIDTH), axis=1)
    if bits > 8:
        few = np.right_shift(few, bits - 8).astype(np.uint8)
    cv2.resize(few, (WIDTH, len(out)), out, interpolation=cv2.INTER_AREA)


@lru_cache(maxsize=64)
def _evenly(size: int, wanted: int) -> NDArray[np.intp]:
    """`wanted` rows or columns evenly over a size, or all where there are fewer."""
    count = min(size, wanted)
    return ((np.arange(count) + 0.5) * size / count).astype(np.intp)
