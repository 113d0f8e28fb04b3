"""The transport for a host's interpreter: standard library only, JSON lines with `emsync rpc`.

One process for each call, or for a whole job (`emsync host`). The request goes in as one line; each
event comes out as one line; a failure comes out as
`{"error": {"code": …, "message": …, "name": …}}`. Closing its standard input cancels the call, and
so does ending the process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from threading import Lock
from typing import IO, Any

from emsync.client.failures import failure_of, stopped_midway
from emsync.client.locating import emsync_command
from emsync.errors import ServerUnavailableError
from emsync.wire.calls import Method

__all__ = ["ProcessTransport"]

LEAVE_TIMEOUT_S = 10.0
STDERR_LETTERS = 400

_NO_WINDOW = 0
if sys.platform == "win32":
    _NO_WINDOW = subprocess.CREATE_NO_WINDOW


class ProcessTransport:
    """Calls through `emsync rpc`, which is the gRPC client."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        """command: how to run emsync; None looks for it."""
        self._command = list(command) if command is not None else emsync_command()
        self._running: set[ProcessEvents] = set()

    def call_streaming(self, method: Method, request: dict[str, Any]) -> ProcessEvents:
        """Start a long call."""
        events = ProcessEvents([*self._command, "rpc", method.value], request, self._running)
        self._running.add(events)
        return events

    def call_unary(self, method: Method, request: dict[str, Any]) -> dict[str, Any]:
        """Make a short call."""
        events = self.call_streaming(method, request)
        answers = list(events)
        if len(answers) != 1 or not isinstance(answers[0].get("result"), dict):
            raise stopped_midway("the bridge said nothing")
        result: dict[str, Any] = answers[0]["result"]
        return result

    def run_job(self, request: dict[str, Any], watch: Callable[[float, str], None]) -> object:
        """A whole job of a host by `emsync host`: what only emsync's own Python can do of it.

        watch: told how far it is, as by `Client`; what it raises cancels the job.
        """
        events = ProcessEvents([*self._command, "host"], request, self._running)
        self._running.add(events)
        try:
            for event in events:
                if "result" in event:
                    return event["result"]
                progress = event.get("progress", {})
                watch(float(progress.get("fraction", 0.0)), str(progress.get("note", "")))
        except BrokenPipeError:
            events.leave()  # the host is gone, and nobody cancelled
            raise
        finally:
            events.close()
        raise stopped_midway("no result came")

    def close(self) -> None:
        """Cancel the calls that run."""
        for events in tuple(self._running):
            events.close()


class ProcessEvents:
    """The events of one call: the lines of its process."""

    def __init__(
        self, command: list[str], request: dict[str, Any], running: set[ProcessEvents]
    ) -> None:
        self._running = running
        self._closing = Lock()
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                creationflags=_NO_WINDOW,
            )
        except OSError as err:
            self._stderr.close()
            raise ServerUnavailableError(
                f"'{command[0]}' cannot be run ({err.strerror or err}). "
                "Set EMSYNC_COMMAND to where emsync is."
            ) from err
        assert self._process.stdin is not None
        with suppress(OSError):  # it ended already; its last words say why
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._process.stdin.flush()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The events as they come."""
        return self

    def __next__(self) -> dict[str, Any]:
        """The next event."""
        if self._process.stdout is None or self._process.stdout.closed:
            raise StopIteration
        line = self._process.stdout.readline()
        if not line:
            self._ended()
            raise StopIteration
        event = self._parsed(line)
        if isinstance(error := event.get("error"), dict):
            self.close()
            raise failure_of(str(error.get("code")), str(error.get("message")), error.get("name"))
        return event

    def cancel(self) -> None:
        """End the call, from any thread."""
        with self._closing, suppress(OSError):
            if self._process.stdin is not None and not self._process.stdin.closed:
                try:
                    self._process.stdin.write(b"cancel\n")  # `emsync host` asks for the word
                finally:
                    self._process.stdin.close()

    def leave(self) -> None:
        """End the call without the word that cancels: finished takes of a job stay."""
        with self._closing, suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def close(self) -> None:
        """Wait for the process, ask it to go when it lingers, and let go of its pipes."""
        self.cancel()
        try:
            self._process.wait(LEAVE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()
        self._running.discard(self)

    def _ended(self) -> None:
        """The process said its last line; raises when it failed without a word of ours."""
        code = self._process.wait()
        self._stderr.seek(0)
        words = self._stderr.read().decode("utf-8", "replace").strip()[-STDERR_LETTERS:]
        self.close()
        if code != 0:
            raise stopped_midway(f"emsync rpc ended with {code}: {words or 'without a word'}")

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            event = json.loads(line)
        except ValueError as err:
            self.close()
            raise stopped_midway(f"emsync rpc said {line[:80]!r}") from err
        if not isinstance(event, dict):
            self.close()
            raise stopped_midway(f"emsync rpc said {line[:80]!r}")
        return event
