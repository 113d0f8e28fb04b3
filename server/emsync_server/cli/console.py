"""What the command line shows: progress on stderr, one sentence for each failure, exit codes."""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from emsync.errors import EmsyncError, JobCancelledError, MemoryFullError, OutputError
from emsync_server.progress import ProgressSink

__all__ = ["guarded", "say", "shown_progress", "warn"]

USAGE_EXIT_CODE = 2
INTERNAL_EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
LIBRARY_WORDS = (
    (r"Input should be a valid integer.*", "there should be a whole number"),
    (r"Input should be a valid number.*", "there should be a number"),
    (r"Input should be (greater|less) than or equal to (\S+)", r"there should be a number \1 \2"),
    (r"a number greater (\S+)", r"\1 or more"),
    (r"a number less (\S+)", r"\1 or less"),
    (r"'(\w[\w-]*)'(?=, '|\.?$)", r"\1"),
)
"""What the library says of wrong values, and how we do."""

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(sentence: str) -> None:
    """One line for the person at the keyboard, on stdout."""
    _out.print(sentence, markup=False)


def warn(sentence: str) -> None:
    """Something odd that did not stop the work."""
    _err.print(f"warning: {sentence}", markup=False, style="yellow")


@contextmanager
def shown_progress(title: str) -> Iterator[ProgressSink]:
    """A progress that is drawn on a terminal and written as lines elsewhere; Ctrl-C cancels it."""
    with _cancelled_by_signals() as cancelled:
        if _err.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=_err, transient=True) as bar:
                task = bar.add_task(title, total=1.0)
                yield ProgressSink(
                    lambda fraction, note: bar.update(task, completed=fraction, description=note),
                    cancelled,
                    ready_sink=_ready_writer(
                        lambda line: bar.console.print(line, markup=False, soft_wrap=True)
                    ),
                )
        else:
            yield ProgressSink(
                _line_writer(),
                cancelled,
                ready_sink=_ready_writer(
                    lambda line: print(f"      {line}", file=sys.stderr, flush=True)
                ),
            )


def guarded(command: Callable[[], int]) -> int:
    """Run a command; say what went wrong in a sentence and return the exit code."""
    try:
        return command()
    except EmsyncError as err:
        _err.print(f"emsync: {err.sentence}", markup=False)
        return err.exit_code
    except KeyboardInterrupt:
        _err.print("emsync: Cancelled; nothing was left behind.", markup=False)
        return JobCancelledError.exit_code
    except MemoryError:
        full = MemoryFullError.of_any_work()
        _err.print(f"emsync: {full.sentence}", markup=False)
        return full.exit_code
    except PermissionError as err:
        refused = OutputError(
            f"'{err.filename}' may not be read or written by you. Choose another place, or ask "
            "for the right to it."
        )
        _err.print(f"emsync: {refused.sentence}", markup=False)
        return refused.exit_code
    except Exception as err:  # noqa: BLE001 - the top of the command line
        if (sentence := usage_sentence(err)) is not None:
            _err.print(sentence, markup=False)
            return USAGE_EXIT_CODE
        if os.environ.get("EMSYNC_TRACEBACK"):
            traceback.print_exc()
        _err.print(
            f"emsync: An error that we did not foresee: {type(err).__name__}: {err}. "
            "Run again with EMSYNC_TRACEBACK=1 and send us what it prints.",
            markup=False,
        )
        return INTERNAL_EXIT_CODE


def usage_sentence(err: Exception) -> str | None:
    """What is wrong with what was typed; None where the error is another.

    Typer has click inside itself since 0.25 and beside itself before: its usage errors are known by
    what they can do. Its words are the libraries' own; those that leak are put into ours.
    """
    tell = getattr(err, "format_message", None)
    if tell is None:
        return None
    words = str(tell())
    if type(err).__name__ == "NoArgsIsHelpError":
        return words
    if match := re.fullmatch(r"Invalid value for '?(.+?)'?: (.*)", words, re.DOTALL):
        why = match[2].removeprefix("Value error, ")
        for theirs, ours in LIBRARY_WORDS:
            why = re.sub(theirs, ours, why)
        words = f"{match[1]}: {why}"
    context = getattr(err, "ctx", None)
    ask = f" See '{context.command_path} --help'." if context is not None else ""
    return f"emsync: {words.rstrip('.')}.{ask}"


def _ready_writer(write: Callable[[str], None]) -> Callable[[Path, float], None]:
    """Says once where the first bars lie: the file grows there, and is gone at the end."""
    said: list[Path] = []

    def ready(path: Path, seconds: float) -> None:
        if not said:
            said.append(path)
            write(
                f"the first {seconds:.1f} s can be played while the rest is composed; until then "
                f"they grow here: {path}"
            )

    return ready


def _line_writer() -> Callable[[float, str], None]:
    """Writes a line each time the note or the tenth of the work changes."""
    last: list[tuple[int, str]] = []

    def write(fraction: float, note: str) -> None:
        state = (int(fraction * 10), note)
        if last[-1:] != [state]:
            last[:] = [state]
            print(f"{fraction * 100:3.0f} %  {note}", file=sys.stderr, flush=True)

    return write


@contextmanager
def _cancelled_by_signals() -> Iterator[Event]:
    """The first Ctrl-C or SIGTERM asks the work to stop, the second stops the program."""
    cancelled = Event()

    def cancel(signum: int, frame: FrameType | None) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt
        cancelled.set()

    before = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancelled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
