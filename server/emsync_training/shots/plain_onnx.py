"""ONNX files as the server takes them: constants lie beside the nodes, never inside them."""

from __future__ import annotations

from typing import Any

from onnx import ModelProto


def take_constants_out(model: ModelProto) -> None:
    """Turn each Constant node into an initializer of the same name. Changes `model`."""
    kept: list[Any] = []
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constant = node.attribute[0].t
            constant.name = node.output[0]
            model.graph.initializer.append(constant)
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
