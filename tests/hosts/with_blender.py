"""Install `bpy` wheels and run the tests marked `blender` on them: `python … 4.5 5.0`.

Each version gets a virtual environment under EMSYNC_BPY_HOME (default: the user's cache), outside
the checkout, and is downloaded once. Up to 5.0 they are for Python 3.11, 5.1 and 5.2 for 3.13.

`--if-possible` is for a build that must not wait: the first version alone, and only the tests that
lay a score and hear it; where bpy cannot be had within a few minutes, one line says so, and all is
well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PYTHONS = {"4.2": "3.11", "4.4": "3.11", "4.5": "3.11", "5.0": "3.11", "5.1": "3.13", "5.2": "3.13"}
REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0  # of --if-possible, for the download: a third of a gigabyte
SHORT = ("audience_sees", "laid_saved_and_heard", "laid_quickly")
TESTS = ["tests/hosts/test_blender.py", "tests/hosts/test_blender_window.py"]


class CannotBeHadError(Exception):
    """Why there is no such `bpy` here."""


def main(words: list[str]) -> int:
    """Returns pytest's exit code."""
    if_possible = "--if-possible" in words
    versions = [word for word in words if not word.startswith("--")] or ["4.5"]
    home = os.environ.get("EMSYNC_BPY_HOME") or Path.home() / ".cache" / "emsync-tests" / "bpy"
    try:
        pythons = [
            str(installed(Path(home), version, PATIENCE_S if if_possible else None))
            for version in (versions[:1] if if_possible else versions)
        ]
    except CannotBeHadError as err:
        print(f"Not tested in Blender: {err}")
        return 0 if if_possible else 1
    environment = {**os.environ, "EMSYNC_BPY": os.pathsep.join(pythons)}
    chosen = ["-k", " or ".join(SHORT), TESTS[0]] if if_possible else TESTS
    command = [sys.executable, "-m", "pytest", "-v", "-rs", "-m", "blender", *chosen]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


def installed(home: Path, version: str, patience_s: float | None) -> Path:
    """The Python of an environment with that `bpy`; raises CannotBeHadError."""
    folder = home / version
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "complete").is_file():
        return python
    if version not in PYTHONS:
        raise CannotBeHadError(f"there is no bpy {version}; there are {', '.join(PYTHONS)}.")
    wanted = PYTHONS[version]
    base = shutil.which(f"python{wanted}")
    if base is None:
        raise CannotBeHadError(f"bpy {version} needs Python {wanted}, which is not on the PATH.")
    settings = {**os.environ, "PYENV_VERSION": wanted}  # where the PATH leads to pyenv
    wheels = ["--only-binary", ":all:", f"bpy=={version}.*"]
    try:
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True, env=settings)
        install = [python, "-m", "pip", "install", "-q", *wheels]
        subprocess.run(install, check=True, timeout=patience_s)
        subprocess.run([python, "-c", "import bpy"], check=True)  # it needs X11's libraries
    except (OSError, subprocess.SubprocessError) as err:
        shutil.rmtree(folder, ignore_errors=True)
        raise CannotBeHadError(f"bpy {version} could not be installed ({err}).") from err
    (folder / "complete").touch()
    return python


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
