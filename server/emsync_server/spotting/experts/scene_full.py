"""The published scene expert: the picture half of CLIP ViT-B/32, 512 numbers a picture.

Radford et al., *Learning transferable visual models from natural language supervision* (2021). Its
weights are fetched by the user (`emsync models`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.inference.network import Network
from emsync_server.models import user_folder
from emsync_server.spotting.experts.expert import Picture
from emsync_server.spotting.experts.readings import Floats, Reading

__all__ = ["SceneFullExpert", "centre_square"]

SIDE, FEATURES = 224, 512
MEAN = np.array((0.48145466, 0.4578275, 0.40821073), np.float32)
DEVIATION = np.array((0.26862954, 0.26130258, 0.27577711), np.float32)


class SceneFullExpert:
    """Pictures to embeddings of 512 values."""

    name = "scene_full"

    def __init__(self, folder: Path | None = None) -> None:
        """Load the network from a folder; the user's own if left out."""
        self._network = Network.load(
            (folder or user_folder() / self.name) / "scene_full.onnx",
            inputs={"pixel_values": (None, 3, SIDE, SIDE)},
            outputs={"image_embeds": (None, FEATURES)},
        )

    def read(self, items: Sequence[Picture]) -> list[Reading | None]:
        """One reading each."""
        batch = np.stack([_prepared(item.rgb) for item in items])
        found = np.asarray(self._network.run({"pixel_values": batch})["image_embeds"], np.float32)
        return [
            Reading(self.name, item.time_s, item.time_s, embedding=row)
            for item, row in zip(items, found, strict=True)
        ]


def centre_square(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The middle of a picture, its short side made `side` pixels long."""
    scale = side / min(rgb.shape[:2])
    height, width = (max(side, round(length * scale)) for length in rgb.shape[:2])
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_CUBIC)
    top, left = (height - side) // 2, (width - side) // 2
    return np.asarray(small[top : top + side, left : left + side], np.uint8)


def _prepared(rgb: NDArray[np.uint8]) -> Floats:
    square = centre_square(rgb, SIDE).astype(np.float32) / 255
    return np.ascontiguousarray(((square - MEAN) / DEVIATION).transpose(2, 0, 1))
