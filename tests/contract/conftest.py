"""Servers, and both ways to reach them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from emsync.client import ProcessTransport, Transport, connect
from emsync.client.runtime_file import ServerAddress, read_address
from emsync.wire.calls import API_VERSION, ApiVersion
from emsync_server.config import Ceilings, ServerSettings
from emsync_server.rpc import running_server
from tests.contract.fake_steps import FakeSteps

BRIDGE = [sys.executable, "-m", "emsync_server.rpc"]
REPOSITORY = Path(__file__).resolve().parents[2]

StartServer = Callable[..., ServerAddress]
Reach = Callable[[], Transport]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of the test's own; a short path, as a socket needs."""
    with tempfile.TemporaryDirectory(prefix="emsync-test-") as folder:
        monkeypatch.setenv("EMSYNC_RUNTIME_DIR", folder)
        monkeypatch.setenv("EMSYNC_COMMAND", f"{sys.executable} -m emsync_server.rpc")
        yield Path(folder)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that requests may name paths under."""
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


@pytest.fixture
def start_server(runtime: Path, root: Path) -> Iterator[StartServer]:
    """Starts a server of fake steps in this process; it ends with the test."""
    with ExitStack() as stack:

        def start(
            ceilings: Ceilings | None = None, api_version: ApiVersion = API_VERSION, **more: object
        ) -> ServerAddress:
            settings = ServerSettings(
                runtime_folder=runtime,
                allowed_roots=(root,),
                ceilings=ceilings or Ceilings(),
                **more,  # type: ignore[arg-type]
            )
            running: AbstractContextManager[ServerAddress] = running_server(
                settings, FakeSteps(), api_version
            )
            return stack.enter_context(running)

        yield start


@pytest.fixture(params=["grpc", "process"])
def reach(request: pytest.FixtureRequest, runtime: Path) -> Iterator[Reach]:
    """Makes a transport to the server that runs; the same promises, whichever it is."""
    with ExitStack() as stack:

        def make() -> Transport:
            transport: Transport = (
                connect() if request.param == "grpc" else ProcessTransport(BRIDGE)
            )
            stack.callback(transport.close)
            return transport

        yield make


@pytest.fixture
def server_process(runtime: Path, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server of fake steps in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.contract.fake_server", str(root)],
        cwd=REPOSITORY,
        env={**os.environ, "EMSYNC_RUNTIME_DIR": str(runtime)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: read_address(runtime) is not None, 20.0)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(true: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait for something that another thread or process does."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def film(root: Path, script: str) -> Path:
    """A source that tells the fake steps what to do."""
    path = root / f"{script}.mp4"
    path.write_text(script, encoding="utf-8")
    return path
