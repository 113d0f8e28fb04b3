"""Statuses and names of errors, back to the error itself."""

from __future__ import annotations

from collections.abc import Iterator

from emsync.errors import (
    EmsyncError,
    InputError,
    JobCancelledError,
    LimitError,
    NotFoundError,
    OutputError,
    PathRefusedError,
    ServerUnavailableError,
    VersionMismatchError,
    WrongTokenError,
)

__all__ = ["ERROR_KEY", "failure_of", "stopped_midway"]

ERROR_KEY = "emsync-error"
"""Trailing metadata: the name of the error's class, since several share a status."""

_BY_CODE: dict[str, tuple[type[EmsyncError], str]] = {
    "INVALID_ARGUMENT": (InputError, "The server could not use the request"),
    "NOT_FOUND": (NotFoundError, "The server found nothing there"),
    "PERMISSION_DENIED": (PathRefusedError, "The server may not go there"),
    "FAILED_PRECONDITION": (OutputError, "The server cannot do it as things are"),
    "RESOURCE_EXHAUSTED": (
        LimitError,
        "The server refused what goes beyond its limits; send less, or try again later",
    ),
    "CANCELLED": (JobCancelledError, "The work was cancelled; nothing was left behind"),
    "DEADLINE_EXCEEDED": (
        LimitError,
        "The work took longer than this call allowed and was stopped; allow more time",
    ),
    "UNAUTHENTICATED": (WrongTokenError, "The server did not accept this client's token"),
    "UNIMPLEMENTED": (
        VersionMismatchError,
        "The server does not know this call; stop it and let a new one start",
    ),
}


def failure_of(code: str, message: str, name: str | None = None) -> EmsyncError:
    """The error that a server's status stands for.

    name: the error's class, where our server sent one; its message is a sentence then.
    """
    for kind in _all_kinds(EmsyncError):
        if kind.__name__ == name:
            return kind(message)
    if code == "UNAVAILABLE":
        return stopped_midway()  # what gRPC says of its sockets helps nobody; the cause keeps it
    kind, sentence = _BY_CODE.get(code, (EmsyncError, f"The server failed ({code})"))
    return kind(f"{sentence}: {message}" if message else f"{sentence}.")


def stopped_midway(detail: str = "") -> ServerUnavailableError:
    """The server went away while it worked, or was not there."""
    return ServerUnavailableError(
        "The emsync server does not answer: it stopped, or was stopped, in the middle of the work. "
        "No result was written; run the command again, and a new server starts."
        + (f" ({detail})" if detail else "")
    )


def _all_kinds(kind: type[EmsyncError]) -> Iterator[type[EmsyncError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _all_kinds(below)
