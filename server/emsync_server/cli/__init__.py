"""The command line: `emsync score`, the steps alone, the server, what this machine has."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]

INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C ended."""


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
        sys.exit(INTERRUPTED)

    sys.exit(run())
