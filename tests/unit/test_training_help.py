"""`emsync train` where its packages are missing: help is told, work says how to install them."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT_PACKAGES = (
    "import sys\n"
    "for name in ('torch', 'onnx', 'matplotlib', 'tokenizers'): sys.modules[name] = None\n"
    "from emsync_server.cli import main\n"
    "sys.argv = ['emsync', 'train', *sys.argv[1:]]\n"
    "main()\n"
)


def train(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_PACKAGES, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("--help",), "train the published fusion", id="all commands"),
        pytest.param(("fusion", "--help"), "columns name, split (train, dev, test)", id="fusion"),
        pytest.param(("genre", "-h"), "--network {single,multi,mlp}", id="genre"),
        pytest.param(("adopt", "--help"), "a published network", id="adopt"),
    ],
)
def test_help_is_told_without_pytorch(words: tuple[str, ...], told: str):
    done = train(*words)
    assert done.returncode == 0, done.stderr
    assert told in " ".join(done.stdout.split())


def test_a_command_without_pytorch_says_how_to_install_it():
    done = train("fusion", "--labels", "a.csv", "--features", "b", "--out", "c")
    assert done.returncode == 4
    assert "pip install 'emsync[train]'" in done.stderr
