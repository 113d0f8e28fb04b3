"""The published networks as ONNX files, with their probabilities as the output.

B batch, T steps (all known when the file is written), D width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn

from emsync_server.spotting.experts.description import INPUT, OUTPUT
from emsync_training.experts.graph import Graph
from emsync_training.film_features.scaling import Scaling
from emsync_training.networks.attention_fusion import HEADS as FUSION_HEADS
from emsync_training.networks.attention_fusion import TO, AttentionFusion
from emsync_training.networks.genre import HEADS, WIDTH, GenreMLP, MultiTransformer
from emsync_training.networks.genre import SingleTransformer as Transformer

__all__ = ["network_graph"]

Floats = NDArray[np.float32]
NORM_EPSILON = 1e-5  # PyTorch's


def network_graph(network: nn.Module, scaling: Scaling, *, one_label: bool) -> onnx.ModelProto:
    """features.NAME (B, T, size) or (B, size) each → probabilities (B, C), which sum to one where a
    film has one label."""
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    writer = _Writer(Graph(), state, scaling)
    writers: Mapping[type[nn.Module], Callable[[], str]] = {
        AttentionFusion: lambda: writer.fusion(network),
        Transformer: lambda: writer.linear(
            writer.transformer(sorted(scaling.modalities)), "output"
        ),
        MultiTransformer: writer.transformers,
        GenreMLP: writer.plain,
    }
    logits = writers[type(network)]()
    graph = writer.graph
    if one_label:
        graph.node("Softmax", logits, output=OUTPUT, axis=-1)
    else:
        graph.node("Sigmoid", logits, output=OUTPUT)
    inputs: dict[str, tuple[int | str, ...]] = {
        f"{INPUT}{name}": ("B", scaling.steps, each.size) if each.is_sequence else ("B", each.size)
        for name, each in scaling.modalities.items()
    }
    outputs = {OUTPUT: ("B", writer.classes)}
    return graph.model(inputs, outputs, source="trained by its user")


class _Writer:
    """Writes the parts of a network into a graph."""

    def __init__(self, graph: Graph, state: Mapping[str, Floats], scaling: Scaling) -> None:
        self.graph, self.state, self.scaling = graph, state, scaling
        self.classes = 0

    def fusion(self, network: nn.Module) -> str:
        """As `AttentionFusion.forward` has it."""
        assert isinstance(network, AttentionFusion)
        projected = {name: self.linear(f"{INPUT}{name}", f"project.{name}")
                     for name in self.scaling.modalities}  # fmt: skip
        blocks = {name: projected[name] for name in network.texts}
        if not network.pairs:
            blocks |= {name: self._mean(projected[name]) for name in network.sequences}
        parts = {
            (name, part): self.linear(projected[name], f"parts.{name}.{part}")
            for name in (network.sequences if network.pairs else ())
            for part in ("query", "key", "value")
        }
        for name in network.pairs:
            one, other = name.split(TO)
            inputs = (parts[one, "query"], parts[other, "key"], parts[other, "value"])
            mixed = self._attention(*inputs, f"pairs.{name}.attention", FUSION_HEADS)
            blocks[name] = self._mean(self._norm(mixed, f"pairs.{name}.norm"))
        joined = self._joined([blocks[name] for name in sorted(blocks)])
        return self.linear(self.graph.node("Relu", joined), "output")

    def transformer(self, names: list[str], part: str = "") -> str:
        """The first place of a sequence of modalities, (B, D); as `SingleTransformer` has it."""
        graph, width = self.graph, WIDTH
        first = self.graph.integers(0)
        batch = graph.node("Slice", graph.node("Shape", f"{INPUT}{names[0]}"), first,
                           graph.integers(1))  # fmt: skip
        shape = graph.node("Concat", batch, graph.integers(1, width), axis=0)

        def alone(name: str) -> str:
            value = graph.exact(f"{part}{name}", self.state[f"{part}{name}"].reshape(1, 1, width))
            return graph.node("Expand", value, shape)

        rows, length = [alone("first")], 1
        separator = alone("separator")
        for name in names:
            steps = self.linear(self._stepped(name), f"{part}project.{name}")
            rows += [steps, separator]
            length += 1 + (self.scaling.steps if self.scaling.modalities[name].is_sequence else 1)
        places = graph.exact(f"{part}positions", self.state[f"{part}positions"][:length])
        x = graph.node("Add", graph.node("Concat", *rows, axis=1), places)
        return graph.node("Gather", self._layer(x, f"{part}encoder"),
                          graph.exact("zero", np.int64(0)), axis=1)  # fmt: skip

    def transformers(self) -> str:
        """As `MultiTransformer` has it."""
        firsts = [self.transformer([n], f"parts.{n}.") for n in sorted(self.scaling.modalities)]
        return self.linear(self.graph.node("Relu", self._joined(firsts)), "output")

    def plain(self) -> str:
        """As `GenreMLP` has it."""
        means = [self._mean(self._stepped(name)) for name in sorted(self.scaling.modalities)]
        hidden = self.graph.node("Relu", self.linear(self._joined(means), "layers.0"))
        return self.linear(hidden, "layers.3")

    def linear(self, x: str, name: str) -> str:
        """(…, in) to (…, out)"""
        weight = self.state[f"{name}.weight"]
        self.classes = len(weight)  # of the last one
        product = self.graph.node("MatMul", x, self.graph.exact(f"{name}.weight", weight.T))
        bias = self.graph.exact(f"{name}.bias", self.state[f"{name}.bias"])
        return self.graph.node("Add", product, bias)

    def _layer(self, x: str, name: str) -> str:
        """Attention, then a ReLU feed-forward, each added and then normalised. (B, T, D)"""
        graph = self.graph
        attended = self._attention(x, x, x, f"{name}.self_attn", HEADS)
        x = self._norm(graph.node("Add", x, attended), f"{name}.norm1")
        inner = graph.node("Relu", self.linear(x, f"{name}.linear1"))
        return self._norm(graph.node("Add", x, self.linear(inner, f"{name}.linear2")),
                          f"{name}.norm2")  # fmt: skip

    def _attention(self, query: str, key: str, value: str, name: str, heads: int) -> str:
        """`nn.MultiheadAttention`: (B, T, D) each to (B, T, D)"""
        graph = self.graph
        weights = np.split(self.state[f"{name}.in_proj_weight"], 3)
        biases = np.split(self.state[f"{name}.in_proj_bias"], 3)
        width = len(weights[0])
        split = graph.integers(0, 0, heads, width // heads)
        made = []
        for at, x in enumerate((query, key, value)):
            product = graph.node("MatMul", x, graph.exact(f"{name}.{at}.weight", weights[at].T))
            total = graph.node("Add", product, graph.exact(f"{name}.{at}.bias", biases[at]))
            made.append(graph.node("Reshape", total, split))
        query, value = (graph.node("Transpose", made[at], perm=[0, 2, 1, 3]) for at in (0, 2))
        key = graph.node("Transpose", made[1], perm=[0, 2, 3, 1])
        scale = graph.exact(f"{name}.scale", np.float32((width // heads) ** -0.5))
        logits = graph.node("Mul", graph.node("MatMul", query, key), scale)
        mixed = graph.node("MatMul", graph.node("Softmax", logits, axis=-1), value)
        back = graph.node("Transpose", mixed, perm=[0, 2, 1, 3])
        joined = graph.node("Reshape", back, graph.integers(0, 0, width))
        return self.linear(joined, f"{name}.out_proj")

    def _norm(self, x: str, name: str) -> str:
        parts = (self.graph.exact(f"{name}.{part}", self.state[f"{name}.{part}"])
                 for part in ("weight", "bias"))  # fmt: skip
        return self.graph.node("LayerNormalization", x, *parts, axis=-1, epsilon=NORM_EPSILON)

    def _stepped(self, name: str) -> str:
        """A single vector is a sequence of one."""
        x = f"{INPUT}{name}"
        if self.scaling.modalities[name].is_sequence:
            return x
        return self.graph.node("Unsqueeze", x, self.graph.integers(1))

    def _mean(self, x: str) -> str:
        """Over time: (B, T, D) to (B, D)"""
        return self.graph.node("ReduceMean", x, axes=[1], keepdims=0)

    def _joined(self, parts: list[str]) -> str:
        return self.graph.node("Concat", *parts, axis=-1)
