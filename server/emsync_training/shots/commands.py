"""The commands that make the networks which find shots."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emsync_server.spotting.judging import Judge
    from emsync_server.spotting.second_look import SecondLook
    from emsync_training.shots.judging import Told

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_shot_commands(commands: Subparsers) -> None:
    """Add `shots`, `shots-judge` and `shots-seam`."""
    shots = commands.add_parser("shots", help="train the shot network on montages of real shots")
    shots.add_argument("--clips", type=Path, required=True, help="films, and their truth.json")
    shots.add_argument("--stills", type=Path, help="pictures that a camera is moved over")
    shots.add_argument("--work", type=Path, required=True, help="where montages are kept")
    shots.add_argument("--montages", type=int, default=800)
    shots.add_argument("--steps", type=int, default=3000)
    shots.add_argument("--seed", type=int, default=1)
    shots.add_argument("--start", type=Path, help="a kept network (shots.pt) to go on from")
    shots.add_argument("--only", nargs="*", help="names of films to draw from; else all")
    shots.add_argument("--out", type=Path, help="shots.onnx; where left out, the shipped one")
    shots.set_defaults(run=_shots)
    judge = commands.add_parser(
        "shots-judge", help="fit what judges the shot network's proposals, on films unknown to it"
    )
    judge.add_argument("--clips", type=Path, required=True, help="films, and their truth.json")
    judge.add_argument("--stills", type=Path, help="pictures that a camera is moved over")
    judge.add_argument("--work", type=Path, required=True, help="where montages are kept")
    judge.add_argument(
        "--half", nargs="+", required=True, metavar="START",
        help="how the names of the first half of the films begin; similar films belong together",
    )  # fmt: skip
    judge.add_argument("--learn", type=int, default=200, help="montages that a network learns from")
    judge.add_argument("--steps", type=int, default=1200)
    judge.add_argument("--montages", type=int, default=60, help="that it proposes changes in")
    judge.add_argument("--seed", type=int, default=1)
    judge.add_argument("--out", type=Path, help="shots_judge.json; else the shipped one")
    judge.set_defaults(run=_judge)
    seam = commands.add_parser("shots-seam", help="fit what tells a push from a pan")
    seam.add_argument("--clips", type=Path, required=True, help="films, and their truth.json")
    seam.add_argument("--stills", type=Path, required=True, help="photographs, 400 wide at least")
    seam.add_argument("--work", type=Path, required=True, help="where films are kept small")
    seam.add_argument("--count", type=int, default=300, help="pans, and slides, of each half")
    seam.add_argument("--seed", type=int, default=1)
    seam.add_argument("--judge", type=Path, help="folder of shots_judge.json; else the shipped one")
    seam.set_defaults(run=_seam)


def _shots(options: argparse.Namespace) -> None:
    import torch

    from emsync_server.models import MODELS_FOLDER
    from emsync_training.shots.footage import read_footage
    from emsync_training.shots.learning import export, learn, traced_montages

    torch.set_num_threads(1)  # so small a network gains nothing from more
    footage = read_footage(options.clips, options.stills, options.work / "footage")
    montages = traced_montages(
        footage.of(options.only), options.work, count=options.montages, seed=options.seed
    )
    network = learn(
        montages,
        steps=options.steps,
        seed=options.seed,
        kept=options.work / "shots.pt",
        start=options.start,
    )
    export(network, options.out or MODELS_FOLDER / "shots.onnx")


def _judge(options: argparse.Namespace) -> None:
    import torch

    from emsync_server.models import MODELS_FOLDER
    from emsync_server.spotting.judging import shipped_judge
    from emsync_server.spotting.second_look import SecondLook
    from emsync_training.shots.footage import STILL, read_footage
    from emsync_training.shots.judging import (
        fit_judge,
        fit_second,
        halves,
        proposals_in,
        write_judge,
    )
    from emsync_training.shots.learning import learn, traced_montages

    torch.set_num_threads(1)
    footage = read_footage(options.clips, options.stills, options.work / "footage")
    films = [film for film in footage.shots if not film.startswith(STILL)]
    proposers = []
    for name, own, other in halves(films, tuple(options.half)):
        work = options.work / name
        work.mkdir(parents=True, exist_ok=True)
        network = learn(
            traced_montages(footage.of(own), work, count=options.learn, seed=options.seed),
            steps=options.steps,
            seed=options.seed,
            kept=work / "shots.pt",
        )
        proposers.append((footage.of(other), network))

    def told(judge: Judge | None = None, second: SecondLook | None = None) -> list[Told]:
        return [
            each
            for shots, network in proposers
            for each in proposals_in(
                shots, network, count=options.montages, seed=options.seed, judge=judge,
                second=second,
            )
        ]  # fmt: skip

    judge = replace(fit_judge(told()), seam=shipped_judge().seam)  # that has its own command
    judge = fit_second(told(judge, SecondLook.load()), judge)
    write_judge(judge, options.out or MODELS_FOLDER / "shots_judge.json")


def _seam(options: argparse.Namespace) -> None:
    import torch

    from emsync_server.models import MODELS_FOLDER
    from emsync_server.spotting.judging import shipped_judge
    from emsync_training.shots.footage import read_footage
    from emsync_training.shots.judging import write_judge
    from emsync_training.shots.pans import fit_seam, measure_seam, seams_of

    torch.set_num_threads(1)
    folder = options.judge or MODELS_FOLDER
    judge = shipped_judge(folder)
    footage = read_footage(options.clips, None, options.work / "footage")
    films = sorted(footage.shots)
    stills = sorted(path for path in options.stills.iterdir() if path.suffix.lower() == ".jpg")
    fitted_on, measured_on = (
        seams_of(
            stills[half::2],
            [shot for _, shot in footage.of(films[half::2])],
            judge,
            count=options.count,
            seed=options.seed + half,
        )
        for half in (0, 1)
    )
    judge = replace(judge, seam=fit_seam(fitted_on))
    for where, seams in (("fitted on", fitted_on), ("held out", measured_on)):
        print(f"{where}: {measure_seam(judge.seam, seams)}")
    write_judge(judge, folder / "shots_judge.json")
