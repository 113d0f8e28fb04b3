"""What experts read of a film, kept for the next time: by the film's content, the experts and their
weights.

A file is known by the hash of all its bytes. Hashing five gigabytes takes seconds, so the hash of
a file that has not changed its size, time and place since is remembered. The folder is bounded:
what was not used for longest goes first. Nothing in it is a pickle; a damaged file counts as
absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from emsync.errors import OutputError
from emsync_server.access import ANY_FILE, Access
from emsync_server.outputs import replacing_file

__all__ = ["KeptArrays", "ReadingCache", "content_id", "default_cache_folder"]

KeptArrays = dict[str, NDArray[Any]]

MOST_BYTES = 512 << 20
MOST_FILE_BYTES = 256 << 20
CHUNK = 4 << 20
FORMAT = 1
"""Counts up when what is kept changes its form."""
SUFFIX = ".safetensors"
META = "meta"


class ReadingCache:
    """A folder of arrays by key, with a bound on its size."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """The folder is made when something is first kept."""
        self.folder = folder
        self._most_bytes = most_bytes

    def key(self, content: str, *parts: object) -> str:
        """One word for a content and all that its analysis rests on."""
        told = json.dumps([FORMAT, content, *parts], sort_keys=True, default=str)
        return hashlib.sha256(told.encode()).hexdigest()

    def get(self, key: str) -> tuple[KeptArrays, Any] | None:
        """The arrays and the JSON value of a key; None where they are not there, or damaged."""
        path = self.folder / f"{key}{SUFFIX}"
        try:
            if path.stat().st_size > MOST_FILE_BYTES:
                return None
            with safe_open(path, framework="numpy") as file:
                told = (file.metadata() or {}).get(META, "null")
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            os.utime(path)  # used now
            return arrays, json.loads(told)
        except (OSError, SafetensorError, ValueError, KeyError):
            return None

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]], value: object) -> None:
        """Keep arrays and a JSON value, and throw out what is too much. Failing to keep is no
        failure of the work: OutputError is the caller's to ignore."""
        packed = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        with replacing_file(self.folder / f"{key}{SUFFIX}") as working:
            save_file(packed, working, metadata={META: json.dumps(value)})
        self._shrink()

    def _shrink(self) -> None:
        """Remove what was not used for longest until the rest fits."""
        files = []
        for path in self.folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError):
                files.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size


def default_cache_folder() -> Path:
    """EMSYNC_CACHE, or the user's own cache folder."""
    if told := os.environ.get("EMSYNC_CACHE"):
        return Path(told)
    import platformdirs

    return Path(platformdirs.user_cache_dir("emsync", appauthor=False)) / "readings"


def content_id(path: Path, folder: Path, *, access: Access = ANY_FILE) -> str:
    """The SHA-256 of a file's bytes; remembered in a cache folder as long as the file's size, time,
    place and number stay the same. Raises what `Access.open` does."""
    with os.fdopen(access.open(path), "rb") as file:
        stat = os.fstat(file.fileno())
        seen = [str(path.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ino]
        word = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
        memory = folder / "known" / word[:32]
        with contextlib.suppress(OSError, ValueError):
            known = memory.read_text(encoding="ascii").strip()
            if len(known) == 64:
                return known
        digest = hashlib.sha256()
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    with contextlib.suppress(OutputError), replacing_file(memory) as working:
        working.write_text(digest.hexdigest(), encoding="ascii")
    return digest.hexdigest()
