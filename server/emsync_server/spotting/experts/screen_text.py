"""What is written in the picture: titles, captions, signs, by RapidOCR (PaddleOCR's networks).

Finding text costs a third of a second a picture, so only pictures with text-like edges are read,
and of pictures that are alike only the first.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync.errors import MissingPartError
from emsync_server.spotting.experts.expert import Picture
from emsync_server.spotting.experts.readings import Reading

__all__ = ["HOW_TO_INSTALL", "ScreenTextExpert", "has_rapidocr", "may_hold_text"]

Grey = NDArray[np.uint8]

HOW_TO_INSTALL = (
    "pip install --no-deps rapidocr-onnxruntime pyclipper shapely pyyaml six"
    # With its dependencies it brings a second OpenCV, which needs libGL and overwrites ours.
)
LEAST_SCORE = 0.6
LEAST_LETTERS = 2
LEAST_SPACE = 0.22
"""Of a line's height: between letters there is half of that."""
COARSE = (32, 18)
ALIKE_LEVELS = 6.0
"""Mean difference of coarse pictures, in 8-bit levels."""
EDGE_LEVELS = 60
LEAST_WIDTH, LEAST_HEIGHT, MOST_HEIGHT = 20, 5, 90
LEAST_FILL, LEAST_ASPECT = 0.4, 2.0
LEAST_CONTRAST = 60.0
"""Levels between ink and paper."""
LEAST_CHANGES, CHANGES_PER_SQUARE = 6.0, 1.2
"""From ink to paper and back along a row; letters are about as wide as half of their line's height.
"""


def has_rapidocr() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec("rapidocr_onnxruntime") is not None


class ScreenTextExpert:
    """Pictures to the text in them, top to bottom."""

    name = "screen_text"

    def __init__(self) -> None:
        """Load RapidOCR."""
        try:
            from rapidocr_onnxruntime import RapidOCR
        except ImportError as err:
            raise MissingPartError(
                f"On-screen text needs the package rapidocr-onnxruntime: {HOW_TO_INSTALL}."
            ) from err
        self._engine: Any = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(self, items: Sequence[Picture]) -> list[Reading | None]:
        """One reading for each picture with text that the pictures before it in the batch lack."""
        readings: list[Reading | None] = []
        before: NDArray[np.uint8] | None = None
        for item in items:
            coarse = np.asarray(
                cv2.resize(item.rgb, COARSE, interpolation=cv2.INTER_AREA), np.uint8
            )
            is_new = before is None or float(cv2.absdiff(coarse, before).mean()) > ALIKE_LEVELS
            readings.append(self._reading(item) if is_new and may_hold_text(item.rgb) else None)
            before = coarse if is_new else before
        return readings

    def _reading(self, item: Picture) -> Reading | None:
        bgr = np.ascontiguousarray(item.rgb[..., ::-1])
        found, _ = self._engine(bgr, return_word_box=True)
        lines = [
            (
                spaced(str(text), np.asarray(letters, np.float32), grey_line(item.rgb, box)),
                float(score),
            )
            for box, text, score, letters, *_ in found or ()
            if float(score) >= LEAST_SCORE and len(str(text).strip()) >= LEAST_LETTERS
        ]
        if not lines:
            return None
        certainty = min(1.0, sum(score for _, score in lines) / len(lines))
        text = "\n".join(text for text, _ in lines)
        return Reading(self.name, item.time_s, item.time_s, text=text, certainty=certainty)


def grey_line(rgb: NDArray[np.uint8], box: Sequence[Sequence[float]]) -> tuple[int, Grey]:
    """The upright patch around a line of text, and where it begins in the picture's columns."""
    corners = np.asarray(box, np.float32)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    patch = rgb[top : max(bottom, top + 1), left : max(right, left + 1)]
    return left, np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), np.uint8)


def spaced(text: str, letters: NDArray[np.float32], line: tuple[int, Grey]) -> str:
    """A line with the spaces that the recogniser swallowed, put where the picture has a wide gap.

    letters: (N, 4, 2) corners of each letter of `text` · line: as `grey_line` has it
    """
    text = text.strip()
    if len(letters) != len(text) or not text.isascii():
        return text  # other scripts know no spaces, or have none that are lost
    left, grey = line
    middles = letters[:, :, 0].mean(axis=1) - left
    out = text[0]
    gaps = _gaps(grey)
    for before, after, letter in zip(middles, middles[1:], text[1:], strict=False):
        is_gap = any(before < at < after for at in gaps)
        out += f" {letter}" if is_gap and " " not in (out[-1], letter) else letter
    return out


def _gaps(grey: Grey) -> list[float]:
    """Middles of the runs of columns without ink that are as wide as a space."""
    _, ink = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if ink.mean() > 0.5:
        ink = 1 - ink  # dark letters
    empty = np.concatenate(([0], (ink.sum(axis=0) == 0).astype(np.int8), [0]))
    starts, ends = (np.flatnonzero(np.diff(empty) == step) for step in (1, -1))
    least = LEAST_SPACE * grey.shape[0]
    return [
        (a + b) / 2 for a, b in zip(starts.tolist(), ends.tolist(), strict=True) if b - a >= least
    ]


def may_hold_text(rgb: NDArray[np.uint8]) -> bool:
    """Whether there is a flat, wide patch of dense strong edges that is dark and bright in turns
    along its rows: what a line of text looks like."""
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    strong = (edges > EDGE_LEVELS).astype(np.uint8)
    joined = cv2.morphologyEx(strong, cv2.MORPH_CLOSE, np.ones((3, 13), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((3, 5), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    for left, top, width, height, area in boxes[1:]:
        is_line = (
            width >= max(LEAST_WIDTH, LEAST_ASPECT * height)
            and LEAST_HEIGHT <= height <= MOST_HEIGHT
            and area >= LEAST_FILL * width * height
        )
        if is_line and _alternates(grey[top : top + height, left : left + width]):
            return True
    return False


def _alternates(patch: NDArray[np.uint8]) -> bool:
    """Whether a patch is of two clear levels that change as often as letters do."""
    level, ink = cv2.threshold(patch, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    bright, dark = patch[patch > level], patch[patch <= level]
    if not len(bright) or float(bright.mean()) - float(dark.mean()) < LEAST_CONTRAST:
        return False
    height, width = patch.shape
    middle = ink[height // 4 : max(height // 4 + 1, 3 * height // 4)].astype(np.int8)
    changes = float(np.abs(np.diff(middle, axis=1)).sum(axis=1).mean())
    return changes >= max(LEAST_CHANGES, CHANGES_PER_SQUARE * float(width) / float(height))
