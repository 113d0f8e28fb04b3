"""The fine-tuned encoder with its head as one ONNX file: eight-bit layers, four-bit word vectors.

All weights are widened when they are used: what is computed is computed in single precision.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from emsync_training.experts.graph import Graph, Stored
from emsync_training.networks.sentence_encoder import NORM_EPSILON, EncoderShape
from emsync_training.text_emotion.calibration import Calibration

__all__ = ["text_graph"]

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]

SOURCE = "all-MiniLM-L6-v2 (Apache-2.0), fine-tuned on GoEmotions"
FOUR_BITS = 15
"""Levels but one of a word vector's component."""


def text_graph(
    weights: Weights,
    shape: EncoderShape,
    calibration: Calibration,
    kept: NDArray[np.int64],
    *,
    most_tokens: int,
    stored: Stored = Stored.EIGHT_BITS,
) -> onnx.ModelProto:
    """tokens (B, T) int64, is_token (B, T) float → probabilities (B, 7). `kept`: (V,) rows of the
    word vectors that the file has.
    """
    graph = Graph(stored)
    writer = _Writer(graph, weights, shape)
    x = writer.embedded(kept, most_tokens, four_bits=stored is Stored.EIGHT_BITS)
    ones = graph.exact("one", np.float32(1))
    away = graph.node("Mul", graph.node("Sub", "is_token", ones),
                      graph.exact("far", np.float32(1e4)))  # fmt: skip
    mask = graph.node("Unsqueeze", away, graph.integers(1, 2))  # (B, 1, 1, T)
    for index in range(shape.layers):
        x = writer.layer(x, mask, f"encoder.layer.{index}")
    logits = writer.head(x)
    slope, shift = (
        graph.exact(name, np.asarray(value, np.float32))
        for name, value in (("slope", calibration.slope), ("shift", calibration.shift))
    )
    line = graph.node("Add", graph.node("Mul", logits, slope), shift)
    graph.node("Sigmoid", line, output="probabilities")
    return graph.model(
        {"tokens": ("B", "T"), "is_token": ("B", "T")},
        {"probabilities": ("B", shape.emotions)},
        source=SOURCE,
        whole=frozenset({"tokens"}),
    )


class _Writer:
    """Writes the parts of the network into a graph."""

    def __init__(self, graph: Graph, weights: Weights, shape: EncoderShape) -> None:
        self.graph, self.weights, self.shape = graph, weights, shape

    def embedded(self, kept: NDArray[np.int64], most_tokens: int, *, four_bits: bool) -> str:
        """(B, T, D)"""
        graph, name = self.graph, "embeddings.word_embeddings"
        table = self.weights[f"{name}.weight"][kept]
        words = self._four_bits(table) if four_bits else self._plain(table)
        places = self.weights["embeddings.position_embeddings.weight"][:most_tokens]
        places = places + self.weights["embeddings.token_type_embeddings.weight"][0]
        length = graph.node("Slice", graph.node("Shape", "tokens"), *map(graph.integers, (1, 2)))
        place = graph.node("Slice", graph.weight("places", places), graph.integers(0), length)
        return self._norm(graph.node("Add", words, place), "embeddings.LayerNorm")

    def _plain(self, table: Floats) -> str:
        return self.graph.node("Gather", self.graph.exact("words", table), "tokens")

    def _four_bits(self, table: Floats) -> str:
        """Two components a byte, the first half of a vector in the low bits; a row has its own
        least value and step."""
        graph = self.graph
        least, step, levels = four_bit_rows(table)
        half = table.shape[1] // 2
        packed = levels[:, :half] | (levels[:, half:] << 4)
        found = graph.node("Gather", graph.exact("words.packed", packed), "tokens")
        bytes_ = graph.node("Cast", found, to=TensorProto.FLOAT)
        high = graph.node(
            "Floor", graph.node("Mul", bytes_, graph.exact("x16", np.float32(1 / 16)))
        )
        low = graph.node("Sub", bytes_, graph.node("Mul", high, graph.exact("16", np.float32(16))))
        both = graph.node("Concat", low, high, axis=-1)  # (B, T, D)
        ruler = graph.exact("words.ruler", np.stack((step, least), axis=1).astype(np.float16))
        row = graph.node("Cast", graph.node("Gather", ruler, "tokens"), to=TensorProto.FLOAT)
        size = graph.node("Slice", row, *map(graph.integers, (0, 1, 2)))
        start = graph.node("Slice", row, *map(graph.integers, (1, 2, 2)))
        return graph.node("Add", graph.node("Mul", both, size), start)

    def layer(self, x: str, mask: str, part: str) -> str:
        """(B, T, D) to (B, T, D)"""
        graph, heads, size = self.graph, self.shape.heads, self.shape.head_size
        split = graph.integers(0, 0, heads, size)
        query, key, value = (
            graph.node("Reshape", self._linear(x, f"{part}.attention.self.{name}"), split)
            for name in ("query", "key", "value")
        )
        query, value = (graph.node("Transpose", each, perm=[0, 2, 1, 3]) for each in (query, value))
        key = graph.node("Transpose", key, perm=[0, 2, 3, 1])
        scale = graph.exact("scale", np.float32(size**-0.5))
        logits = graph.node("Mul", graph.node("MatMul", query, key), scale)
        share = graph.node("Softmax", graph.node("Add", logits, mask), axis=-1)
        mixed = graph.node("Transpose", graph.node("MatMul", share, value), perm=[0, 2, 1, 3])
        joined = graph.node("Reshape", mixed, graph.integers(0, 0, self.shape.width))
        x = self._added(joined, x, f"{part}.attention.output")
        inner = self._gelu(self._linear(x, f"{part}.intermediate.dense"))
        return self._added(inner, x, f"{part}.output")

    def head(self, x: str) -> str:
        """(B, T, D) to (B, E)"""
        graph = self.graph
        weight = graph.node("Unsqueeze", "is_token", graph.integers(2))
        total = graph.node("ReduceSum", graph.node("Mul", x, weight), graph.integers(1), keepdims=0)
        count = graph.node("ReduceSum", "is_token", graph.integers(1), keepdims=1)
        first = graph.node("Gather", x, graph.exact("zero", np.int64(0)), axis=1)
        both = graph.node("Concat", first, graph.node("Div", total, count), axis=1)
        return self._linear(self._gelu(self._linear(both, "head.1")), "head.4")

    def _linear(self, x: str, name: str) -> str:
        weight = self.graph.weight(f"{name}.weight", self.weights[f"{name}.weight"])
        product = self.graph.node("MatMul", x, self.graph.node("Transpose", weight, perm=[1, 0]))
        bias = self.graph.exact(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.graph.node("Add", product, bias)

    def _added(self, x: str, before: str, part: str) -> str:
        total = self.graph.node("Add", self._linear(x, f"{part}.dense"), before)
        return self._norm(total, f"{part}.LayerNorm")

    def _norm(self, x: str, name: str) -> str:
        parts = (self.graph.exact(f"{name}.{each}", self.weights[f"{name}.{each}"])
                 for each in ("weight", "bias"))  # fmt: skip
        return self.graph.node("LayerNormalization", x, *parts, axis=-1, epsilon=NORM_EPSILON)

    def _gelu(self, x: str) -> str:
        graph = self.graph
        inner = graph.node("Erf", graph.node("Mul", x, graph.exact("r", np.float32(2**-0.5))))
        grown = graph.node("Add", inner, graph.exact("one", np.float32(1)))
        return graph.node("Mul", graph.node("Mul", x, grown), graph.exact("half", np.float32(0.5)))


def four_bit_rows(table: Floats) -> tuple[Floats, Floats, NDArray[np.uint8]]:
    """Least value and step (V,) and levels from 0 to 15 (V, D) of each row; of a few ways to cut
    off its ends, the one with the least error."""
    middle, spread = table.mean(axis=1), table.std(axis=1) + 1e-9
    best = np.full(len(table), np.inf)
    least, step = np.zeros(len(table), np.float32), np.ones(len(table), np.float32)
    for reach in (2.0, 2.3, 2.6, 3.0, 3.5, 4.5):
        start = (middle - reach * spread).astype(np.float16).astype(np.float32)
        size = (2 * reach * spread / FOUR_BITS).astype(np.float16).astype(np.float32)
        error = np.square(_widened(start, size, _levels(table, start, size)) - table).sum(axis=1)
        better = error < best
        best = np.where(better, error, best)
        least, step = np.where(better, start, least), np.where(better, size, step)
    return least, step, _levels(table, least, step)


def _levels(table: Floats, least: Floats, step: Floats) -> NDArray[np.uint8]:
    levels = np.clip(np.rint((table - least[:, None]) / step[:, None]), 0, FOUR_BITS)
    return np.asarray(levels, np.uint8)


def _widened(least: Floats, step: Floats, levels: NDArray[np.uint8]) -> Floats:
    return np.asarray(levels * step[:, None] + least[:, None], np.float32)
