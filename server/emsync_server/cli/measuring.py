"""Measures and training: evaluate, benchmark, train."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from emsync import wire
from emsync.errors import MissingPartError
from emsync_server.cli.console import say, shown_progress
from emsync_server.evaluation import evaluate as evaluate_folder
from emsync_server.evaluation import summary_lines
from emsync_server.evaluation.composer import (
    EVERYTHING,
    FULL,
    QUICK,
    TABLE,
    Experiment,
    evaluate_composer,
)

__all__ = ["register"]

DEFAULT = "folder"


class _FolderUnlessNamed(TyperGroup):
    """`emsync evaluate DIR` is `emsync evaluate folder DIR`."""

    # typer brings its own copy of click in some versions and takes the installed one in others
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        if args and args[0] not in self.commands:
            args = [DEFAULT, *args]
        return super().resolve_command(ctx, args)


def register(commands: typer.Typer) -> None:
    """Add the measuring commands."""
    evaluating = typer.Typer(
        cls=_FolderUnlessNamed,
        help="Measure a score that emsync wrote (a folder), or the composer itself.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    evaluating.command(DEFAULT)(folder)
    evaluating.command("composer")(composer)
    commands.add_typer(evaluating, name="evaluate")
    for passed_on in (benchmark, train):
        commands.command(
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
            add_help_option=False,
        )(passed_on)


def folder(
    folder: Annotated[Path, typer.Argument(help="A folder that score wrote.")],
) -> None:
    """Measure the score of a cue: hits in MIDI and sound, music, levels."""
    sheet = wire.read_cue_sheet(folder / "cues.json")
    for line in summary_lines(evaluate_folder(folder, sheet)):
        say(line)


def composer(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for table and gallery.")],
    quick: Annotated[bool, typer.Option("--quick", help="A few cues only: a smoke test.")] = False,
    plans: Annotated[
        int | None, typer.Option(min=2, help="Cues with random hits; 200 where left out.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Takes of each emotion; 8 where left out.")
    ] = None,
    first_seed: Annotated[
        int, typer.Option("--seed", min=0, help="Added to the seed of every cue: other music.")
    ] = 0,
    only: Annotated[
        list[Experiment] | None, typer.Option(help="Measure only this; may be given again.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; as many as there are processors, up to 8.")
    ] = min(os.cpu_count() or 1, 8),
    sound: Annotated[bool, typer.Option(help="Render the gallery.")] = True,
) -> None:
    """Compose some hundred cues and measure what the composer promises; a gallery to listen to."""
    extent = QUICK if quick else FULL
    extent = replace(
        extent,
        first_seed=first_seed,
        plans=plans or extent.plans,
        seeds=seeds or extent.seeds,
    )
    with shown_progress("evaluating the composer") as progress:
        evaluate_composer(
            output,
            progress,
            extent=extent,
            workers=workers,
            sound=sound,
            only=frozenset(only or EVERYTHING),
        )
    say((output / TABLE).read_text(encoding="utf-8"))
    if not only or Experiment.GALLERY in only:
        say(f"Look and listen: {output / 'gallery' / 'index.html'}")


def benchmark(context: typer.Context) -> None:
    """The figures of BENCHMARKS.md; --help lists them."""
    # what only benchmarks need takes longer to load than everything else together
    from emsync_server.benchmarks.commands import benchmark_commands

    benchmark_commands()(context.args, prog_name="emsync benchmark", standalone_mode=False)


def train(context: typer.Context) -> None:
    """Train the networks that emsync ships (needs the extra 'train'); --help lists its commands."""
    asks = not context.args or {"-h", "--help"} & set(context.args)
    if not asks and importlib.util.find_spec("torch") is None:
        raise MissingPartError(
            "Training needs PyTorch, which is not installed. Run: pip install 'emsync[train]'."
        )
    import runpy

    sys.argv = ["emsync train", *context.args]
    runpy.run_module("emsync_training", run_name="__main__")
