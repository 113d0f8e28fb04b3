"""The variance of words, on the dev split of GoEmotions, by the file that ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.fusion.votes import TEXT_VARIANCE
from emsync_training.text_emotion.comments import EMOTIONS, read_split
from emsync_training.text_emotion.run import circumplex_variance, shipped_probabilities
from emsync_training.variances.stated import Stated

__all__ = ["variances_of_words"]

NEUTRAL = np.array([name == "neutral" for name in EMOTIONS], np.float64)


def variances_of_words(data: Path, split: str = "dev") -> list[Stated]:
    """data: GoEmotions in the Ekman grouping"""
    comments = read_split(data, split)
    found = circumplex_variance(shipped_probabilities(comments, MODELS_FOLDER), comments.labels)
    nothing = circumplex_variance(np.tile(NEUTRAL, (len(comments), 1)), comments.labels)
    on = f"{len(comments):,} comments of GoEmotions' {split} split"
    return [
        Stated("words", axis, TEXT_VARIANCE[axis], found[axis],
               f"{on}; to say nothing errs by {nothing[axis]:.2f}")
        for axis in (0, 1)
    ]  # fmt: skip
