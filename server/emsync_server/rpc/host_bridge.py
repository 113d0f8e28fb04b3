"""`emsync host`: a whole job of an editor's plugin, for hosts that can run no more than this.

In: a request of `emsync.hosting.requests`, as one line or in a file. Out: JSON lines as those of
`emsync rpc`. A second line, `cancel`, cancels and leaves nothing. An input that ends without it
says that the host is gone: takes that are finished then stay, to be fetched later. Where
the request came as a file (from Lua, which can say nothing while it waits), deleting that cancels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any

from emsync.client import Client, connect
from emsync.errors import (
    InputError,
    JobCancelledError,
    NotFoundError,
    ServerUnavailableError,
)
from emsync.hosting.renewing import Recutter
from emsync.hosting.requests import answer
from emsync.stem import StemSet
from emsync_server.outputs import sweep_abandoned
from emsync_server.rpc.bridge import guarded_lines, read_request, say_event

__all__ = ["host_bridge"]

CANCEL = "cancel"


def host_bridge(stdin: IO[str], stdout: IO[str], request_file: Path | None = None) -> int:
    """Do one job for a host; returns the exit code."""
    return guarded_lines(stdout, lambda: _bridged(stdin, stdout, request_file))


def _bridged(stdin: IO[str], stdout: IO[str], request_file: Path | None) -> int:
    cancelled, left = Event(), Event()
    if request_file is None:
        request = read_request(stdin)
        Thread(target=_listen, args=(stdin, cancelled, left), daemon=True).start()
    else:
        request = _filed(request_file)

    def watch(fraction: float, note: str) -> None:
        if cancelled.is_set() or (request_file is not None and not request_file.exists()):
            raise JobCancelledError("The work was cancelled; nothing was left behind.")
        if left.is_set():
            raise BrokenPipeError("the host is gone")
        say_event(stdout, {"progress": {"fraction": round(fraction, 4), "note": note}})

    try:
        result = answer(request, lambda: Client(connect()), watch, _ducked, _recutter(request))
    except ServerUnavailableError:
        _sweep(request)  # the server was killed, and could not
        raise
    say_event(stdout, {"result": result})
    return 0


def _recutter(request: dict[str, Any]) -> Recutter | None:
    """Imported where it is needed alone: composition takes its time."""
    if "renew" not in request:
        return None
    from emsync_server.rpc.host_recut import HostRecutter

    return HostRecutter()


def _ducked(folder: Path, stems: StemSet) -> Sequence[Path]:
    from emsync_server.rendering.ducked import write_ducked_stems

    return write_ducked_stems(folder, stems)


def _filed(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NotFoundError(
            f"There is no request at '{path}'. Check the path; an editor's plugin writes that file."
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise InputError(
            f"The request '{path}' cannot be read ({err.strerror or err}). Check its permissions."
        ) from err
    except ValueError as err:
        raise InputError(
            f"The request '{path}' is not JSON ({err}). Install the plugin that wrote it again."
        ) from err
    if not isinstance(data, dict):
        raise InputError(f"The request '{path}' is no JSON object. Install the plugin again.")
    return data


def _listen(stdin: IO[str], cancelled: Event, left: Event) -> None:
    """When the host says so, closes our input or dies, the job ends."""
    with suppress(OSError, ValueError):
        while line := stdin.readline():
            if line.strip() == CANCEL:
                cancelled.set()
    left.set()


def _sweep(request: dict[str, Any]) -> None:
    for job in request.values():
        folder = job.get("folder") if isinstance(job, dict) else None
        if isinstance(folder, str):
            for rendered in Path(folder).glob("*/stems-*"):
                sweep_abandoned(rendered)
