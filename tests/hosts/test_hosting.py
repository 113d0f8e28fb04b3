"""What all hosts share: orders, runs, jobs, and what was laid compared."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from tests.contract.conftest import REPOSITORY
from tests.hosts.fake_studio import connected
from tests.hosts.host_timelines import cut, quiet, studio
from tests.hosts.old_python import old_python

from emsync import wire
from emsync.client import Client, ProcessTransport
from emsync.cue import Brief, Key
from emsync.emotion import Mood
from emsync.errors import (
    EmsyncError,
    InputError,
    JobCancelledError,
    MediaError,
    NotFoundError,
    OutputError,
    TimelineError,
)
from emsync.hosting import (
    Cancelled,
    Done,
    Failed,
    FoundStem,
    HostTimeline,
    Job,
    JobEvent,
    Order,
    Progressed,
    Span,
    Wishes,
    diagnose,
    differences,
    read_note,
)
from emsync.hosting.requests import answer
from emsync.hosting.run_folder import file_name


def test_a_score_is_placed_where_the_range_begins(tmp_path: Path) -> None:
    order = Order(cut(), str(tmp_path), Wishes(takes=2, mood=Mood.FEAR), Span(48, 96))
    placement = studio().score(order, quiet)
    assert placement.cue == "Reel 1 48"
    assert {(c.start_frames, c.length_frames) for c in placement.stems} == {(48, 102)}
    assert [clip.name for clip in placement.stems] == ["Reel 1 48 – strings", "Reel 1 48 – brass"]
    assert [(m.at_frames, m.color, m.error_frames) for m in placement.marks] == [(96, "GREEN", 0.0)]
    note = placement.note
    assert (note.takes, note.span, note.model) == (2, Span(48, 96), "fake")
    assert note.sheet.cues[0].emotion.at(1.0).valence == -0.8
    assert read_note(wire.dumps(note)) == note  # as a project keeps it


def test_the_tempo_of_the_score_that_lies_there_is_kept(tmp_path: Path) -> None:
    first = studio().score(Order(cut(), str(tmp_path), Wishes()), quiet)
    order = Order(cut(), str(tmp_path), Wishes(keep_tempo=True), former=first.note)
    second = studio().score(order, quiet)
    assert second.note.sheet.cues[0].brief.tempo_bpm == pytest.approx((57.6, 62.4))
    assert Path(second.note.folder).name == "002"


def test_the_key_of_the_score_that_lies_there_is_kept(tmp_path: Path) -> None:
    first = studio().score(Order(cut(), str(tmp_path), Wishes(takes=2)), quiet)
    assert first.note.offers == ("C# minor, 60 bpm, 2 bars", "D minor, 60 bpm, 2 bars")
    second_take = studio().choose(first.note, 2, quiet)
    kept = Wishes(brief=Brief(key=Key.parse("F major")), keep_key=True)
    order = Order(cut(), str(tmp_path), kept, former=second_take.note)
    second = studio().score(order, quiet)
    assert str(second.note.sheet.cues[0].brief.key) == "D minor"
    path = Path(first.note.folder) / "take-2.json"
    path.write_text(wire.dumps(replace(wire.read_take(path), key=None)), encoding="utf-8")
    with pytest.raises(InputError, match="did not note its key"):
        studio().score(order, quiet)


def test_what_plays_in_the_host_is_never_overwritten(tmp_path: Path) -> None:
    first = studio().score(Order(cut(), str(tmp_path), Wishes(takes=2)), quiet)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    second = studio().choose(first.note, 2, quiet)
    third = studio().regenerate(second.note, Span(100, 10), 9, quiet)
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    assert second.note.take == 2 and "stems-2" in second.stems[0].media
    assert Path(third.note.folder).name == "002" and third.note.seed == 9
    with pytest.raises(TimelineError, match="outside the cue"):
        studio().regenerate(first.note, Span(1000, 10), 9, quiet)
    fourth = studio().regenerate(first.note, (2, 3), 9, quiet)
    take = wire.read_take(Path(fourth.note.folder) / "take.json")
    assert dict(take.measures) == {"first_bar": 2.0}
    with pytest.raises(TimelineError, match="bars 1 to 2; bars 2 to 3 do not all"):
        studio().regenerate(first.note, (2, 4), 9, quiet)


@pytest.mark.parametrize("step", ["reading the edit", "step 1", "playing the instruments"])
def test_cancelling_at_any_step_leaves_no_files(tmp_path: Path, step: str) -> None:
    def watch(fraction: float, note: str) -> None:
        if note == step:
            raise JobCancelledError("The work was cancelled; nothing was left behind.")

    with pytest.raises(JobCancelledError):
        studio().score(Order(cut(), str(tmp_path / "scores"), Wishes()), watch)
    assert list(tmp_path.iterdir()) == []


def test_a_score_that_failed_after_its_takes_can_be_fetched(tmp_path: Path) -> None:
    def watch(fraction: float, note: str) -> None:
        if note == "playing the instruments":
            raise MediaError("The disk was pulled out.")

    with pytest.raises(MediaError):
        studio().score(Order(cut(), str(tmp_path), Wishes()), watch)
    placement = studio().resume(tmp_path, quiet)
    assert all(Path(clip.media).is_file() for clip in placement.stems)
    with pytest.raises(NotFoundError, match="no finished take"):
        studio().resume(tmp_path / "elsewhere", quiet)


def test_what_a_killed_host_left_goes_with_the_next_score(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    for name, process in (("001", gone.pid), ("002", os.getpid())):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".owner").write_text(str(process), encoding="ascii")
    placement = studio().score(Order(cut(), str(tmp_path), Wishes()), quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["002", "003"]
    assert not (Path(placement.note.folder) / ".owner").exists()


def test_two_hosts_at_once_get_two_folders(tmp_path: Path) -> None:
    folders: list[str] = []

    def one() -> None:
        placement = studio().score(Order(cut(), str(tmp_path), Wishes()), quiet)
        folders.append(placement.note.folder)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(folders)) == 2


@pytest.mark.parametrize(
    ("order", "words"),
    [
        pytest.param(
            Order(HostTimeline("x", Fraction(24), 10), "/x", Wishes()), "no picture", id="empty"
        ),
        pytest.param(Order(cut(), "/x", Wishes(), Span(500, 10)), "outside", id="range outside"),
        pytest.param(
            Order(replace(cut(), tracks=cut().tracks[2:]), "/x", Wishes()), "no picture", id="sound"
        ),
    ],
)
def test_nothing_to_score_is_a_sentence(order: Order, words: str) -> None:
    with pytest.raises(TimelineError, match=words):
        studio().score(order, quiet)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written to"):
        studio().score(Order(cut(), str(tmp_path / "file"), Wishes()), quiet)


@pytest.mark.parametrize(
    ("name", "becomes"),
    [("Reel 1", "Reel 1"), ('a/b:"c"', "a b c"), ("…", "…"), ("..", "timeline"), ("", "timeline")],
)
def test_names_become_file_names(name: str, becomes: str) -> None:
    assert file_name(name) == becomes


def test_what_the_host_did_differently_is_said(tmp_path: Path) -> None:
    placement = studio().score(Order(cut(), str(tmp_path), Wishes()), quiet)
    right = [
        FoundStem(c.name, c.name, c.start_frames, c.length_frames, c.media) for c in placement.stems
    ]
    assert differences(placement, right) == ()
    assert differences(placement, [replace(right[0], length_frames=151), right[1]]) == ()
    odd: list[tuple[FoundStem | None, str]] = [
        (None, "is not on the timeline"),
        (replace(right[0], start_frames=2), "lies +2 frames"),
        (replace(right[0], length_frames=99), "lasts 99 frames"),
        (replace(right[0], media="/other.wav"), "plays '/other.wav'"),
    ]
    for wrong, words in odd:
        found = [*([wrong] if wrong else []), right[1]]
        (line,) = differences(placement, found)
        assert words in line


def events_of(work: Callable[..., int], *, cancel: bool = False) -> list[JobEvent[int]]:
    job = Job(work)
    if cancel:
        job.cancel()
    job.wait()
    return list(job.events())


def test_a_job_ends_with_one_last_event() -> None:
    def counting(watch: Callable[[float, str], None]) -> int:
        watch(0.01, "begun")
        watch(0.5, "half")
        return 7

    begun, half, done = events_of(counting)
    assert isinstance(begun, Progressed) and begun.remaining_s is None
    assert isinstance(half, Progressed) and half.remaining_s is not None
    assert done == Done(7)

    def failing(watch: object) -> int:
        raise InputError("That is no film. Name one.")

    assert events_of(failing) == [Failed("That is no film. Name one.")]

    def broken(watch: object) -> int:
        raise ZeroDivisionError

    (failed,) = events_of(broken)
    assert isinstance(failed, Failed) and "did not foresee" in failed.sentence

    def waiting(watch: Callable[[float, str], None]) -> int:
        while True:
            time.sleep(0.01)
            watch(0.1, "waiting")

    assert events_of(waiting, cancel=True)[-1] == Cancelled()


def test_a_diagnosis_says_what_to_do() -> None:
    lines = " ".join(diagnose(connected))
    assert "emsync 9.9" in lines and "different versions" in lines and "'composer'" in lines
    assert "scene_full" not in lines

    def nowhere() -> Client:
        return Client(ProcessTransport(["/nowhere/emsync"]))

    assert "cannot be run" in diagnose(nowhere)[-1]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        pytest.param({}, "one name", id="nothing"),
        pytest.param({"dance": {}}, "There is no job 'dance'", id="job"),
        pytest.param({"score": {"folder": "/x"}}, "timeline", id="field"),
        pytest.param({"regenerate": 3}, "braces", id="kind"),
    ],
)
def test_a_wrong_request_is_said_before_a_server_is_looked_for(
    request_: dict[str, object], words: str
) -> None:
    def connect() -> Client:
        raise AssertionError("no server is needed")

    with pytest.raises(EmsyncError, match=words):
        answer(request_, connect, quiet)


def test_a_brief_that_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="takes"):
        Wishes(takes=99)
    with pytest.raises(ValueError, match="density"):
        Wishes(brief=Brief(density=2.0))


def test_blenders_plugin_needs_nothing_but_emsync_and_is_quick_to_import() -> None:
    folders = [str(REPOSITORY / "shared"), str(REPOSITORY / "plugins" / "blender")]
    script = (
        f"import sys, time; sys.path[:0] = {folders!r}; began = time.process_time()\n"
        "import emsync_blender\n"
        "spent = time.process_time() - began\n"
        "import emsync_blender.actions, emsync_blender.strips, emsync_blender.telling\n"
        "import emsync_blender.api\n"
        "ours = set(sys.stdlib_module_names) | {'emsync', 'emsync_blender', '__main__'}\n"
        "tops = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(tops - ours - {'sitecustomize', '_virtualenv'}), spent)"
    )
    answer = subprocess.run(
        [old_python("3.11"), "-I", "-S", "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    names, _, spent_s = answer.stdout.strip().rpartition(" ")
    print(f"emsync_blender imported in {1000 * float(spent_s):.0f} ms")  # pytest -s shows it
    assert names == "[]" and float(spent_s) < 0.1
