"""A trained network as the two files that `emsync models import` takes: its graph, and what is
known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from emsync_server.outputs import replacing_file
from emsync_server.spotting.experts.description import Description
from emsync_training.film_features.graph import network_graph
from emsync_training.film_features.held_out import Measured
from emsync_training.film_features.scaling import Scaling

__all__ = ["write_installable"]


def write_installable(
    network: nn.Module,
    scaling: Scaling,
    classes: Sequence[str],
    out: Path,
    *,
    one_label: bool,
    measured: Measured | None = None,
    experts: Mapping[str, str] | None = None,
) -> None:
    """Write `fusion.onnx` and `fusion.json`, or `genre` ones, both or neither.

    one_label: a fusion, not a genre network · measured: None where nobody did · experts: which made
    the features, as `extraction.py` writes them down
    """
    name = "fusion" if one_label else "genre"
    side = Description(
        tuple(classes),
        scaling.steps,
        scaling.modalities,
        measured.variance if measured else None,
        measured.films if measured else 0,
        experts or {},
    )
    graph = network_graph(network.eval(), scaling, one_label=one_label)
    with (
        replacing_file(out / f"{name}.onnx") as weights,
        replacing_file(out / f"{name}.json") as told,
    ):
        weights.write_bytes(graph.SerializeToString())
        told.write_text(side.json(test=measured and measured.figures), encoding="utf-8")
