"""All variances, one after another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from emsync_server.benchmarks.moods import spotted_moods
from emsync_server.benchmarks.tables import Table
from emsync_server.progress import ProgressSink
from emsync_training.picture_emotion.people import PERSON, categories
from emsync_training.picture_emotion.photographs import Photographs, embeddings_of
from emsync_training.picture_emotion.run import EMBEDDINGS
from emsync_training.variances.of_films import variances_of_films
from emsync_training.variances.of_photographs import variances_of_photographs
from emsync_training.variances.of_words import variances_of_words
from emsync_training.variances.stated import Stated, variances_table

__all__ = ["measure_variances"]

COMMAND = "python -m emsync_training variances --data ../shared/data --media ../shared/media"


def measure_variances(
    data: Path, media: Path | None, *, work: Path | None, say: Callable[[str], None]
) -> Table:
    """data: the folder of `oasis` and `goemotions-ekman` · media: that of `clips`; None: what only
    film tells is left out"""
    oasis = data / "oasis"
    photographs = Photographs.read(oasis)
    embeddings = embeddings_of(photographs, None if work is None else work / EMBEDDINGS, say)
    people = np.flatnonzero(categories(oasis) == PERSON)
    rows: list[Stated] = variances_of_photographs(photographs, embeddings, people)
    say("photographs measured")
    rows += variances_of_words(data / "goemotions-ekman")
    say("words measured")
    if media is not None:
        rows += variances_of_films(spotted_moods(media, ProgressSink(lambda share, note: None)))
        say("films measured")
    return variances_table(rows, COMMAND)
