"""Everything that can go wrong, said in sentences.

EmsyncError
├── InputError                 INVALID_ARGUMENT      a file or value that we cannot use
│   ├── MediaError             INVALID_ARGUMENT      a film that cannot be read
│   ├── TimelineError          INVALID_ARGUMENT      a timeline that cannot be read
│   └── CueSheetError          INVALID_ARGUMENT      a cue sheet or take that contradicts itself
├── NotFoundError              NOT_FOUND             a path that names nothing
├── PathRefusedError           PERMISSION_DENIED     a path outside the folders the server may touch
├── OutputError                FAILED_PRECONDITION   a folder that cannot be written to
│   └── DiskFullError          RESOURCE_EXHAUSTED    no space left
├── MemoryFullError            RESOURCE_EXHAUSTED    no memory left
├── MissingPartError           FAILED_PRECONDITION   weights, soundfont, synthesiser missing
├── LimitError                 RESOURCE_EXHAUSTED    larger, longer or more than the ceiling
├── JobCancelledError          CANCELLED             the caller left
├── ServerUnavailableError     UNAVAILABLE           no server, or it stopped in the middle
├── WrongTokenError            UNAUTHENTICATED       no token, or not the server's
└── VersionMismatchError       FAILED_PRECONDITION   client and server speak different versions

Each class names its gRPC status and the exit code of the command line: server, client and shell
need no second table.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CueSheetError",
    "DiskFullError",
    "EmsyncError",
    "InputError",
    "JobCancelledError",
    "LimitError",
    "MediaError",
    "MemoryFullError",
    "MissingPartError",
    "NotFoundError",
    "OutputError",
    "PathRefusedError",
    "ServerUnavailableError",
    "TimelineError",
    "VersionMismatchError",
    "WrongTokenError",
]


class EmsyncError(Exception):
    """A failure that the user can read: what, which, where, what to do."""

    code: ClassVar[str] = "INTERNAL"
    exit_code: ClassVar[int] = 70

    @property
    def sentence(self) -> str:
        """The message as the user reads it."""
        return str(self)


class InputError(EmsyncError):
    """A file or value was given that we cannot use."""

    code = "INVALID_ARGUMENT"
    exit_code = 3


class MediaError(InputError):
    """A film that cannot be read."""


class TimelineError(InputError):
    """A timeline that cannot be read."""


class CueSheetError(InputError):
    """A cue sheet or take that contradicts itself."""


class NotFoundError(EmsyncError):
    """A path that names nothing."""

    code = "NOT_FOUND"
    exit_code = 3


class PathRefusedError(EmsyncError):
    """A path outside the folders that the server may read or write."""

    code = "PERMISSION_DENIED"
    exit_code = 3


class OutputError(EmsyncError):
    """The result cannot be written where it was asked for."""

    code = "FAILED_PRECONDITION"
    exit_code = 5


class DiskFullError(OutputError):
    """There is no space left where the result was to go."""

    code = "RESOURCE_EXHAUSTED"


class MemoryFullError(EmsyncError):
    """There is not enough memory left for the work."""

    code = "RESOURCE_EXHAUSTED"
    exit_code = 5

    @classmethod
    def of_any_work(cls) -> MemoryFullError:
        """Where nobody knows what the memory was wanted for."""
        return cls(
            "The memory is full; the work was stopped, and nothing was written. "
            "Close other programs, or give it less to do: a shorter film, fewer takes."
        )


class MissingPartError(EmsyncError):
    """Weights, a soundfont or a synthesiser that this machine does not have."""

    code = "FAILED_PRECONDITION"
    exit_code = 4


class LimitError(EmsyncError):
    """Larger, longer or more than the ceiling allows."""

    code = "RESOURCE_EXHAUSTED"
    exit_code = 3


class JobCancelledError(EmsyncError):
    """The caller left, or pressed cancel."""

    code = "CANCELLED"
    exit_code = 130


class ServerUnavailableError(EmsyncError):
    """No server answers, or it stopped in the middle of the work."""

    code = "UNAVAILABLE"
    exit_code = 6


class WrongTokenError(EmsyncError):
    """The call carried no token, or not the server's."""

    code = "UNAUTHENTICATED"
    exit_code = 6


class VersionMismatchError(EmsyncError):
    """Client and server speak different versions of the protocol."""

    code = "FAILED_PRECONDITION"
    exit_code = 6
