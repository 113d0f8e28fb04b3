"""How far the emotion that the faces expert reads lies from what people felt at the photograph.

Nothing is fitted but a line for each axis, and that with the photograph's theme held out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.experts import Picture
from emsync_server.spotting.experts.circumplex import estimate_of
from emsync_server.spotting.experts.faces import FacesExpert
from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE
from emsync_training.picture_emotion.fitting import AXES, FOLDS
from emsync_training.picture_emotion.photographs import Photographs, folds_by_theme, read_picture

__all__ = ["faces_against_ratings"]

Floats = NDArray[np.float64]

LONG_SIDE = 640
UNUSED = (PRIOR_VARIANCE, PRIOR_VARIANCE)


def faces_against_ratings(photographs: Photographs, among: NDArray[np.int64]) -> dict[str, object]:
    """For each axis: correlation, the line from reading to rating, squared errors."""
    expert = FacesExpert()
    read: list[tuple[int, float, float]] = []
    for at in among.tolist():
        rgb = read_picture(photographs.paths[at])
        scale = min(1.0, LONG_SIDE / max(rgb.shape[:2]))
        small = np.asarray(
            cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        reading = expert.read([Picture(0.0, small)])[0]
        if reading is not None and reading.ekman is not None:
            mean = estimate_of(reading.ekman, UNUSED).mean
            read.append((at, mean.valence, mean.arousal))
    places = np.array([at for at, *_ in read])
    said = np.array([pair for _, *pair in read])
    felt, theme = photographs.ratings[places], photographs.theme[places]
    figures = {name: _figures(said[:, axis], felt[:, axis], theme)
               for axis, name in enumerate(AXES)}  # fmt: skip
    return {"photographs_with_faces": len(places), "faces_against_ratings": figures}


def _figures(said: Floats, felt: Floats, theme: NDArray[np.str_]) -> dict[str, float]:
    by_line, by_mean = np.zeros_like(felt), np.zeros_like(felt)
    for held in folds_by_theme(theme, FOLDS, 0):
        slope, offset = np.polyfit(said[~held], felt[~held], 1)
        by_line[held], by_mean[held] = slope * said[held] + offset, felt[~held].mean()
    slope, offset = np.polyfit(said, felt, 1)
    figures = {
        "r": np.corrcoef(said, felt)[0, 1],
        "mean_said": said.mean(),
        "mean_felt": felt.mean(),
        "slope": slope,
        "squared_error_as_said": np.mean((said - felt) ** 2),
        "squared_error_of_the_line_held_out": np.mean((by_line - felt) ** 2),
        "squared_error_of_the_mean_held_out": np.mean((by_mean - felt) ** 2),
    }
    return {name: round(float(value), 3) for name, value in figures.items()}
