"""The composer's three files, checked before anything runs them: complete, of this version, the
ones that were installed, and nothing but the graph and numbers that we write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from emsync.errors import MissingPartError, VersionMismatchError
from emsync_server.inference.composer_heads import ComposerHeads
from emsync_server.inference.onnx_reading import read_onnx
from emsync_server.models import listed_sha256, sha256_of

TRUNK_FILE, HEADS_FILE, SIDE_FILE = "composer.onnx", "composer.heads.safetensors", "composer.json"
MODEL = "composer"
MOST_BYTES = 1 << 30
OPERATORS = frozenset(
    {"Add", "Cast", "DynamicQuantizeMatMul", "Gather", "GroupQueryAttention", "MatMul", "Mul",
     "QuickGelu", "ReduceSum", "Relu", "Reshape", "SimplifiedLayerNormalization",
     "SkipSimplifiedLayerNormalization", "Split", "Squeeze", "Unsqueeze"}
)  # fmt: skip
"""All that a trunk is made of: no loops, nothing that grows or reads."""
AGAIN = "Install emsync again."


@dataclass(frozen=True, slots=True)
class ComposerFiles:
    """What the files hold."""

    trunk: bytes
    """ONNX."""
    heads: ComposerHeads
    condition_size: int


def read_composer_files(folder: Path, vocabulary: Mapping[str, Any]) -> ComposerFiles:
    """Read the composer of a models folder, which must speak this version's `vocabulary`."""
    files = {name: _read(folder / name) for name in (SIDE_FILE, TRUNK_FILE, HEADS_FILE)}
    _check_vocabulary(folder / SIDE_FILE, files[SIDE_FILE], vocabulary)
    for name, digest in listed_sha256(folder, MODEL).items():
        if name in files and sha256_of(files[name]) != digest:
            raise damaged(folder / name, "it is not the file that was installed")
    _check_trunk(folder / TRUNK_FILE, files[TRUNK_FILE])
    heads = _heads(folder / HEADS_FILE, files[HEADS_FILE], vocabulary)
    size = max(stop for _, stop in vocabulary["condition"].values())
    return ComposerFiles(files[TRUNK_FILE], heads, size)


def damaged(path: Path, why: str) -> MissingPartError:
    """The error for a weights file that cannot be used."""
    return MissingPartError(f"The composer's weights in {path} cannot be used: {why}. {AGAIN}")


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise MissingPartError(
            f"The composer's weights are not installed (looked for {path.name} in {path.parent}). "
            f"{AGAIN}"
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise damaged(path, "it is far larger than a composer is")
        return path.read_bytes()
    except OSError as err:
        raise damaged(path, f"it cannot be read ({err.strerror})") from err


def _check_vocabulary(path: Path, data: bytes, vocabulary: Mapping[str, Any]) -> None:
    try:
        stored = json.loads(data)
    except (ValueError, RecursionError) as err:
        raise damaged(path, "it is not JSON") from err
    if not isinstance(stored, dict):
        raise damaged(path, "it does not describe a vocabulary")
    for name, value in vocabulary.items():
        if stored.get(name) != value:
            raise VersionMismatchError(
                f"The composer's weights were made for another version of emsync: {path} says "
                f"{name} is {stored.get(name)!r}, this version has {value!r}. {AGAIN}"
            )


def _check_trunk(path: Path, data: bytes) -> None:
    try:
        graph = read_onnx(data)
    except ValueError as err:
        raise damaged(path, str(err)) from err
    foreign = sorted(graph.operators - OPERATORS)
    if foreign:
        raise damaged(path, f"it holds operators that no composer has ({', '.join(foreign)})")
    for name, array in graph.constants.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise damaged(path, f"its weight '{name}' holds values that are not numbers")


def _heads(path: Path, data: bytes, vocabulary: Mapping[str, Any]) -> ComposerHeads:
    try:
        heads = ComposerHeads.read(data)
    except (SafetensorError, ValueError, KeyError) as err:
        raise damaged(path, "it is not a complete safetensors file of five heads") from err
    if heads.classes != tuple(vocabulary["classes"]):
        raise damaged(path, f"its heads choose among {heads.classes} classes")
    if not heads.is_finite:
        raise damaged(path, "it holds values that are not numbers")
    return heads
