"""musicnn (ISC; PyPI musicnn) as an ONNX graph: a log-mel picture of three seconds to fifty tags.

Pons and Serra, *musicnn: pre-trained convolutional neural networks for music audio tagging* (2019):
tall filters hear timbre, wide ones time; three convolutions along time; pooling.
B windows, T frames, M mel bands.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from emsync_training.experts.graph import Graph, Stored

__all__ = ["sound_tags_graph"]

Weights = Mapping[str, NDArray[np.float32]]

FRAMES, BANDS, TAGS = 187, 96, 50
HALF_HEIGHT = 3
NORM_EPSILON = 1e-3
SOURCE = "musicnn, ISC, from PyPI musicnn 0.1.0"


def sound_tags_graph(weights: Weights, stored: Stored) -> onnx.ModelProto:
    """mel (B, 187, 96) → tags (B, 50), probabilities; features (B, 200), the layer before."""
    graph = Graph(stored)
    x = graph.node("Unsqueeze", "mel", graph.integers(1))  # (B, 1, T, M)
    x = _normalised(graph, weights, x, 0, axes=2)
    high = [_heard(graph, weights, x, index, tall=True) for index in (0, 1)]
    wide = [_heard(graph, weights, x, index, tall=False) for index in (2, 3, 4)]
    front = graph.node("Concat", *high, *wide, axis=1)  # (B, 561, T)
    first = _along(graph, weights, front, 5)
    second = graph.node("Add", _along(graph, weights, first, 6), first)
    third = graph.node("Add", _along(graph, weights, second, 7), second)
    x = graph.node("Concat", front, first, second, third, axis=1)  # (B, 753, T)
    pooled = [graph.node(f"Reduce{kind}", x, axes=[2], keepdims=1) for kind in ("Max", "Mean")]
    x = graph.node("Flatten", graph.node("Concat", *pooled, axis=2))  # (B, 1506)
    x = _normalised(graph, weights, x, 9)
    x = graph.node("Relu", graph.linear(x, "dense", *_dense(weights, "dense")))
    x = _normalised(graph, weights, x, 10, output="features")
    x = graph.linear(x, "dense_1", *_dense(weights, "dense_1"))
    graph.node("Sigmoid", x, output="tags")
    return graph.model(
        {"mel": ("B", FRAMES, BANDS)}, {"tags": ("B", TAGS), "features": ("B", 200)}, source=SOURCE
    )


def _heard(graph: Graph, weights: Weights, x: str, index: int, *, tall: bool) -> str:
    """One filter bank of the front: its loudest band at each moment, (B, C, T)."""
    kernel, bias = _convolution(weights, index)  # (C, 1, along time, along bands)
    pads = {"pads": [HALF_HEIGHT, 0, HALF_HEIGHT, 0]} if tall else {"auto_pad": "SAME_UPPER"}
    x = graph.node("Relu", graph.convolution(x, f"front.{index}", kernel, bias, **pads))
    # The norm comes before the maximum in the original. It is the same after it, at a sixtieth of
    # the values: where its gain is below 0, the least value becomes the greatest.
    gain, shift = _norm(weights, index + 1)
    greatest, least = (
        graph.node(f"Reduce{kind}", x, axes=[3], keepdims=0) for kind in ("Max", "Min")
    )
    parts = [
        graph.node("Mul", value, graph.weight(f"front.{index}.{name}", part[:, None]))
        for value, name, part in (
            (greatest, "rising", np.maximum(gain, 0)),
            (least, "falling", np.minimum(gain, 0)),
        )
    ]
    shift_name = graph.weight(f"front.{index}.shift", shift[:, None])
    return graph.node("Add", graph.node("Add", *parts), shift_name)


def _along(graph: Graph, weights: Weights, x: str, index: int) -> str:
    """A convolution along time over all channels, (B, C, T) → (B, 64, T)."""
    kernel, bias = _convolution(weights, index)  # (64, 1, 7, C)
    kernel = np.ascontiguousarray(kernel[:, 0].transpose(0, 2, 1))
    pads = [HALF_HEIGHT, HALF_HEIGHT]
    x = graph.node("Relu", graph.convolution(x, f"middle.{index}", kernel, bias, pads=pads))
    return _normalised(graph, weights, x, index + 1, axes=1)


def _convolution(weights: Weights, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    name = f"conv2d_{index}" if index else "conv2d"
    return weights[f"{name}/kernel"].transpose(3, 2, 0, 1), weights[f"{name}/bias"]


def _dense(weights: Weights, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return weights[f"{name}/kernel"].T, weights[f"{name}/bias"]


def _norm(weights: Weights, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A batch norm as gain and shift."""
    name = f"batch_normalization_{index}" if index else "batch_normalization"
    variance = weights[f"{name}/moving_variance"]
    gain = weights[f"{name}/gamma"] / np.sqrt(variance + NORM_EPSILON)
    return gain, weights[f"{name}/beta"] - weights[f"{name}/moving_mean"] * gain


def _normalised(
    graph: Graph, weights: Weights, x: str, index: int, *, axes: int = 0, output: str = ""
) -> str:
    """axes: how many follow the channels'"""
    shape = (-1, *(1,) * axes)
    gain, shift = (part.reshape(shape) for part in _norm(weights, index))
    x = graph.node("Mul", x, graph.weight(f"norm.{index}.gain", gain))
    return graph.node("Add", x, graph.weight(f"norm.{index}.shift", shift), output=output)
