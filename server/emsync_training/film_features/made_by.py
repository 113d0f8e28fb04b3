"""Which versions of which experts made a folder of features: a network that is trained on them is
not asked about what others say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from emsync.errors import InputError
from emsync_server.outputs import write_text

__all__ = ["note_made_by", "read_made_by"]

MADE_BY = "experts.json"


def note_made_by(folder: Path, now: Mapping[str, str]) -> None:
    """Note experts by name and identity beside the features. Raises InputError where some that are
    there already were made by others of the same names."""
    before = read_made_by(folder)
    for name, word in now.items():
        if before.get(name, word) != word:
            raise InputError(
                f"The features in '{folder}' were made by another version of '{name}'. "
                "Name another folder with --out, or empty this one."
            )
    write_text(folder / MADE_BY, json.dumps({**before, **now}, indent=1, sort_keys=True) + "\n")


def read_made_by(features: Path) -> dict[str, str]:
    """Who made a folder of features; empty where that was not noted, as in a pickle."""
    path = features / MADE_BY
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as err:
        raise InputError(f"'{path}' is damaged. Extract the features again.") from err
    if not isinstance(found, dict):
        raise InputError(f"'{path}' is damaged. Extract the features again.")
    return {str(name): str(word) for name, word in found.items()}
