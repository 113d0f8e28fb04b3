"""Any plain network on ONNX Runtime: looked at before it runs, run in batches on the CPU.

Weights that a user fetched are a stranger's file. Before the engine sees one, it is known to be
complete, to read no other file, to loop nowhere, to hold only numbers and usual operators, and to
have the inputs and outputs that its expert works with.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as engine

from emsync.errors import MissingPartError
from emsync_server.inference.onnx_reading import read_onnx

__all__ = ["Network", "Shape", "UnusableWeightsError", "unusable"]

Array = NDArray[np.generic]
Shape = Sequence[int | None]
"""Sizes of the axes; None: any."""

MOST_BYTES = 2 << 30
NEWEST_OPSET = 26
FATAL = 4  # what the engine may say on stderr
ENGINE_ERRORS = (
    engine.Fail,
    engine.InvalidArgument,
    engine.InvalidGraph,
    engine.InvalidProtobuf,
    engine.NotImplemented,
    engine.RuntimeException,
    RuntimeError,
)
OPERATORS = frozenset(
    {"Abs", "Add", "And", "ArgMax", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat",
     "Constant", "ConstantOfShape", "Conv", "Cos", "CumSum", "DepthToSpace", "DequantizeLinear",
     "Div", "DynamicQuantizeLinear", "DynamicQuantizeMatMul", "Einsum", "Equal", "Erf", "Exp",
     "Expand", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Gelu", "Gemm",
     "GlobalAveragePool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "HardSigmoid",
     "HardSwish", "Identity", "InstanceNormalization", "IsNaN", "LSTM", "LayerNormalization",
     "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax", "MatMul", "MatMulInteger",
     "MatMulNBits", "Max", "MaxPool", "Min", "Mod", "Mul", "Neg", "Not", "OneHot", "Or", "PRelu",
     "Pad", "Pow", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "QuickGelu", "Range",
     "Reciprocal", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
     "Relu", "Reshape", "Resize", "ScatterND", "Shape", "Sigmoid", "Sign", "Sin", "Slice",
     "Softmax", "Softplus", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "TopK",
     "Transpose", "Trilu", "Unsqueeze", "Where"}
)  # fmt: skip
"""What networks of pictures, sound and words are made of: no loops, no branches, no sequences,
nothing random, nothing that reads."""


class UnusableWeightsError(MissingPartError):
    """A weights file that cannot be used: which, and why."""

    def __init__(self, path: Path, why: str) -> None:
        """A sentence about the file where it is installed."""
        super().__init__(
            f"The weights in {path} cannot be used: {why}. "
            "Fetch them again, or put the right file in their place."
        )
        self.path, self.why = path, why


def unusable(path: Path, why: str) -> UnusableWeightsError:
    """The error for a weights file that cannot be used."""
    return UnusableWeightsError(path, why)


class Network:
    """A loaded network. Stateless: may be run from several threads."""

    def __init__(self, session: onnxruntime.InferenceSession, path: Path) -> None:
        """A network over an open session of a file; `load` opens it."""
        self._session, self._path = session, path
        self.inputs: tuple[str, ...] = tuple(value.name for value in session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(value.name for value in session.get_outputs())

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, Shape],
        threads: int | None = None,
    ) -> Network:
        """Load a file whose inputs and outputs must be these; raises MissingPartError."""
        data = _checked(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or max(1, (os.cpu_count() or 2) - 1)
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = FATAL
        try:
            session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except ENGINE_ERRORS as err:
            raise unusable(path, "the engine does not take it") from err
        for wanted, found in ((inputs, session.get_inputs()), (outputs, session.get_outputs())):
            _check_shapes(path, wanted, {value.name: value.shape for value in found})
        network = cls(session, path)
        if strange := sorted(set(network.inputs) - set(inputs)):
            raise unusable(path, f"it asks for more than it is given ({', '.join(strange)})")
        return network

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name. Raises MissingPartError where the file's layers do not fit one
        another, or its numbers run away: that shows only now."""
        try:
            found = self._session.run(list(self.outputs), dict(inputs))
        except ENGINE_ERRORS as err:
            raise unusable(self._path, "it fails on what it is to read") from err
        for name, array in zip(self.outputs, found, strict=True):
            if array.dtype.kind == "f" and bool(np.isnan(array).any()):
                raise unusable(self._path, f"its '{name}' are not numbers")
        return dict(zip(self.outputs, found, strict=True))


def _checked(path: Path) -> bytes:
    """The bytes of a file that may be shown to the engine."""
    if not path.is_file():
        raise MissingPartError(
            f"The weights {path.name} are not installed (looked in {path.parent}). "
            "'emsync models' lists what there is, and how to get it."
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise unusable(path, f"it is larger than {MOST_BYTES >> 30} GB")
        data = path.read_bytes()
    except OSError as err:
        raise unusable(path, f"it cannot be read ({err.strerror})") from err
    try:
        graph = read_onnx(data)
    except ValueError as err:
        raise unusable(path, str(err)) from err
    if foreign := sorted(graph.operators - OPERATORS):
        raise unusable(path, f"it holds operators that are not allowed ({', '.join(foreign)})")
    if graph.opset > NEWEST_OPSET:
        raise unusable(path, f"it needs opset {graph.opset}; this version knows {NEWEST_OPSET}")
    for name, array in graph.constants.items():
        # An infinity is how exporters mask; a NaN is damage.
        if array.dtype.kind == "f" and bool(np.isnan(array).any()):
            raise unusable(path, f"its weight '{name}' holds values that are not numbers")
    return data


def _check_shapes(
    path: Path, wanted: Mapping[str, Shape], found: Mapping[str, list[object]]
) -> None:
    """All that is wanted is there, of fitting shapes; what is there beside it does no harm."""
    for name, shape in wanted.items():
        sizes = found.get(name)
        if sizes is None:
            there = ", ".join(sorted(found)) or "nothing"
            raise unusable(path, f"it has no '{name}', only {there}")
        fits = len(sizes) == len(shape) and all(
            size is None or not isinstance(there, int) or there == size
            for size, there in zip(shape, sizes, strict=True)
        )
        if not fits:
            raise unusable(path, f"its '{name}' has shape {sizes}, not {list(shape)}")
