"""The command that compares representations."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

SIDES = ("notes", "tied", "remi")

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_baseline_commands(commands: Subparsers) -> None:
    """Add `compare-representations`."""
    compare = commands.add_parser(
        "compare-representations",
        help="note events against REMI tokens and tied embeddings at equal processor time; goes on"
        " where it stopped",
    )
    compare.add_argument("--corpus", type=Path, required=True)
    compare.add_argument("--out", type=Path, required=True)
    compare.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    compare.add_argument("--hours", type=float, default=1.0, help="of processor time, each side")
    compare.add_argument("--rate", type=float, default=2e-3)
    compare.add_argument("--threads", type=int, default=0)
    compare.add_argument("--held-out-crops", type=int, default=64)
    compare.add_argument("--events", type=int, default=768, help="of a crop")
    compare.add_argument(
        "--small",
        action="store_true",
        help="a fifth of the network: it learns something in minutes",
    )
    compare.add_argument("--compiled", action="store_true", help="each; a minute or more")
    compare.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> None:
    import json

    import torch

    from emsync_training.baselines.representations import compare
    from emsync_training.corpus import Corpus
    from emsync_training.learning import TrainSettings
    from emsync_training.networks.composer import ComposerShape

    if options.threads:
        torch.set_num_threads(options.threads)
    settings = TrainSettings(
        hours=options.hours,
        matrix_rate=options.rate,
        other_rate=options.rate,
        held_out_crops=options.held_out_crops,
        compiled=options.compiled,
    )
    corpus = Corpus.open(options.corpus)
    shape = ComposerShape()
    if options.small:
        shape = ComposerShape(width=192, layers=4, feed_forward=448, condition_hidden=128)
    report = compare(
        corpus, options.out, settings, shape, names=options.sides, events=options.events
    )
    print(json.dumps(report, indent=1))
