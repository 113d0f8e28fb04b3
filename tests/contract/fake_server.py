"""A server of fake steps in a process of its own, to be killed: `python -m … ROOT`."""

from __future__ import annotations

import sys
from pathlib import Path

from emsync_server.config import ServerSettings
from emsync_server.rpc import serve
from tests.contract.fake_steps import FakeSteps

if __name__ == "__main__":
    serve(ServerSettings(allowed_roots=(Path(sys.argv[1]),)), FakeSteps())
