"""The command line: `emsync score`, the steps alone, the server, what this machine has."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from emsync.errors import MemoryFullError

__all__ = ["main"]

INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C ended."""

NO_MEMORY = ("failed to map segment", "cannot allocate memory")
"""What the loader of libraries says where there is no memory for them."""


def main() -> None:
    """Run the command that was typed, and leave with its exit code."""
    # A host starts `emsync rpc` for each call: it needs the bridge alone.
    if sys.argv[1:2] == ["rpc"] and len(sys.argv) == 3 and not sys.argv[2].startswith("-"):
        from emsync_server.rpc.bridge import bridge

        sys.exit(bridge(sys.argv[2], sys.stdin, sys.stdout))

    # NumPy's threads gain nothing on our small matrices and spin against ONNX Runtime's and the
    # synthesisers': one prediction of `evaluation.attacks` took 10 ms alone and 300 ms beside them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from emsync_server.cli.commands import run
    except KeyboardInterrupt:  # the imports take most of a second; nothing has begun
        _leave("emsync: Cancelled; nothing was left behind.\n")
    except (ImportError, MemoryError) as err:
        if isinstance(err, ImportError) and not any(words in str(err) for words in NO_MEMORY):
            raise
        full = MemoryFullError.of_any_work()
        sys.stderr.write(f"emsync: {full.sentence}\n")
        sys.exit(full.exit_code)

    try:
        code = run()
    except KeyboardInterrupt:  # once more, while the first was being told
        _leave("emsync: Cancelled.\n")
    if code == INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is known; the rest is the way out
    sys.exit(code)


def _leave(sentence: str) -> NoReturn:
    """At once: CPython 3.11 may send itself the signal again on the usual way out."""
    sys.stderr.write(sentence)
    sys.stderr.flush()
    os._exit(INTERRUPTED)
