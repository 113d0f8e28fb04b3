"""The buttons' actions on a host that is no Blender: what the panel is told, and when nothing is
laid."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.fake_studio import FakeClient
from tests.hosts.host_timelines import cut

from emsync import wire
from emsync.client import Client, ProcessTransport
from emsync.errors import (
    EmsyncError,
    InputError,
    JobCancelledError,
    LimitError,
    NotFoundError,
    VersionMismatchError,
)
from emsync.hosting import (
    FoundStem,
    HostTimeline,
    Job,
    Order,
    Placement,
    Progressed,
    ScoreNote,
    Span,
    Studio,
    Wishes,
)
from emsync.hosting.requests import answer
from emsync_blender.actions import Scope, Session, command_of
from emsync_blender.telling import Telling
from emsync_server.rpc.host_recut import HostRecutter

FAKE_STUDIO = Path(__file__).with_name("fake_studio.py")


class FakeHost:
    """A timeline in memory."""

    def __init__(self, folder: Path, name: str = "Reel 1") -> None:
        self.timeline = replace(cut(), name=name)
        self.folder = folder
        self.laid: dict[str, Placement] = {}
        self.refusal: EmsyncError | None = None
        self.shift = 0

    def read(self) -> HostTimeline:
        return self.timeline

    def score_folder(self) -> Path:
        return self.folder

    def place(self, placement: Placement) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.laid[placement.cue] = placement

    def found(self, cue: str) -> tuple[FoundStem, ...]:
        return tuple(
            FoundStem(c.name, c.name, c.start_frames + self.shift, c.length_frames, c.media)
            for c in self.laid[cue].stems
        )

    def remove(self, cue: str) -> int:
        return len(self.laid.pop(cue).stems)

    def notes(self) -> dict[str, ScoreNote]:
        return {cue: placement.note for cue, placement in self.laid.items()}


def connected() -> Any:
    return FakeClient()


def finished(session: Session) -> Telling:
    """What the panel is told at last."""
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        telling = session.pump()
        if telling is not None and telling.is_over:
            return telling
        time.sleep(0.01)
    raise AssertionError("the job did not end")


def test_a_score_is_laid_chosen_regenerated_and_removed(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    session = Session(host, connected)
    session.score(Wishes(takes=2))
    told = finished(session)
    assert told.is_laid and told.line == "2 stems laid; 3 of 3 locked hits are exact."
    assert any("offline" in line for line in told.warnings)  # the film of this cut is nowhere
    session.choose("Reel 1", 2)
    assert finished(session).is_laid and host.notes()["Reel 1"].take == 2
    host.timeline = replace(host.timeline, range=Span(100, 20))
    session.regenerate("Reel 1", 8)
    assert finished(session).is_laid and host.notes()["Reel 1"].seed == 8
    assert "2 stems of 'Reel 1' removed" in session.remove("Reel 1") and not host.laid
    session.resume()
    assert finished(session).is_laid
    assert session.job is None


def test_after_a_re_edit_only_what_changed_is_laid_anew(tmp_path: Path) -> None:
    def handed(request: dict[str, Any], watch: Any) -> Any:
        return answer(request, connected, watch, None, HostRecutter())

    host = FakeHost(tmp_path)
    session = Session(host, connected, handed)
    with pytest.raises(NotFoundError, match="no score"):
        session.renew()
    session.score(Wishes())
    finished(session)
    first = host.laid["Reel 1"]
    session.renew()
    told = finished(session)
    assert not told.is_laid and "is as it was" in told.line and host.laid["Reel 1"] is first
    shorter = replace(host.timeline.tracks[0], clips=host.timeline.tracks[0].clips[:2])
    host.timeline = replace(host.timeline, tracks=(shorter,), length_frames=96)
    session.renew()
    told = finished(session)
    assert told.is_laid and told.line == "'Reel 1' follows the new edit."
    assert host.laid["Reel 1"].note.span == Span(0, 96)
    host.timeline = replace(host.timeline, length_frames=72)
    host.refusal = LimitError("Make room.")
    session.renew()
    told = finished(session)
    assert told.is_failure and not told.is_laid and told.line == "Make room."


def test_a_job_is_handed_to_a_process_and_cancelled_there(tmp_path: Path) -> None:
    transport = ProcessTransport([sys.executable, str(FAKE_STUDIO)])
    order = wire.to_dict(Order(cut(), str(tmp_path / "scores"), Wishes()))
    told: list[str] = []
    made = transport.run_job({"score": order}, lambda fraction, note: told.append(note))
    assert wire.from_dict(Placement, made, origin="The job").cue == "Reel 1"
    assert "reading the edit" in told
    with pytest.raises(InputError, match="no job 'dance'"):
        transport.run_job({"dance": {}}, lambda *_: None)

    def leave(fraction: float, note: str) -> None:
        raise JobCancelledError("The work was cancelled; nothing was left behind.")

    order = wire.to_dict(Order(replace(cut(), name="slow"), str(tmp_path / "slow"), Wishes()))
    with pytest.raises(JobCancelledError):
        transport.run_job({"score": order}, leave)
    assert not (tmp_path / "slow").exists()


def test_the_preferences_name_a_program_or_a_command_line(tmp_path: Path) -> None:
    program = tmp_path / "My Tools" / "emsync"
    program.parent.mkdir()
    program.touch()
    assert command_of("", "") is None
    assert command_of(str(program), str(program)) == [str(program)]
    assert command_of("python3 -m emsync_server", "x") == ["python3", "-m", "emsync_server"]


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        pytest.param(lambda s: s.score(Wishes(), Scope.RANGE), "There is no range", id="range"),
        pytest.param(lambda s: s.score(Wishes(), Scope.SELECTION), "No strip", id="selection"),
        pytest.param(lambda s: s.choose("Reel 9", 1), "There is no score 'Reel 9'", id="score"),
    ],
)
def test_what_cannot_begin_is_said_at_once(
    tmp_path: Path, begin: Callable[[Session], None], words: str
) -> None:
    session = Session(FakeHost(tmp_path), connected)
    with pytest.raises(NotFoundError, match=words):
        begin(session)
    assert session.job is None


def test_cancelling_lays_nothing_and_leaves_no_files(tmp_path: Path) -> None:
    host = FakeHost(tmp_path / "scores", "slow")
    session = Session(host, connected)
    session.score(Wishes())
    while session.pump() is None:
        time.sleep(0.01)
    session.cancel()
    told = finished(session)
    assert "Cancelled" in told.line and not told.is_laid and not host.laid
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "stays"), [("slow", False), ("late", True)])
@pytest.mark.parametrize("by_process", [False, True], ids=["rpc", "host"])
def test_a_project_that_is_closed_keeps_only_what_was_composed(
    tmp_path: Path, name: str, stays: bool, by_process: bool
) -> None:
    order = Order(replace(cut(), name=name), str(tmp_path / "scores"), Wishes())

    def work(watch: Any) -> Any:
        if by_process:
            transport = ProcessTransport([sys.executable, str(FAKE_STUDIO)])
            return transport.run_job({"score": wire.to_dict(order)}, watch)
        return Studio(connected()).score(order, watch)

    job = Job(work)
    notes: list[str] = []
    while ("playing the instruments" if stays else "step 3") not in notes:
        notes += [event.note for event in job.events() if isinstance(event, Progressed)]
        time.sleep(0.01)
    job.leave()
    job.wait()
    assert not job.is_running
    assert (tmp_path / "scores" / "001" / "order.json").is_file() is stays
    assert (tmp_path / "scores").exists() is stays


def newer_server() -> Client:
    raise VersionMismatchError("The server speaks protocol 2.0, this client 1.1. Update.")


@pytest.mark.parametrize(
    ("name", "connect", "words"),
    [
        pytest.param("lost", connected, "in the middle of the work", id="server gone"),
        pytest.param("Reel 1", newer_server, "protocol 2.0", id="newer server"),
    ],
)
def test_a_job_that_fails_is_one_sentence(
    tmp_path: Path, name: str, connect: Callable[[], Any], words: str
) -> None:
    host = FakeHost(tmp_path, name)
    session = Session(host, connect)
    session.score(Wishes())
    told = finished(session)
    assert told.is_failure and words in told.line and not host.laid


def test_a_host_that_refuses_or_does_something_else_is_told(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    session = Session(host, connected)
    host.refusal = LimitError("2 stems need as many free channels, and 1 is free. Make room.")
    session.score(Wishes())
    told = finished(session)
    assert told.is_failure and "Make room" in told.line
    host.refusal, host.shift = None, 3
    session.resume()  # what did not fit is still there
    told = finished(session)
    assert told.is_laid and sum("+3 frames" in line for line in told.warnings) == 2
