"""The published face expert: a vision transformer for expressions (`trpakov/vit-face-expression`),
768 numbers, the two largest faces averaged.

Its weights are fetched by the user; they were trained on FER2013, which is data for research.
Faces are found by the built-in finder, where the published method used YOLO-face.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from emsync_server.inference.network import Network
from emsync_server.models import MODELS_FOLDER, user_folder
from emsync_server.spotting.experts.expert import Picture
from emsync_server.spotting.experts.faces import Face, FacesExpert, face_square
from emsync_server.spotting.experts.readings import EkmanProbabilities, Floats, Reading

__all__ = ["FacesFullExpert"]

SIDE, TOKENS, WIDTH = 224, 197, 768
ORDER = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
"""Of the network's logits."""
MARGIN = 0.1


class FacesFullExpert:
    """Pictures to the first token (768,) and the expression of their largest faces."""

    name = "faces_full"

    def __init__(self, folder: Path | None = None, built_in: Path = MODELS_FOLDER) -> None:
        """Load the network from a folder (the user's own if left out) and the built-in finder."""
        self._finder = FacesExpert(built_in)
        self._network = Network.load(
            (folder or user_folder() / self.name) / "faces_full.onnx",
            inputs={"pixel_values": (None, 3, SIDE, SIDE)},
            outputs={"last_hidden_state": (None, TOKENS, WIDTH), "logits": (None, len(ORDER))},
        )

    def read(self, items: Sequence[Picture]) -> list[Reading | None]:
        """One reading for each picture with a face."""
        found = self._finder.find([item.rgb for item in items])
        return [
            self._reading(item, faces) if faces else None
            for item, faces in zip(items, found, strict=True)
        ]

    def _reading(self, item: Picture, faces: list[Face]) -> Reading:
        batch = np.stack([_prepared(item, face) for face in faces])
        outputs = self._network.run({"pixel_values": batch})
        tokens = np.asarray(outputs["last_hidden_state"], np.float32)[:, 0]
        logits = np.asarray(outputs["logits"], np.float64)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
        return Reading(
            self.name,
            item.time_s,
            item.time_s,
            embedding=tokens.mean(axis=0),
            ekman=EkmanProbabilities(**dict(zip(ORDER, shares.tolist(), strict=True))),
            certainty=max(face.score for face in faces),
        )


def _prepared(item: Picture, face: Face) -> Floats:
    square = face_square(item.rgb, face, MARGIN)
    small = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.ascontiguousarray((small / 127.5 - 1).transpose(2, 0, 1))
