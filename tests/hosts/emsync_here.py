"""`emsync serve|rpc|host` of this checkout, whatever the interpreter has installed or is told.

Hosts run emsync with a cleaned environment: `python emsync_here.py serve` needs none.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / part) for part in ("shared", "server", "plugins/otio")]

if __name__ == "__main__":
    from emsync_server.rpc.__main__ import main

    sys.exit(main())
