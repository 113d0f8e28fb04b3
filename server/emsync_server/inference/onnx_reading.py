"""What an ONNX file holds, read without ONNX: a file is looked at before the engine sees it.

Only the fields that a plain graph of nodes and constants needs are understood; a graph that reads
other files, nests graphs or brings functions of its own is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5  # protobuf wire types
_GRAPH, _TRAINING, _FUNCTIONS = 7, 20, 25  # of ModelProto
_NODE, _CONSTANT, _SPARSE = 1, 5, 15  # of GraphProto
_KIND, _ATTRIBUTE = 4, 5  # of NodeProto
_NESTED = frozenset({5, 6, 10, 11, 22, 23})  # tensors and graphs inside an AttributeProto
_DIMENSIONS, _TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14  # of TensorProto
_TYPES: dict[int, type[np.generic]] = {
    1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 10: np.float16,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """A graph's operators and constants."""

    operators: frozenset[str]
    constants: dict[str, NDArray[np.generic]]
    """Views into the file's bytes."""


def read_onnx(data: bytes) -> OnnxGraph:
    """Look into a file's bytes; `ValueError` says what is wrong with them."""
    operators: set[str] = set()
    constants: dict[str, NDArray[np.generic]] = {}
    graphs = 0
    for number, model in _fields(memoryview(data)):
        if number in (_TRAINING, _FUNCTIONS):
            raise ValueError("it brings functions of its own")
        if number != _GRAPH:
            continue
        graphs += 1
        for part, value in _fields(_bytes(model)):
            if part == _NODE:
                operators.add(_operator(_bytes(value)))
            elif part == _CONSTANT:
                name, array = _constant(_bytes(value))
                constants[name] = array
            elif part == _SPARSE:
                raise ValueError("it holds sparse constants")
    if graphs != 1:
        raise ValueError(f"it holds {graphs} graphs")
    return OnnxGraph(frozenset(operators), constants)


def _operator(node: memoryview) -> str:
    kind = ""
    for number, value in _fields(node):
        if number == _KIND:
            kind = str(_bytes(value), "utf-8")
        elif number == _ATTRIBUTE and any(n in _NESTED for n, _ in _fields(_bytes(value))):
            raise ValueError("a node of it holds tensors or graphs")
    return kind


def _constant(tensor: memoryview) -> tuple[str, NDArray[np.generic]]:
    shape: list[int] = []
    kind, name, raw = 0, "", memoryview(b"")
    for number, value in _fields(tensor):
        if number in (_EXTERNAL, _LOCATION):
            raise ValueError("it reads its weights from other files")
        if number == _DIMENSIONS:
            shape += [value] if isinstance(value, int) else list(_varints(value))
        elif number == _TYPE and isinstance(value, int):
            kind = value
        elif number == _NAME:
            name = str(_bytes(value), "utf-8")
        elif number == _RAW:
            raw = _bytes(value)
    if kind not in _TYPES or len(raw) != math.prod(shape) * np.dtype(_TYPES[kind]).itemsize:
        raise ValueError(f"its constant '{name}' is not as long as its shape {shape} says")
    return name, np.frombuffer(raw, _TYPES[kind]).reshape(shape)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a protobuf message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind, value = key & 7, 0
        if kind == VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            length, at = _varint(data, at)
        elif kind in (FIXED_64, FIXED_32):
            length = 8 if kind == FIXED_64 else 4
        else:
            raise ValueError("it is not an ONNX file")
        if at + length > len(data):
            raise ValueError("it ends in the middle")
        yield key >> 3, data[at : at + length]
        at += length


def _varints(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("it ends in the middle")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("it is not an ONNX file")
    return value
