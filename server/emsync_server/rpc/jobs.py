"""Long work behind a call: it takes its turn, reports, and ends when its caller leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock
from typing import Generic, Protocol, TypeVar

from emsync.errors import JobCancelledError, LimitError, ServerUnavailableError
from emsync.wire.calls import ProgressReport, Ready
from emsync_server.config import Ceilings
from emsync_server.progress import Progress, ProgressSink

__all__ = ["Caller", "Finished", "Jobs"]

Result = TypeVar("Result")

HEARTBEAT_S = 0.5
"""At the latest a caller hears after so long, so that both ends notice when the other is gone."""
LEAST_PAUSE_S = 0.04
CLEAN_UP_S = 5.0
WAITING = ProgressReport(0.0, "waiting for other work to end")
STARTING = ProgressReport(0.0, "starting")


class Caller(Protocol):
    """What a job needs of a call: a way to learn that it ended."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Call when the call ends; False when it has already."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[Result]):
    """The last event of a job."""

    result: Result


@dataclass(eq=False)
class _Job:
    """One job's state, shared by the thread that works and the thread that answers."""

    news: Event = field(default_factory=Event)
    cancelled: Event = field(default_factory=Event)
    latest: ProgressReport = WAITING
    began_s: float | None = None

    def report(self, fraction: float, note: str) -> None:
        """Take a step's report; the fraction never falls."""
        before = self.latest
        self.latest = ProgressReport(max(fraction, before.fraction), note, before.ready)
        self.news.set()

    def ready(self, path: Path, seconds: float) -> None:
        """Take what can be used already."""
        self.latest = replace(self.latest, ready=Ready(str(path), seconds))
        self.news.set()


class Jobs:
    """All jobs of a server: a few at a time, a few in the queue, the rest refused."""

    def __init__(self, ceilings: Ceilings) -> None:
        self._ceilings = ceilings
        self._pool = ThreadPoolExecutor(ceilings.running_jobs, thread_name_prefix="emsync-job")
        self._lock = Lock()
        self._jobs: set[_Job] = set()
        self._closing = False

    @property
    def count(self) -> int:
        """Jobs that run or wait."""
        return len(self._jobs)

    def run(
        self, caller: Caller, work: Callable[[Progress], Result]
    ) -> Iterator[ProgressReport | Finished[Result]]:
        """Do work in its turn: reports while it goes on, the result once and last."""
        job = _Job()
        future = self._enter(job, work)

        def leave() -> None:
            job.cancelled.set()
            future.cancel()

        if not caller.add_callback(leave):
            leave()
        shown: ProgressReport | None = None
        while not future.done():
            job.news.wait(HEARTBEAT_S)
            job.news.clear()
            self._check_time(job, future)
            shown = job.latest
            yield shown
            wait_for([future], LEAST_PAUSE_S)
        result = self._outcome(future)
        if job.latest != shown:
            yield job.latest
        yield Finished(result)

    def close(self, timeout_s: float) -> None:
        """Cancel all jobs, and give them time to clean up."""
        self._closing = True
        for job in tuple(self._jobs):
            job.cancelled.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + timeout_s
        while self._jobs and time.monotonic() < deadline:
            time.sleep(0.02)

    def _enter(self, job: _Job, work: Callable[[Progress], Result]) -> Future[Result]:
        """Take a place in the queue, or be refused."""
        with self._lock:
            if self._closing:
                raise ServerUnavailableError(_CLOSING)
            if len(self._jobs) >= self._ceilings.jobs:
                raise LimitError(
                    f"The server is busy: {self._ceilings.running_jobs} job(s) run and "
                    f"{self._ceilings.waiting_jobs} wait, which is its limit. Try again later."
                )
            self._jobs.add(job)

        def begin() -> Result:
            job.began_s = time.monotonic()
            job.latest = STARTING
            return work(ProgressSink(job.report, job.cancelled, ready_sink=job.ready))

        def end(_: Future[Result]) -> None:
            with self._lock:
                self._jobs.discard(job)
            job.news.set()

        future = self._pool.submit(begin)
        future.add_done_callback(end)
        return future

    def _check_time(self, job: _Job, future: Future[Result]) -> None:
        """End a job that took more than its time."""
        limit_s = self._ceilings.job_s
        if job.began_s is None or time.monotonic() - job.began_s <= limit_s:
            return
        job.cancelled.set()
        wait_for([future], CLEAN_UP_S)
        raise LimitError(
            f"The work took longer than the {limit_s:g} s that the server allows, and was stopped. "
            "Send a shorter film, or start the server with a higher limit."
        )

    def _outcome(self, future: Future[Result]) -> Result:
        """The result; a job that the server itself cancelled says so."""
        try:
            return future.result()
        except (CancelledError, JobCancelledError) as err:
            if self._closing:
                raise ServerUnavailableError(_CLOSING) from err
            raise JobCancelledError("The work was cancelled; nothing was left behind.") from err


_CLOSING = (
    "The emsync server was stopped before the work was done. No result was written; "
    "run the command again, and a new server starts."
)
