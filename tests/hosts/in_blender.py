"""Runs inside Blender's Python (`bpy`): one stage of the tests, its findings as JSON on a file.

python in_blender.py STAGE FOLDER: what each stage does is in its function's docstring.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import bpy

FILM_FRAMES = 240


def strips(scene: Any) -> Any:
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if "strips" in editor.bl_rna.properties else editor.sequences


def edges(strip: Any) -> tuple[int, int]:
    if "left_handle" in strip.bl_rna.properties:
        return strip.left_handle, strip.right_handle
    return strip.frame_final_start, strip.frame_final_end


def hold(strip: Any, new: str, old: str, frame: int) -> None:
    """Move one end of a strip."""
    setattr(strip, new if new in strip.bl_rna.properties else old, frame)


def cross(scene: Any, name: str, channel: int, both: tuple[Any, Any], at: tuple[int, int]) -> Any:
    """A cross over the overlap of two strips, by each version's names."""
    known = {p.identifier for p in strips(scene).bl_rna.functions["new_effect"].parameters}
    first, second = ("input1", "input2") if "input1" in known else ("seq1", "seq2")
    end = {"length": at[1] - at[0]} if "length" in known else {"frame_end": at[1]}
    inputs = {first: both[0], second: both[1]}
    return strips(scene).new_effect(name, "CROSS", channel, at[0], **end, **inputs)


def cut(folder: Path, fps: int = 24, base: float = 1.0) -> Any:
    """Two shots of a film, a cross between them, its sound, a marker; 240 frames from frame 1."""
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    scene.frame_start, scene.frame_end = 1, FILM_FRAMES
    film = str(folder / "film.mp4")
    first = strips(scene).new_movie("first", film, 1, 1)
    hold(first, "right_handle", "frame_final_end", 131)
    second = strips(scene).new_movie("second", film, 2, 1)
    hold(second, "left_handle", "frame_final_start", 121)
    cross(scene, "cross", 3, (first, second), (121, 131))
    sound = strips(scene).new_sound("talk", film, 4, 1)
    sound.volume = 0.0  # what is heard in the mix is ours
    scene.timeline_markers.new("hit door", frame=61)
    return scene


def state(scene: Any) -> Any:
    """What a user could see of the sequencer."""
    editor = scene.sequence_editor
    return {
        "strips": sorted(
            [s.name, s.type, s.channel, *edges(s), s.mute, s.lock, s.select] for s in strips(scene)
        ),
        "markers": sorted([m.name, m.frame] for m in scene.timeline_markers),
        "channels": [[c.name, c.lock, c.mute] for c in editor.channels],
        "active": editor.active_strip.name if editor.active_strip else None,
        "noted": "emsync" in scene,
        "action": bool(scene.animation_data and scene.animation_data.action),
        "scenes": [each.name for each in bpy.data.scenes],
    }


def ours(scene: Any) -> list[dict[str, Any]]:
    found = []
    for strip in strips(scene):
        if strip.get("emsync"):
            kept = json.loads(strip["emsync"])
            channel = scene.sequence_editor.channels[strip.channel].name
            first, end = edges(strip)
            found.append({"name": strip.name, "channel": channel, "first": first, "end": end,
                          "file": bpy.path.abspath(strip.sound.filepath), **kept})  # fmt: skip
    return found


def told() -> str:
    from emsync_blender.operators import state as running

    return running.telling.line if running.telling else ""


def ran(operator: Any, **arguments: Any) -> list[str]:
    """Run an operator; what a failed one reports comes as an exception."""
    try:
        return sorted(operator(**arguments))
    except RuntimeError as err:
        return [str(err).strip()]


def read(folder: Path) -> Any:
    """The timeline as we read it, at 23.976 and 29.97, and with a thousand strips."""
    from emsync import wire
    from emsync_blender.host import BlenderHost

    found = {}
    for name, fps, base in (("24", 24, 1.0), ("23.976", 24, 1.001), ("29.97", 30, 1.001)):
        bpy.ops.wm.read_homefile(use_empty=True)
        scene = cut(folder, fps, base)
        meta = strips(scene).new_meta("meta", 6, 200)
        inner = meta.strips if "strips" in meta.bl_rna.properties else meta.sequences
        inner.new_movie("inside", str(folder / "film.mp4"), 1, 200)
        hold(meta, "right_handle", "frame_final_end", 241)
        muted = strips(scene).new_movie("muted", str(folder / "film.mp4"), 7, 1)
        muted.mute = True
        strips(scene).new_sound("gone", "/nowhere/talk.wav", 8, 1)  # made without a word
        before = state(scene)
        found[name] = wire.to_dict(BlenderHost(scene).read())
        assert state(scene) == before
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    scene.frame_end = 4000
    for number in range(1000):
        strips(scene).new_effect(
            f"s{number}", "COLOR", 1, 1 + 4 * number,
            **({"length": 4} if bpy.app.version >= (5, 0) else {"frame_end": 5 + 4 * number}),
        )  # fmt: skip
    began = time.process_time()  # others may be using this machine
    timeline = BlenderHost(scene).read()
    found["seconds_to_read_1000"] = time.process_time() - began
    found["clips"] = len(timeline.tracks[0].clips)
    found["icons"] = icons_missing()
    return found


def icons_missing() -> list[str]:
    """Icons that the panel names and this version has not."""
    import emsync_blender

    source = Path(emsync_blender.__file__).with_name("panel.py").read_text(encoding="utf-8")
    named = set(re.findall(r'icon="(\w+)"', source)) | set(re.findall(r'"([A-Z]+1?)"\)', source))
    label = bpy.types.UILayout.bl_rna.functions["label"]
    known = {each.identifier for each in label.parameters["icon"].enum_items}
    assert len(named) > 5
    return sorted(named - known)


def score(folder: Path) -> Any:
    """Score, choose, regenerate, save; everything between as the user sees it."""
    scene = cut(folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "film.blend"))
    before = state(scene)
    scene.emsync_brief.takes = 2
    found: dict[str, Any] = {"diagnose": ran(bpy.ops.emsync.diagnose)}
    began = time.perf_counter()
    found["score"], found["told"] = ran(bpy.ops.emsync.score), told()
    found["seconds"] = time.perf_counter() - began
    found["first"] = ours(scene)
    found["second_take"] = ran(bpy.ops.emsync.choose_take, cue="film", take=2)
    found["second"] = ours(scene)
    mixed_down(folder / "take 2.wav")
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 180, 200
    found["regenerate"] = ran(bpy.ops.emsync.regenerate, cue="film", seed=7)
    scene.use_preview_range = False
    found["third"] = ours(scene)
    wrong = ran(bpy.ops.emsync.regenerate, cue="film", seed=8, first_bar=2, last_bar=900)
    found["no such bars"] = [wrong, told(), ours(scene) == found["third"]]
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "film.blend"))
    found["before"] = before
    return found


def mixed_down(path: Path) -> list[str]:
    """What is heard, as a file."""
    return ran(bpy.ops.sound.mixdown, filepath=str(path), container="WAV", codec="PCM",
               format="F32", check_existing=False)  # fmt: skip


def again(folder: Path) -> Any:
    """Open what `score` saved, and make the score again: unchanged, and after a re-edit."""
    bpy.ops.wm.open_mainfile(filepath=str(folder / "film.blend"))
    scene = bpy.context.scene
    before = state(scene)
    found: dict[str, Any] = {"same": [ran(bpy.ops.emsync.renew), told(), state(scene) == before]}
    second = strips(scene)["second"]
    hold(second, "right_handle", "frame_final_end", 201)
    scene.frame_end = 200
    found["renewed"], found["told"] = ran(bpy.ops.emsync.renew), told()
    found["ours"] = ours(scene)
    found["theirs"] = sorted(s.name for s in strips(scene) if not s.get("emsync"))
    found["notes"] = json.loads(scene["emsync"])
    return found


def reopened(folder: Path) -> Any:
    """Open what `score` saved: frames, channels, notes; mix it down; remove the score."""
    from emsync_blender.host import BlenderHost

    (folder / "elsewhere").mkdir()  # the project is moved, and its stems with it
    for name in ("film.blend", "film.emsync"):
        (folder / name).rename(folder / "elsewhere" / name)
    bpy.ops.wm.open_mainfile(filepath=str(folder / "elsewhere" / "film.blend"))
    scene = bpy.context.scene
    (note,) = BlenderHost(scene).notes().values()
    found: dict[str, Any] = {
        "ours": ours(scene),
        "note": {
            "folder": note.folder,
            "seed": note.seed,
            "model": note.model,
            "cues": len(note.sheet.cues),
        },
        "markers": [[m.name, m.frame] for m in scene.timeline_markers],
    }
    found["mixdown"] = mixed_down(folder / "mix.wav")
    found["remove"] = ran(bpy.ops.emsync.remove, cue="film")
    found["after"] = state(scene)
    return found


def trouble(folder: Path) -> Any:
    """What goes wrong, and that the sequencer is as it was each time."""
    from emsync_blender.host import BlenderHost

    found: dict[str, Any] = {}

    def case(name: str, operator: Any, **arguments: Any) -> None:
        before = state(scene)
        result = ran(operator, **arguments)
        found[name] = [result, told(), state(scene) == before]

    scene = bpy.context.scene
    scene.frame_end = 100
    scene.sequence_editor_create()
    case("empty", bpy.ops.emsync.score)
    scene = cut(folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "trouble.blend"))
    scene.emsync_brief.key = "H moll"
    case("brief", bpy.ops.emsync.score)
    scene.emsync_brief.key = ""
    scene.emsync_brief.scope = "RANGE"
    case("no range", bpy.ops.emsync.score)
    scene.emsync_brief.scope = "WHOLE"
    case("no score", bpy.ops.emsync.regenerate, cue="film", seed=1)
    high = strips(scene).new_effect(
        "high", "COLOR", 128, 1,
        **({"length": 9} if bpy.app.version >= (5, 0) else {"frame_end": 10}),
    )  # fmt: skip
    case("channels full", bpy.ops.emsync.score)
    strips(scene).remove(high)
    scene.sequence_editor.channels[5].lock = True
    scene.sequence_editor.channels[6].mute = True
    case("fetched", bpy.ops.emsync.fetch)
    laid = ours(scene)
    found["channels"] = sorted({s.channel for s in strips(scene) if s.get("emsync")})
    scene.sequence_editor.channels[7].lock = True
    case("locked", bpy.ops.emsync.remove, cue=laid[0]["cue"])
    case("locked again", bpy.ops.emsync.fetch)
    for channel in scene.sequence_editor.channels:
        channel.lock = channel.mute = False
    Path(laid[0]["file"]).unlink()
    note = BlenderHost(scene).notes()[laid[0]["cue"]]
    found["note"] = note.take
    return found


def placing(folder: Path) -> Any:
    """Eight stems and ducking laid, timed; volume keyframes come and go."""
    import wave
    from dataclasses import replace

    from emsync.family import Family
    from emsync.hosting import StemClip
    from emsync.stem import GainCurve, GainPoint
    from emsync_blender.host import BlenderHost

    scene = cut(folder)
    scene.frame_start = 11
    before = state(scene)
    host = BlenderHost(scene)
    placement = _placement(folder)
    clips = []
    for family in list(Family)[:8]:
        path = folder / f"{family.value}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(48000)
            file.writeframes(b"\0" * 4 * 480_000)
        clips.append(StemClip(f"film – {family.value}", family, str(path), 0, 240))
    curve = GainCurve((GainPoint(0.0, 0.0), GainPoint(2.0, -6.0)))
    placement = replace(placement, stems=tuple(clips), ducking=curve)
    began = time.process_time()  # others may be using this machine
    host.place(placement)
    seconds = time.process_time() - began
    scene.frame_set(59)
    volumes = [round(s.volume, 3) for s in strips(scene) if s.get("emsync")]
    has_action = state(scene)["action"]
    host.place(placement)  # in their own place
    channels = sorted(s.channel for s in strips(scene) if s.get("emsync"))
    starts = sorted({edges(s)[0] for s in strips(scene) if s.get("emsync")})
    host.remove("film")
    scene.frame_set(1)
    return {"seconds": seconds, "volumes": volumes, "action": has_action, "channels": channels,
            "starts": starts,
            "same": state(scene) == before}  # fmt: skip


def _placement(folder: Path) -> Any:
    from emsync import wire
    from emsync.hosting import Placement

    text = (folder / "placement.json").read_text(encoding="utf-8")
    return wire.from_dict(Placement, json.loads(text), origin="The test")


def extension(folder: Path) -> Any:
    """Install the built extension as a user does, run it, remove it."""
    archive = next(folder.glob("emsync-[0-9]*.zip"))
    import addon_utils

    repo = bpy.context.preferences.extensions.repos.new(name="test", module="test_repo",
        custom_directory=str(folder / "repo"))  # fmt: skip
    (folder / "repo").mkdir(exist_ok=True)
    repo.use_custom_directory = True
    installed = ran(bpy.ops.extensions.package_install_files, filepath=str(archive),
                    repo="test_repo", enable_on_install=True)  # fmt: skip
    module = "bl_ext.test_repo.emsync"
    found: dict[str, Any] = {"install": installed, "enabled": addon_utils.check(module)[1]}
    import emsync

    found["emsync"] = emsync.__file__
    found["operator"] = ran(bpy.ops.emsync.diagnose)
    bpy.ops.preferences.addon_disable(module=module)
    index = list(bpy.context.preferences.extensions.repos).index(repo)
    found["remove"] = ran(bpy.ops.extensions.package_uninstall, repo_index=index, pkg_id="emsync")
    found["left"] = [str(p) for p in (folder / "repo").glob("emsync*")]
    return found


def killed(folder: Path) -> Any:
    """Die in the middle of a score, as Blender does when it is killed.

    Five minutes of film in sixteen takes cannot be finished between the first notes and the kill
    that follows them.
    """
    import os
    import threading

    from emsync_blender.operators import state as running

    scene = cut(folder)
    scene.frame_end = 30 * FILM_FRAMES
    for number in range(1, 30):
        strips(scene).new_movie(
            f"again {number}", str(folder / "film.mp4"), 1, 1 + number * FILM_FRAMES
        )
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "killed.blend"))
    scene.emsync_brief.takes = 16

    def die() -> None:
        while not (running.telling and "notes in" in running.telling.line):
            time.sleep(0.02)
        (folder / "heard.txt").write_text(running.telling.line, encoding="utf-8")
        os.kill(os.getpid(), 9)

    threading.Thread(target=die, daemon=True).start()
    return ran(bpy.ops.emsync.score)


STAGES = {
    each.__name__: each
    for each in (read, score, again, reopened, trouble, placing, extension, killed)
}

if __name__ == "__main__":
    stage, place = sys.argv[-2], Path(sys.argv[-1])
    began_s = time.process_time()
    if stage != "extension":
        import emsync_blender

        emsync_blender.register()
    registering_s = time.process_time() - began_s
    try:
        outcome = STAGES[stage](place)
        if stage == "read":
            outcome["seconds_to_register"] = registering_s
    finally:
        if stage != "extension":
            emsync_blender.unregister()  # what is left registered keeps bpy from leaving
    (place / f"{stage}.json").write_text(json.dumps(outcome), encoding="utf-8")
