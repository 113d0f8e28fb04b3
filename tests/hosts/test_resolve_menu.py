"""What Resolve's menu does and says, by edition; the brief and its window."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.contract.conftest import wait_until
from tests.hosts.fake_resolve import Profile, snapshot
from tests.hosts.fake_window import FakeWindow
from tests.hosts.test_resolve import Make, answered, cut, studio

from emsync_resolve import actions
from emsync_resolve.brief import DEFAULTS, from_file, options_of, wishes_of
from emsync_resolve.host import ResolveHost
from emsync_resolve.menu import _remaining, _run_command, main
from emsync_resolve.process import HostError

__all__ = ["cut", "studio"]


def test_of_several_scores_the_one_under_the_playhead_is_meant(cut: Make) -> None:
    resolve = cut()
    timeline = resolve.timeline()
    for timecode in ("01:00:00:00", "01:00:03:00"):
        timeline.SetCurrentTimecode(timecode)
        wishes = {**wishes_of(dict(DEFAULTS)), "takes": 2}
        actions.score(ResolveHost(resolve), wishes, lambda *_: None, bool, part="clip")
    said: list[str] = []
    assert main("next", resolve, say=said.append) == 0
    assert any("Take 2 of 2 of 'Reel 1 48': D minor, 60 bpm, 1 bar." in line for line in said)
    notes = ResolveHost(resolve).notes()
    assert (notes["Reel 1 0"]["take"], notes["Reel 1 48"]["take"]) == (1, 2)


def test_an_open_dialogue_is_a_sentence(cut: Make) -> None:
    resolve = cut()
    resolve.app.dialogue_is_open = True
    said: list[str] = []
    assert main("score", resolve, say=said.append) == 1 and "a dialogue is open" in said[-1]
    resolve = cut()
    host = ResolveHost(resolve)

    def opens(fraction: float, note: str) -> None:
        resolve.app.dialogue_is_open = True

    with pytest.raises((AttributeError, TypeError)):
        actions.score(host, wishes_of(dict(DEFAULTS)), opens, bool)


def test_a_dialogue_that_opens_during_the_work_is_a_sentence(
    cut: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = cut()

    def job(request: Any, tell: Any, is_cancelled: Any) -> Any:
        placement = answered(request, tell, is_cancelled)
        resolve.app.dialogue_is_open = True
        return placement

    monkeypatch.setattr(actions, "run_job", job)
    said: list[str] = []
    assert main("score", resolve, say=said.append) == 1
    assert "stopped answering" in said[-1]


def test_what_remains_is_told() -> None:
    assert _remaining(0.01, 5.0) == "" and _remaining(1.0, 5.0) == ""
    assert _remaining(0.25, 30.0) == " - 1:30 left"


def test_the_window_asks_for_the_brief_and_leaves(cut: Make) -> None:
    window = FakeWindow("score", {"style": "piano", "seed": "7", "takes": "2", "keep_key": "yes"})
    said: list[str] = []
    resolve = cut()
    assert main("score", resolve, window, window, say=said.append) == 0, said
    assert window.shown == ["shown", "left", "hidden"]  # no loop of ours stays
    note = ResolveHost(resolve).notes()["Reel 1"]
    assert (note["seed"], note["takes"], note["wishes"]["brief"]["style"]) == (7, 2, "STYLE_PIANO")
    before = snapshot(resolve)
    for press in ("no", "emsync"):
        window = FakeWindow(press, {})
        assert main("score", resolve, window, window, say=said.append) == 0
        assert said[-1] == "Nothing was scored." and snapshot(resolve) == before


@pytest.mark.parametrize(
    ("product", "version", "in_place", "window"),
    [
        pytest.param("DaVinci Resolve Studio", (18, 5, 0), True, True, id="Studio 18.5"),
        pytest.param("DaVinci Resolve Studio", (21, 1, 0), True, True, id="Studio 21.1"),
        pytest.param("DaVinci Resolve", (19, 0, 0), False, True, id="free 19.0"),
        pytest.param("DaVinci Resolve", (19, 1, 0), False, False, id="free 19.1"),
        pytest.param("DaVinci Resolve", (21, 1, 0), False, False, id="free 21.1"),
    ],
)
def test_edition_and_version_choose_the_way(
    product: str, version: tuple[int, ...], in_place: bool, window: bool
) -> None:
    tier = actions.tier_of(product, version)
    assert (tier.in_place, tier.has_window) == (in_place, window)
    assert tier.sentence.count(".") <= 3 and tier.sentence.endswith(".")


def test_the_free_edition_goes_by_files(
    cut: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = cut(Profile(studio=False))
    commands: list[list[str]] = []

    def run(arguments: list[str]) -> None:
        commands.append(arguments)
        if arguments[0] == "score":
            Path(arguments[3]).mkdir(parents=True)
        else:
            Path(arguments[4]).write_text("{}", encoding="utf-8")

    host = ResolveHost(resolve)
    with pytest.raises(HostError, match="no score of this timeline yet"):
        actions.score_by_file(host, run, again=True)
    brief = {**DEFAULTS, "style": "piano", "instruments": "keys, strings", "key": "D minor"}
    assert "'Reel 1 scored'" in actions.score_by_file(host, run, options=options_of(brief))[0]
    assert commands[0][:1] == ["score"] and Path(commands[0][1]).is_file()
    options = "--seed 0 --spacing 4.0 --takes 1 --style piano --key D minor --family keys"
    assert " ".join(commands[0][4:]) == f"{options} --family strings"
    laid = Path(commands[1][4])
    assert commands[1] == [
        "place",
        commands[0][1],
        commands[0][3],
        "-o",
        str(laid),
        "--paths",
        "bare",
    ]
    monkeypatch.setattr("emsync_resolve.menu._run_command", run)
    assert main("renew", resolve, say=lambda line: None) == 0
    assert commands[2][3].endswith("-2.emsync") and commands[2][4:] == ["--again", commands[0][3]]
    assert main("next", resolve, say=lambda line: None) == 1
    names = [host.import_timeline(str(laid), "Reel 1 scored") for _ in range(2)]
    assert names == ["Reel 1 scored 3", "Reel 1 scored 4"]  # the earlier ones are taken


def test_a_command_is_cancelled_as_by_ctrl_c_and_its_last_line_is_the_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in background jobs
        "if sys.argv[1] == 'fail': sys.exit('first\\nThe disk is full. Make room.')\n"
        "try:\n"
        "    pathlib.Path(sys.argv[1]).touch(); time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    pathlib.Path(sys.argv[1]).unlink()\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("EMSYNC_COMMAND", shlex.join([sys.executable, str(program)]))
    with pytest.raises(HostError, match=r"^The disk is full\. Make room\.$"):
        _run_command(["fail"])
    begun = tmp_path / "begun"

    def cancel() -> None:
        wait_until(begun.exists, 20.0)
        main("cancel", None, say=lambda line: None)

    thread = Thread(target=cancel)
    thread.start()
    with pytest.raises(HostError, match="was cancelled"):
        _run_command([str(begun)])
    thread.join()
    assert not begun.exists()  # it had time to clean up


def test_what_the_way_by_files_cannot_do_is_said() -> None:
    brief = {**DEFAULTS, "part": "range", "mood": "fear", "keep_key": "yes"}
    with pytest.raises(HostError, match=r"of the brief: part, mood, keep_key\. Leave"):
        options_of(brief)


def test_the_menu_says_sentences(cut: Make, tmp_path: Path) -> None:
    said: list[str] = []
    resolve = cut()
    assert main("remove", resolve, say=said.append) == 1 and "no score" in said[-1]
    assert main("score", resolve, say=said.append) == 0
    assert any(line.startswith("2 stems laid") for line in said)
    assert main("next", resolve, say=said.append) == 0
    assert main("cancel", None, say=said.append) == 0 and (tmp_path / "emsync/cancel").is_file()
    assert main("score", None, say=said.append) == 1 and "Workspace" in said[-1]
    assert main("diagnose", resolve, say=said.append) == 0
    assert said[-1].startswith("DaVinci Resolve Studio: Stems are laid on new tracks")
    assert any("different versions" in line for line in said)
    assert any("'composer' is missing" in line for line in said)


def test_a_wrong_brief_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="no number"):
        wishes_of({**DEFAULTS, "takes": "many"})
    brief = tmp_path / "brief.json"
    brief.write_text("[", encoding="utf-8")
    with pytest.raises(HostError, match="cannot be read"):
        from_file(str(brief))
    brief.write_text('{"style": "piano", "instruments": "keys, strings"}', encoding="utf-8")
    assert wishes_of(from_file(str(brief)))["brief"] == {
        "style": "piano",
        "families": ["keys", "strings"],
    }
