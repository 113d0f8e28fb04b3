"""What the picture shows, as numbers: EfficientNet-Lite0, trained on ImageNet, its layers pooled.

Only the features are used. Its thousand labels are photographs of animals and objects: on
animation and in the dark they are nonsense.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.inference.network import Network
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import Picture
from emsync_server.spotting.experts.readings import Floats, Reading

__all__ = ["FEATURES", "LAYERS", "SceneExpert"]

STAGES = (24, 40, 80, 112, 192, 320)
"""Channels of the six stages, from edges and colours to objects."""
FINAL = 1280
FEATURES = FINAL + 2 * sum(STAGES)
LAYERS: dict[str, slice] = {
    "final": slice(0, FINAL),
    "stage means": slice(FINAL, FINAL + sum(STAGES)),
    "stage deviations": slice(FINAL + sum(STAGES), FEATURES),
}
"""Where each part lies in the embedding."""
PIXELS = 224 * 224
"""As many as the network saw in training."""
MULTIPLE = 16
LONGEST_SIDE = 448
LEAST_CONTRAST = 3.0
"""Deviation of a channel, of 255: below it the picture is one colour, and shows nothing."""
COARSE = 8
"""Every so many pixels tell."""
MIDDLE, SCALE = 127.0, 128.0


class SceneExpert:
    """Pictures to embeddings of `FEATURES` values."""

    name = "scene"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load the network of a folder."""
        self._network = Network.load(
            folder / "scene.onnx",
            inputs={"pictures": (None, 3, None, None)},
            outputs={"features": (None, FEATURES)},
        )

    def read(self, items: Sequence[Picture]) -> list[Reading | None]:
        """One reading each; none of a picture of one colour.

        The picture keeps its shape: squeezing it would bend what it shows.
        """
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        sizes = [_size(*item.rgb.shape[:2]) for item in items]
        for index, (item, size) in enumerate(zip(items, sizes, strict=True)):
            if _shows_something(item.rgb):
                groups[size].append(index)
        readings: list[Reading | None] = [None] * len(items)
        for size, indices in groups.items():
            batch = np.stack([_prepared(items[index].rgb, size) for index in indices])
            found = np.asarray(self._network.run({"pictures": batch})["features"], np.float32)
            for index, features in zip(indices, found, strict=True):
                time_s = items[index].time_s
                readings[index] = Reading(self.name, time_s, time_s, embedding=features)
        return readings


def _shows_something(rgb: NDArray[np.uint8]) -> bool:
    coarse = rgb[::COARSE, ::COARSE].astype(np.float32)
    return bool(coarse.std(axis=(0, 1)).max() > LEAST_CONTRAST)


def _size(height: int, width: int) -> tuple[int, int]:
    """Width and height for the network: the picture's own shape, as near as sixteens allow."""
    scale = (PIXELS / (height * width)) ** 0.5
    sides = (max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE) for side in (width, height))
    wide, high = (min(LONGEST_SIDE, side) for side in sides)
    return wide, high


def _prepared(rgb: NDArray[np.uint8], size: tuple[int, int]) -> Floats:
    """(H, W, 3) to (3, h, w) as the network was trained."""
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.ascontiguousarray(((small - MIDDLE) / SCALE).transpose(2, 0, 1))
