"""`python -m emsync_server.benchmarks NAME`: what BENCHMARKS.md is made of."""

from __future__ import annotations

import os

# NumPy's threads gain nothing on our small matrices and spin against the synthesisers'.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from emsync_server.benchmarks.commands import run

if __name__ == "__main__":
    raise SystemExit(run())
