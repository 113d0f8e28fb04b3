"""What an ONNX file holds, read without ONNX: a file is looked at before the engine sees it.

Only the fields that a plain graph of nodes and constants needs are understood; a graph that reads
other files, nests graphs or brings functions of its own is refused. Constants may lie beside the
nodes, or inside nodes that are nothing but a constant, as exporters write them.
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
_TENSOR = 5  # of AttributeProto
_OPSET, _DOMAIN, _VERSION = 8, 1, 2  # of ModelProto, and of its OperatorSetIdProto
_OUTPUT = 2  # of NodeProto
_DIMENSIONS, _TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14  # of TensorProto
_FLOATS, _INTEGERS, _DOUBLES = 4, frozenset({5, 7}), 10  # values told one by one, not as bytes
_TYPES: dict[int, type[np.generic]] = {
    1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float16, 11: np.float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """A graph's operators and constants."""

    operators: frozenset[str]
    constants: dict[str, NDArray[np.generic]]
    """Views into the file's bytes, unless it tells values one by one."""
    opset: int
    """Version of the standard operators that it was written for; 0: it does not say."""


def read_onnx(data: bytes) -> OnnxGraph:
    """Look into a file's bytes; `ValueError` says what is wrong with them."""
    operators: set[str] = set()
    constants: dict[str, NDArray[np.generic]] = {}
    graphs = opset = 0
    for number, model in _fields(memoryview(data)):
        if number == _OPSET:
            opset = max(opset, _standard_opset(_bytes(model)))
        if number in (_TRAINING, _FUNCTIONS):
            raise ValueError("it brings functions of its own")
        if number != _GRAPH:
            continue
        graphs += 1
        for part, value in _fields(_bytes(model)):
            if part == _NODE:
                operators.add(_operator(_bytes(value), constants))
            elif part == _CONSTANT:
                name, array = _constant(_bytes(value))
                constants[name] = array
            elif part == _SPARSE:
                raise ValueError("it holds sparse constants")
    if graphs != 1:
        raise ValueError(f"it holds {graphs} graphs")
    return OnnxGraph(frozenset(operators), constants, opset)


def _standard_opset(declared: memoryview) -> int:
    parts = dict(_fields(declared))
    domain, version = parts.get(_DOMAIN, b""), parts.get(_VERSION, 0)
    return version if domain == b"" and isinstance(version, int) else 0


def _operator(node: memoryview, constants: dict[str, NDArray[np.generic]]) -> str:
    """A node's operator; what it holds, if it may hold anything, goes to the constants."""
    kind = name = ""
    held: list[memoryview] = []
    for number, value in _fields(node):
        if number == _KIND:
            kind = str(_bytes(value), "utf-8")
        elif number == _OUTPUT:
            name = str(_bytes(value), "utf-8")
        elif number == _ATTRIBUTE:
            attribute = [(n, part) for n, part in _fields(_bytes(value)) if n in _NESTED]
            if any(n != _TENSOR for n, _ in attribute):
                raise ValueError("a node of it holds tensors or graphs")
            held += [_bytes(part) for _, part in attribute]
    if held and kind not in ("Constant", "ConstantOfShape"):
        raise ValueError("a node of it holds tensors or graphs")
    constants.update((f"{name}.{at}", _constant(each)[1]) for at, each in enumerate(held))
    return kind


def _constant(tensor: memoryview) -> tuple[str, NDArray[np.generic]]:
    shape: list[int] = []
    kind, name, raw = 0, "", memoryview(b"")
    told: list[NDArray[np.generic]] = []
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
        elif number in (_FLOATS, _DOUBLES):
            told.append(np.frombuffer(_bytes(value), "<f4" if number == _FLOATS else "<f8"))
        elif number in _INTEGERS:
            whole = [value] if isinstance(value, int) else list(_varints(value))
            told.append(np.array(whole, np.uint64).astype(np.int64))  # below 0: two's complement
    if told and not raw and kind in _TYPES:
        raw = memoryview(_as_bytes(np.concatenate(told), np.dtype(_TYPES[kind])))
    if kind not in _TYPES or len(raw) != math.prod(shape) * np.dtype(_TYPES[kind]).itemsize:
        raise ValueError(f"its constant '{name}' is not as long as its shape {shape} says")
    return name, np.frombuffer(raw, _TYPES[kind]).reshape(shape)


def _as_bytes(values: NDArray[np.generic], kind: np.dtype[np.generic]) -> bytes:
    """Values told one by one as the bytes that they stand for; half floats are told as bits."""
    if kind == np.float16:
        return values.astype(np.uint16).tobytes()
    return values.astype(kind).tobytes()


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
