"""How a picture feels to people who see it: a head on what `scene` sees, fitted on OASIS.

900 photographs, each rated by about a hundred people. A film's frame is not such a photograph:
what the head has seen nothing like, it says little about (see `models/picture_emotion.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emsync.emotion import ValenceArousal
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import ShotReadings
from emsync_server.spotting.experts.readings import Estimate, Reading
from emsync_server.spotting.experts.scene_head import SceneHead

__all__ = ["PICTURE_EMOTION_FILE", "PictureEmotionExpert"]

PICTURE_EMOTION_FILE = "picture_emotion.onnx"


class PictureEmotionExpert:
    """What `scene` saw in a shot, to valence and arousal."""

    name = "picture_emotion"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load the head of a folder."""
        self._head = SceneHead(folder / PICTURE_EMOTION_FILE, {"mean": 2, "variance": 2})

    def read(self, items: Sequence[ShotReadings]) -> list[Reading | None]:
        """One reading for each shot that was seen."""
        return [
            None if answer is None else self._reading(item, **answer)
            for item, answer in zip(items, self._head.ask(items), strict=True)
        ]

    def _reading(self, item: ShotReadings, mean: list[float], variance: list[float]) -> Reading:
        estimate = Estimate(ValenceArousal(*mean), (variance[0], variance[1]))
        return Reading(self.name, item.start_s, item.end_s, estimate=estimate)
