"""Which frames of a film the experts are shown: one every two seconds, and one soon after the
picture has become another, with a bound on how many in all.

The choice rests on the pictures alone, not on the shot detector, which knows of a cut only frames
later. A frame that is looked at costs 70 µs, a chosen one the conversion of a small copy.
"""

from __future__ import annotations

from collections.abc import Callable

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.experts.expert import Picture

__all__ = ["LONG_SIDE", "PictureSampler", "trimmed"]

Levels = NDArray[np.float32]

LONG_SIDE = 640
EVERY_S = 2.0
LOOKS_PER_S = 12.5
"""More often nothing is looked at: each second frame of film."""
EARLY = 0.1
"""A frame that is due this share of a look later is looked at now."""
SETTLE_S = 0.12
"""After a change, so long is waited: a dissolve goes on, a flash is over."""
CHANGE_LEVELS = 18.0
"""Mean difference of coarse pictures, in 8-bit levels over all planes, that makes another picture:
a cut has 20 to 80, motion inside a shot seldom more than 15."""
PER_S, MOST_SAVED = 1.0, 6.0
"""Extra pictures per second of film in the mean, and how many may follow at once."""
KEPT_FOR_CUTS = 4.0
"""Slow changes (a pan, a dissolve) leave so many for the cuts to come."""
COLUMNS, ROWS = 16, 9
POINTS = 4
"""Points a side of each coarse cell."""
PLAIN_PLANES = frozenset({"yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p"})
"""Formats of 8 bits whose planes are read where they lie."""
FULL_RANGE = 2
"""AVCOL_RANGE_JPEG: luma runs from 0 to 255, not from 16 to 235."""
LEVELS = np.arange(256)
LUMA_OF_LIMITED = np.clip((LEVELS - 16) * (255 / 219), 0, 255).round().astype(np.uint8)
CHROMA_OF_LIMITED = np.clip((LEVELS - 128) * (255 / 224) + 128, 0, 255).round().astype(np.uint8)
BAR_LEVEL = 24
"""Darker rows and columns at the edge are black bars."""
LEAST_BRIGHT = 0.01
"""Rows and columns of which less is bright are dark."""
MOST_CUT = 0.4
"""More than this share of rows or columns is night, not bars."""


class PictureSampler:
    """Fed every frame in order; hands the chosen ones on."""

    def __init__(self, take: Callable[[Picture], None], *, rotation_deg: int = 0) -> None:
        """`take` gets each chosen picture; `rotation_deg` as `FilmProbe` has it."""
        self._take = take
        self._turns = rotation_deg // 90
        self._chosen: Levels | None = None
        self._before: Levels | None = None
        self._chosen_s = self._last_s = 0.0
        self._next_s = 0.0
        self._changed_s: float | None = None
        self._saved, self._needed = 1.0, 1.0

    def see(self, frame: av.VideoFrame, time_s: float) -> None:
        """The next frame."""
        if time_s < self._next_s:
            return
        self._next_s = time_s + (1 - EARLY) / LOOKS_PER_S
        self._saved = min(MOST_SAVED, self._saved + (time_s - self._last_s) * PER_S)
        self._last_s = time_s
        coarse = _coarse(frame)
        if self._chosen is None or self._is_due(coarse, time_s):
            self._choose(frame, coarse, time_s)
        self._before = coarse

    def _is_due(self, coarse: Levels, time_s: float) -> bool:
        assert self._chosen is not None
        if time_s - self._chosen_s >= EVERY_S:
            return True
        if coarse.shape != self._chosen.shape or self._before is None:
            return True  # another pixel format: the film changes in the middle
        if _difference(coarse, self._chosen) < CHANGE_LEVELS:
            self._changed_s = None
            return False
        is_cut = _difference(coarse, self._before) >= CHANGE_LEVELS
        if self._changed_s is None or is_cut:
            self._changed_s = time_s  # a cut after a slow change: wait for what it cuts to
            self._needed = 1.0 if is_cut else KEPT_FOR_CUTS
        return time_s - self._changed_s >= SETTLE_S and self._saved >= self._needed

    def _choose(self, frame: av.VideoFrame, coarse: Levels, time_s: float) -> None:
        if self._changed_s is not None:
            self._saved -= 1.0
        self._chosen, self._chosen_s, self._changed_s = coarse, time_s, None
        self._take(Picture(time_s, _small(frame, self._turns)))


def _difference(one: Levels, other: Levels) -> float:
    """Levels by which two coarse pictures differ in the mean, over all planes; pictures of other
    kinds are wholly different."""
    if one.shape != other.shape:
        return float("inf")
    return float(cv2.norm(one.ravel(), other.ravel(), cv2.NORM_L1)) / (COLUMNS * ROWS)


def _coarse(frame: av.VideoFrame) -> Levels:
    """Luma and, where they are planes of their own, both colour differences, (P, 9, 16), 0 to 255.

    Cuts between pictures that are equally bright are seen by their colours.
    """
    bits = frame.format.components[0].bits
    sample = np.dtype(np.uint8 if bits <= 8 else np.uint16)
    small = []
    for plane in frame.planes[:3]:
        row = abs(plane.line_size) // sample.itemsize
        samples = np.frombuffer(memoryview(plane), sample)[: row * plane.height]
        full = samples.reshape(plane.height, row)
        step_y = max(1, plane.height // (ROWS * POINTS))
        step_x = max(1, plane.width // (COLUMNS * POINTS))
        points = full[step_y // 2 :: step_y, step_x // 2 : plane.width : step_x].astype(np.float32)
        small.append(cv2.resize(points, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA))
    return np.asarray(np.stack(small) / (1 << max(0, bits - 8)), np.float32)


def _small(frame: av.VideoFrame, turns: int) -> NDArray[np.uint8]:
    """A small copy, upright, without black bars."""
    scale = min(1.0, LONG_SIDE / max(frame.width, frame.height))
    width, height = (max(16, round(side * scale)) for side in (frame.width, frame.height))
    if frame.format.name in PLAIN_PLANES:
        rgb = _from_planes(frame, (width, height))
    else:
        small = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA")
        rgb = np.asarray(small.to_ndarray(), np.uint8)
    return trimmed(np.rot90(rgb, turns) if turns else rgb)


def _from_planes(frame: av.VideoFrame, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Shrinks the planes first and converts what is left: 1 ms of a 1080p frame, where
    libswscale takes 9."""
    planes: list[cv2.typing.MatLike] = []
    for plane in frame.planes[:3]:
        row = plane.line_size
        full = np.frombuffer(memoryview(plane), np.uint8)[: row * plane.height]
        full = full.reshape(plane.height, row)[:, : plane.width]
        planes.append(_shrunk(full, size))
    luma, blue, red = planes
    if frame.color_range != FULL_RANGE and not frame.format.name.startswith("yuvj"):
        luma = cv2.LUT(luma, LUMA_OF_LIMITED)
        blue, red = cv2.LUT(blue, CHROMA_OF_LIMITED), cv2.LUT(red, CHROMA_OF_LIMITED)
    return np.asarray(cv2.cvtColor(cv2.merge((luma, red, blue)), cv2.COLOR_YCrCb2RGB), np.uint8)


def _shrunk(plane: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A plane at another size: halved as often as it can be, which costs OpenCV a tenth of any
    other shrinking, then brought to the size."""
    while plane.shape[1] >= 2 * size[0] and plane.shape[0] >= 2 * size[1]:
        height, width = (side // 2 for side in plane.shape)
        even = plane[: 2 * height, : 2 * width]
        plane = np.asarray(
            cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def trimmed(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without black bars, unless they are most of it."""
    bright = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) > BAR_LEVEL, np.uint8)
    edges = []
    for axis in (1, 0):
        shares = cv2.reduce(bright, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
        inside = np.flatnonzero(shares > LEAST_BRIGHT)
        size = len(shares)
        first, last = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, size)
        edges.append(slice(first, last) if last - first >= (1 - MOST_CUT) * size else slice(None))
    return np.ascontiguousarray(rgb[edges[0], edges[1]])
