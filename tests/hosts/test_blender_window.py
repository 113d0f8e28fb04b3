"""A Blender with a window (Debian's 3.4, under Xvfb): the panel is drawn, ESC cancels, one undo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.contract.conftest import REPOSITORY
from tests.hosts.test_blender import HERE, film, server

__all__ = ["film", "server"]

TOOLS = ("blender", "xvfb-run", "xdotool", "import")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.blender,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


def test_the_panel_scores_is_cancelled_by_escape_swaps_takes_and_is_undone_step_by_step(
    server: dict[str, str],
    film: Path,
) -> None:
    script = HERE / "in_blender_window.py"
    command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", "blender", "--factory-startup"]
    paths = [str(REPOSITORY / "shared"), str(REPOSITORY / "plugins" / "blender")]
    done = subprocess.run(
        [*command, "--python-use-system-env", "--python", script, "--", film],
        env={**server, "PYTHONPATH": os.pathsep.join(paths), "LIBGL_ALWAYS_SOFTWARE": "1"},
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    written = film / "window.json"
    assert written.is_file(), (done.stdout + done.stderr)[-3000:]
    found = json.loads(written.read_text(encoding="utf-8"))
    assert "error" not in found, found
    assert any("server answers" in line for line in found["diagnosis"])
    assert found["invoked"] == ["RUNNING_MODAL"] and found["busy"]
    assert found["running"].endswith(" left"), found["running"]
    assert "Cancelled" in found["cancelled"] and found["unchanged"] and found["files"] == []
    assert "locked hits are exact" in found["told"] and found["stems"] > 0
    whole = "frames 1 to 240, 10.0 s"
    assert found["scopes"] == [whole, "no preview range", whole]
    assert found["chosen"] == [2] and found["undo"] == ["FINISHED"]
    assert found["first_again"] == [1] and found["heard"]  # one step back: the first take
    assert found["after_undo"] == 0
    keep = os.environ.get("EMSYNC_PICTURES")
    for picture in ("running.png", "scored.png"):
        assert (film / picture).stat().st_size > 10_000
        if keep:
            shutil.copy(film / picture, keep)
