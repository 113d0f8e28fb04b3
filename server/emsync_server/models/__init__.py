"""The registry of weights: every file that emsync ships, with its hash, licence and card.

The rows are data (`registry.json`); nothing is fetched, here or anywhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emsync.errors import MissingPartError

__all__ = [
    "MODELS_FOLDER",
    "Model",
    "file_sha256",
    "list_models",
    "listed_sha256",
    "sha256_of",
]

MODELS_FOLDER = Path(__file__).parent
"""Where the weights lie."""


@dataclass(frozen=True, slots=True)
class Model:
    """One network and the files it consists of."""

    name: str
    licence: str
    """SPDX expression of the weights."""
    files: tuple[tuple[str, str], ...]
    """(name, SHA-256) of each file, in the models folder."""
    takes: str
    """What goes in, in words and shapes."""
    gives: str
    """What comes out."""
    card: str
    """Name of the model card, in the models folder."""
    folder: Path = MODELS_FOLDER

    @property
    def sha256(self) -> str:
        """The SHA-256 of the files' hashes in order: one word for all of them."""
        return hashlib.sha256("".join(digest for _, digest in self.files).encode()).hexdigest()

    @property
    def is_ready(self) -> bool:
        """Whether every file is here and is the one that was listed."""
        return all(file_sha256(self.folder / name) == digest for name, digest in self.files)


def list_models(folder: Path = MODELS_FOLDER) -> list[Model]:
    """The models of a registry, by name."""
    path = folder / "registry.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return [_model(name, row, folder) for name, row in sorted(rows.items())]
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as err:
        raise MissingPartError(
            f"The list of weights cannot be read: {path} is damaged. Install emsync again."
        ) from err


def _model(name: str, row: dict[str, Any], folder: Path) -> Model:
    files = tuple(row["files"].items())
    return Model(name, row["licence"], files, row["takes"], row["gives"], row["card"], folder)


def listed_sha256(folder: Path, name: str) -> dict[str, str]:
    """The hash that a folder's registry lists for each file of a model; none without a registry."""
    found = [model for model in list_models(folder) if model.name == name]
    return dict(found[0].files) if found else {}


def sha256_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str | None:
    """The SHA-256 of a file in hexadecimal, or None where it is not there."""
    return sha256_of(path.read_bytes()) if path.is_file() else None
