"""Find the server that runs, or start one."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emsync.client.runtime_file import (
    ServerAddress,
    private_folder,
    read_address,
    runtime_folder,
)
from emsync.client.tokens import token_of
from emsync.client.trust import ClientTls, tls_of
from emsync.errors import ServerUnavailableError, WrongTokenError

if TYPE_CHECKING:
    from emsync.client.grpc_transport import GrpcTransport

__all__ = ["connect", "connect_elsewhere", "describe_server", "emsync_command"]

START_TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 3.0
CONNECT_ELSEWHERE_S = 10.0
POLL_S = 0.05
LAST_WORD_S = 2.0  # another client may have started the server that won
IDLE_TIMEOUT_S = 900
LOG_FILE = "server.log"
USUAL_FOLDERS = ("~/.local/bin", "/usr/local/bin", "/opt/homebrew/bin")
LOG_LINES = 8

_started: list[subprocess.Popen[bytes]] = []  # a Popen that is collected complains of its child


def emsync_command() -> list[str]:
    """How to run emsync: EMSYNC_COMMAND, the script beside this Python, the one on the PATH, or one
    where pip, pipx and Homebrew put it (a host started from the Dock has a short PATH)."""
    if override := os.environ.get("EMSYNC_COMMAND"):
        return shlex.split(override, posix=os.name == "posix")
    name = "emsync.exe" if os.name == "nt" else "emsync"
    beside = Path(sys.executable).with_name(name)
    if beside.is_file():
        return [str(beside)]
    if found := shutil.which("emsync"):
        return [found]
    for folder in USUAL_FOLDERS:
        if (usual := Path(folder).expanduser() / name).is_file():
            return [str(usual)]
    raise ServerUnavailableError(
        "The program 'emsync' was not found. Install it with 'pip install emsync', or set "
        "EMSYNC_COMMAND to where it is."
    )


def connect() -> GrpcTransport:
    """A connection to the server that runs; starts one where none does."""
    folder = private_folder(runtime_folder())
    address = read_address(folder)
    found = _reach(address) if address is not None else None
    return found if found is not None else _start(folder, address)


def connect_elsewhere(address: str, tls: ClientTls | None = None) -> GrpcTransport:
    """A connection to a server on another machine, with the token that `emsync login` kept.

    address: 'HOST:PORT'. tls: None takes the certificates that `emsync login` was told. Paths are
    the server's: both machines must see the films by one path.
    """
    host = address.rpartition(":")[0]
    tls = tls or tls_of(host)
    if tls is None:
        raise ServerUnavailableError(
            f"There are no certificates for {host}. Run 'emsync login {host} --authority FILE "
            "--certificate FILE --key FILE' first, with the files of whoever runs that server."
        )
    token = token_of(host)
    if token is None:
        raise WrongTokenError(
            f"There is no token for {host}. Run 'emsync login {host}' first, or set EMSYNC_TOKEN."
        )
    from emsync.client.grpc_transport import GrpcTransport

    transport = GrpcTransport(address, token, tls=tls)
    if not transport.wait_until_ready(CONNECT_ELSEWHERE_S):
        transport.close()
        raise ServerUnavailableError(
            f"No emsync server answers at {address}, or it does not accept this machine's "
            "certificate. Look whether it runs there, and at both certificates."
        )
    return transport


def describe_server() -> str:
    """One line for a person: whether a server runs, and where."""
    folder = runtime_folder()
    address = read_address(folder)
    if address is None:
        return "none runs; one starts by itself when a host or '--server' needs it"
    return f"process {address.pid} at {address.address}, protocol {address.api_version}"


def _reach(address: ServerAddress) -> GrpcTransport | None:
    """A connection to the server of a runtime file; None when it does not answer."""
    from emsync.client.grpc_transport import GrpcTransport

    transport = GrpcTransport.to(address)
    if transport.wait_until_ready(CONNECT_TIMEOUT_S):
        return transport
    transport.close()
    return None


def _start(folder: Path, silent: ServerAddress | None) -> GrpcTransport:
    """Start a server that outlives this process, and wait until it answers.

    silent: what the runtime file says of a server that did not.
    """
    log = folder / LOG_FILE
    child = _spawn([*emsync_command(), "serve", "--idle-timeout", str(IDLE_TIMEOUT_S)], log)
    deadline = time.monotonic() + START_TIMEOUT_S
    ended = False
    while time.monotonic() < deadline:
        address = read_address(folder)
        if address is not None and address != silent and (found := _reach(address)):
            return found
        if not ended and child.poll() is not None:
            ended = True
            deadline = min(deadline, time.monotonic() + LAST_WORD_S)
        time.sleep(POLL_S)
    if child.poll() is None:
        child.terminate()
    raise ServerUnavailableError(
        f"The emsync server did not start within {START_TIMEOUT_S:.0f} s. The end of its log, "
        f"'{log}':\n{_tail(log)}"
    )


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        options = {"creationflags": flags}
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=descriptor, stderr=descriptor, **options
        )
    except OSError as err:
        raise ServerUnavailableError(
            f"The emsync server cannot be started with '{shlex.join(command)}' "
            f"({err.strerror or err}). Set EMSYNC_COMMAND to where emsync is."
        ) from err
    finally:
        os.close(descriptor)
    _started.append(child)
    return child


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "(there is no log)"
    return "\n".join(lines[-LOG_LINES:]) or "(it is empty)"
