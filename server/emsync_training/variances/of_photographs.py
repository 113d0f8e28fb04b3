"""Variances that OASIS tells: the picture's, the faces', light and colour, and how much of an error
is a theme's and not a photograph's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.picture_emotion import PICTURE_EMOTION_FILE
from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE
from emsync_server.spotting.fusion.smoothing import OWN_SHARE
from emsync_server.spotting.fusion.votes import (
    FACES_LINES,
    FACES_VARIANCE,
    LIGHT_LINE,
    LIGHT_VARIANCE,
)
from emsync_training.picture_emotion.face_errors import faces_against_ratings
from emsync_training.picture_emotion.fitting import AXES, fit, held_out, with_errors
from emsync_training.picture_emotion.kernel_head import read_head
from emsync_training.picture_emotion.measured_curve import measure_light_and_colour
from emsync_training.picture_emotion.photographs import Photographs
from emsync_training.variances.stated import Stated

__all__ = ["own_share", "variances_of_photographs"]

Floats = NDArray[np.float64]

HELD_OUT = "900 photographs of OASIS, themes held out"


def variances_of_photographs(
    photographs: Photographs, embeddings: Floats, people: NDArray[np.int64]
) -> list[Stated]:
    """people: the photographs of persons, whose faces are read"""
    found = held_out(photographs, embeddings, seed=0)
    head = with_errors(fit(embeddings, photographs.ratings), found, photographs.ratings)
    shipped = read_head(MODELS_FOLDER / PICTURE_EMOTION_FILE)
    errors = found.mean - photographs.ratings
    squares = np.square(photographs.ratings).mean(axis=0).tolist()
    rows = []
    for axis in (0, 1):
        for what, name in (
            ("picture", "error_variance"),
            ("picture, unlike all photographs", "absent_variance"),
        ):
            ships, again = (float(getattr(each, name)[axis]) for each in (shipped, head))
            rows.append(Stated(what, axis, ships, again, HELD_OUT))
        share = own_share(errors[:, axis], photographs.theme)
        what = "share of an error that is the shot's own"
        rows.append(Stated(what, axis, OWN_SHARE, share, f"{HELD_OUT}: 1 less what a theme shares"))
        rows.append(Stated("prior", axis, PRIOR_VARIANCE, squares[axis], "the ratings themselves"))
    light = measure_light_and_colour(photographs)
    known, slope = light["valence_r"] ** 2, light["valence_slope"]
    on = "900 photographs of OASIS"
    rows.append(Stated("movement: light and colour", 0, LIGHT_VARIANCE,
                       (1 - known) * PRIOR_VARIANCE, f"{on}: the prior less r²"))  # fmt: skip
    what = "movement: how much of light and colour counts"
    rows.append(Stated(what, 0, LIGHT_LINE.slope, slope, on))
    return [*rows, *_of_faces(photographs, people)]


def own_share(errors: Floats, theme: NDArray[np.str_]) -> float:
    """Of the variance of errors, what is not common to photographs of one theme. (N,), (N,)"""
    centred = errors - errors.mean()
    common = []
    for name in np.unique(theme):
        of_theme = centred[theme == name]
        if (count := len(of_theme)) > 1:
            pairs = of_theme.sum() ** 2 - np.square(of_theme).sum()
            common.append(pairs / (count * (count - 1)))
    return float(1 - np.mean(common) / np.mean(np.square(centred)))


def _of_faces(photographs: Photographs, people: NDArray[np.int64]) -> list[Stated]:
    facts = faces_against_ratings(photographs, people)
    figures = facts["faces_against_ratings"]
    assert isinstance(figures, dict)
    on = f"{facts['photographs_with_faces']} photographs of people with faces"
    rows = []
    for axis, name in enumerate(AXES):
        of, line = figures[name], FACES_LINES[axis]
        known = of["r"] ** 2 if line.slope else 0.0
        rows.append(Stated("faces", axis, FACES_VARIANCE[axis], (1 - known) * PRIOR_VARIANCE,
                           f"{on}: the prior less r²"))  # fmt: skip
        slope, what = of["slope"] if line.slope else 0.0, "faces: how much of a reading counts"
        rows.append(Stated(what, axis, line.slope, slope, on))
    return rows
