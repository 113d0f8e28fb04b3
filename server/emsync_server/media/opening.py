"""Opening a media file so that a hostile or broken one can do no more than be refused.

The file is opened by us and handed to libav as an open file: no URL, no option in its name, no
device, no pipe, and no second file. DESIGN §3 allows libav's `file` protocol; we allow none,
since a playlist or a reference movie could use it to read the user's other files. What libav
would print goes nowhere: PyAV mutes its log unless asked.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer

from emsync.errors import MediaError, NotFoundError
from emsync_server.access import ANY_FILE, Access

__all__ = ["NO_PROTOCOL", "open_container", "open_file"]

NO_PROTOCOL = "none"
"""No protocol has this name: the demuxer cannot open anything beside the file that it was given."""
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
# A film's title may be in any encoding. PyAV 19 reads it leniently and knows this word no more.
_LENIENT_METADATA: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)
NOT_FILMS = frozenset(
    {"tty", "concat", "hls", "dash", "lavfi", "sdp", "ffmetadata", "srt", "webvtt"}
)
"""Demuxers that make a picture of a text, or read other files."""


@contextmanager
def open_container(path: Path, *, access: Access = ANY_FILE) -> Iterator[InputContainer]:
    """A film's or sound file's container, open for reading; closed at the end.

    `access` says which files may be: a server's callers may not name every one.
    """
    with open_file(path, access) as file:
        container = _demuxer_of(file, path)
        with container:
            if container.format.name in NOT_FILMS:
                raise MediaError(
                    f"'{path}' is a {container.format.long_name or container.format.name} file, "
                    "not a film. Give the film itself."
                )
            yield container


@contextmanager
def open_file(path: Path, access: Access) -> Iterator[BinaryIO]:
    """The file behind a path, once it is known to be an ordinary one with something in it."""
    if URL.match(str(path)) and not path.exists():
        raise MediaError(
            f"'{path}' is an address, not a file. Download the film and give its path."
        )
    descriptor = _descriptor(path, access)
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):  # fdopen refuses it with an error of its own
        os.close(descriptor)
        raise MediaError(f"'{path}' is a folder. Give the film inside it.")
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(f"'{path}' is not an ordinary file. Give a film on a disk.")
        if status.st_size == 0:
            raise MediaError(f"'{path}' is empty (0 bytes). Copy or export it again.")
        yield file


def _descriptor(path: Path, access: Access) -> int:
    """Open a path for reading, as far as it may be."""
    try:
        return access.open(path)
    except FileNotFoundError as err:
        raise NotFoundError(f"There is no film at '{path}'. Check the path.") from err
    except ValueError as err:  # a NUL byte in the name
        raise NotFoundError(f"{str(path)!r} cannot be the name of a file.") from err
    except OSError as err:
        if path.is_dir():  # Windows refuses to open a folder
            raise MediaError(f"'{path}' is a folder. Give the film inside it.") from err
        raise MediaError(f"'{path}' cannot be read ({err.strerror or err}).") from err


def _demuxer_of(file: BinaryIO, path: Path) -> InputContainer:
    """Let libav find out what the file is."""
    try:
        opened: InputContainer = av.open(
            file, mode="r", options={"protocol_whitelist": NO_PROTOCOL}, **_LENIENT_METADATA
        )
        return opened
    except (av.FFmpegError, ValueError) as err:
        # libav says "Invalid data" of a text, of noise and of a film cut off before its index
        # alike.
        raise MediaError(
            f"'{path}' cannot be read as a film: it is not one, or it is damaged or cut off. "
            "Try to play it; if it plays, convert it to MP4 or MOV."
        ) from err
