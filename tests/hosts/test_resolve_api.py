"""The double and our code against what DaVinci Resolve's API is: `fusionscript-stubs` from PyPI."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
import tempfile
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
from tests.hosts import fake_resolve
from tests.hosts.fake_resolve import Profile, Resolve, snapshot
from tests.hosts.old_python import old_python

from emsync_resolve import install, record

PLUGIN = Path(install.__file__).parent
OTHER_INTERFACES = {"window.py"}  # UIManager is Fusion's, and has no stubs
NOT_RESOLVES = {"Popen", "TemporaryFile", "ArgumentParser", "Queue", "Thread"}


def stubs() -> dict[str, dict[str, list[tuple[int, int]]]]:
    """Class → method → least and greatest number of arguments, for each way to call it."""
    (source,) = (f for f in files("fusionscript-stubs") or () if f.name == "fusionscript.pyi")
    tree = ast.parse(Path(str(source.locate())).read_text(encoding="utf-8"))
    found: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for each in tree.body:
        if isinstance(each, ast.ClassDef):
            methods = found.setdefault(each.name, {})
            for function in each.body:
                if isinstance(function, ast.FunctionDef):
                    methods.setdefault(function.name, []).append(counts(function))
    return found


def counts(function: ast.FunctionDef) -> tuple[int, int]:
    """Arguments that must and may be given; what is marked optional may be left out, and so may
    `subframe_precision`, which versions before 19.1 do not know, and DeleteClips' ripple."""
    given = function.args.args[1:]
    if function.args.vararg:
        return len(given), 99
    free = len(function.args.defaults)
    for argument in reversed(given[: len(given) - free]):
        words = ast.unparse(argument.annotation) if argument.annotation else ""
        if "Optional" not in words and argument.arg not in ("subframe_precision", "Bool"):
            break
        free += 1
    return len(given) - free, len(given)


STUBS = stubs()
DOUBLES = [
    each
    for _, each in inspect.getmembers(fake_resolve, inspect.isclass)
    if issubclass(each, fake_resolve.Handle) and each is not fake_resolve.Handle
]


@pytest.mark.parametrize("double", DOUBLES, ids=lambda each: str(each.__name__))
def test_the_double_has_no_call_that_resolve_has_not(double: type) -> None:
    real = STUBS[double.__name__]
    for name, method in vars(double).items():
        if not getattr(method, "is_api", False):
            continue
        assert name in real, f"{double.__name__} has no {name}"
        given = list(inspect.signature(method).parameters.values())[1:]
        least = sum(each.default is inspect.Parameter.empty for each in given)
        # AddTrack's second argument is a stub's must and the documentation's may.
        ways = [*real[name], (1, 2)] if name == "AddTrack" else real[name]
        assert any(low <= least and len(given) <= high for low, high in ways), name


def test_our_code_calls_nothing_else() -> None:
    doubled = {name for double in DOUBLES for name in vars(double)}
    known = {name for methods in STUBS.values() for name in methods}
    for path in sorted(PLUGIN.glob("*.py")):
        if path.name in OTHER_INTERFACES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = node.func.attr
                if name[0].isupper() and name not in NOT_RESOLVES:
                    assert name in known, f"{path.name}:{node.lineno} calls {name}"
                    assert name in doubled, f"{path.name}:{node.lineno}: {name} is not tested"


@pytest.mark.parametrize("path", sorted(PLUGIN.glob("*.py")), ids=lambda path: str(path.name))
def test_the_plugin_is_python_3_8(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_a_bare_interpreter_of_the_oldest_python_needs_nothing_else() -> None:
    script = (
        f"import sys, time; sys.path.insert(0, {str(PLUGIN.parent)!r})\n"
        "before = set(sys.modules); began = time.process_time()\n"
        "import emsync_resolve.menu, emsync_resolve.install, emsync_resolve.record\n"
        "spent = time.process_time() - began\n"
        "import os\n"
        "standard = os.path.dirname(os.__file__)\n"
        "tops = {n for n, m in sys.modules.items() if n not in before\n"
        "        and getattr(m, '__file__', None) and not m.__file__.startswith(standard)}\n"
        "print(sorted({n.partition('.')[0] for n in tops}), spent)"
    )
    answer = subprocess.run(
        [old_python("3.8"), "-I", "-S", "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    names, _, spent_s = answer.stdout.strip().rpartition(" ")
    assert names == "['emsync_resolve']"
    print(f"emsync_resolve.menu imported in {1000 * float(spent_s):.0f} ms")  # pytest -s shows it
    assert float(spent_s) < 0.1


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        pytest.param(
            "linux", {"HOME": "/home/e"}, "/home/e/.local/share/DaVinciResolve/Fusion", id="Linux"
        ),
        pytest.param(
            "darwin",
            {"HOME": "/Users/e"},
            "/Users/e/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion",
            id="macOS",
        ),
        pytest.param(
            "win32",
            {"APPDATA": "C:\\Users\\e\\AppData\\Roaming"},
            "C:\\Users\\e\\AppData\\Roaming\\Blackmagic Design\\DaVinci Resolve\\Support\\Fusion",
            id="Windows",
        ),
    ],
)
def test_the_installer_knows_where_resolve_looks(
    platform: str, environment: dict[str, str], folder: str
) -> None:
    assert install.fusion_folder(platform, environment) == folder


def test_what_the_installer_writes_runs_from_the_menu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    theirs = tmp_path / "Fusion" / "Scripts" / "Utility" / "theirs.py"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("", encoding="utf-8")
    fusion = str(tmp_path / "Fusion")
    install.install(fusion, [sys.executable, "-m", "emsync_server.rpc"])
    script = tmp_path / "Fusion" / "Scripts" / "Utility" / "emsync" / "Remove score.py"
    # As Resolve runs a menu entry: with its handle as a global, and without __file__.
    scope: dict[str, Any] = {"resolve": Resolve()}
    exec(compile(script.read_text(encoding="utf-8"), "menu", "exec"), scope)
    assert "no score" in capsys.readouterr().out
    sys.path.remove(str(tmp_path / "Fusion" / "emsync"))
    install.install(fusion)  # a second time replaces the first
    install.remove(fusion)
    assert [path for path in (tmp_path / "Fusion").rglob("*") if path.is_file()] == [theirs]


def test_the_recorder_leaves_the_timeline_as_it_was_and_its_transcript_replays(
    tmp_path: Path,
) -> None:
    resolve = Resolve(Profile("25", 90_000))
    resolve.timeline().put("video", 1, "shot", (0, 100), "/film.mp4")
    before = snapshot(resolve)
    transcript = tmp_path / "transcript.json"
    assert record.record(resolve, str(transcript)) > 20
    after = snapshot(resolve)
    assert after[:2] == before[:2]
    check_replay(json.loads(transcript.read_text(encoding="utf-8")))


def test_a_transcript_of_a_real_resolve_is_reproduced(replay: Path | None) -> None:
    if replay is None:
        pytest.skip("no transcript (pytest --replay FILE; emsync_resolve.record writes one)")
    check_replay(json.loads(replay.read_text(encoding="utf-8")))


def check_replay(transcript: dict[str, Any]) -> None:
    """The same questions to the double; it must give the answers that the real one gave."""
    calls = transcript["calls"]
    answers = {(c["on"], c["method"]): c.get("answer") for c in calls}
    rate = str(answers["timeline", "GetSetting"])
    start = int(answers["timeline", "GetStartFrame"])
    studio = "Studio" in answers["resolve", "GetProductName"]
    version = tuple(int(part) for part in transcript["version"][:3])
    ends = [c["answer"] for c in calls if (c["on"], c["method"]) == ("video item", "GetEnd")]
    inclusive = bool(ends) and int(answers["timeline", "GetEndFrame"]) < max(ends)
    resolve = Resolve(Profile(rate, start, inclusive, studio, version))  # type: ignore[arg-type]
    kept = answers.get(("marker", "custom data"), record.LONG_NOTE)
    resolve.app.most_custom_data = kept if kept < record.LONG_NOTE else None
    timeline = resolve.timeline()
    starts = [c for c in calls if c["on"].endswith("item") and c["method"] == "GetStart"]
    lengths = [c for c in calls if c["on"].endswith("item") and c["method"] == "GetDuration"]
    for begin, length in zip(starts, lengths, strict=True):
        kind = begin["on"].partition(" ")[0]
        at = (int(begin["answer"]) - start, int(length["answer"]))
        timeline.put(kind, 1, "clip", at, "/film.mp4")
    compared = {
        ("timeline", "AddMarker"), ("timeline", "GetMarkers"), ("timeline", "GetTrackSubType"),
        ("timeline", "DeleteMarkerAtFrame"), ("timeline", "DeleteTrack"), ("audio item", "count"),
        ("timeline", "GetEndFrame"), ("timeline", "GetStartFrame"), ("marker", "custom data"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        second = Path(folder) / "double.json"
        record.record(resolve, str(second))
        doubled = json.loads(second.read_text(encoding="utf-8"))["calls"]

    def told(each: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        kept = [call for call in each if (call["on"], call["method"]) in compared]
        return [(call["on"], call["method"], call.get("answer")) for call in kept]

    assert told(doubled) == told(calls)
