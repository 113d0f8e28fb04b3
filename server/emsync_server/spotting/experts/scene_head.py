"""A small network that reads what `scene` saw in a shot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync_server.inference.network import Network
from emsync_server.spotting.experts.expert import ShotReadings
from emsync_server.spotting.experts.readings import Floats
from emsync_server.spotting.experts.scene import FEATURES

__all__ = ["SceneHead"]

SOURCE = "scene"


class SceneHead:
    """An ONNX file from `embedding` (N, FEATURES) to answers of some numbers each."""

    def __init__(self, path: Path, answers: Mapping[str, int]) -> None:
        """Load a file; answers: how many numbers each has."""
        self._answers = tuple(answers)
        self._network = Network.load(
            path,
            inputs={"embedding": (None, FEATURES)},
            outputs={name: (None, count) for name, count in answers.items()},
        )

    def ask(self, items: Sequence[ShotReadings]) -> list[dict[str, list[float]] | None]:
        """The answers for each shot, None where nothing was seen in it."""
        seen = [_embedding(item) for item in items]
        there = [each for each in seen if each is not None]
        if not there:
            return [None] * len(items)
        found = self._network.run({"embedding": np.stack(there)})
        rows = iter(range(len(there)))
        return [None if each is None else self._row(found, next(rows)) for each in seen]

    def _row(self, found: Mapping[str, NDArray[np.generic]], at: int) -> dict[str, list[float]]:
        return {name: found[name][at].tolist() for name in self._answers}


def _embedding(item: ShotReadings) -> Floats | None:
    """(FEATURES,) in single precision: kept readings have half."""
    reading = item.by_expert.get(SOURCE)
    if reading is None or reading.embedding is None:
        return None
    return np.asarray(reading.embedding, np.float32)
