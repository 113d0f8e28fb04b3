"""What a film looks like from moment to moment: light, contrast, colour and motion, eight times a
second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media import SmallPicture

__all__ = ["SAMPLES_PER_S", "Appearance", "AppearanceSampler"]

SAMPLES_PER_S = 8
MOTION_HZ = 25
NEUTRAL = 128.0
NOISE_LEVELS = 3
"""Differences up to this many 8-bit levels between frames are grain and coding, not motion."""
LEAST_GRADIENT = 2.0
"""Mean gradient, in levels per pixel, below which there is nothing whose motion could be seen."""
LEAST_LIGHT = 24
"""Darker rows and columns all around are letterbox, or night: they do not count as picture."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """Samples along the film. S samples; all arrays (S,) float32."""

    time_s: NDArray[np.float32]
    light: NDArray[np.float32]
    """Mean luma, 0 to 1, letterbox left out."""
    contrast: NDArray[np.float32]
    """Standard deviation of luma, 0 to 0.5."""
    saturation: NDArray[np.float32]
    """Mean distance from grey, 0 to 1."""
    warmth: NDArray[np.float32]
    """Red minus blue, -1 to 1."""
    motion: NDArray[np.float32]
    """Picture widths per second; NaN where a new shot begins or nothing can be seen to move."""

    def __len__(self) -> int:
        return len(self.time_s)


class AppearanceSampler:
    """Fed every frame; looks at some. Keeps 24 bytes a sample: 4 MB in six hours."""

    def __init__(self, rate: Fraction, *, apart: bool = False) -> None:
        """`rate`: nominal frames per second. `apart`: frames come far apart, so that all are looked
        at, and nothing is known of motion."""
        self._rate = float(rate)
        self._apart = apart
        self._stride = max(1, round(rate / SAMPLES_PER_S))
        # Fast films repeat frames (24 shown as 60); looking this far back finds the motion all the
        # same.
        self._lag = max(1, round(rate / MOTION_HZ))
        self._recent: deque[SmallPicture] = deque(maxlen=self._lag)
        self._seen = 0
        self._rows: list[tuple[float, ...]] = []

    def see(self, picture: SmallPicture, time_s: float) -> None:
        """The next frame."""
        if self._apart or self._seen % self._stride == 0:
            motion = float("nan")
            if len(self._recent) == self._lag and not self._apart:
                motion = _motion(self._recent[0], picture, self._rate / self._lag)
            self._rows.append((time_s, *_look(picture), motion))
        self._recent.append(picture)
        self._seen += 1

    def finish(self, new_shots_s: list[float]) -> Appearance:
        """All samples; the motion of those that fall on a new shot's first frame is forgotten."""
        table = np.array(self._rows, np.float32).reshape(-1, 6)
        reach = (self._lag - 0.5) / self._rate
        for moment in new_shots_s:
            first, last = np.searchsorted(table[:, 0], (moment - 0.5 / self._rate, moment + reach))
            table[first:last, 5] = np.nan
        return Appearance(*table.T)


def _look(picture: SmallPicture) -> tuple[float, float, float, float]:
    """Light, contrast, saturation and warmth of one picture."""
    _, bright = cv2.threshold(picture.luma, LEAST_LIGHT, 255, cv2.THRESH_BINARY)
    left, top, width, height = cv2.boundingRect(bright)
    inside = np.s_[top : top + height, left : left + width] if width else np.s_[:, :]
    (mean,), (std,) = cv2.meanStdDev(picture.luma[inside])
    blue = np.subtract(picture.blue_difference[inside], NEUTRAL, dtype=np.float32)
    red = np.subtract(picture.red_difference[inside], NEUTRAL, dtype=np.float32)
    saturation = cv2.mean(cv2.magnitude(blue, red))[0] / NEUTRAL
    warmth = (cv2.mean(red)[0] - cv2.mean(blue)[0]) / (2 * NEUTRAL)
    return float(mean[0]) / 255, float(std[0]) / 255, saturation, warmth


def _motion(before: SmallPicture, after: SmallPicture, rate: float) -> float:
    """Mean speed of what can be seen to move, in picture widths per second.

    Normal flow: brightness change over brightness gradient is displacement, whatever the
    contrast. Saturates at about a pixel's width of detail per frame, which is a whip pan.
    """
    change = cv2.absdiff(before.luma, after.luma)
    cv2.threshold(change, NOISE_LEVELS, 0, cv2.THRESH_TOZERO, change)
    across = cv2.Sobel(after.luma, cv2.CV_16S, 1, 0, ksize=3)
    down = cv2.Sobel(after.luma, cv2.CV_16S, 0, 1, ksize=3)
    steep = [cv2.norm(each, cv2.NORM_L1) / each.size for each in (across, down)]
    gradient = sum(steep) / 8  # Sobel's gain
    if gradient < LEAST_GRADIENT:
        return float("nan")
    pixels = cv2.mean(change)[0] / gradient
    return float(pixels / after.luma.shape[1] * rate)
