"""`emsync host`, run beside Resolve: one job in, lines out; a word on its input cancels it."""

from __future__ import annotations

import json
import os
import queue
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import Any, Callable, Dict, List, Optional

__all__ = ["HostError", "emsync_command", "run_job"]

Json = Dict[str, Any]
Tell = Callable[[float, str], None]

COMMAND_FILE = "emsync_command.txt"
POLL_S = 0.2
LAST_LETTERS = 400
# What Resolve's own interpreter is told must not reach emsync's.
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "LD_PRELOAD")


class HostError(Exception):
    """A sentence for the user: what is wrong, with which thing, what to do."""


def emsync_command() -> List[str]:
    """How to run emsync: EMSYNC_COMMAND, what the installer noted, the PATH, the usual places."""
    override = os.environ.get("EMSYNC_COMMAND")
    if override:
        return shlex.split(override, posix=os.name == "posix")
    noted = os.path.join(os.path.dirname(os.path.abspath(__file__)), COMMAND_FILE)
    if os.path.isfile(noted):
        with open(noted, encoding="utf-8") as file:
            lines = [line.strip() for line in file if line.strip()]
        if lines and os.path.isfile(lines[0]):
            return lines
    places = ["~/.local/bin/emsync", "/usr/local/bin/emsync", "/opt/homebrew/bin/emsync"]
    for found in [shutil.which("emsync"), *map(os.path.expanduser, places)]:
        if found and os.path.isfile(found):
            return [found]
    raise HostError(
        "The program 'emsync' was not found. Install it with 'pip install emsync', and run the "
        "plugin's installer again, which notes where it is."
    )


def run_job(request: Json, tell: Tell, is_cancelled: Callable[[], bool]) -> Json:
    """Do a job; its result. Raises HostError with a sentence, also where it was cancelled."""
    command = [*emsync_command(), "host"]
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    options: Json = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                **options,
            )
        except OSError as err:
            raise HostError(
                f"'{command[0]}' cannot be run ({err.strerror or err}). Install emsync again."
            ) from err
        try:
            return _followed(process, request, tell, is_cancelled, errors)
        finally:
            _end(process)


def _followed(
    process: Any, request: Json, tell: Tell, is_cancelled: Callable[[], bool], errors: Any
) -> Json:
    lines: Any = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    with suppress(OSError):  # it ended already; its last words say why
        process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
        process.stdin.flush()
    while True:
        if is_cancelled() and not process.stdin.closed:
            with suppress(OSError):
                process.stdin.write(b"cancel\n")  # without the word, a finished take would stay
            with suppress(OSError):
                process.stdin.close()
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            continue
        if line is None:
            raise HostError(_last_words(process, errors))
        event = _parsed(line)
        if event is None:
            continue
        if "error" in event:
            raise HostError(str(event["error"].get("message")))
        if "result" in event:
            result: Json = event["result"]
            return result
        progress = event.get("progress", {})
        tell(float(progress.get("fraction", 0.0)), str(progress.get("note", "")))


def _read(stream: Any, lines: Any) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _parsed(line: bytes) -> Optional[Json]:
    """An event; None for a line that is none (a library that prints)."""
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _last_words(process: Any, errors: Any) -> str:
    code = process.wait()
    errors.seek(0)
    words = errors.read().decode("utf-8", "replace").strip()[-LAST_LETTERS:]
    return (
        f"emsync stopped in the middle of the work (exit code {code}: {words or 'no word'}). "
        "Run 'emsync doctor', and score again."
    )


def _end(process: Any) -> None:
    """Let it leave by itself, which cleans up; end it only if it does not."""
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
