"""Install `bpy` wheels and run the tests marked `blender` on them: `python … 4.5 5.0`.

Each version gets a virtual environment under EMSYNC_BPY_HOME (default: the user's cache), outside
the checkout, and is downloaded once. 4.5 and 5.0 are for Python 3.11, 5.1 and 5.2 for 3.13.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PYTHONS = {"4.2": "3.11", "4.4": "3.11", "4.5": "3.11", "5.0": "3.11", "5.1": "3.13", "5.2": "3.13"}
REPOSITORY = Path(__file__).resolve().parents[2]


def main(versions: list[str]) -> int:
    """Returns pytest's exit code."""
    home = os.environ.get("EMSYNC_BPY_HOME") or Path.home() / ".cache" / "emsync-tests" / "bpy"
    pythons = [str(installed(Path(home), version)) for version in versions or ["4.5"]]
    environment = {**os.environ, "EMSYNC_BPY": os.pathsep.join(pythons)}
    command = [sys.executable, "-m", "pytest", "-v", "-m", "blender", "tests/hosts/test_blender.py"]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


def installed(home: Path, version: str) -> Path:
    """The Python of an environment with that `bpy`."""
    folder = home / version
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "complete").is_file():
        return python
    wanted = PYTHONS[version]
    base = shutil.which(f"python{wanted}")
    if base is None:
        raise SystemExit(f"bpy {version} needs Python {wanted}, which is not on the PATH.")
    subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", f"bpy=={version}.*"], check=True)
    (folder / "complete").touch()
    return python


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
