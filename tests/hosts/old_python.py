"""The oldest Pythons that hosts bring, where this machine has them."""

from __future__ import annotations

import os
import subprocess
import sys


def old_python(version: str) -> str:
    """A Python such as '3.8': that of EMSYNC_PYTHON38 or on the PATH; else this one."""
    named = os.environ.get(f"EMSYNC_PYTHON{version.replace('.', '')}")
    for candidate in (named, f"python{version}"):
        if candidate is None:
            continue
        try:
            done = subprocess.run(
                [candidate, "-c", "import sys; print(sys.executable)"],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PYENV_VERSION": version},  # where the PATH leads to pyenv
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return done.stdout.strip()
    return sys.executable
