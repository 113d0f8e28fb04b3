"""One measurement in a process of its own, whose memory, processor time and cache are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["measured_in_child"]


def measured_in_child(command: str, *arguments: str | Path) -> dict[str, Any]:
    """Run a command of `python -m emsync_server.benchmarks`; what its last line says, as JSON."""
    with tempfile.TemporaryDirectory(prefix="emsync-cache-") as cache:
        done = subprocess.run(
            [sys.executable, "-m", "emsync_server.benchmarks", command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            env=os.environ | {"EMSYNC_CACHE": cache},
        )
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found
