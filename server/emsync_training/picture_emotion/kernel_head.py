"""A small head that remembers: kernel ridge regression from an embedding to valence and arousal.

What it says of a picture is a weighted sum over rated pictures that it resembles (a Gaussian
kernel on standardised features). Far from all of them it says what people say on the average, and
how far that may be off. N items, D features given, F features used, S rated pictures.

Training works with the arrays; what ships is the graph of them, and `read_head` takes them out of
it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from emsync_server.inference.onnx_reading import read_onnx
from emsync_training.experts.graph import Graph

__all__ = ["STEP", "HeadEstimate", "KernelHead", "bent", "gaussian", "head_graph", "read_head"]

Floats = NDArray[np.float32]

STEP = 6.0 / 127
"""Standard deviations per level of a stored feature; r and error stay the same to three digits."""
SOURCE = "Fitted on OASIS (Kurdi, Lozano and Banaji 2017)"
AS_IT_IS, ROOT, LOGARITHM = 0, 1, 2
NEAR_ZERO = 0.05


class HeadEstimate(NamedTuple):
    """N estimates, valence first."""

    mean: Floats
    """(N, 2) in [-1, 1]."""
    variance: Floats
    """(N, 2)"""


@dataclass(frozen=True, slots=True, eq=False)
class KernelHead:
    """The arrays of a head."""

    chosen: NDArray[np.int32]
    """(F,) places of the features that count."""
    law: NDArray[np.int8]
    """(F,) how each is bent first: 0 as it is, 1 its square root, 2 the logarithm of it + 0.05."""
    mean: Floats
    """(F,)"""
    scale: Floats
    """(F,)"""
    support: NDArray[np.int8]
    """(S, F) rated pictures, in steps of `STEP` deviations."""
    weights: Floats
    """(S, 2)"""
    rest: Floats
    """(2,) what people say on the average."""
    gamma: float
    """Of the kernel exp(-gamma d²), d² the mean squared distance over features."""
    error_variance: Floats
    """(2,) of what it says about pictures like those that were rated."""
    absent_variance: Floats
    """(2,) of what it says about anything else."""
    familiar: float
    """Mean likeness to all rated pictures below which one is strange."""

    def estimate(self, embeddings: Floats) -> HeadEstimate:
        """(N, D) to valence and arousal, in the units of [-1, 1]."""
        x = (bent(embeddings[:, self.chosen], self.law) - self.mean) / self.scale
        likeness = gaussian(x, self.support.astype(np.float32) * STEP, self.gamma)  # (N, S)
        # Of weights up to 2 either way, summed over all pictures: in single precision off by 1e-5.
        weights, rest = (each.astype(np.float64) for each in (self.weights, self.rest))
        mean = np.clip(likeness.astype(np.float64) @ weights + rest, -1, 1)
        known = np.clip(likeness.mean(axis=1) / self.familiar, 0, 1)[:, None]
        variance = known * self.error_variance + (1 - known) * self.absent_variance
        return HeadEstimate(mean.astype(np.float32), variance.astype(np.float32))


def bent(features: Floats, law: NDArray[np.int8]) -> Floats:
    """Pooled activations are skewed; these bring them nearer to a normal law. (N, F) → (N, F)"""
    kinds = [law == ROOT, law == LOGARITHM]
    positive = np.maximum(features, 0)
    curves = [np.sqrt(positive), np.log(positive + NEAR_ZERO)]
    return np.asarray(np.select(kinds, curves, features))


def gaussian(x: Floats, support: Floats, gamma: float) -> Floats:
    """(N, F), (S, F) → (N, S)"""
    width = x.shape[1]
    squared = np.square(x).sum(axis=1)[:, None] + np.square(support).sum(axis=1)
    distance = np.maximum(squared - 2 * x @ support.T, 0) / width
    return np.asarray(np.exp(-gamma * distance), np.float32)


def head_graph(head: KernelHead, features: int) -> onnx.ModelProto:
    """embedding (N, D) → mean (N, 2) and variance (N, 2); the same arithmetic as `estimate`."""
    graph = Graph()
    likeness = _likeness(graph, head, _standardised(graph, head))
    parts = (likeness, graph.exact("weights", head.weights), graph.exact("rest", head.rest))
    exact = [graph.node("Cast", part, to=onnx.TensorProto.DOUBLE) for part in parts]
    said = graph.node("Cast", graph.node("Gemm", *exact), to=onnx.TensorProto.FLOAT)
    graph.node("Clip", said, _number(graph, "least", -1), _number(graph, "most", 1), output="mean")
    familiar = _number(graph, "familiar", head.familiar)
    like = graph.node("ReduceMean", likeness, axes=[1], keepdims=1)
    zero, one = _number(graph, "zero", 0), _number(graph, "one", 1)
    known = graph.node("Clip", graph.node("Div", like, familiar), zero, one)
    error = graph.exact("error_variance", head.error_variance)
    absent = graph.exact("absent_variance", head.absent_variance)
    strange = graph.node("Mul", graph.node("Sub", one, known), absent)
    graph.node("Add", graph.node("Mul", known, error), strange, output="variance")
    outputs = {"mean": ("N", 2), "variance": ("N", 2)}
    return graph.model({"embedding": ("N", features)}, outputs, source=SOURCE)


def read_head(path: Path) -> KernelHead:
    """The arrays of a head that `head_graph` wrote."""
    held = {name: np.array(value) for name, value in read_onnx(path.read_bytes()).constants.items()}
    law = np.full(held["chosen"].shape, AS_IT_IS, np.int8)
    law[held["is_rooted"]], law[held["is_logarithm"]] = ROOT, LOGARITHM
    names = ("chosen", "support", "weights", "rest", "error_variance", "absent_variance")
    return KernelHead(
        law=law,
        mean=held["feature_mean"],
        scale=held["feature_scale"],
        gamma=-float(held["less_gamma"]),
        familiar=float(held["familiar"]),
        **{name: held[name] for name in names},
    )


def _standardised(graph: Graph, head: KernelHead) -> str:
    """(N, F)"""
    x = graph.node("Gather", "embedding", graph.exact("chosen", head.chosen), axis=1)
    positive = graph.node("Relu", x)
    off_zero = graph.node("Add", positive, _number(graph, "near_zero", NEAR_ZERO))
    logarithm = graph.exact("is_logarithm", head.law == LOGARITHM)
    x = graph.node("Where", logarithm, graph.node("Log", off_zero), x)
    rooted = graph.exact("is_rooted", head.law == ROOT)
    x = graph.node("Where", rooted, graph.node("Sqrt", positive), x)
    x = graph.node("Sub", x, graph.exact("feature_mean", head.mean))
    return graph.node("Div", x, graph.exact("feature_scale", head.scale))


def _likeness(graph: Graph, head: KernelHead, x: str) -> str:
    """(N, F) → (N, S)"""
    width = head.support.shape[1]
    step = _number(graph, "step", STEP)
    support = graph.node("DequantizeLinear", graph.exact("support", head.support), step)
    norms = np.square(head.support.astype(np.float32) * np.float32(STEP)).sum(axis=1)
    squared = graph.node("ReduceSum", graph.node("Mul", x, x), graph.integers(1), keepdims=1)
    squared = graph.node("Add", squared, graph.exact("norms", norms))
    crossed = graph.node("Gemm", x, support, transB=1, alpha=-2.0)
    distance = graph.node("Relu", graph.node("Add", squared, crossed))
    mean = graph.node("Div", distance, _number(graph, "width", width))
    return graph.node("Exp", graph.node("Mul", mean, _number(graph, "less_gamma", -head.gamma)))


def _number(graph: Graph, name: str, value: float) -> str:
    return graph.exact(name, np.float32(value))
