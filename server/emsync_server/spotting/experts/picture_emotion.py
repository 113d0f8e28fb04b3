"""How a picture feels to people who see it: a head on what `scene` sees, fitted on OASIS.

900 photographs, each rated by about a hundred people. A film's frame is not such a photograph:
what the head has seen nothing like, it says little about (see `models/picture_emotion.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emsync.emotion import ValenceArousal
from emsync_server.inference.kernel_head import KernelHead
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import ShotReadings
from emsync_server.spotting.experts.readings import Estimate, Floats, Reading
from emsync_server.spotting.experts.scene import FEATURES

__all__ = ["PICTURE_EMOTION_FILE", "PictureEmotionExpert"]

PICTURE_EMOTION_FILE = "picture_emotion.safetensors"
SOURCE = "scene"


class PictureEmotionExpert:
    """What `scene` saw in a shot, to valence and arousal."""

    name = "picture_emotion"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load the head of a folder."""
        self._head = KernelHead.load(folder / PICTURE_EMOTION_FILE, FEATURES)

    def read(self, items: Sequence[ShotReadings]) -> list[Reading | None]:
        """One reading for each shot that was seen."""
        seen = [_embedding(item) for item in items]
        there = [each for each in seen if each is not None]
        if not there:
            return [None] * len(items)
        found = self._head.estimate(np.stack(there))
        rows = iter(zip(found.mean.tolist(), found.variance.tolist(), strict=True))
        return [
            None if embedding is None else self._reading(item, *next(rows))
            for item, embedding in zip(items, seen, strict=True)
        ]

    def _reading(self, item: ShotReadings, mean: list[float], variance: list[float]) -> Reading:
        estimate = Estimate(ValenceArousal(*mean), (variance[0], variance[1]))
        return Reading(self.name, item.start_s, item.end_s, estimate=estimate)


def _embedding(item: ShotReadings) -> Floats | None:
    reading = item.by_expert.get(SOURCE)
    return None if reading is None else reading.embedding
