"""From rated photographs to the head's file, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from emsync_server.outputs import replacing_file
from emsync_server.spotting.experts.picture_emotion import PICTURE_EMOTION_FILE
from emsync_server.spotting.experts.scene import FEATURES
from emsync_training.picture_emotion.fitting import (
    SEEDS,
    figures,
    fit,
    held_out,
    with_errors,
)
from emsync_training.picture_emotion.kernel_head import KernelHead, head_graph
from emsync_training.picture_emotion.photographs import Photographs, embeddings_of
from emsync_training.registering import register

FIGURES = "picture_emotion.figures.json"
EMBEDDINGS = "picture_emotion.embeddings.npz"


def write_picture_emotion(
    data: Path, out: Path, *, work: Path | None, say: Callable[[str], None]
) -> dict[str, object]:
    """Measure on held-out themes, fit on all, write head and registry row; returns the figures.

    work: a folder for what can be used again, and for the figures; None keeps nothing.
    """
    photographs = Photographs.read(data)
    cache = None if work is None else work / EMBEDDINGS
    embeddings = embeddings_of(photographs, cache, say)
    runs = [held_out(photographs, embeddings, seed) for seed in SEEDS]
    facts: dict[str, object] = {
        "photographs": len(photographs),
        "themes": len(set(photographs.theme.tolist())),
        "themes_held_out": figures(photographs, runs[0]),
        "dealt_otherwise": [figures(photographs, run) for run in runs[1:]],
    }
    head = with_errors(fit(embeddings, photographs.ratings), runs[0], photographs.ratings)
    write_head(head, out / PICTURE_EMOTION_FILE)
    register(
        out,
        "picture_emotion",
        files=(PICTURE_EMOTION_FILE,),
        licence="Apache-2.0",
        takes="embedding (N, 2816) float32 of the scene expert",
        gives="valence and arousal (N, 2) in [-1, 1], and their variances (N, 2)",
    )
    if work is not None:
        (work / FIGURES).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def write_head(head: KernelHead, path: Path) -> None:
    """The file that the expert runs."""
    with replacing_file(path) as partial:
        partial.write_bytes(head_graph(head, FEATURES).SerializeToString(deterministic=True))
