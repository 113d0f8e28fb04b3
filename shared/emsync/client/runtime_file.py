"""Where the running server listens: one file for its owner's eyes, in a folder of theirs alone."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from emsync import wire
from emsync.errors import EmsyncError, ServerUnavailableError
from emsync.wire.calls import ApiVersion

__all__ = [
    "ServerAddress",
    "private_folder",
    "read_address",
    "remove_address",
    "runtime_folder",
    "write_address",
]

RUNTIME_FILE = "server.json"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """How a client reaches the server, and what it shows at the door."""

    address: str
    """'unix:/path' or 'HOST:PORT'."""
    pid: int
    api_version: str
    """'MAJOR.MINOR'."""
    token: str

    def __post_init__(self) -> None:
        ApiVersion.parse(self.api_version)


def runtime_folder() -> Path:
    """The user's folder for what lives as long as the session, or EMSYNC_RUNTIME_DIR."""
    if override := os.environ.get("EMSYNC_RUNTIME_DIR"):
        return Path(override)
    import platformdirs  # not in a host's interpreter: there the bridge looks this up

    with warnings.catch_warnings():  # without XDG_RUNTIME_DIR it warns, and names a folder in /tmp
        warnings.simplefilter("ignore", UserWarning)
        return Path(platformdirs.user_runtime_dir("emsync", appauthor=False))


def private_folder(folder: Path) -> Path:
    """The folder, made if need be, closed to others; refuses one that somebody else put there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if os.name == "posix":
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise ServerUnavailableError(
                    f"'{folder}' belongs to somebody else, so the server's token is not safe "
                    "there. Set EMSYNC_RUNTIME_DIR to a folder of your own."
                )
            if stat.S_IMODE(found.st_mode) & 0o077:
                folder.chmod(0o700)
    except OSError as err:
        raise ServerUnavailableError(
            f"The folder '{folder}' for the server's socket cannot be made "
            f"({err.strerror or err}). Set EMSYNC_RUNTIME_DIR to a folder of your own."
        ) from err
    return folder


def write_address(folder: Path, address: ServerAddress) -> None:
    """Tell clients where the server is; nobody but the owner can read it, at no moment."""
    try:
        descriptor, working = tempfile.mkstemp(prefix="server-", suffix=".new", dir=folder)  # 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(wire.dumps(address))
            Path(working).replace(folder / RUNTIME_FILE)
        finally:
            Path(working).unlink(missing_ok=True)
    except OSError as err:
        raise ServerUnavailableError(
            f"The server cannot say where it is in '{folder}' ({err.strerror or err}). "
            "Set EMSYNC_RUNTIME_DIR to another folder."
        ) from err


def remove_address(folder: Path) -> None:
    """Tell clients that there is no server."""
    (folder / RUNTIME_FILE).unlink(missing_ok=True)


def read_address(folder: Path) -> ServerAddress | None:
    """Where the server is; None where none runs, or where what is left of one says nothing."""
    try:
        if not _is_ours(folder / RUNTIME_FILE):
            return None
        data = json.loads((folder / RUNTIME_FILE).read_text(encoding="utf-8"))
        address = wire.from_dict(ServerAddress, data, origin="The server's runtime file")
    except (OSError, ValueError, EmsyncError):
        return None  # a crash left half of it, or nothing: as good as no server
    return address if _is_alive(address.pid) else None


def _is_ours(path: Path) -> bool:
    """Whether the file is the user's own, so that nobody lures a client to a server of theirs."""
    if os.name != "posix":
        return path.is_file()
    found = path.lstat()
    mine = stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid()
    return mine and not stat.S_IMODE(found.st_mode) & 0o077


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return pid > 0  # os.kill would end it on Windows: the connection tells
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return False  # not ours: the number was given away anew
    return True
