"""How good a network is on films that it had not seen: figures of whole films, and how far off it
is on stretches as long as shots, which is what spotting asks it about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from emsync_server.spotting.experts import Ekman
from emsync_server.spotting.experts.circumplex import table
from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE
from emsync_training.film_features.films import Features, FilmSet
from emsync_training.film_features.measures import figures
from emsync_training.film_features.scaling import Scaling
from emsync_training.film_features.training import FilmTraining, scores_of

__all__ = ["Measured", "cut_up", "error_variance", "measured_on"]

Floats = NDArray[np.float64]

A_SHOT = 3
"""Steps of the longest sequence in a stretch: a picture each two seconds, and one after the cut."""
FEW = 5
"""So many films more are taken to have told nothing: a handful that came out right is luck."""
NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found on the test split."""

    films: int
    figures: dict[str, object]
    variance: tuple[float, float] | None
    """Of valence and arousal; None where the classes are not basic emotions."""


def measured_on(
    test: FilmSet, network: nn.Module, scaling: Scaling, settings: FilmTraining
) -> Measured:
    """Measure a network on films of which each modality is one that it reads."""
    scores = scores_of(network, test, scaling, settings)
    found = figures(scores, test.labels.astype(np.float64), one_label=settings.one_label)
    variance = None
    if settings.one_label:
        pieces, of_film = cut_up(test)
        scores = scores_of(network, pieces, scaling, settings)
        variance = error_variance(scores, pieces.labels, test.classes, of_film)
    return Measured(len(test.names), found, variance)


def cut_up(films: FilmSet) -> tuple[FilmSet, NDArray[np.int64]]:
    """The films in stretches as long as shots, and which film each is of. A text is of the whole
    film and stays so: who said it when is not in the features."""
    parts: list[Features] = []
    of_film: list[int] = []
    for at, film in enumerate(films.features):
        longest = max((len(array) for array in film.values() if array.ndim == 2), default=1)
        count = -(-longest // A_SHOT)
        parts += [_part(film, piece, count) for piece in range(count)]
        of_film += [at] * count
    places = np.array(of_film, np.int64)
    names = tuple(films.names[at] for at in of_film)
    cut = replace(films, names=names, features=tuple(parts), labels=films.labels[places],
                  split=films.split[places])  # fmt: skip
    return cut, places


def _part(film: Features, piece: int, count: int) -> Features:
    """One of `count` parts; a sequence that is too short to be in it is missing."""
    part: Features = {}
    for name, array in film.items():
        kept = array
        if array.ndim == 2:
            kept = array[piece * len(array) // count : (piece + 1) * len(array) // count]
        if len(kept):
            part[name] = kept
    return part


def error_variance(
    scores: Floats,
    labels: NDArray[np.floating],
    classes: Sequence[str],
    of_film: NDArray[np.int64],
) -> tuple[float, float] | None:
    """How far what a network says lies from what is felt, valence and arousal; None where its
    classes are not basic emotions. scores, labels: (N, C) of stretches · of_film: (N,)

    The mean squared distance on the circumplex between what its probabilities stand for and what
    the labels do, each film counting once, and the width that an emotion has there by itself: in
    the table's own units, since the means alone are stretched.
    """
    rows = {each.value: at for at, each in enumerate(Ekman)}
    if not set(classes) <= rows.keys() | {NEUTRAL}:
        return None
    places, widths = np.zeros((len(classes), 2)), np.zeros((len(classes), 2))
    for at, name in enumerate(classes):
        if name != NEUTRAL:
            places[at] = table()[0][rows[name]]
            widths[at] = table(stretched=False)[1][rows[name]] ** 2
    off = np.square((scores - labels) @ places) + labels @ widths  # (N, 2)
    films = np.array([off[of_film == film].mean(axis=0) for film in np.unique(of_film)])
    valence, arousal = (films.sum(axis=0) + FEW * PRIOR_VARIANCE) / (len(films) + FEW)
    return round(float(valence), 4), round(float(arousal), 4)
