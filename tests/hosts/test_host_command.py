"""`emsync host`: one request in, lines out; through a real server at last."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import soundfile
from tests.contract.conftest import wait_until
from tests.films import draw_film
from tests.hosts.host_timelines import cut

from emsync import wire
from emsync.client.runtime_file import read_address
from emsync.hosting import HostClip, HostTimeline, HostTrack, Order, TrackKind, Wishes, read_note
from emsync_server.rpc import host_bridge

HERE = Path(__file__).with_name("emsync_here.py")


def asked(line: str, file: Path | None = None) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and lines."""
    out = io.StringIO()
    code = host_bridge(io.StringIO(line), out, file)
    return code, [json.loads(each) for each in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("{\n", "not JSON", id="JSON"),
        pytest.param("{}\n", "one name", id="nothing"),
        pytest.param('{"dance": {}}\n', "no job 'dance'", id="job"),
        pytest.param('{"resume": {"folder": 3}}\n', "folder", id="field"),
    ],
)
def test_a_wrong_request_is_one_line_with_a_sentence(line: str, words: str) -> None:
    code, lines = asked(line)
    assert code == 3 and len(lines) == 1 and words in lines[0]["error"]["message"]


def test_a_request_in_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    code, lines = asked("", tmp_path / "nothing.json")
    assert code == 3 and "There is no request at" in lines[0]["error"]["message"]
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    code, lines = asked("", tmp_path / "list.json")
    assert code == 3 and "no JSON object" in lines[0]["error"]["message"]


@pytest.mark.parametrize("says", ["cancel\n", ""], ids=["cancelled", "host gone"])
def test_what_was_composed_stays_when_the_host_is_gone_and_goes_when_it_is_cancelled(
    tmp_path: Path, says: str
) -> None:
    order = wire.to_dict(Order(replace(cut(), name="late"), str(tmp_path / "scores"), Wishes()))
    program = [sys.executable, str(HERE.with_name("fake_studio.py")), "host"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdin is not None and job.stdout is not None
        job.stdin.write(json.dumps({"score": order}) + "\n")
        job.stdin.flush()
        while "playing" not in job.stdout.readline():
            pass
        job.stdin.write(says)
        job.stdin.close()
        job.wait(30)
    if says:
        assert not (tmp_path / "scores").exists()
    else:
        note = read_note((tmp_path / "scores" / "001" / "order.json").read_text("utf-8"))
        assert note.sheet.cues[0].name == "late"


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A real server process that may touch the test's folder, and how to reach it."""
    with tempfile.TemporaryDirectory(prefix="emsync-test-") as runtime:
        found = {**os.environ, "EMSYNC_RUNTIME_DIR": runtime}
        server = subprocess.Popen(
            [sys.executable, str(HERE), "serve", "--allow-root", str(tmp_path)],
            env=found,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: read_address(Path(runtime)) is not None, 60.0)
            yield found
        finally:
            server.terminate()
            server.wait(30)


@pytest.mark.slow
def test_a_host_gets_stems_that_last_as_long_as_the_cut(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    film = tmp_path / "film.mp4"
    draw_film(film)
    shots = (HostClip("a", 0, 120, media=str(film)), HostClip("b", 120, 120, media=str(film)))
    talk = HostTrack("A1", TrackKind.SOUND, (HostClip("talk", 0, 240, media=str(film)),))
    timeline = HostTimeline(
        "Reel 1", Fraction(24), 240, tracks=(HostTrack("V1", TrackKind.PICTURE, shots), talk)
    )
    order = wire.to_dict(Order(timeline, str(tmp_path / "scores"), Wishes(seed=4)))
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"score": order}), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(HERE), "host", str(request)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    *progress, last = map(json.loads, done.stdout.splitlines())
    fractions = [event["progress"]["fraction"] for event in progress]
    assert len(fractions) > 5 and fractions == sorted(fractions)
    placement = last["result"]
    assert placement["cue"] == "Reel 1" and placement["note"]["seed"] == 4
    for clip in placement["stems"]:
        info = soundfile.info(clip["media"])
        assert clip["start_frames"] == 0 and clip["length_frames"] == info.frames * 24 // 48_000
    marks = {mark["at_frames"]: mark for mark in placement["marks"]}
    assert marks[120]["color"] == "GREEN" and abs(marks[120]["error_frames"]) <= 0.5
