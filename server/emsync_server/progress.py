"""How long work tells where it is, and learns that its caller has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Protocol

from emsync.errors import JobCancelledError

__all__ = ["Progress", "ProgressSink", "silent_progress"]


class Progress(Protocol):
    """Told once per batch of frames, block of tokens or block of audio."""

    def report(self, fraction: float, note: str) -> None:
        """Say how much is done (0 to 1). Raises JobCancelledError when the caller left."""

    def ready(self, path: Path, seconds: float) -> None:
        """Say that the first seconds of the result lie in a file and can be used already."""

    def part(self, start: float, end: float) -> Progress:
        """A progress whose 0 to 1 is this one's `start` to `end`."""


@dataclass(frozen=True)
class ProgressSink:
    """Hands reports to a function; cancelled from any thread by setting `cancelled`."""

    sink: Callable[[float, str], None]
    cancelled: Event = field(default_factory=Event)
    start: float = 0.0
    end: float = 1.0
    ready_sink: Callable[[Path, float], None] | None = None
    """None: nobody wants to use a beginning."""

    def report(self, fraction: float, note: str) -> None:
        """Forward one report; raise JobCancelledError when cancelled."""
        if self.cancelled.is_set():
            raise JobCancelledError("The work was cancelled; nothing was left behind.")
        inside = min(max(fraction, 0.0), 1.0)
        self.sink(self.start + inside * (self.end - self.start), note)

    def ready(self, path: Path, seconds: float) -> None:
        """Forward what can be used already."""
        if self.ready_sink is not None:
            self.ready_sink(path, seconds)

    def part(self, start: float, end: float) -> ProgressSink:
        """The stretch of this progress between two fractions."""
        width = self.end - self.start
        return replace(self, start=self.start + start * width, end=self.start + end * width)


def silent_progress() -> ProgressSink:
    """A progress that nobody watches."""
    return ProgressSink(lambda fraction, note: None)
