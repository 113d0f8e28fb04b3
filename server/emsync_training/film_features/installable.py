"""A trained network as the two files that `emsync models import` takes: its graph, and what is
known of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from emsync_server.outputs import replacing_file
from emsync_server.spotting.experts import Ekman
from emsync_server.spotting.experts.circumplex import table
from emsync_server.spotting.experts.description import Description
from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE
from emsync_training.film_features.films import FilmSet
from emsync_training.film_features.graph import network_graph
from emsync_training.film_features.scaling import Scaling

__all__ = ["error_variance", "write_installable"]

Floats = NDArray[np.float64]

FEW = 5
"""So many films more are taken to have told nothing: a handful that came out right is luck."""
NEUTRAL = "neutral"


def write_installable(
    network: nn.Module,
    scaling: Scaling,
    classes: Sequence[str],
    out: Path,
    *,
    one_label: bool,
    test: FilmSet | None = None,
    scores: Floats | None = None,
    facts: object = None,
) -> None:
    """Write `fusion.onnx` and `fusion.json`, or `genre` ones, both or neither.

    one_label: a fusion, not a genre network · test, scores: films that it had not seen, and its
    probabilities (N, C) of them; left out: nobody measured · facts: figures, for people
    """
    variance = None
    if one_label and test is not None and scores is not None:
        variance = error_variance(scores, test.labels, classes)
    name = "fusion" if one_label else "genre"
    films = 0 if test is None else len(test.names)
    side = Description(tuple(classes), scaling.steps, scaling.modalities, variance, films)
    graph = network_graph(network.eval(), scaling, one_label=one_label)
    with (
        replacing_file(out / f"{name}.onnx") as weights,
        replacing_file(out / f"{name}.json") as told,
    ):
        weights.write_bytes(graph.SerializeToString())
        told.write_text(side.json(test=facts), encoding="utf-8")


def error_variance(
    scores: Floats, labels: NDArray[np.floating], classes: Sequence[str]
) -> tuple[float, float] | None:
    """How far what a network says lies from what is felt, valence and arousal; None where its
    classes are not basic emotions. scores, labels: (N, C)

    The mean squared distance on the circumplex between what its probabilities stand for and what
    the labels do, and the width that an emotion has there by itself: in the table's own units,
    since the means alone are stretched.
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
    valence, arousal = (off.sum(axis=0) + FEW * PRIOR_VARIANCE) / (len(off) + FEW)
    return round(float(valence), 4), round(float(arousal), 4)
