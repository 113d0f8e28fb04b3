"""Reads TensorFlow checkpoints (`.index` and `.data-00000-of-00001`) without TensorFlow.

The index is a LevelDB table (its format: leveldb/doc/table_format.md) from variable names to
BundleEntryProto (tensorflow/core/protobuf/tensor_bundle.proto); the data file is bare arrays.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_bundle"]

FOOTER = 48
MAGIC = 0xDB4775248B80FB57
TRAILER = 5  # compression byte and checksum behind each block
SINGLE = 1  # DT_FLOAT


def read_bundle(index: Path, data: Path) -> dict[str, NDArray[np.float32]]:
    """All float32 variables by name; `ValueError` where the files are no such bundle."""
    table, values = index.read_bytes(), data.read_bytes()
    if len(table) < FOOTER or struct.unpack("<Q", table[-8:])[0] != MAGIC:
        raise ValueError(f"{index} is no TensorFlow checkpoint index")
    _, at = _handle(table, len(table) - FOOTER)
    (offset, size), _ = _handle(table, at)
    variables = {}
    for _, entry in _rows(table, offset, size):
        (block, length), _ = _handle(entry, 0)
        for name, described in _rows(table, block, length):
            if name and (array := _variable(described, values)) is not None:
                variables[name.decode()] = array
    return variables


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _rows(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; each key shares its beginning with the one before."""
    if table[offset + size] != 0:
        raise ValueError("the checkpoint's index is compressed")
    block = table[offset : offset + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at, key = size - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


def _variable(entry: bytes, values: bytes) -> NDArray[np.float32] | None:
    """The array that a BundleEntryProto points to; None where it is not of float32."""
    fields = dict(_fields(entry))
    if fields.get(1) != SINGLE:
        return None
    shape = []
    sizes = fields.get(2, b"")
    assert isinstance(sizes, bytes)
    for number, dimension in _fields(sizes):
        if number == 2 and isinstance(dimension, bytes):
            size = dict(_fields(dimension)).get(1, 0)
            assert isinstance(size, int)
            shape.append(size)
    offset, length = fields.get(4, 0), fields.get(5, 0)
    assert isinstance(offset, int) and isinstance(length, int)
    return np.frombuffer(values[offset : offset + length], np.float32).reshape(shape)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        length = 4
        if kind == 2:
            length, at = _varint(data, at)
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
