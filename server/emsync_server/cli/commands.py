"""All commands in one tree."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from emsync import __version__
from emsync.errors import JobCancelledError
from emsync_server.cli import machine, measuring, scoring, service, weights
from emsync_server.cli.console import guarded, say
from emsync_server.cli.options import with_server_named

__all__ = ["command_tree", "run"]

BRIDGES = (["rpc"], ["host"])


def command_tree() -> typer.Typer:
    """The commands, for running and for the generated reference."""
    commands = typer.Typer(
        name="emsync",
        help="Scores a film on your own machine: music that follows it and lands on the cuts.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @commands.callback(invoke_without_command=True)
    def main_options(
        version: Annotated[
            bool, typer.Option("--version", help="Say which version this is.", is_eager=True)
        ] = False,
    ) -> None:
        if version:
            say(f"emsync {__version__}")
            raise typer.Exit

    for module in (scoring, service, machine, weights, measuring):
        module.register(commands)
    return commands


def run() -> int:
    """Parse the command line and run it; returns the exit code."""

    def command() -> int:
        try:
            code = command_tree()(
                with_server_named(sys.argv[1:]), prog_name="emsync", standalone_mode=False
            )
        except (typer.Abort, KeyboardInterrupt) as err:
            raise _interrupted() from err
        # What Ctrl-C is in newer typers, which say nothing of it; bridges have told their host.
        if code == JobCancelledError.exit_code and sys.argv[1:2] not in BRIDGES:
            raise _interrupted()
        return code if isinstance(code, int) else 0

    return guarded(command)


def _interrupted() -> KeyboardInterrupt:
    """What is about to be told, without being interrupted again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return KeyboardInterrupt()
