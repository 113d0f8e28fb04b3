"""The commands of training: composer, or its steps corpus, train, evaluate, export."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from emsync.errors import NotFoundError
from emsync_training.baselines.commands import add_baseline_commands
from emsync_training.film_commands import add_film_commands
from emsync_training.measuring_commands import add_measuring_commands
from emsync_training.shots.commands import add_shot_commands
from emsync_training.understanding_commands import add_understanding_commands


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="emsync_training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    composer = commands.add_parser(
        "composer", help="all that made the composer that ships; goes on where it stopped"
    )
    composer.add_argument("--midi", type=Path, required=True, help="a folder, or an archive of it")
    composer.add_argument("--manifest", type=Path, required=True)
    composer.add_argument("--out", type=Path, required=True)
    composer.add_argument("--threads", type=int, default=0)
    composer.set_defaults(run=_composer)
    corpus = commands.add_parser("corpus", help="MIDI files to memory-mapped arrays")
    corpus.add_argument("--midi", type=Path, required=True)
    corpus.add_argument("--manifest", type=Path, required=True)
    corpus.add_argument("--out", type=Path, required=True)
    corpus.add_argument("--workers", type=int, default=2)
    corpus.set_defaults(run=_corpus)
    train = commands.add_parser("train", help="train the composer, or go on training")
    train.add_argument("--corpus", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True)
    plan = train.add_mutually_exclusive_group(required=True)
    plan.add_argument("--hours", type=float, help="how long to train, all runs together")
    plan.add_argument("--steps", type=int, help="how many steps instead: the same on any clock")
    train.add_argument("--crops", type=int, default=4, help="crops a pass; 4 stay in the cache")
    train.add_argument("--accumulate", type=int, default=2, help="passes an optimizer step")
    train.add_argument("--rate", type=float, default=3e-3)
    train.add_argument("--threads", type=int, default=0)
    train.add_argument("--start", type=Path, help="exported weights to go on from")
    train.add_argument("--compiled", action="store_true", help="faster, after a minute")
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="held-out nats a note, beside baselines")
    evaluate.add_argument("--corpus", type=Path, required=True)
    evaluate.add_argument("--checkpoint", type=Path, required=True)
    evaluate.add_argument("--crops", type=int, default=64)
    evaluate.set_defaults(run=_evaluate)
    export = commands.add_parser("export", help="checkpoint to the files that the server loads")
    export.add_argument("--checkpoint", type=Path, required=True)
    export.add_argument("--out", type=Path, required=True)
    export.set_defaults(run=_export)
    experts = commands.add_parser("experts", help="published packages to the experts' weights")
    experts.add_argument("--packages", type=Path, required=True, help="where to keep downloads")
    experts.add_argument("--out", type=Path, required=True, help="a models folder")
    experts.set_defaults(run=_experts)
    add_measuring_commands(commands)
    add_baseline_commands(commands)
    add_shot_commands(commands)
    add_understanding_commands(commands)
    add_film_commands(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except FileNotFoundError as err:
        raise NotFoundError(
            f"There is no '{err.filename}'. Look at what was given to '{options.command}'."
        ) from err
    return 0


def _composer(options: argparse.Namespace) -> None:
    import torch

    from emsync_training.recipe import make_composer

    if options.threads:
        torch.set_num_threads(options.threads)
    make_composer(options.midi, options.manifest, options.out)


def _corpus(options: argparse.Namespace) -> None:
    from emsync_training.corpus import build_corpus

    build_corpus(options.midi, options.manifest, options.out, workers=options.workers)


def _train(options: argparse.Namespace) -> None:
    import torch

    from emsync_training.corpus import Corpus
    from emsync_training.learning import TrainSettings
    from emsync_training.networks.composer import ComposerShape
    from emsync_training.train import train
    from emsync_training.warm_start import load_exported

    if options.threads:
        torch.set_num_threads(options.threads)
    settings = TrainSettings(
        hours=options.hours or math.inf,
        planned_steps=options.steps,
        crops=options.crops,
        accumulate=options.accumulate,
        matrix_rate=options.rate,
        other_rate=options.rate,
        compiled=options.compiled,
    )
    shape, weights = ComposerShape(), None
    if options.start:
        network = load_exported(options.start)
        shape, weights = network.shape, network.state_dict()
    train(Corpus.open(options.corpus), options.out, settings, shape, weights=weights)


def _evaluate(options: argparse.Namespace) -> None:
    import json

    from emsync_training.corpus import Corpus
    from emsync_training.evaluate import held_out_report
    from emsync_training.train import load_ema

    network = load_ema(options.checkpoint)
    corpus = Corpus.open(options.corpus)
    print(json.dumps(held_out_report(network, corpus, crops=options.crops), indent=1))


def _export(options: argparse.Namespace) -> None:
    from emsync_training.export import export_composer, register_composer
    from emsync_training.train import checkpoint_facts, load_ema

    facts = checkpoint_facts(options.checkpoint)
    export_composer(load_ema(options.checkpoint), options.out, facts=facts)
    register_composer(options.out)


def _experts(options: argparse.Namespace) -> None:
    from emsync_training.experts.build import build_experts

    build_experts(options.packages, options.out)
