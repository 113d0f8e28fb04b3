"""Files are written beside their final name and renamed when complete: whole, or not there."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from emsync.errors import DiskFullError, OutputError

__all__ = [
    "replacing_file",
    "sweep_abandoned",
    "translated_os_errors",
    "working_folder",
    "write_text",
]

_NODE = re.sub(r"[^A-Za-z0-9]", "", platform.node())[:24]


@contextmanager
def replacing_file(target: Path) -> Iterator[Path]:
    """A path to write to; on success it becomes `target`, on failure it is gone.

    The working name keeps the suffix, since muxers and adapters choose their format by it.
    """
    with (
        translated_os_errors(target),
        _made(target.parent),
        working_folder(target.parent) as folder,
    ):
        working = folder / f"new{target.suffix}"
        yield working
        working.replace(target)


@contextmanager
def working_folder(beside: Path) -> Iterator[Path]:
    """A folder on the same volume as the results, removed at the end whatever happens.

    What a killed process left is removed by the next one: the name says whose it is.
    """
    with ExitStack() as stack:
        with translated_os_errors(beside):
            stack.enter_context(_made(beside))
            sweep_abandoned(beside)
            folder = Path(tempfile.mkdtemp(prefix=f".emsync-{_NODE}-{os.getpid()}-", dir=beside))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder where it is missing; where the work fails and leaves it empty, it is gone."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as failing:
        for each in reversed(missing):
            failing.callback(_remove_empty, each)
        yield
        failing.pop_all()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # what is not empty stays
        folder.rmdir()


def sweep_abandoned(beside: Path) -> None:
    """Remove the working folders of processes of this machine that were killed in their work."""
    if os.name != "posix":
        return  # os.kill would end the process it asks about
    for folder in beside.glob(f".emsync-{_NODE}-*"):
        process = folder.name.removeprefix(f".emsync-{_NODE}-").partition("-")[0]
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True  # somebody's, or no number that we gave: not ours to sweep
    return True


def write_text(target: Path, text: str) -> None:
    """Write a whole text file, or nothing."""
    with replacing_file(target) as working:
        working.write_text(text, encoding="utf-8")


@contextmanager
def translated_os_errors(target: Path) -> Iterator[None]:
    """Say in a sentence why `target` could not be written."""
    try:
        yield
    except OSError as err:
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"The disk is full: '{target}' could not be written. "
                "Free some space, or choose another folder with -o."
            ) from err
        if err.errno in (errno.EEXIST, errno.ENOTDIR):
            raise OutputError(
                f"'{target}' cannot be written: a file is in the way where a folder should be. "
                "Name another folder with -o."
            ) from err
        raise OutputError(
            f"'{target}' cannot be written ({err.strerror or err}). "
            "Choose a folder that you may write to with -o."
        ) from err
