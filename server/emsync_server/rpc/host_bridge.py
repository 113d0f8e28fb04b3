"""`emsync host`: a whole job of an editor's plugin, for hosts that can run no more than this.

In: a request of `emsync.hosting.requests`, as one line or in a file. Out: JSON lines as those of
`emsync rpc`. With a line, closing the input cancels; what reads a file (Lua) cannot cancel.
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
from emsync.hosting.requests import answer
from emsync.stem import StemSet
from emsync_server.outputs import sweep_abandoned
from emsync_server.rpc.bridge import guarded_lines, read_request, say_event

__all__ = ["host_bridge"]


def host_bridge(stdin: IO[str], stdout: IO[str], request_file: Path | None = None) -> int:
    """Do one job for a host; returns the exit code."""
    return guarded_lines(stdout, lambda: _bridged(stdin, stdout, request_file))


def _bridged(stdin: IO[str], stdout: IO[str], request_file: Path | None) -> int:
    left = Event()
    if request_file is None:
        request = read_request(stdin)
        Thread(target=_leave_at_end, args=(stdin, left), daemon=True).start()
    else:
        request = _filed(request_file)

    def watch(fraction: float, note: str) -> None:
        if left.is_set():
            raise JobCancelledError("The work was cancelled; nothing was left behind.")
        say_event(stdout, {"progress": {"fraction": round(fraction, 4), "note": note}})

    try:
        result = answer(request, lambda: Client(connect()), watch, _ducked)
    except ServerUnavailableError:
        _sweep(request)  # the server was killed, and could not
        raise
    say_event(stdout, {"result": result})
    return 0


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


def _leave_at_end(stdin: IO[str], left: Event) -> None:
    """When the host closes our input, or dies, the job ends."""
    with suppress(OSError, ValueError):
        while stdin.readline():
            pass
    left.set()


def _sweep(request: dict[str, Any]) -> None:
    for job in request.values():
        folder = job.get("folder") if isinstance(job, dict) else None
        if isinstance(folder, str):
            for rendered in Path(folder).glob("*/stems-*"):
                sweep_abandoned(rendered)
