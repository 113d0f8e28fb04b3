"""What this machine has: doctor, login."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Annotated

import typer

from emsync import __version__
from emsync_server.cli.console import say
from emsync_server.cli.weights import lacking_packages
from emsync_server.models import Model, ModelState, list_models
from emsync_server.rendering import describe_sound

__all__ = ["register"]


def register(commands: typer.Typer) -> None:
    """Add the machine commands."""
    for command in (doctor, login):
        commands.command()(command)


def doctor() -> None:
    """Say what emsync found on this machine, and how to get the better part."""
    say(f"emsync        {__version__}, Python {platform.python_version()}, {sys.platform}")
    say(f"processors    {os.cpu_count()}")
    sound = describe_sound()
    say(f"synthesiser   {sound.synthesizer}")
    say(f"soundfont     {sound.soundfont}")
    for advice in sound.advice:
        say(f"better        {advice}")
    lacking = lacking_packages()
    for model in list_models():
        say(f"model         {model.name}: {_model_state(model, lacking.get(model.name))}")
    from emsync.client import describe_server

    say(f"server        {describe_server()}")


def _model_state(model: Model, needs: str | None) -> str:
    if model.is_ready:
        return "ready" if needs is None else f"in place, but it needs {needs}"
    if not model.is_full_tier:
        return "MISSING or damaged: install emsync again"
    if model.state is ModelState.MISSING:
        return "not installed (full tier, optional)"
    return "damaged: fetch it again"


def login(
    host: Annotated[str, typer.Argument(help="Host name of a server on another machine.")],
    authority: Annotated[
        Path | None, typer.Option(help="PEM: who signed that server's certificate.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM: your own certificate.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM: your private key.")] = None,
) -> None:
    """Keep the token of another machine's server in the system keyring, and its certificates."""
    from emsync.client import ClientTls, keep_tls, keep_token

    if authority and certificate and key:
        say(keep_tls(host, ClientTls(authority, certificate, key)))
    elif authority or certificate or key:
        raise typer.BadParameter("give --authority, --certificate and --key together")
    token = typer.prompt(f"Token of {host}", hide_input=True)
    kept = keep_token(
        host,
        token,
        consent=lambda question: typer.confirm(question, default=False),
    )
    say(kept)
