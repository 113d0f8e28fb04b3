"""The registry of weights, as training writes it: a row for each model beside its files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from emsync_server.models import file_sha256
from emsync_server.outputs import write_text

__all__ = ["register", "rehash"]


def register(
    folder: Path, name: str, *, files: Sequence[str], licence: str, takes: str, gives: str
) -> None:
    """Write a model's row, with the hashes that its files have now; the card is `NAME.md`."""
    path = folder / "registry.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows[name] = {
        "licence": licence,
        "url": None,
        "files": {each: file_sha256(folder / each) for each in files},
        "takes": takes,
        "gives": gives,
        "card": f"{name}.md",
    }
    write_text(path, json.dumps(rows, indent=1, sort_keys=True) + "\n")


def rehash(file: Path) -> None:
    """Write the hash that a file has now to its row of the registry beside it, if there is one."""
    path = file.parent / "registry.json"
    if not path.is_file():
        return
    rows = json.loads(path.read_text(encoding="utf-8"))
    for row in rows.values():
        if file.name in row["files"]:
            row["files"][file.name] = file_sha256(file)
    write_text(path, json.dumps(rows, indent=1, sort_keys=True) + "\n")
