"""Build what hosts install: Blender's extension and DaVinci Resolve's bundle, as zip files.

python packaging/build_plugins.py [--out dist] [--blender-python PYTHON]

With a Python that has `bpy` (or a Blender's own), Blender's tool builds and validates the
extension; without, the same files are zipped and nobody has validated them.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BLENDER = REPOSITORY / "plugins" / "blender" / "emsync_blender"
RESOLVE = REPOSITORY / "plugins" / "resolve" / "emsync_resolve"
SHARED = REPOSITORY / "shared"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
FIXED_DATE = (2020, 1, 1, 0, 0, 0)  # the same files give the same archive

METADATA = """Metadata-Version: 2.1
Name: emsync-client
Version: {version}
Summary: What a host's interpreter imports of emsync: values and the client; standard library only.
License: Apache-2.0
Requires-Python: >=3.11
"""
WHEEL = """Wheel-Version: 1.0
Generator: emsync
Root-Is-Purelib: true
Tag: py3-none-any
"""


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "dist")
    parser.add_argument("--blender-python", help="a Python that has bpy: validates the extension")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    version = _version()
    with tempfile.TemporaryDirectory() as folder:
        staged = _staged_extension(Path(folder) / "emsync", version)
        if options.blender_python:
            built = _built_by_blender(options.blender_python, staged, options.out)
        else:
            built = options.out / f"emsync-{version}.zip"
            _zip(staged, built, prefix="")
            print("Not validated: name a Python that has bpy with --blender-python.")
    print(built)
    bundle = options.out / f"emsync-resolve-{version}.zip"
    _zip(RESOLVE, bundle, prefix="emsync_resolve/")
    print(bundle)
    return 0


def _version() -> str:
    line = next(
        line
        for line in (SHARED / "emsync" / "__init__.py").read_text(encoding="utf-8").splitlines()
        if line.startswith("__version__")
    )
    return line.split('"')[1]


def _staged_extension(folder: Path, version: str) -> Path:
    """The add-on's own files and the wheel of what it shares with the server."""
    shutil.copytree(BLENDER, folder, ignore=LEFT_OUT)
    (folder / "wheels").mkdir()
    wheel = folder / "wheels" / f"emsync_client-{version}-py3-none-any.whl"
    info = f"emsync_client-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        names = []
        for path in sorted((SHARED / "emsync").rglob("*")):
            name = path.relative_to(SHARED).as_posix()
            # v1 is for gRPC, which no host has.
            if path.is_file() and path.suffix in (".py", ".typed") and "emsync/v1/" not in name:
                _add(archive, name, path.read_bytes())
                names.append(name)
        _add(archive, f"{info}/METADATA", METADATA.format(version=version).encode())
        _add(archive, f"{info}/WHEEL", WHEEL.encode())
        names += [f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"]
        _add(archive, f"{info}/RECORD", "".join(f"{name},,\n" for name in names).encode())
    manifest = (folder / "blender_manifest.toml").read_text(encoding="utf-8")
    if wheel.name not in manifest or f'version = "{version}"' not in manifest:
        raise SystemExit(f"blender_manifest.toml is not of version {version}: correct it.")
    return folder


def _built_by_blender(python: str, staged: Path, out: Path) -> Path:
    """Blender's own tool, out of the wheel; it validates what it built."""
    find = "import bpy, pathlib; print(pathlib.Path(bpy.utils.system_resource('SCRIPTS')))"
    asked = subprocess.run([python, "-c", find], capture_output=True, text=True, check=True)
    scripts = Path(asked.stdout.strip().splitlines()[-1])
    (tool,) = scripts.glob("addons_core/bl_pkg/cli/blender_ext.py")
    build = ["build", "--source-dir", staged, "--output-dir", out]
    subprocess.run([python, tool, *build], check=True)
    built = sorted(out.glob("emsync-[0-9]*.zip"))[-1]
    subprocess.run([python, tool, "validate", built], check=True)
    return built


def _zip(folder: Path, target: Path, prefix: str) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                _add(archive, prefix + path.relative_to(folder).as_posix(), path.read_bytes())


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, FIXED_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


if __name__ == "__main__":
    sys.exit(main())
