"""The head that tells pictures of people from others, and what it does for the face finder.

Its labels are OASIS' categories: Person against Animal, Object and Scenery.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from emsync_server.outputs import replacing_file
from emsync_server.spotting.experts.faces import FacesExpert
from emsync_server.spotting.experts.people import LEAST_FACE, PEOPLE_FILE, is_face
from emsync_training.experts.graph import Graph
from emsync_training.picture_emotion.face_errors import faces_against_ratings
from emsync_training.picture_emotion.fitting import FOLDS
from emsync_training.picture_emotion.kernel_head import SOURCE
from emsync_training.picture_emotion.photographs import (
    Photographs,
    embeddings_of,
    folds_by_theme,
    read_picture,
)
from emsync_training.picture_emotion.run import EMBEDDINGS
from emsync_training.registering import register

Floats = NDArray[np.float64]

PERSON, ANIMAL = "Person", "Animal"
RIDGE_A_FEATURE = 3.0
LONG_SIDE = 640
HUMAN_ELSEWHERE = frozenset({"dog_attack_1.jpg", "dog_attack_2.jpg", "sailing_1.jpg"})
"""Of other categories, but the faces found in them are human: looked at by eye, all 47."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Faces that the finder found. F of them."""

    photograph: NDArray[np.int64]
    score: Floats


def write_people(
    data: Path, out: Path, *, work: Path | None, say: Callable[[str], None]
) -> dict[str, object]:
    """Measure on held-out themes, fit on all, write head and registry row; returns the figures."""
    photographs = Photographs.read(data)
    embeddings = embeddings_of(photographs, None if work is None else work / EMBEDDINGS, say)
    category = categories(data)
    is_person = category == PERSON
    scores = np.zeros(len(category))
    for held in folds_by_theme(photographs.theme, FOLDS, 0):
        weights, bias = _fitted(embeddings[~held], is_person[~held])
        scores[held] = embeddings[held] @ weights + bias
    facts = {
        "people_auc_held_out": round(_auc(scores[is_person], scores[~is_person]), 3),
        **_with_faces(_faces(photographs), photographs, category, np.clip(0.5 + scores / 2, 0, 1)),
        **faces_against_ratings(photographs, np.flatnonzero(is_person)),
    }
    weights, bias = _fitted(embeddings, is_person)
    with replacing_file(out / PEOPLE_FILE) as partial:
        graph = people_graph(weights.astype(np.float32), bias)
        partial.write_bytes(graph.SerializeToString(deterministic=True))
    register(
        out,
        "people",
        files=(PEOPLE_FILE,),
        licence="Apache-2.0",
        takes="embedding (N, 2816) float32 of the scene expert",
        gives="people (N, 1) float32: how likely there are any in the picture, 0 to 1",
    )
    return facts


def people_graph(weights: NDArray[np.float32], bias: float) -> onnx.ModelProto:
    """embedding (N, D) → people (N, 1), 0 to 1, of a score from -1 to 1. weights: (D,)"""
    graph = Graph()
    both = (
        graph.exact("weights", weights[None]),
        graph.exact("bias", np.array([bias], np.float32)),
    )
    score = graph.node("Gemm", "embedding", *both, transB=1)
    zero, half, one = (graph.exact(name, np.float32(value))
                       for name, value in (("zero", 0), ("half", 0.5), ("one", 1)))  # fmt: skip
    likely = graph.node("Add", graph.node("Mul", score, half), half)
    graph.node("Clip", likely, zero, one, output="people")
    inputs = {"embedding": ("N", len(weights))}
    return graph.model(inputs, {"people": ("N", 1)}, source=SOURCE)


def _fitted(embeddings: Floats, is_person: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Ridge to -1 and 1 on standardised features; weights and bias for raw ones."""
    middle, spread = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-6
    x, y = (embeddings - middle) / spread, np.where(is_person, 1.0, -1.0)
    kernel = x @ x.T + RIDGE_A_FEATURE * x.shape[1] * np.eye(len(x))
    weights = x.T @ np.linalg.solve(kernel, y - y.mean()) / spread
    return weights, float(y.mean() - middle @ weights)


def _with_faces(
    found: _Found, photographs: Photographs, category: NDArray[np.str_], people: Floats
) -> dict[str, object]:
    """Faces before and after: those of people, and those that are none."""
    names = np.array([path.name.lower() for path in photographs.paths])[found.photograph]
    of = category[found.photograph]
    human = (of == PERSON) | np.isin(names, list(HUMAN_ELSEWHERE))
    kept = np.array([is_face(score, people[at])
                     for at, score in zip(found.photograph, found.score, strict=True)])  # fmt: skip
    alone = found.score >= LEAST_FACE

    def counted(which: NDArray[np.bool_]) -> dict[str, int]:
        return {
            "before": int(which.sum()),
            "after": int((which & kept).sum()),
            "by_the_score_alone": int((which & alone).sum()),
        }

    return {
        "human_faces": counted(human),
        "false_faces": counted(~human),
        "false_faces_on_animals": counted(~human & (of == ANIMAL)),
    }


def _faces(photographs: Photographs) -> _Found:
    finder = FacesExpert()
    rows: list[tuple[int, float]] = []
    for at, path in enumerate(photographs.paths):
        rgb = read_picture(path)
        scale = min(1.0, LONG_SIDE / max(rgb.shape[:2]))
        small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        rows += [(at, face.score) for face in finder.find([np.asarray(small, np.uint8)])[0]]
    return _Found(np.array([at for at, _ in rows]), np.array([score for _, score in rows]))


def categories(data: Path) -> NDArray[np.str_]:
    """Of each photograph of OASIS: Person, Animal, Object or Scenery. (N,)"""
    with (data / "ratings.csv").open(encoding="utf-8", newline="") as file:
        return np.array([row["category"] for row in csv.DictReader(file)])


def _auc(above: Floats, below: Floats) -> float:
    """How often one of the first lies above one of the second."""
    return float((above[:, None] > below[None]).mean())
