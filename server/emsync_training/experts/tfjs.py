"""Reads TensorFlow.js models (JSON beside bare bytes) and writes them as ONNX graphs.

Only what small convolutional networks are made of; pictures turn from (B, H, W, C) to (B, C, H, W).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_training.experts.graph import Graph

__all__ = ["Topology", "read_weights"]

Node = Mapping[str, Any]
CHANNELS_FIRST = (3, 2, 0, 1)
"""Kernels are (height, width, in, out) there and (out, in, height, width) here."""


def read_weights(manifest: Iterable[Mapping[str, Any]], folder: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a weights manifest, by name; what was rounded to integers is widened."""
    arrays = {}
    for group in manifest:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        at = 0
        for entry in group["weights"]:
            rounding = entry.get("quantization", {})
            kind = np.dtype(rounding.get("dtype", entry["dtype"]))
            count = math.prod(entry["shape"])
            array = np.frombuffer(data, kind, count, at).reshape(entry["shape"])
            at += count * kind.itemsize
            if "scale" in rounding:
                array = (array * rounding["scale"] + rounding["min"]).astype(np.float32)
            arrays[entry["name"]] = array.astype(entry["dtype"])
    return arrays


class Topology:
    """A graph model, walked back from the outputs that are wanted."""

    def __init__(self, path: Path) -> None:
        """Read a model's JSON and the weights that it names."""
        model = json.loads(path.read_text(encoding="utf-8"))
        self._nodes: dict[str, Node] = {n["name"]: n for n in model["modelTopology"]["node"]}
        self._weights = read_weights(model["weightsManifest"], path.parent)
        self._written: dict[str, str] = {}

    def write(self, graph: Graph, name: str, *, given: Mapping[str, str]) -> str:
        """Write a node and all that it needs; `given` names what stands for the placeholders.

        Returns the output's name in the graph.
        """
        name = name.partition(":")[0]
        if name in given:
            return given[name]
        if name not in self._written:
            node = self._nodes[name]
            self._written[name] = self._operation(graph, node, given)
        return self._written[name]

    def _operation(self, graph: Graph, node: Node, given: Mapping[str, str]) -> str:
        kind, inputs = node["op"], node.get("input", [])
        if "Conv" in kind:
            return self._convolution(graph, node, given)
        x = self.write(graph, inputs[0], given=given)
        if kind == "Identity":
            return x
        if kind == "Pad":
            pads = self._weights[inputs[1]][[0, 3, 1, 2]]
            return graph.node("Pad", x, graph.integers(*pads[:, 0], *pads[:, 1]))
        if kind == "AddV2":
            return graph.node("Add", x, self.write(graph, inputs[1], given=given))
        if kind == "DepthToSpace":
            return graph.node("DepthToSpace", x, blocksize=int(node["attr"]["block_size"]["i"]))
        if kind == "ResizeBilinear":
            scales = graph.exact("twice", np.array([1, 1, 2, 2], np.float32))
            return graph.node("Resize", x, "", scales, mode="linear")
        if kind == "Reshape":
            x = graph.node("Transpose", x, perm=[0, 2, 3, 1])
            sizes = [int(self._weights[each]) for each in self._nodes[inputs[1]]["input"][1:]]
            return graph.node("Reshape", x, graph.integers(0, *sizes))
        if kind == "ConcatV2":
            parts = [self.write(graph, each, given=given) for each in inputs[:-1]]
            return graph.node("Concat", *parts, axis=int(self._weights[inputs[-1]]))
        if kind in ("Relu", "Softmax"):
            return graph.node(kind, x)
        raise ValueError(f"the model's operator {kind} has no translation")

    def _convolution(self, graph: Graph, node: Node, given: Mapping[str, str]) -> str:
        """With the bias, the rectifier and the padding around it, if it has them."""
        attributes, inputs = node["attr"], list(node["input"])
        pads, before = [0, 0, 0, 0], self._nodes.get(inputs[0])
        if before is not None and before["op"] == "Pad":
            wanted = self._weights[before["input"][1]]
            if not wanted[[0, 3]].any():
                pads = [*wanted[1:3, 0].tolist(), *wanted[1:3, 1].tolist()]
                inputs[0] = before["input"][0]
        kernel = self._weights[inputs[1]]
        deep = "Depthwise" in node["op"]
        kernel = kernel.transpose((2, 3, 0, 1) if deep else CHANNELS_FIRST)
        same = base64.b64decode(attributes["padding"]["s"]) == b"SAME"
        x = graph.convolution(
            self.write(graph, inputs[0], given=given),
            node["name"],
            kernel,
            self._weights[inputs[2]] if len(inputs) > 2 else np.zeros(len(kernel), np.float32),
            strides=[int(side) for side in attributes["strides"]["list"]["i"][1:3]],
            group=len(kernel) if deep else 1,
            **({"auto_pad": "SAME_UPPER"} if same else {"pads": pads}),
        )
        fused = attributes.get("fused_ops", {}).get("list", {}).get("s", [])
        return graph.node("Relu", x) if base64.b64encode(b"Relu").decode() in fused else x
