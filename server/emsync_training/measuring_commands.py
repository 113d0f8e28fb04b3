"""The commands that make what the evaluation ships or needs of the training side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_measuring_commands(commands: Subparsers) -> None:
    """Add `judge`, `ranges` and `recitation`."""
    judge = commands.add_parser("judge", help="fit the judge of emotion on human ratings")
    judge.add_argument("--ratings", type=Path, required=True, help="ratings.csv")
    judge.add_argument("--corpus", type=Path, help="to compare judge and training labels on")
    judge.add_argument("--out", type=Path, help="judge.json; where left out, the shipped one")
    judge.set_defaults(run=_judge)


def _judge(options: argparse.Namespace) -> None:
    import json

    from emsync_server.evaluation import judge
    from emsync_training.judge import write_judge

    out = options.out or Path(judge.__file__).with_name(judge.JUDGE_FILE)
    print(json.dumps(write_judge(options.ratings, out, corpus=options.corpus), indent=1))
