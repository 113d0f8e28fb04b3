"""One server per user: a lock that the system lets go of when the process ends, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emsync.errors import ServerUnavailableError

__all__ = ["only_instance"]

LOCK_FILE = "server.lock"


@contextmanager
def only_instance(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; raises ServerUnavailableError while another server does.

    The file itself stays: deleting it would let two servers lock two files of one name.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(folder / LOCK_FILE, flags, 0o600)
    except OSError as err:
        raise ServerUnavailableError(
            f"The server cannot write to its folder '{folder}' ({err.strerror or err}). "
            "Set EMSYNC_RUNTIME_DIR to another one."
        ) from err
    try:
        if not _lock(descriptor):
            raise ServerUnavailableError(
                f"Another emsync server runs already (its files are in '{folder}'). "
                "Use that one, or stop it first."
            )
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
