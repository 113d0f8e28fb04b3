"""Are there people in the picture? A linear head on what `scene` sees, and what it is for: the face
finder also finds faces of dogs, in log ends and in flames.

Fitted on the four categories of OASIS (`models/people.md`). It says nothing of its own about
emotion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import ShotReadings
from emsync_server.spotting.experts.readings import Reading
from emsync_server.spotting.experts.scene_head import SceneHead

__all__ = ["PEOPLE_FILE", "PeopleExpert", "is_face", "without_false_faces"]

PEOPLE_FILE = "people.onnx"
FACES = "faces"
SCENE_SHARE = 0.3
LEAST_FACE = 0.58
"""Three human faces in a hundred lie lower, of OASIS' themes that the head has not seen."""


class PeopleExpert:
    """What `scene` saw in a shot, to how likely there are people in it (its certainty)."""

    name = "people"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load the head of a folder."""
        self._head = SceneHead(folder / PEOPLE_FILE, {"people": 1})

    def read(self, items: Sequence[ShotReadings]) -> list[Reading | None]:
        """One reading for each shot that was seen."""
        return [
            None if answer is None else self._reading(item, *answer["people"])
            for item, answer in zip(items, self._head.ask(items), strict=True)
        ]

    def _reading(self, item: ShotReadings, likely: float) -> Reading:
        return Reading(self.name, item.start_s, item.end_s, certainty=likely)


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
