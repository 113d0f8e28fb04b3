"""Runs inside a Blender with a window: draws the panel, scores, is cancelled by ESC, scores again.

blender --factory-startup --python in_blender_window.py -- FOLDER: pictures of the window and
`window.json` go into the folder. Keys come from outside (xdotool), as a user's do.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).parent))
FOLDER = Path(sys.argv[-1])
STEP_S = 0.3
LIMIT_S = 120.0
found: dict[str, Any] = {"version": bpy.app.version_string}


def picture(name: str) -> None:
    path = FOLDER / f"{name}.png"
    subprocess.run(["import", "-window", "root", str(path)], check=True)


def sequencer() -> Any:
    """The biggest area as a sequencer with its sidebar open on our tab."""
    window = bpy.context.window_manager.windows[0]
    area = max(window.screen.areas, key=lambda each: each.width * each.height)
    area.type = "SEQUENCE_EDITOR"
    area.spaces.active.view_type = "SEQUENCER"
    area.spaces.active.show_region_ui = True
    area.spaces.active.timeline_overlay.show_strip_source = False  # paths of this machine
    return window, area


def steps() -> Iterator[None]:
    from in_blender import cut, ours, state

    import emsync_blender

    emsync_blender.register()
    from emsync_blender.operators import state as running

    scene = cut(FOLDER)
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "window.blend"))
    window, area = sequencer()
    yield
    # Scripts cannot choose a tab in 3.4: ours is the third, in a window of 1600 by 1000.
    subprocess.run(["xdotool", "mousemove", "1307", "179", "click", "1"], check=True)
    yield
    yield
    before = state(scene)
    override = bpy.context.temp_override
    place = {"window": window, "area": area, "region": area.regions[-1]}
    with override(**place):
        bpy.ops.emsync.diagnose("INVOKE_DEFAULT")
    began = time.monotonic()
    while len(running.diagnosis) < 2 and time.monotonic() - began < LIMIT_S:
        yield
    found["diagnosis"] = list(running.diagnosis)
    running.learn(())  # it names folders of this machine: not for a picture
    with override(**place):
        found["invoked"] = sorted(bpy.ops.emsync.score("INVOKE_DEFAULT"))
    found["busy"] = running.is_busy
    began = time.monotonic()
    while time.monotonic() - began < 20.0 and (
        running.telling is None or running.telling.fraction < 0.1
    ):
        yield
    found["running"] = running.telling.line if running.telling else ""
    yield
    picture("running")
    subprocess.run(["xdotool", "mousemove", "400", "300", "key", "Escape"], check=True)
    began = time.monotonic()
    while running.is_busy and time.monotonic() - began < LIMIT_S:
        yield
    found["cancelled"] = running.telling.line if running.telling else ""
    found["unchanged"] = state(scene) == before
    found["files"] = sorted(p.name for p in FOLDER.glob("window.emsync/*"))
    scene.emsync_brief.takes = 3
    with override(**place):
        bpy.ops.emsync.score("INVOKE_DEFAULT")
    began = time.monotonic()
    while running.is_busy and time.monotonic() - began < LIMIT_S:
        yield
    found["told"] = running.telling.line if running.telling else ""
    found["stems"] = len(ours(scene))
    with override(**place):
        bpy.ops.emsync.choose_take("INVOKE_DEFAULT", cue="window", take=2)
    began = time.monotonic()
    while running.is_busy and time.monotonic() - began < LIMIT_S:
        yield
    found["chosen"] = sorted({each["take"] for each in ours(bpy.context.scene)})
    yield
    yield
    picture("scored")
    from emsync_blender.panel import _scored

    now = bpy.context.scene
    found["scopes"] = [_scored(now, scope) for scope in ("WHOLE", "RANGE", "SELECTION")]
    with override(**place):
        found["undo"] = sorted(bpy.ops.ed.undo())
    first = ours(bpy.context.scene)
    found["first_again"] = sorted({each["take"] for each in first})
    found["heard"] = all(Path(each["file"]).is_file() for each in first)
    with override(**place):
        bpy.ops.ed.undo()
    found["after_undo"] = len(ours(bpy.context.scene))
    emsync_blender.unregister()


def tick(running: Iterator[None] = steps()) -> float | None:  # noqa: B008 - one run
    try:
        next(running)
    except StopIteration:
        return finish()
    except Exception as err:  # noqa: BLE001 - Blender would go on for ever
        found["error"] = repr(err)
        return finish()
    return STEP_S


def finish() -> None:
    (FOLDER / "window.json").write_text(json.dumps(found), encoding="utf-8")
    bpy.ops.wm.quit_blender()


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(tick, first_interval=2.0)
