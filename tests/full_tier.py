"""Stand-ins for weights of the full tier: networks of the same shapes and file formats that look at
next to nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_scene_stand_in(path: Path, damage: str = "") -> None:
    """A network of CLIP's shapes: the means of the three colours, over and over."""
    from emsync_training.experts.graph import Graph

    graph = Graph()
    x = graph.node("Flatten", graph.node("GlobalAveragePool", "pixel_values"))
    weight = graph.exact("weight", np.resize(np.eye(3, dtype=np.float32), (512, 3)).T.copy())
    x = graph.node("MatMul", x, weight)
    if damage == "layers":
        x = graph.node("Reshape", x, graph.integers(7, 512))
    if damage == "numbers":
        x = graph.node("Sqrt", graph.node("Neg", graph.node("Abs", x)))
    graph.node("Identity", x, output="image_embeds")
    shapes = {"pixel_values": ("B", 3, 224, 224)}, {"image_embeds": ("B", 512)}
    _write(graph, path, *shapes)


def write_sound_stand_in(path: Path) -> None:
    """A network of BEATs' shapes: the mean of the bands, over and over."""
    from emsync_training.experts.graph import Graph

    graph = Graph()
    mean = graph.node("ReduceMean", "fbank", axes=[2], keepdims=1)
    weight = graph.exact("weight", np.ones((1, 768), np.float32))
    graph.node("MatMul", mean, weight, output="features")
    _write(graph, path, {"fbank": ("B", "T", 128)}, {"features": ("B", "T", 768)})


def _write(graph, path, inputs, outputs) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.model(inputs, outputs, source="stand-in").SerializeToString())
