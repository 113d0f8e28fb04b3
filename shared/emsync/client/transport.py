"""The seam between the client and the ways to reach a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from emsync.wire.calls import Method

__all__ = ["Events", "Transport"]


class Events(Protocol):
    """What one call says: JSON objects, `{"progress": …}` many times, `{"result": …}` last."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The events as they come; raises the call's EmsyncError."""

    def __next__(self) -> dict[str, Any]:
        """The next event; raises StopIteration after the last, or the call's EmsyncError."""

    def cancel(self) -> None:
        """End the call, from any thread; the server's work stops and leaves no files."""

    def close(self) -> None:
        """End the call if it runs, and let go of it; from the thread that reads the events."""


class Transport(Protocol):
    """A way to reach a server; requests and answers are what `emsync.wire` makes and reads."""

    def call_streaming(self, method: Method, request: dict[str, Any]) -> Events:
        """Start a long call."""

    def call_unary(self, method: Method, request: dict[str, Any]) -> dict[str, Any]:
        """Make a short call; raises its EmsyncError."""

    def close(self) -> None:
        """Let go of the server; calls that run are cancelled."""
