"""A host's job while the server is stale, dead, killed, too old, too new, shared, or does not
start: one sentence each, the host as it was, and no server killed that the host did not start."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.conftest import runtime, wait_until
from tests.hosts.test_blender_actions import FakeHost, finished

from emsync.client import Client, ProcessTransport
from emsync.client.runtime_file import RUNTIME_FILE, ServerAddress, read_address, write_address
from emsync.hosting import Wishes
from emsync.wire.calls import API_VERSION
from emsync_blender.actions import Session

__all__ = ["runtime"]

pytestmark = pytest.mark.slow  # each starts processes; the parts are tested in tests/contract

PROGRAM = [sys.executable, str(Path(__file__).with_name("fake_host_server.py"))]
StartServer = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartServer]:
    """Starts a server process; whatever server is there at the end goes with the test."""
    monkeypatch.setenv("EMSYNC_COMMAND", shlex.join(PROGRAM))
    monkeypatch.setenv("EMSYNC_TEST_ROOT", str(tmp_path))
    with ExitStack() as stack:

        def started(*words: str) -> subprocess.Popen[bytes]:
            command = [*PROGRAM, "serve", *words]
            process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
            wait_until(lambda: pid_of(runtime) == process.pid, 20.0)
            return process

        yield started
        if (other := pid_of(runtime)) is not None:
            os.kill(other, 15)
            wait_until(lambda: not (runtime / RUNTIME_FILE).exists(), 10.0)


def pid_of(runtime: Path) -> int | None:
    address = read_address(runtime)
    return address.pid if address else None


def session_of(host: FakeHost) -> Session:
    return Session(host, lambda: Client(ProcessTransport(PROGRAM)))


def scored(session: Session) -> str:
    session.score(Wishes())
    return finished(session).line


def test_the_file_of_a_killed_server_is_in_nobodys_way(
    start: StartServer, runtime: Path, tmp_path: Path
) -> None:
    dead = start()
    dead.kill()
    dead.wait()
    assert (runtime / RUNTIME_FILE).exists()
    host = FakeHost(tmp_path / "scores")
    assert scored(session_of(host)).startswith("2 stems laid") and host.laid
    assert pid_of(runtime) not in (None, dead.pid)


def test_a_file_that_names_a_stranger_is_in_nobodys_way(
    start: StartServer, runtime: Path, tmp_path: Path
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        nowhere = f"unix:{runtime}/gone.sock"
        write_address(runtime, ServerAddress(nowhere, stranger.pid, str(API_VERSION), "token"))
        assert scored(session_of(FakeHost(tmp_path / "scores"))).startswith("2 stems laid")
        assert stranger.poll() is None  # never killed, whoever it is
        stranger.communicate(b"\n")


def test_a_server_that_is_killed_in_its_work_leaves_nothing(
    start: StartServer, runtime: Path, tmp_path: Path
) -> None:
    server = start()
    host = FakeHost(tmp_path / "scores", "slow")
    session = session_of(host)
    session.score(Wishes())
    while (told := session.pump()) is None or "step" not in told.line:
        time.sleep(0.01)
    server.kill()
    told = finished(session)
    assert told.is_failure and "in the middle of the work" in told.line
    assert not host.laid and not (tmp_path / "scores").exists()
    host.timeline = replace(host.timeline, name="Reel 1")
    assert scored(session).startswith("2 stems laid")  # by a new one
    assert pid_of(runtime) != server.pid


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        pytest.param("1.0", "speaks protocol 1.0", id="older"),
        pytest.param("2.0", "speaks protocol 2.0", id="of the next kind"),
    ],
)
def test_a_server_of_another_version_is_named_and_left_alone(
    start: StartServer, tmp_path: Path, protocol: str, words: str
) -> None:
    server = start(protocol)
    host = FakeHost(tmp_path / "scores")
    session = session_of(host)
    line = scored(session)
    assert words in line and f"'kill {server.pid}'" in line
    assert not host.laid and not (tmp_path / "scores").exists()
    assert session.diagnose()[-1] == line
    assert server.poll() is None


def test_a_newer_server_serves_an_older_host(start: StartServer, tmp_path: Path) -> None:
    start("1.99")
    session = session_of(FakeHost(tmp_path / "scores"))
    assert scored(session).startswith("2 stems laid")
    assert any("protocol 1.99" in line for line in session.diagnose())


def test_two_hosts_share_one_server(start: StartServer, runtime: Path, tmp_path: Path) -> None:
    hosts = [FakeHost(tmp_path / "scores"), FakeHost(tmp_path / "scores")]
    sessions = [session_of(host) for host in hosts]
    for session in sessions:  # both find none, and both start one
        session.score(Wishes())
    assert [finished(session).line[:12] for session in sessions] == ["2 stems laid"] * 2
    folders = {host.notes()["Reel 1"].folder for host in hosts}
    assert len(folders) == 2
    assert all("The server answers" in session.diagnose()[1] for session in sessions)


def test_a_host_that_closes_before_the_stems_are_laid_fetches_them_later(
    start: StartServer, tmp_path: Path
) -> None:
    start()
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.hosts.host_timelines import cut\n"
        "from emsync.client import Client, ProcessTransport\n"
        "from emsync.hosting import Order, Studio, Wishes\n"
        "def watch(fraction, note):\n"
        "    if note == 'playing the instruments': os._exit(9)\n"
        f"with Client(ProcessTransport({PROGRAM!r})) as client:\n"
        f"    Studio(client).score(Order(cut(), {str(tmp_path / 'scores')!r}, Wishes()), watch)\n"
    )
    repository = Path(__file__).resolve().parents[2]
    closed = subprocess.run([sys.executable, "-c", program], cwd=repository, check=False)
    assert closed.returncode == 9
    host = FakeHost(tmp_path / "scores")
    session = session_of(host)
    session.resume()
    assert finished(session).is_laid and Path(host.laid["Reel 1"].stems[0].media).is_file()


def test_a_server_that_cannot_start_shows_its_log(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import sys\nsys.exit('no synthesiser was found')\n", encoding="utf-8")
    monkeypatch.setenv("EMSYNC_COMMAND", shlex.join([sys.executable, str(broken)]))
    host = FakeHost(tmp_path / "scores")
    session = Session(host, lambda: Client(ProcessTransport(PROGRAM)))
    line = scored(session)
    assert "did not start" in line and "no synthesiser was found" in line
    assert not host.laid and not (tmp_path / "scores").exists()
    assert "no synthesiser was found" in session.diagnose()[-1]


def test_a_program_that_says_something_else_is_a_sentence(tmp_path: Path) -> None:
    odd = [sys.executable, "-c", "print('hello')"]
    host = FakeHost(tmp_path / "scores")
    session = Session(host, lambda: Client(ProcessTransport(odd)))
    assert "in the middle of the work" in scored(session) and not host.laid
    assert json.dumps(session.diagnose())  # a sentence again, no exception
