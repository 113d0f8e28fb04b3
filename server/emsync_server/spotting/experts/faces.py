"""What faces express: BlazeFace finds them, face-api's small network reads them.

The network was trained on posed and searched-for photographs with seven labels. It sees joy well,
disgust and fear badly, and calls most talking faces neutral; drawn faces it does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.inference.network import Network
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import Picture
from emsync_server.spotting.experts.readings import EkmanProbabilities, Floats, Reading

__all__ = ["Face", "FacesExpert", "face_square"]

SIDE, GRID = 192, 48
CELL = SIDE // GRID  # 4 pixels
LEAST_SCORE = 0.5
OVERLAP = 0.3
"""Boxes that share more than this of their joint area are one face."""
SMALLEST = 0.06
"""Least side of a face, as a share of the picture's height: smaller ones express nothing."""
MOST_FACES = 2
"""The largest ones are read, as published."""
VIEWS = ((0.05, False), (0.2, True))
"""Each face is read twice, once mirrored, with so much of its side added on each side: the network
is sure of itself, and of other things when the crop moves a little."""
CROP = 112
ORDER = ("neutral", "joy", "sadness", "anger", "fear", "disgust", "surprise")
"""Of the network's outputs."""


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is, in pixels of its picture."""

    left: float
    top: float
    side: float
    score: float


class FacesExpert:
    """Pictures to the mean expression of their largest faces; None without a face."""

    name = "faces"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load both networks of a folder."""
        self._finder = Network.load(
            folder / "faces.finder.onnx",
            inputs={"pictures": (None, 3, SIDE, SIDE)},
            outputs={"faces": (None, GRID * GRID, 17)},
        )
        self._reader = Network.load(
            folder / "faces.expression.onnx",
            inputs={"faces": (None, 3, CROP, CROP)},
            outputs={"expressions": (None, len(ORDER))},
        )

    def read(self, items: Sequence[Picture]) -> list[Reading | None]:
        """One reading for each picture with a face."""
        found = self.find([item.rgb for item in items])
        return [
            self._reading(item, faces) if faces else None
            for item, faces in zip(items, found, strict=True)
        ]

    def find(self, pictures: Sequence[NDArray[np.uint8]]) -> list[list[Face]]:
        """The largest faces of each picture, at most two."""
        batch = np.stack([_boxed(rgb) for rgb in pictures])
        raw = np.asarray(self._finder.run({"pictures": batch})["faces"], np.float32)
        return [_faces(*pair) for pair in zip(raw, pictures, strict=True)]

    def _reading(self, item: Picture, faces: list[Face]) -> Reading:
        crops = [_crop(item.rgb, face, *view) for face in faces for view in VIEWS]
        found = self._reader.run({"faces": np.stack(crops)})["expressions"]
        mean = np.asarray(found, np.float64).mean(axis=0)
        values = dict(zip(ORDER, (mean / mean.sum()).tolist(), strict=True))
        return Reading(
            self.name,
            item.time_s,
            item.time_s,
            ekman=EkmanProbabilities(**values),
            certainty=max(face.score for face in faces),
        )


def _boxed(rgb: NDArray[np.uint8]) -> Floats:
    """(H, W, 3) to (3, 192, 192), black around what is not square."""
    height, width = rgb.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = np.zeros((SIDE, SIDE, 3), np.float32)
    square[: size[1], : size[0]] = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray((square / 127.5 - 1).transpose(2, 0, 1))


def _faces(raw: Floats, rgb: NDArray[np.uint8]) -> list[Face]:
    """Boxes of one picture. raw: (48 × 48, 17), scores before the sigmoid first."""
    score = 1 / (1 + np.exp(-np.clip(raw[:, 0], -50, 50)))
    kept = np.flatnonzero(score >= LEAST_SCORE)
    if not len(kept):
        return []
    rows, columns = np.divmod(kept, GRID)
    middle_x, middle_y = columns * CELL + CELL / 2, rows * CELL + CELL / 2
    sides = raw[kept, 3:5].max(axis=1)
    left = middle_x + raw[kept, 1] - sides / 2
    top = middle_y + raw[kept, 2] - sides / 2
    boxes = [[float(x), float(y), float(s), float(s)] for x, y, s in zip(left, top, sides,
             strict=True)]  # fmt: skip
    chosen = cv2.dnn.NMSBoxes(boxes, score[kept].tolist(), LEAST_SCORE, OVERLAP)
    scale = max(rgb.shape[:2]) / SIDE
    faces = [
        Face(boxes[at][0] * scale, boxes[at][1] * scale, boxes[at][2] * scale,
             float(score[kept[at]]))
        for at in np.asarray(chosen).reshape(-1)
    ]  # fmt: skip
    large = [face for face in faces if face.side >= SMALLEST * rgb.shape[0]]
    return sorted(large, key=lambda face: -face.side)[:MOST_FACES]


def face_square(rgb: NDArray[np.uint8], face: Face, margin: float) -> NDArray[np.uint8]:
    """The square around a face, with so much of its side added on each side; outside the picture
    its edge goes on."""
    side = max(2, round(face.side * (1 + 2 * margin)))
    x, y = round(face.left - face.side * margin), round(face.top - face.side * margin)
    height, width = rgb.shape[:2]
    inside = rgb[max(0, y) : min(height, y + side), max(0, x) : min(width, x + side)]
    around = (max(0, -y), max(0, y + side - height), max(0, -x), max(0, x + side - width))
    return np.asarray(cv2.copyMakeBorder(inside, *around, cv2.BORDER_REPLICATE), np.uint8)


def _crop(rgb: NDArray[np.uint8], face: Face, margin: float, is_mirrored: bool) -> Floats:
    """(H, W, 3) to (3, 112, 112) around a face."""
    square = face_square(rgb, face, margin)
    small = cv2.resize(square, (CROP, CROP), interpolation=cv2.INTER_AREA)
    small = small[:, ::-1] if is_mirrored else small
    return np.ascontiguousarray(small.astype(np.float32).transpose(2, 0, 1))
