"""`emsync rpc Service/Method`: one call, JSON lines, for hosts that cannot have gRPC themselves.

In: the request, as one line; closing the input then cancels the call. Out: one line for each event,
`{"progress": …}`, `{"result": …}`, or `{"error": {"code": …, "message": …, "name": …}}` at last.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any

from emsync.client.locating import connect
from emsync.client.transport import Events
from emsync.errors import EmsyncError, InputError, ServerUnavailableError
from emsync.wire.calls import Method
from emsync_server.outputs import sweep_abandoned

__all__ = ["bridge", "guarded_lines", "read_request", "say_event"]


def bridge(method: str, stdin: IO[str], stdout: IO[str]) -> int:
    """Make one call for a host; returns the exit code."""
    return guarded_lines(stdout, lambda: _bridged(_method(method), stdin, stdout))


def guarded_lines(stdout: IO[str], work: Callable[[], int]) -> int:
    """Do the work; a failure becomes the last line. Returns the exit code."""
    try:
        return work()
    except EmsyncError as err:
        failure = {"code": err.code, "message": err.sentence, "name": type(err).__name__}
        say_event(stdout, {"error": failure})
        return err.exit_code
    except BrokenPipeError:  # the host is gone: nobody is left to tell
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _bridged(method: Method, stdin: IO[str], stdout: IO[str]) -> int:
    request = read_request(stdin)
    transport = connect()
    try:
        if not method.is_streaming:
            say_event(stdout, {"result": transport.call_unary(method, request)})
            return 0
        events = transport.call_streaming(method, request)
        Thread(target=_cancel_at_end, args=(stdin, events), daemon=True).start()
        for event in events:
            say_event(stdout, event)
        return 0
    except ServerUnavailableError:
        if isinstance(folder := request.get("folder"), str):
            sweep_abandoned(Path(folder))  # the server was killed, and could not
        raise
    finally:
        transport.close()


def _cancel_at_end(stdin: IO[str], events: Events) -> None:
    """When the host closes our input, or dies, the call ends."""
    with suppress(OSError, ValueError):
        while stdin.readline():
            pass
    events.cancel()


def _method(name: str) -> Method:
    try:
        return Method(name.removeprefix("emsync.v1."))
    except ValueError as err:
        known = ", ".join(method.value for method in Method)
        raise InputError(f"There is no call '{name}'. There are: {known}.") from err


def read_request(stdin: IO[str]) -> dict[str, Any]:
    """The request's line; none is a request with nothing to say."""
    try:
        data = json.loads(stdin.readline() or "{}")
    except (ValueError, RecursionError) as err:
        raise InputError(f"The request is not JSON ({err}). Send it as one line.") from err
    if not isinstance(data, dict):
        raise InputError("The request is not a JSON object. Send one, as one line.")
    return data


def say_event(stdout: IO[str], event: dict[str, Any]) -> None:
    """One line, in ASCII: a host's pipe may have any encoding."""
    stdout.write(json.dumps(event) + "\n")
    stdout.flush()
