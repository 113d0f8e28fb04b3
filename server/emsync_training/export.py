"""A trained composer as files: trunk (ONNX), heads (safetensors), vocabulary (JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from emsync_server.composition.representation import CONDITION_SIZE, vocabulary
from emsync_server.inference.composer_session import HEADS_FILE, SIDE_FILE, TRUNK_FILE
from emsync_server.models import file_sha256
from emsync_training.networks.composer import Composer
from emsync_training.storage import Storage
from emsync_training.trunk_graph import build_trunk

__all__ = ["Storage", "export_composer", "register_composer"]


def export_composer(
    network: Composer,
    folder: Path,
    *,
    facts: Mapping[str, Any],
    storage: Storage = Storage.EIGHT_BITS,
) -> None:
    """Write the three files of a composer; `facts` (training step, data, …) go into the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().float().numpy() for name, value in network.state_dict().items()}
    model = build_trunk(weights, network.shape, storage)
    _replace(folder / TRUNK_FILE, model.SerializeToString())
    kind = np.float32 if storage is Storage.SINGLE else np.float16
    heads = {
        name: np.ascontiguousarray(value.astype(kind))
        for name, value in weights.items()
        if name.startswith(("heads.", "chained."))
    }
    _replace(folder / HEADS_FILE, save(heads))
    shape = network.shape.as_dict()
    side = vocabulary() | {"network": shape, "storage": storage.value, "training": dict(facts)}
    _replace(folder / SIDE_FILE, (json.dumps(side, indent=1) + "\n").encode())


def register_composer(folder: Path) -> None:
    """Write the composer's row of the registry beside its files."""
    path = folder / "registry.json"
    width = json.loads((folder / SIDE_FILE).read_text(encoding="utf-8"))["network"]["width"]
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows["composer"] = {
        "licence": "Apache-2.0",
        "url": None,
        "files": {name: file_sha256(folder / name) for name in (TRUNK_FILE, HEADS_FILE, SIDE_FILE)},
        "takes": f"events (B, T, 5) int64 and condition (B, T, {CONDITION_SIZE}) float32",
        "gives": f"hidden (B, {width}) float32; the heads file turns it into logits of five fields",
        "card": "composer.md",
    }
    _replace(path, (json.dumps(rows, indent=1, sort_keys=True) + "\n").encode())


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
