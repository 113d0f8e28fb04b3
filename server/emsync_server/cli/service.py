"""The server as a command, and the bridge that hosts run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from emsync_server.config import ServerSettings, TlsFiles, default_roots
from emsync_server.rpc import serve as serve_until_stopped
from emsync_server.rpc.bridge import bridge
from emsync_server.rpc.host_bridge import host_bridge

__all__ = ["register"]


def register(commands: typer.Typer) -> None:
    """Add the server commands."""
    for command in (serve, rpc, host):
        commands.command()(command)


def serve(
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="TCP instead of a Unix socket; port 0: any."),
    ] = None,
    allow_root: Annotated[
        list[Path] | None,
        typer.Option(help="Requests may name files under here; default home and volumes."),
    ] = None,
    idle_timeout: Annotated[
        float | None, typer.Option(min=1.0, help="Leave after so many seconds without a call.")
    ] = None,
    reflection: Annotated[bool, typer.Option(help="Tell tools which services there are.")] = False,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM; for other machines.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM, private key.")] = None,
    tls_clients: Annotated[Path | None, typer.Option(help="PEM, who signs clients.")] = None,
) -> None:
    """Serve hosts and commands on this machine until stopped."""
    given = [path for path in (tls_certificate, tls_key, tls_clients) if path is not None]
    if len(given) not in (0, 3):
        raise typer.BadParameter("TLS needs --tls-certificate, --tls-key and --tls-clients")
    roots = tuple(path.resolve() for path in allow_root) if allow_root else default_roots()
    serve_until_stopped(
        ServerSettings(
            listen=listen,
            tls=TlsFiles(*given) if given else None,
            allowed_roots=roots,
            idle_timeout_s=idle_timeout,
            reflection=reflection,
        )
    )


def rpc(
    method: Annotated[str, typer.Argument(help="Such as emsync.v1.SystemService/GetServerInfo.")],
) -> None:
    """Call a method of the server: one JSON request on stdin, JSON lines of events on stdout."""
    raise typer.Exit(bridge(method, sys.stdin, sys.stdout))


def host(
    request: Annotated[
        Path | None, typer.Argument(help="File with the request; without it, a line on stdin.")
    ] = None,
) -> None:
    """Do a whole job for an editor's plugin: JSON in, JSON lines of events out."""
    raise typer.Exit(host_bridge(sys.stdin, sys.stdout, request))
