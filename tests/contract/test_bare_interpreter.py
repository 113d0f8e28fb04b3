"""What a host imports: the standard library and `emsync`, nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.conftest import REPOSITORY

SHARED = REPOSITORY / "shared"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("import emsync.wire, emsync.settings, emsync.score, emsync.stem", id="values"),
        pytest.param(
            "from emsync.client import Client, ProcessTransport; ProcessTransport(['emsync'])",
            id="client",
        ),
        pytest.param(
            "from pathlib import Path\n"
            "from emsync.client import Client, ProcessTransport\n"
            "from emsync.errors import ServerUnavailableError\n"
            "try:\n"
            "    Client(ProcessTransport(['/nowhere/emsync'])).spot(Path('film.mp4'))\n"
            "except ServerUnavailableError: pass\n"
            "else: raise SystemExit('no error')",
            id="a call that fails",
        ),
    ],
)
def test_a_bare_interpreter_needs_nothing_but_the_standard_library(program: str) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(SHARED)!r})\n{program}\n"
        "ours = set(sys.stdlib_module_names) | set(sys.builtin_module_names) | {'emsync'}\n"
        "tops = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(tops - ours - {'__main__', 'sitecustomize', '_virtualenv'}))"
    )
    # -I -S: no site-packages, no environment; what a host's interpreter has at the least.
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"


def test_the_values_part_is_quick_to_import(tmp_path: Path) -> None:
    script = (
        f"import sys, time; sys.path.insert(0, {str(SHARED)!r}); began = time.process_time()\n"
        "import emsync.client; print(time.process_time() - began)"
    )
    answer = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    assert float(answer.stdout) < 0.5  # measured: 0.05 s; hosts import it at their start
