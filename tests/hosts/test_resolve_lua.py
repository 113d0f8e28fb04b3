"""The Lua twin in a real Lua (LuaJIT, as Resolve has), on the same double as the Python one."""

from __future__ import annotations

import io
import json
import shlex
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.fake_resolve import Handle, Profile, Resolve, snapshot
from tests.hosts.fake_studio import FakeClient
from tests.hosts.test_resolve import FAKE_STUDIO, Make, cut

import emsync_resolve
from emsync import wire
from emsync.hosting import HostTimeline
from emsync.timecode import RationalTime, timecode_of
from emsync_resolve.host import ResolveHost
from emsync_server.rpc import host_bridge

host_bridge_module = import_module("emsync_server.rpc.host_bridge")
lupa = pytest.importorskip("lupa.luajit21")

__all__ = ["cut"]
SCRIPT = Path(emsync_resolve.__file__).with_name("emsync.lua")


POPEN = """
io.popen = function(command)
  local text = python_does(command)
  return {lines = function() return text:gmatch("[^\\n]+") end, close = function() end}
end
"""


class Console:
    """Resolve's Console: a Lua with the handle as a global, and what was printed."""

    def __init__(self, resolve: Resolve, does: Callable[[str], str] | None = None) -> None:
        """does: takes the place of `emsync host`, which takes a second to start."""
        self.lua = lupa.LuaRuntime(unpack_returned_tuples=False)
        self.said: list[str] = []
        self._handles: dict[int, Any] = {}
        names = self.lua.globals()
        names.resolve = self._given(resolve)
        names.print = lambda *words: self.said.append(" ".join(map(str, words)))
        if does is not None:
            names.python_does = does
            self.lua.execute(POPEN)
        self.emsync = self.lua.execute(SCRIPT.read_text(encoding="utf-8"))

    def table(self, **items: Any) -> Any:
        return self.lua.table(**items)

    def _given(self, value: Any) -> Any:
        """As Resolve gives it to Lua: lists from 1, handles with methods for a colon."""
        if isinstance(value, Handle):
            return self._handle(value)
        if isinstance(value, list):
            return self.lua.table(*map(self._given, value))
        if isinstance(value, dict):
            made = self.lua.table()
            for key, each in value.items():
                made[key] = self._given(each)
            return made
        return value

    def _handle(self, handle: Handle) -> Any:
        made = self.lua.table()
        self._handles[id(handle)] = handle
        made["__id"] = id(handle)
        for name in dir(handle):
            if getattr(getattr(type(handle), name, None), "is_api", False):
                made[name] = self._method(handle, name)
        return made

    def _method(self, handle: Handle, name: str) -> Callable[..., Any]:
        def called(_: Any, *arguments: Any) -> Any:
            return self._given(getattr(handle, name)(*map(self._taken, arguments)))

        return called

    def _taken(self, value: Any) -> Any:
        if lupa.lua_type(value) != "table":
            return value
        keys = list(value.keys())
        if "__id" in keys:
            return self._handles[value["__id"]]
        if keys and all(isinstance(key, int) for key in keys):
            return [self._taken(value[key]) for key in sorted(keys)]
        return {key: self._taken(value[key]) for key in keys}


@pytest.fixture(autouse=True)
def studio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`emsync host` without a network behind it; a home of the test's own."""
    monkeypatch.setenv("EMSYNC_COMMAND", f"{sys.executable} {FAKE_STUDIO}")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """`emsync host FILE` in this process."""
    monkeypatch.setattr(host_bridge_module, "Client", lambda transport: FakeClient())
    monkeypatch.setattr(host_bridge_module, "connect", lambda: None)

    def done(command: str) -> str:
        out = io.StringIO()
        host_bridge(io.StringIO(), out, Path(shlex.split(command)[-1]))
        return out.getvalue()

    return done


@pytest.mark.parametrize(
    "profile", [Profile("29.97 DF", 107_892), Profile("25", 0, version=(18, 6, 4))], ids=str
)
def test_lua_reads_and_lays_what_python_does(cut: Make, tmp_path: Path, profile: Profile) -> None:
    resolve = cut(profile)
    before = snapshot(resolve)
    python_read = wire.from_dict(HostTimeline, ResolveHost(resolve).read(), origin="Python")
    console = Console(resolve)
    assert console.emsync.score(console.table(seed=3, takes=2)), console.said
    assert console.said[-1] == "2 stems laid." and any(
        "reading the edit" in s for s in console.said
    )
    (order,) = tmp_path.glob("emsync/Film/Reel 1/001/order.json")
    host = ResolveHost(resolve)
    note = host.notes()["Reel 1"]
    assert note["seed"] == 3 and Path(note["folder"]) == order.parent
    lua_read = wire.from_dict(HostTimeline, host.read(), origin="Python, after Lua")
    assert [t.clips for t in lua_read.tracks[:2]] == [t.clips for t in python_read.tracks[:2]]
    assert [f["start_frames"] for f in host.found("Reel 1")] == [0, 0]
    sheet = json.loads(order.read_text(encoding="utf-8"))["sheet"]
    assert len(sheet["boundaries"]) == 2  # the cut, and the dissolve at its middle
    assert console.emsync.choose(2) and host.notes()["Reel 1"]["take"] == 2
    assert len(host.found("Reel 1")) == 2
    assert console.emsync.remove(), console.said
    assert snapshot(resolve) == before


def test_lua_writes_bars_anew_and_follows_a_re_edit(cut: Make, does: Callable[[str], str]) -> None:
    resolve = cut(Profile("29.97 DF", 107_892))
    timeline, host = resolve.timeline(), ResolveHost(resolve)
    console = Console(resolve, does)
    assert console.emsync.score(console.table(stems="ducked", takes=2)), console.said
    assert any(" left" in line for line in console.said)
    assert not console.emsync.regenerate() and "in and out points" in console.said[-1]
    bars = console.lua.table(2, 2)
    assert console.emsync.regenerate(console.table(bars=bars, seed=9)), console.said
    timeline._in_out = (100, 120)
    assert console.emsync.regenerate(), console.said
    note = host.notes()["Reel 1"]
    assert note["seed"] == 10 and host.is_ducked("Reel 1")
    assert "stems-ducked" in timeline._tracks["audio"][1].items[0]._media._path
    assert console.emsync.renew() and any("is as it was" in line for line in console.said)
    del timeline._tracks["video"][0].items[2:]  # the last shot, and the dissolve before it
    assert console.emsync.renew(), console.said
    assert host.notes()["Reel 1"]["span"]["length_frames"] == 96
    resolve.app.most_custom_data = 900
    kept = console.table(keep_key=True, keep_tempo=True)
    assert console.emsync.score(kept), console.said
    brief = host.notes()["Reel 1"]["sheet"]["cues"][0]["brief"]
    assert "key" in brief and "tempo_bpm" in brief
    assert console.emsync.fetch() and console.emsync.remove(), console.said
    assert len(timeline._tracks["audio"]) == 1


def test_lua_scores_the_clip_under_the_playhead_and_means_the_score_there(
    cut: Make, does: Callable[[str], str]
) -> None:
    resolve = cut(Profile("29.97 DF", 107_892))
    timeline, console = resolve.timeline(), Console(resolve, does)
    for frame in (10, 60):
        at = RationalTime(107_892 + frame, resolve.app.profile.exact_rate)
        timeline.SetCurrentTimecode(timecode_of(at, drop_frame=True))
        assert console.emsync.score(console.table(part="clip", takes=2)), console.said
    assert console.emsync.choose(2), console.said
    takes = {cue: note["take"] for cue, note in ResolveHost(resolve).notes().items()}
    assert takes == {"Reel 1 0": 1, "Reel 1 48": 2}


def test_deleting_the_file_that_lua_names_cancels(
    cut: Make, does: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = cut()
    console = Console(resolve, does)
    before = snapshot(resolve)
    say = host_bridge_module.say_event

    def delete_when_composing(stdout: Any, event: dict[str, Any]) -> None:
        say(stdout, event)
        if event.get("progress", {}).get("fraction", 0) > 0.4:
            (named,) = (line for line in console.said if line.startswith("To cancel, delete"))
            Path(named.rpartition("the file ")[2]).unlink(missing_ok=True)

    monkeypatch.setattr(host_bridge_module, "say_event", delete_when_composing)
    assert not console.emsync.score(console.table())
    assert "cancelled; nothing was left behind" in console.said[-1]
    assert snapshot(resolve) == before and not list(tmp_path.rglob("*.wav"))


def test_lua_says_one_sentence_and_leaves_the_timeline_as_it_was(
    cut: Make, does: Callable[[str], str]
) -> None:
    resolve = cut()
    console = Console(resolve, does)
    assert not console.emsync.remove() and "no score" in console.said[-1]
    before = snapshot(resolve)
    resolve.app.most_tracks = 2
    assert not console.emsync.score(console.table()) and "did not lay" in console.said[-1]
    assert snapshot(resolve) == before
    assert console.emsync.diagnose() and any("'composer'" in line for line in console.said)
    resolve._projects._project._timelines.clear()
    assert not console.emsync.score(console.table()) and "No timeline" in console.said[-1]
