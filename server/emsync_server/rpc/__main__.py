"""The server and the bridge without the rest of the command line: `python -m emsync_server.rpc`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from emsync.errors import EmsyncError
from emsync_server.config import ServerSettings


def main() -> int:
    """Run `serve`, `rpc` or `host`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m emsync_server.rpc")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve")
    serving.add_argument("--idle-timeout", type=float)
    serving.add_argument("--allow-root", type=Path, action="append", default=[])
    serving.add_argument("--reflection", action="store_true")
    calling = commands.add_parser("rpc")
    calling.add_argument("method")
    hosting = commands.add_parser("host")
    hosting.add_argument("request", type=Path, nargs="?")
    arguments = parser.parse_args()
    try:
        if arguments.command == "rpc":
            from emsync_server.rpc.bridge import bridge

            return bridge(arguments.method, sys.stdin, sys.stdout)
        if arguments.command == "host":
            from emsync_server.rpc.host_bridge import host_bridge

            return host_bridge(sys.stdin, sys.stdout, arguments.request)
        from emsync_server.rpc.server import serve

        defaults = ServerSettings()
        serve(
            ServerSettings(
                allowed_roots=(*defaults.allowed_roots, *arguments.allow_root),
                idle_timeout_s=arguments.idle_timeout,
                reflection=arguments.reflection,
            )
        )
    except EmsyncError as err:
        print(f"emsync: {err.sentence}", file=sys.stderr)
        return err.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
