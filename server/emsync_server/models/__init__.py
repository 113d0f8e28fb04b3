"""The registry of weights: every file that emsync ships, with its hash, licence and card.

The rows are data (`registry.json`); nothing is fetched, here or anywhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MODELS_FOLDER", "Model", "list_models"]

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
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return [
        Model(
            name,
            row["licence"],
            tuple(row["files"].items()),
            row["takes"],
            row["gives"],
            row["card"],
            folder,
        )
        for name, row in sorted(rows.items())
    ]


def file_sha256(path: Path) -> str | None:
    """The SHA-256 of a file in hexadecimal, or None where it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
