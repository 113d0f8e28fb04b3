"""ONNX graphs written node by node: plain operators, weights beside them, nothing folded or hidden.

Files from exporters hold constants inside nodes, shape arithmetic and nested graphs; ours hold
only what the server's reader admits (`emsync_server.inference.onnx_reading`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Graph", "Stored"]

Floats = NDArray[np.float32]

IR_VERSION, OPSET = 8, 17  # old enough for every ONNX Runtime that the package admits
FEW = 512
"""Weights with fewer values stay in single precision: they cost nothing."""


class Stored(Enum):
    """How the weights lie in the file; all are widened when the session loads."""

    SINGLE = "float32"
    HALF = "float16"
    EIGHT_BITS = "int8"
    """One scale for each of the first axis."""


class Graph:
    """Nodes and constants under construction."""

    def __init__(self, stored: Stored = Stored.SINGLE) -> None:
        self._stored = stored
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:  # noqa: ANN401 - as ONNX has them
        """One node of one output; returns the output's name."""
        name = output or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def exact(self, name: str, value: NDArray[Any] | np.generic) -> str:
        """A constant as it is."""
        self._constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def integers(self, *values: int) -> str:
        """Axes, shapes and the like, (N,)."""
        return self.exact("_".join(["i", *map(str, values)]), np.array(values, np.int64))

    def weight(self, name: str, value: Floats) -> str:
        """A weight, stored as the graph stores its weights."""
        value = np.ascontiguousarray(value, np.float32)
        if self._stored is Stored.SINGLE or value.size < FEW:
            return self.exact(name, value)
        if self._stored is Stored.HALF:
            return self.node("Cast", self.exact(f"{name}.half", value.astype(np.float16)),
                             output=name, to=TensorProto.FLOAT)  # fmt: skip
        largest = np.abs(value).reshape(len(value), -1).max(axis=1)
        scale = (np.where(largest == 0, 1, largest) / 127).astype(np.float32)
        shaped = scale.reshape(-1, *(1,) * (value.ndim - 1))
        integers = np.rint(value / shaped).astype(np.int8)
        parts = (self.exact(f"{name}.int8", integers), self.exact(f"{name}.scale", scale))
        return self.node("DequantizeLinear", *parts, output=name, axis=0)

    def convolution(
        self,
        x: str,
        name: str,
        kernel: Floats,
        bias: Floats,
        **attributes: Any,  # noqa: ANN401
    ) -> str:
        """A convolution. kernel: (out, in / groups, height, width)"""
        parts = (self.weight(f"{name}.weight", kernel), self.weight(f"{name}.bias", bias))
        return self.node("Conv", x, *parts, **attributes)

    def linear(self, x: str, name: str, weight: Floats, bias: Floats) -> str:
        """weight: (out, in)"""
        parts = (self.weight(f"{name}.weight", weight), self.weight(f"{name}.bias", bias))
        return self.node("Gemm", x, *parts, transB=1)

    def model(
        self,
        inputs: Mapping[str, Sequence[int | str]],
        outputs: Mapping[str, Sequence[int | str]],
        *,
        source: str,
        whole: frozenset[str] = frozenset(),
    ) -> onnx.ModelProto:
        """The checked graph. Shapes: numbers, or letters for what may vary; `whole`: inputs that
        are whole numbers."""
        values = [
            [helper.make_tensor_value_info(
                name, TensorProto.INT64 if name in whole else TensorProto.FLOAT, shape)
             for name, shape in each.items()]
            for each in (inputs, outputs)
        ]  # fmt: skip
        constants = list(self._constants.values())
        graph = helper.make_graph(self._nodes, "expert", values[0], values[1], constants)
        domains = {node.domain for node in self._nodes if node.domain}
        opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(d, 1) for d in domains)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        model.producer_name = "emsync"
        model.doc_string = source
        onnx.checker.check_model(model)
        return model
