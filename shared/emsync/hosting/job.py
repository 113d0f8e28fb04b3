"""Long work beside a host that must not wait: a thread does it, a queue says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Generic, TypeAlias, TypeVar

from emsync.client import Watcher
from emsync.errors import EmsyncError, JobCancelledError

__all__ = ["Cancelled", "Done", "Failed", "Job", "JobEvent", "Progressed"]

Result = TypeVar("Result")

TELLING_SHARE = 0.05  # before that, what remains is a guess
LEAVING_S = 15.0


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far it is."""

    fraction: float
    note: str
    remaining_s: float | None
    """At the pace so far; None while nobody can tell."""


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """It is finished."""

    result: Result


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed, and the sentence says why."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It was cancelled, and left nothing."""


JobEvent: TypeAlias = Progressed | Done[Result] | Failed | Cancelled


class Job(Generic[Result]):
    """One piece of work; its last event is Done, Failed or Cancelled."""

    def __init__(self, work: Callable[[Watcher], Result]) -> None:
        """work: told how to say how far it is; what that raises must come out of it."""
        self._work = work
        self._events: SimpleQueue[JobEvent[Result]] = SimpleQueue()
        self._cancelled, self._left = Event(), Event()
        self._began_s = time.monotonic()
        self._thread = Thread(target=self._run, daemon=True, name="emsync-job")
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the thread still works."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Ask it to stop; the event Cancelled follows within about a second."""
        self._cancelled.set()

    def leave(self) -> None:
        """The host closes: the work stops, and takes that are finished stay to be fetched."""
        self._left.set()

    def events(self) -> Iterator[JobEvent[Result]]:
        """What happened since the last time; never waits."""
        while True:
            try:
                yield self._events.get_nowait()
            except Empty:
                return

    def wait(self) -> None:
        """Until it has left, so that nothing of ours runs while the host goes down."""
        self._thread.join(LEAVING_S)

    def _run(self) -> None:
        try:
            result = self._work(self._watch)
        except (JobCancelledError, BrokenPipeError):
            self._events.put(Cancelled())
        except EmsyncError as err:
            self._events.put(Failed(err.sentence))
        except Exception as err:  # noqa: BLE001 - the worker loop: a thread has nobody above it
            self._events.put(
                Failed(
                    f"An error that we did not foresee: {type(err).__name__}: {err}. "
                    "Run 'emsync doctor' and send us what it prints."
                )
            )
        else:
            self._events.put(Cancelled() if self._cancelled.is_set() else Done(result))

    def _watch(self, fraction: float, note: str) -> None:
        if self._cancelled.is_set():
            raise JobCancelledError("The work was cancelled; nothing was left behind.")
        if self._left.is_set():
            raise BrokenPipeError("the host is gone")
        elapsed_s = time.monotonic() - self._began_s
        remaining_s = elapsed_s * (1 / fraction - 1) if fraction >= TELLING_SHARE else None
        self._events.put(Progressed(fraction, note, remaining_s))
