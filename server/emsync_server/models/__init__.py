"""The registry of weights: every file that emsync ships or can use, with its hash, licence and
card.

The rows are data (`registry.json`). Built-in weights lie beside it; those of the full tier are put
into the user's own folder by `emsync models fetch`, and nothing is ever fetched without being asked
for.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from emsync.errors import MissingPartError

__all__ = [
    "MODELS_FOLDER",
    "Model",
    "ModelState",
    "file_sha256",
    "list_models",
    "listed_sha256",
    "sha256_of",
    "user_folder",
]

MODELS_FOLDER = Path(__file__).parent
"""Where the weights lie."""


RECORD = "installed.json"
"""Beside fetched weights: the hash that each file had when it was installed."""
CHUNK = 1 << 20


class ModelState(Enum):
    """Whether weights can be used."""

    READY = "ready"
    MISSING = "not installed"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Model:
    """One network and the files it consists of."""

    name: str
    licence: str
    """SPDX expression of the weights."""
    files: tuple[tuple[str, str | None], ...]
    """(name, SHA-256) of each file, in the models folder. None: the user says which file it is."""
    takes: str
    """What goes in, in words and shapes."""
    gives: str
    """What comes out."""
    card: str
    """Name of the model card, in the models folder."""
    folder: Path = MODELS_FOLDER
    is_full_tier: bool = False
    """Weights that the user fetches, as against those that come with emsync."""
    is_commercial: bool = True
    """Whether the licence lets them be used in paid work. Never on by default where it does not."""
    source: str = ""
    """Where its makers publish it, in words; of the full tier."""
    one_of: tuple[str, ...] = ()
    """Files of which one must be there beside `files`; of the full tier."""
    may_have: tuple[str, ...] = ()
    """Files that are used where they are there; of the full tier."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of the files' hashes in order: one word for all of them."""
        hashes = "".join(digest or "" for _, digest in self.expected)
        return hashlib.sha256(hashes.encode()).hexdigest()

    @property
    def expected(self) -> tuple[tuple[str, str | None], ...]:
        """The files with the hash that each must have: the listed one, or that of its install."""
        recorded = read_record(self.folder) if self.is_full_tier else {}
        others = [(name, None) for name in (*self.one_of, *self.may_have) if name in recorded]
        return tuple(
            (name, digest or recorded.get(name)) for name, digest in self.files + tuple(others)
        )

    @property
    def known_files(self) -> tuple[str, ...]:
        """The name of every file that it can have."""
        return (*(name for name, _ in self.files), *self.one_of, *self.may_have)

    def missing_in(self, folder: Path) -> list[str]:
        """What it cannot do without and a folder lacks, in words."""
        missing = [name for name, _ in self.files if not (folder / name).is_file()]
        if self.one_of and not any((folder / name).is_file() for name in self.one_of):
            missing.append(" or ".join(self.one_of))
        return missing

    @property
    def state(self) -> ModelState:
        """Looks at every file."""
        if self.missing_in(self.folder):
            return ModelState.MISSING
        found = [(file_sha256(self.folder / name), digest) for name, digest in self.expected]
        same = all(actual == digest for actual, digest in found)
        return ModelState.READY if same else ModelState.DAMAGED

    @property
    def is_ready(self) -> bool:
        """Whether every file is here and is the one that was listed."""
        return self.state is ModelState.READY

    @property
    def size_bytes(self) -> int:
        """Of the files that are here."""
        paths = [self.folder / name for name in self.known_files]
        return sum(path.stat().st_size for path in paths if path.is_file())


def user_folder() -> Path:
    """Where fetched weights lie: EMSYNC_MODELS, or the user's own data folder."""
    if told := os.environ.get("EMSYNC_MODELS"):
        return Path(told)
    import platformdirs

    return Path(platformdirs.user_data_dir("emsync", appauthor=False)) / "models"


def read_record(folder: Path) -> dict[str, str]:
    """The hashes of a folder's installed files; none where there is no record, or a damaged one."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
    full = row.get("tier") == "full"
    return Model(
        name,
        row["licence"],
        tuple(row["files"].items()),
        row["takes"],
        row["gives"],
        row["card"],
        user_folder() / name if full else folder,
        is_full_tier=full,
        is_commercial=row.get("commercial", True),
        source=row.get("source", ""),
        one_of=tuple(row.get("one_of", ())),
        may_have=tuple(row.get("may_have", ())),
    )


def listed_sha256(folder: Path, name: str) -> dict[str, str]:
    """The hash that a folder's registry lists for each file of a model; none without a registry."""
    found = [model for model in list_models(folder) if model.name == name]
    return {file: digest for file, digest in found[0].files if digest} if found else {}


def sha256_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str | None:
    """The SHA-256 of a file in hexadecimal, or None where it is not there."""
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
