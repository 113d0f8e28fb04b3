"""What all tests share: where the real films are, and what to skip where they are not."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("fixed", derandomize=True)  # a build is the same twice
hypothesis.settings.register_profile("search", derandomize=False)  # poe search
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

REPOSITORY = Path(__file__).resolve().parent.parent
MEDIA = Path(os.environ.get("EMSYNC_MEDIA", REPOSITORY.parent / "shared" / "media"))


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither read nor write the user's cache and fetched weights."""
    monkeypatch.setenv("EMSYNC_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("EMSYNC_MODELS", str(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real films and timelines (see CONTRIBUTING.md)."""
    return MEDIA


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes the text files of tests/golden anew; `--replay` is for hosts."""
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")
    parser.addoption("--replay", type=Path, help="transcript of a real DaVinci Resolve")


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Path | None:
    """The transcript that a real DaVinci Resolve wrote, where one was given."""
    path: Path | None = request.config.getoption("--replay")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, and say why."""
    missing = {
        "blender": None
        if os.environ.get("EMSYNC_BPY")
        else "no Blender (python tests/hosts/with_blender.py installs one)",
        "media": None if MEDIA.is_dir() else f"no films at {MEDIA} (set EMSYNC_MEDIA)",
        "training": None
        if importlib.util.find_spec("torch") and importlib.util.find_spec("onnx")
        else "torch and onnx are not installed (pip install 'emsync[train]')",
        "whisper": None
        if os.environ.get("EMSYNC_WHISPER") and importlib.util.find_spec("faster_whisper")
        else "no Whisper (python tests/with_whisper.py fetches one)",
    }
    for item in items:
        for marker, reason in missing.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
