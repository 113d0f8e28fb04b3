"""A white sheet to draw on, in pixels from its top left corner, saved as PNG.

OpenCV comes with shot detection and since version 5 sets real type; a plotting library would be 30
MB more to install for two pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync.errors import OutputError
from emsync_server.evaluation.right_to_left import as_seen
from emsync_server.outputs import replacing_file

__all__ = ["DOTS", "Align", "Canvas", "Colour"]

DOTS = "…"
SUBPIXEL_BITS = 4  # OpenCV takes coordinates in sixteenths of a pixel


@dataclass(frozen=True, slots=True)
class Colour:
    """Red, green and blue, 0 to 255."""

    red: int
    green: int
    blue: int

    @property
    def bgr(self) -> tuple[int, int, int]:
        """In OpenCV's order."""
        return self.blue, self.green, self.red

    def over_white(self, opacity: float) -> Colour:
        """What one sees of this colour on white at an opacity of 0 to 1."""
        red, green, blue = (
            round(255 - opacity * (255 - part)) for part in (self.red, self.green, self.blue)
        )
        return Colour(red, green, blue)


class Align(Enum):
    """Which end of a text its position names."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


class Canvas:
    """A picture that is being drawn."""

    def __init__(self, width: int, height: int) -> None:
        """A white sheet of `width` times `height` pixels."""
        self.width, self.height = width, height
        self._pixels = np.full((height, width, 3), 255, dtype=np.uint8)
        self._face = cv2.FontFace("sans")

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Colour,
        *,
        opacity: float = 1.0,
    ) -> None:
        """A filled rectangle, at least a pixel wide and high."""
        x0, y0 = max(0, round(left)), max(0, round(top))
        x1, y1 = max(x0 + 1, round(right)), max(y0 + 1, round(bottom))
        area = self._pixels[y0:y1, x0:x1]
        paint = np.array(colour.bgr, dtype=np.float64)
        area[:] = np.rint(area * (1 - opacity) + paint * opacity).astype(np.uint8)

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        colour: Colour,
        *,
        width: int = 1,
    ) -> None:
        """A straight line."""
        self.path((start, end), colour, width=width)

    def dashed(
        self, start: tuple[float, float], end: tuple[float, float], colour: Colour, *, dash: int = 5
    ) -> None:
        """A vertical line in dashes, from the upper to the lower end."""
        for top in range(round(start[1]), round(end[1]), 2 * dash):
            self.line((start[0], top), (start[0], min(top + dash, end[1])), colour)

    def path(
        self, points: Sequence[tuple[float, float]], colour: Colour, *, width: int = 1
    ) -> None:
        """A line through points."""
        cv2.polylines(
            self._pixels, [_fixed(points)], False, colour.bgr, width, cv2.LINE_AA, SUBPIXEL_BITS
        )

    def area(
        self, points: Sequence[tuple[float, float]], colour: Colour, *, opacity: float = 1.0
    ) -> None:
        """A filled polygon."""
        painted = self._pixels.copy()
        cv2.fillPoly(painted, [_fixed(points)], colour.bgr, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.addWeighted(painted, opacity, self._pixels, 1 - opacity, 0, dst=self._pixels)

    def columns(
        self, left: int, tops: NDArray[np.float64], bottoms: NDArray[np.float64], colour: Colour
    ) -> None:
        """A vertical bar per pixel column, from `left` on; tops and bottoms are (columns,)."""
        for offset, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)):
            y0 = round(float(top))
            self._pixels[y0 : max(y0 + 1, round(float(bottom))), left + offset] = colour.bgr

    def text(
        self,
        words: str,
        position: tuple[float, float],
        colour: Colour,
        *,
        size: int = 15,
        bold: bool = False,
        align: Align = Align.LEFT,
    ) -> float:
        """One line of text on its baseline, its letters in the order in which they are seen;
        returns its width in pixels."""
        words, weight = as_seen(words), 700 if bold else 400
        (x0, _), (x1, _) = self._text_span(words, size, weight)
        shift = {Align.LEFT: 0.0, Align.CENTRE: (x1 - x0) / 2, Align.RIGHT: float(x1 - x0)}[align]
        at = (round(position[0] - shift), round(position[1]))
        cv2.putText(self._pixels, words, at, colour.bgr, self._face, size, weight)
        return float(x1 - x0)

    def text_width(self, words: str, size: int, *, bold: bool = False) -> float:
        """How wide a line of text is, in pixels."""
        (left, _), (right, _) = self._text_span(as_seen(words), size, 700 if bold else 400)
        return float(right - left)

    def elided(self, words: str, room: float, size: int, *, bold: bool = False) -> str:
        """As much of a text as fits into so many pixels, with dots where something is missing."""
        if self.text_width(words, size, bold=bold) <= room:
            return words
        kept = words.rstrip(DOTS)
        while kept and self.text_width(kept + DOTS, size, bold=bold) > room:
            kept = kept[:-1].rstrip()
        return kept + DOTS

    def paste(self, picture: NDArray[np.uint8], left: int, top: int) -> None:
        """A picture (H, W, 3) in OpenCV's order, as it is; what does not fit is cut off."""
        room = self._pixels[top : top + picture.shape[0], left : left + picture.shape[1]]
        room[:] = picture[: room.shape[0], : room.shape[1]]

    def png(self) -> bytes:
        """The picture as a PNG file. Raises OutputError."""
        done, data = cv2.imencode(".png", self._pixels, [cv2.IMWRITE_PNG_COMPRESSION, 7])
        if not done:
            raise OutputError("The picture could not be made.")
        return bytes(data.tobytes())

    def save(self, path: Path) -> None:
        """Write the picture, whole or not at all. Raises OutputError."""
        with replacing_file(path) as working:
            working.write_bytes(self.png())

    def _text_span(
        self, words: str, size: int, weight: int
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        box = cv2.getTextSize((0, 0), words, (0, 0), self._face, size, weight)
        left, top, width, height = box
        return (left, top), (left + width, top + height)


def _fixed(points: Sequence[tuple[float, float]]) -> NDArray[np.int32]:
    """Points in the whole sixteenths of a pixel that OpenCV takes."""
    return np.rint(np.array(points, dtype=np.float64) * (1 << SUBPIXEL_BITS)).astype(np.int32)
