"""Measures and training: evaluate, benchmark, train."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from emsync import wire
from emsync.errors import MissingPartError
from emsync_server.benchmarks.commands import benchmark_commands
from emsync_server.cli.console import say
from emsync_server.evaluation import evaluate as evaluate_folder
from emsync_server.evaluation import summary_lines

__all__ = ["register"]


def register(commands: typer.Typer) -> None:
    """Add the measuring commands."""
    commands.command()(evaluate)
    commands.add_typer(benchmark_commands(), name="benchmark")
    commands.command(
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        add_help_option=False,
    )(train)


def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder that score wrote.")],
) -> None:
    """Measure the score of a cue: hits in MIDI and sound, music, levels."""
    sheet = wire.read_cue_sheet(folder / "cues.json")
    for line in summary_lines(evaluate_folder(folder, sheet)):
        say(line)


def train(context: typer.Context) -> None:
    """Train the networks that emsync ships (needs the extra 'train'); --help lists its commands."""
    if importlib.util.find_spec("torch") is None:
        raise MissingPartError(
            "Training needs PyTorch, which is not installed. Run: pip install 'emsync[train]'."
        )
    import runpy

    sys.argv = ["emsync train", *context.args]
    runpy.run_module("emsync_training", run_name="__main__")
