"""A trained composer as files: trunk (ONNX), heads (safetensors), vocabulary (JSON).

The graph is written node by node, so that it holds exactly what the engine runs fast: one Gather
for the five embeddings, packed projections, GroupQueryAttention on a preallocated buffer. Weights
are stored in half precision and widened when the session loads.
B batch, T events, D width, G key-value heads, S slots.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from emsync_server.composition.representation import (
    CONDITION,
    CONDITION_SIZE,
    EMBEDDINGS,
    MAX_OFFSET_S,
    OFFSETS,
    vocabulary,
)
from emsync_server.inference.composer_session import HEADS_FILE, SIDE_FILE, SLOTS, TRUNK_FILE
from emsync_server.models import file_sha256
from emsync_training.networks.composer import Composer, ComposerShape, rotary_tables

CONTRIB = "com.microsoft"
IR_VERSION, OPSET = 8, 17  # old enough for every ONNX Runtime that the package admits


def export_composer(
    network: Composer, folder: Path, *, facts: Mapping[str, Any], half: bool = True
) -> None:
    """Write the three files of a composer; `facts` (training step, data, …) go into the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().float().numpy() for name, value in network.state_dict().items()}
    model = build_trunk(weights, network.shape, half=half)
    _replace(folder / TRUNK_FILE, model.SerializeToString())
    heads = {
        name: np.ascontiguousarray(value.astype(np.float16 if half else np.float32))
        for name, value in weights.items()
        if name.startswith(("heads.", "chained."))
    }
    _replace(folder / HEADS_FILE, save(heads))
    side = vocabulary() | {"network": network.shape.as_dict(), "training": dict(facts)}
    _replace(folder / SIDE_FILE, (json.dumps(side, indent=1) + "\n").encode())


def register_composer(folder: Path) -> None:
    """Write the composer's row of the registry beside its files."""
    path = folder / "registry.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows["composer"] = {
        "licence": "Apache-2.0",
        "url": None,
        "files": {name: file_sha256(folder / name) for name in (TRUNK_FILE, HEADS_FILE, SIDE_FILE)},
        "takes": f"events (B, T, 5) int64 and condition (B, T, {CONDITION_SIZE}) float32",
        "gives": "hidden (B, 384) float32; the heads file turns it into logits of five fields",
        "card": "composer.md",
    }
    _replace(path, (json.dumps(rows, indent=1, sort_keys=True) + "\n").encode())


def build_trunk(
    weights: Mapping[str, NDArray[np.float32]], shape: ComposerShape, *, half: bool
) -> onnx.ModelProto:
    """The graph from events and condition to the hidden vector of the last step."""
    graph = _Graph(half=half)
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

    def __init__(self, *, half: bool) -> None:
        self.half = half
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
        if not self.half or exact:
            array = np.ascontiguousarray(value, dtype=np.float32)
            self.constants[name] = numpy_helper.from_array(array, name)
            return name
        stored = f"{name}.half"
        self.constants[stored] = numpy_helper.from_array(value.astype(np.float16), stored)
        return self.node("Cast", stored, output=name, to=TensorProto.FLOAT)

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
    projected = graph.node("MatMul", x, graph.constant(f"{part}.packed", packed.T))
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
    return graph.node(
        "MatMul", mixed, graph.constant(f"{part}.out", weights[f"{part}.out.weight"].T)
    )


def _feed_forward(
    graph: _Graph, x: str, weights: Mapping[str, NDArray[np.float32]], part: str
) -> str:
    packed = np.concatenate([weights[f"{part}.gate.weight"], weights[f"{part}.up.weight"]])
    both = graph.node("MatMul", x, graph.constant(f"{part}.gate_up", packed.T))
    gate, up = f"{part}.gate_out", f"{part}.up_out"
    graph.nodes.append(helper.make_node("Split", [both], [gate, up], axis=-1))
    active = graph.node("QuickGelu", gate, domain=CONTRIB, alpha=1.0)
    down = graph.constant(f"{part}.down_weight", weights[f"{part}.down.weight"].T)
    return graph.node("MatMul", graph.node("Mul", active, up), down)


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
