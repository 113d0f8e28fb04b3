"""The trunk as an ONNX graph, written node by node, so that it holds exactly what the engine runs
fast: one Gather for the five embeddings, packed projections, GroupQueryAttention on a preallocated
buffer.

B batch, T events, D width, G key-value heads, S slots, K inputs and N outputs of a projection.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from emsync_server.composition.representation import (
    CONDITION,
    CONDITION_SIZE,
    EMBEDDINGS,
    MAX_OFFSET_S,
    OFFSETS,
)
from emsync_server.inference.composer_state import SLOTS
from emsync_training.networks.composer import ComposerShape, rotary_tables
from emsync_training.storage import Storage, rounded

CONTRIB = "com.microsoft"
IR_VERSION, OPSET = 8, 17  # old enough for every ONNX Runtime that the package admits


def build_trunk(
    weights: Mapping[str, NDArray[np.float32]], shape: ComposerShape, storage: Storage
) -> onnx.ModelProto:
    """The graph from events and condition to the hidden vector of the last step."""
    graph = _Graph(storage)
    x = _embedded(graph, weights)
    x = graph.node("Add", x, _condition(graph, weights))
    cosine, sine = rotary_tables(SLOTS, shape.head_size, shape.rotary_base)
    graph.constant("cosine", cosine.numpy(), exact=True)
    graph.constant("sine", sine.numpy(), exact=True)
    delta = ""
    for layer in range(shape.layers):
        part = f"blocks.{layer}"
        y, x = _normalised(graph, x, delta, weights[f"{part}.norm_attention.weight"])
        delta = _attention(graph, y, weights, (layer, shape))
        y, x = _normalised(graph, x, delta, weights[f"{part}.norm_feed.weight"])
        delta = _feed_forward(graph, y, weights, part)
    last = graph.integers("last_step", [-1])
    x, delta = (graph.node("Gather", value, last, axis=1) for value in (x, delta))
    hidden, _ = _normalised(graph, x, delta, weights["norm.weight"])
    graph.node("Squeeze", hidden, graph.integers("time_axis", [1]), output="hidden")
    return graph.model(shape)


class _Graph:
    """Nodes and constants under construction."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def node(
        self,
        kind: str,
        *inputs: str,
        output: str = "",
        domain: str | None = None,
        **attributes: float,
    ) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(
                kind,
                inputs,
                [name],
                domain=domain,
                name=None,
                doc_string=None,
                overload=None,
                **attributes,
            )
        )
        return name

    def constant(self, name: str, value: NDArray[np.float32], *, exact: bool = False) -> str:
        """A weight: stored in half precision unless exact, read in single."""
        if exact or self.storage is Storage.SINGLE:
            array = np.ascontiguousarray(value, dtype=np.float32)
            self.constants[name] = numpy_helper.from_array(array, name)
            return name
        stored = f"{name}.half"
        self.constants[stored] = numpy_helper.from_array(value.astype(np.float16), stored)
        return self.node("Cast", stored, output=name, to=TensorProto.FLOAT)

    def projected(self, x: str, name: str, weight: NDArray[np.float32]) -> str:
        """x (…, K) times a block's weight (K, N).

        In eight bits the engine rounds x too, at one scale for all of its rows.
        """
        if self.storage is not Storage.EIGHT_BITS:
            return self.node("MatMul", x, self.constant(name, weight))
        integers, scale = rounded(weight)
        self.constants[f"{name}.int8"] = numpy_helper.from_array(integers, f"{name}.int8")
        self.constants[f"{name}.scale"] = numpy_helper.from_array(scale, f"{name}.scale")
        parts = (x, f"{name}.int8", f"{name}.scale")
        return self.node("DynamicQuantizeMatMul", *parts, domain=CONTRIB)

    def integers(self, name: str, values: list[int]) -> str:
        self.constants[name] = numpy_helper.from_array(np.array(values, np.int64), name)
        return name

    def model(self, shape: ComposerShape) -> onnx.ModelProto:
        cache: list[str | int | None] = ["B", shape.key_value_heads, SLOTS, shape.head_size]
        value = helper.make_tensor_value_info
        kinds = [(kind, layer) for layer in range(shape.layers) for kind in ("key", "value")]
        inputs = [
            value("events", TensorProto.INT64, ("B", "T", len(EMBEDDINGS))),
            value("condition", TensorProto.FLOAT, ("B", "T", CONDITION_SIZE)),
            value("last_slot", TensorProto.INT32, ["B"]),
            value("slots_used", TensorProto.INT32, []),
            *(value(f"past_{k}_{n}", TensorProto.FLOAT, cache) for k, n in kinds),
        ]
        outputs = [
            *(value(f"present_{k}_{n}", TensorProto.FLOAT, cache) for k, n in kinds),
            value("hidden", TensorProto.FLOAT, ["B", shape.width]),
        ]
        graph = helper.make_graph(
            self.nodes, "composer", inputs, outputs, list(self.constants.values())
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _embedded(graph: _Graph, weights: Mapping[str, NDArray[np.float32]]) -> str:
    tables = [weights[f"embeddings.{field}.weight"] for field in range(len(EMBEDDINGS))]
    table = graph.constant("embedding", np.concatenate(tables))
    starts = graph.integers("field_starts", np.cumsum([0, *EMBEDDINGS[:-1]]).tolist())
    rows = graph.node("Add", "events", starts)
    return graph.node(
        "ReduceSum", graph.node("Gather", table, rows), graph.integers("fields", [2]), keepdims=0
    )


def _condition(graph: _Graph, weights: Mapping[str, NDArray[np.float32]]) -> str:
    """The condition's encoding; the offset encodings of the three boundaries run as one."""
    inner = weights["condition.inner.weight"].T.copy()  # (C, N)
    seconds = [CONDITION[f"{name}_s"].start for name in OFFSETS]
    inner[seconds] = 0
    y = graph.node("MatMul", "condition", graph.constant("condition_inner", inner))
    y = graph.node(
        "Add", y, graph.constant("condition_inner_bias", weights["condition.inner.bias"])
    )
    y = graph.node("QuickGelu", y, domain=CONTRIB, alpha=1.0)
    outer = graph.constant("condition_outer", weights["condition.outer.weight"].T)
    plain = graph.node("MatMul", y, outer)

    offset = [f"condition.offsets.{name}" for name in OFFSETS]
    first = np.stack([weights[f"{o}.inner.weight"][:, 0] for o in offset])  # (3, N)
    bias = np.stack([weights[f"{o}.inner.bias"] for o in offset])
    # W1 (8 - s) / 8 + b1 = s * (-W1 / 8) + (W1 + b1)
    columns = graph.integers("offset_columns", seconds)
    flags = graph.integers("flag_columns", [CONDITION[f"{name}_present"].start for name in OFFSETS])
    s = graph.node("Unsqueeze", graph.node("Gather", "condition", columns, axis=2),
                   graph.integers("new_axis", [3]))  # fmt: skip
    present = graph.node("Gather", "condition", flags, axis=2)
    y = graph.node("Mul", s, graph.constant("offset_slope", -first / MAX_OFFSET_S, exact=True))
    y = graph.node("Add", y, graph.constant("offset_start", first + bias, exact=True))
    y = graph.node("Mul", graph.node("Relu", y), graph.node("Unsqueeze", present, "new_axis"))
    y = graph.node("Reshape", y, graph.integers("joined", [0, 0, -1]))
    spread = np.concatenate([weights[f"{o}.outer.weight"].T for o in offset])  # (3 N, D)
    known = graph.node("MatMul", y, graph.constant("offset_outer", spread))
    absent = np.stack([weights[f"{o}.absent"] for o in offset])
    change = np.stack([weights[f"{o}.outer.bias"] for o in offset]) - absent
    flagged = graph.node("MatMul", present, graph.constant("offset_change", change, exact=True))
    base = weights["condition.outer.bias"] + absent.sum(axis=0)
    total = graph.node("Add", graph.node("Add", plain, known), flagged)
    return graph.node("Add", total, graph.constant("condition_base", base, exact=True))


def _normalised(graph: _Graph, x: str, delta: str, gain: NDArray[np.float32]) -> tuple[str, str]:
    """RMSNorm of x + delta, and that sum."""
    name = f"norm_{len(graph.nodes)}"
    weight = graph.constant(f"{name}_gain", gain, exact=True)
    if not delta:
        node = helper.make_node(
            "SimplifiedLayerNormalization", [x, weight], [name], axis=-1, epsilon=1e-6
        )
        graph.nodes.append(node)
        return name, x
    total = f"{name}_sum"
    node = helper.make_node(
        "SkipSimplifiedLayerNormalization", [x, delta, weight], [name, "", "", total],
        domain=CONTRIB, epsilon=1e-6,
    )  # fmt: skip
    graph.nodes.append(node)
    return name, total


def _attention(
    graph: _Graph,
    x: str,
    weights: Mapping[str, NDArray[np.float32]],
    place: tuple[int, ComposerShape],
) -> str:
    layer, shape = place
    part = f"blocks.{layer}.attention"
    packed = np.concatenate([weights[f"{part}.{k}.weight"] for k in ("query", "key", "value")])
    projected = graph.projected(x, f"{part}.packed", packed.T)
    mixed = f"{part}.mixed"
    node = helper.make_node(
        "GroupQueryAttention",
        [projected, "", "", f"past_key_{layer}", f"past_value_{layer}", "last_slot", "slots_used",
         "cosine", "sine"],
        [mixed, f"present_key_{layer}", f"present_value_{layer}"],
        domain=CONTRIB, num_heads=shape.heads, kv_num_heads=shape.key_value_heads, do_rotary=1,
        rotary_interleaved=0,
    )  # fmt: skip
    graph.nodes.append(node)
    return graph.projected(mixed, f"{part}.out", weights[f"{part}.out.weight"].T)


def _feed_forward(
    graph: _Graph, x: str, weights: Mapping[str, NDArray[np.float32]], part: str
) -> str:
    packed = np.concatenate([weights[f"{part}.gate.weight"], weights[f"{part}.up.weight"]])
    both = graph.projected(x, f"{part}.gate_up", packed.T)
    gate, up = f"{part}.gate_out", f"{part}.up_out"
    graph.nodes.append(helper.make_node("Split", [both], [gate, up], axis=-1))
    active = graph.node("QuickGelu", gate, domain=CONTRIB, alpha=1.0)
    down = weights[f"{part}.down.weight"].T
    return graph.projected(graph.node("Mul", active, up), f"{part}.down_weight", down)
