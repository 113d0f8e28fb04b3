"""Silero's voice detector (MIT; PyPI silero-vad) as a graph that reads many windows side by side.

B windows, T steps of 32 ms in each. The original reads one stream step by step.
"""

from __future__ import annotations

import onnx
from onnx import numpy_helper

from emsync_training.experts.graph import Graph, Stored

__all__ = ["speech_graph"]

STEP = 64 + 512
"""Samples that a step sees: 64 of the step before, 512 of its own."""
MIRRORED = 64
HIDDEN = 128
BINS = 129
SOURCE = "Silero VAD 6.2, 16 kHz, MIT, from PyPI silero-vad 6.2.3"


def speech_graph(original: onnx.ModelProto, stored: Stored) -> onnx.ModelProto:
    """steps (B, T, 576) of 16 kHz sound → speech (B, T): probability that it is speech.

    original: `silero_vad_16k_sequence.onnx` of the package
    """
    weights = {each.name: numpy_helper.to_array(each) for each in original.graph.initializer}
    graph = Graph(stored)
    x = graph.node("Reshape", "steps", graph.integers(-1, 1, STEP))
    x = graph.node("Pad", x, graph.integers(0, 0, 0, 0, 0, MIRRORED), mode="reflect")
    x = graph.node(
        "Conv", x, graph.weight("basis", weights["stft.forward_basis_buffer"]), strides=[128]
    )
    middle = graph.integers(BINS)
    parts = [
        graph.node("Slice", x, *ends, graph.integers(1))
        for ends in ((graph.integers(0), middle), (middle, graph.integers(2 * BINS)))
    ]
    squares = [graph.node("Mul", part, part) for part in parts]
    x = graph.node("Sqrt", graph.node("Add", *squares))  # (B T, 129, 4)
    for index, stride in enumerate((1, 2, 2, 1)):
        kernel, bias = (weights[f"encoder.{index}.{part}"] for part in ("weight", "bias"))
        x = graph.convolution(x, f"encoder.{index}", kernel, bias, strides=[stride], pads=[1, 1])
        x = graph.node("Relu", x)
    lengths = graph.node("Shape", "steps", start=0, end=2)
    x = graph.node("Reshape", x, graph.node("Concat", lengths, graph.integers(HIDDEN), axis=0))
    x = graph.node("Transpose", x, perm=[1, 0, 2])  # (T, B, 128)
    memory = next(node for node in original.graph.node if node.op_type == "LSTM").input[1:4]
    x = graph.node(
        "LSTM",
        x,
        *(graph.weight(f"lstm.{index}", weights[name]) for index, name in enumerate(memory)),
        hidden_size=HIDDEN,
    )  # (T, 1, B, 128)
    x = graph.node("Relu", graph.node("Squeeze", x, graph.integers(1)))
    last = graph.weight("final.weight", weights["output.weight"].reshape(1, HIDDEN).T)
    x = graph.node("MatMul", x, last)
    x = graph.node("Add", x, graph.weight("final.bias", weights["output.bias"]))
    x = graph.node("Squeeze", graph.node("Sigmoid", x), graph.integers(2))
    graph.node("Transpose", x, perm=[1, 0], output="speech")
    return graph.model({"steps": ("B", "T", STEP)}, {"speech": ("B", "T")}, source=SOURCE)
