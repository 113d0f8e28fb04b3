"""The experts at work: items in, readings out, in batches, beside the decoding.

One worker thread runs the networks while the caller decodes; ONNX Runtime and FFmpeg both let go of
the interpreter. A few items wait at most, so memory does not grow with the film.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emsync.errors import MissingPartError
from emsync_server.spotting.experts.expert import Expert, ExpertRow
from emsync_server.spotting.experts.readings import Reading

__all__ = ["Bench", "opened_bench"]

LARGEST_HALF = 65_504.0
MOST_WAITING = 2
"""Batches that may wait for the worker."""


@dataclass(frozen=True, slots=True)
class _Seat:
    row: ExpertRow
    expert: Expert[Any]
    items: list[Any]


class Bench:
    """Some experts of one sense. Made by `opened_bench`."""

    def __init__(self, rows: Sequence[ExpertRow], worker: ThreadPoolExecutor) -> None:
        """Opens the experts; one that this machine lacks is left out, but for one that is asked for
        a network's sake: without it, that would be told that there was nothing to read."""
        self.complaints: list[str] = []
        """A sentence for each expert that could not be opened."""
        self._seats: dict[str, _Seat] = {}
        for row in rows:
            try:
                self._seats[row.name] = _Seat(row, row.open(), [])
            except MissingPartError as err:
                if not row.on_by_default:
                    raise
                self.complaints.append(f"Expert '{row.name}' was not asked: {err.sentence}")
        self._worker = worker
        self._running: deque[Future[list[Reading | None]]] = deque()
        self._readings: list[Reading] = []

    def show(self, item: Any, *, only: str | None = None) -> None:  # noqa: ANN401 - by sense
        """One more item, for all experts or for one."""
        for seat in self._seats.values():
            if only in (None, seat.row.name):
                seat.items.append(item)
                if len(seat.items) >= seat.row.batch:
                    self._start(seat)

    def finish(self) -> list[Reading]:
        """Read what still waits; hands over all readings, in the order of their time."""
        for seat in self._seats.values():
            if seat.items:
                self._start(seat)
        while self._running:
            self._collect()
        readings, self._readings = self._readings, []
        return sorted(readings, key=lambda each: (each.start_s, each.expert))

    def _start(self, seat: _Seat) -> None:
        batch = list(seat.items)
        seat.items.clear()
        while len(self._running) >= MOST_WAITING:
            self._collect()
        self._running.append(self._worker.submit(seat.expert.read, batch))

    def _collect(self) -> None:
        for each in self._running.popleft().result():
            if each is not None:
                self._readings += each.parts or (_kept(each),)


def _kept(reading: Reading) -> Reading:
    """With its embedding in half precision, as the cache has it: a second run reads the same."""
    if reading.embedding is None:
        return reading
    half = np.clip(reading.embedding, -LARGEST_HALF, LARGEST_HALF).astype(np.float16)
    return replace(reading, embedding=half)


@contextmanager
def opened_bench(rows: Sequence[ExpertRow]) -> Iterator[Bench]:
    """Experts ready to read; when the caller leaves early, what waits is dropped."""
    worker = ThreadPoolExecutor(1, thread_name_prefix="experts")
    try:
        yield Bench(rows, worker)
    finally:
        worker.shutdown(wait=True, cancel_futures=True)
