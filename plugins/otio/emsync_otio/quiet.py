"""Adapters print, warn and log; none of it may reach the user's terminal or a JSON-lines stream."""

from __future__ import annotations

import io
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO, cast

__all__ = ["quiet"]

_ONE_AT_A_TIME = threading.RLock()


class _OtherThreadsOnly:
    """Drops what its own thread writes; for other threads it is the stream that it stands for."""

    def __init__(self, usual: TextIO | None) -> None:
        self._usual = usual or io.StringIO()
        self._silenced = threading.get_ident()

    def write(self, text: str) -> int:
        """Swallow or pass on."""
        if threading.get_ident() == self._silenced:
            return len(text)
        return self._usual.write(text)

    def __getattr__(self, name: str) -> object:
        """Encoding, isatty, flush …: progress bars of other threads ask for them."""
        return getattr(self._usual, name)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence this thread's prints, warnings and log records."""
    silenced = threading.get_ident()

    def from_other_threads(record: logging.LogRecord) -> bool:
        return record.thread != silenced

    root = logging.getLogger()
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root.addFilter(from_other_threads)
        # logging.warning() installs a handler for good where there is none: keep it from that.
        stand_in = None if root.handlers else logging.NullHandler()
        if stand_in is not None:
            root.addHandler(stand_in)
        try:
            with (
                redirect_stdout(cast(TextIO, _OtherThreadsOnly(sys.stdout))),
                redirect_stderr(cast(TextIO, _OtherThreadsOnly(sys.stderr))),
            ):
                yield
        finally:
            root.removeFilter(from_other_threads)
            if stand_in is not None:
                root.removeHandler(stand_in)
