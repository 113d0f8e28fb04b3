"""Are there people in the picture? A linear head on what `scene` sees, and what it is for: the face
finder also finds faces of dogs, in log ends and in flames.

Fitted on the four categories of OASIS (`models/people.md`). It says nothing of its own about
emotion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from emsync_server.inference.network import unusable
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import ShotReadings
from emsync_server.spotting.experts.readings import Floats, Reading
from emsync_server.spotting.experts.scene import FEATURES

__all__ = ["PEOPLE_FILE", "PeopleExpert", "is_face", "without_false_faces"]

PEOPLE_FILE = "people.safetensors"
SOURCE = "scene"
FACES = "faces"
SCENE_SHARE = 0.3
LEAST_FACE = 0.58
"""Three human faces in a hundred lie lower, of OASIS' themes that the head has not seen."""


class PeopleExpert:
    """What `scene` saw in a shot, to how likely there are people in it (its certainty)."""

    name = "people"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load the head of a folder."""
        path = folder / PEOPLE_FILE
        if not path.is_file():
            raise unusable(path, "there is no such file")
        try:
            arrays = load_file(path)
            self._weights, self._bias = arrays["weights"], float(arrays["bias"][0])
        except (SafetensorError, KeyError, IndexError, ValueError, OSError) as err:
            raise unusable(path, "it is not a complete safetensors file of a linear head") from err
        finite = np.isfinite(self._weights).all() and np.isfinite(self._bias)
        if self._weights.shape != (FEATURES,) or not finite:
            raise unusable(path, f"it does not hold {FEATURES} numbers")

    def read(self, items: Sequence[ShotReadings]) -> list[Reading | None]:
        """One reading for each shot that was seen."""
        return [self._reading(item) for item in items]

    def _reading(self, item: ShotReadings) -> Reading | None:
        seen = item.by_expert.get(SOURCE)
        if seen is None or seen.embedding is None:
            return None
        likely = self.likely(np.asarray(seen.embedding, np.float32))
        return Reading(self.name, item.start_s, item.end_s, certainty=likely)

    def likely(self, embedding: Floats) -> float:
        """0 to 1; fitted to -1 and 1 by least squares."""
        # No product of NumPy's: see mel.py on OpenBLAS.
        score = float(np.sum(embedding * self._weights, dtype=np.float64)) + self._bias
        return float(np.clip(0.5 + score / 2, 0.0, 1.0))


def is_face(score: float, people: float) -> bool:
    """Whether what the finder found is believed to be a human face. Both 0 to 1."""
    return score + SCENE_SHARE * (2 * people - 1) >= LEAST_FACE


def without_false_faces(shots: Sequence[ShotReadings]) -> list[ShotReadings]:
    """The shots without the faces that are not believed; where nobody was asked for people, all
    are."""
    return [replace(shot, by_expert={name: each for name, each in shot.by_expert.items()
                                     if name != FACES or _is_believed(shot, each)})
            for shot in shots]  # fmt: skip


def _is_believed(shot: ShotReadings, face: Reading) -> bool:
    people = shot.by_expert.get(PeopleExpert.name)
    return people is None or is_face(face.certainty, people.certainty)
