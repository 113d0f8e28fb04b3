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
    ranges = commands.add_parser("ranges", help="measure held-out pieces, for the evaluation")
    ranges.add_argument("--corpus", type=Path, required=True)
    ranges.add_argument("--out", type=Path, help="style_ranges.json; else the shipped one")
    ranges.set_defaults(run=_ranges)
    recitation = commands.add_parser("recitation", help="runs that scores share with the corpus")
    recitation.add_argument("scores", type=Path, nargs="+", help="MIDI files, or folders of them")
    recitation.add_argument("--corpus", type=Path, required=True)
    recitation.add_argument("--out", type=Path, default=Path("recitation.json"))
    recitation.set_defaults(run=_recitation)


def _judge(options: argparse.Namespace) -> None:
    import json

    from emsync_server.evaluation import judge
    from emsync_training.judge import write_judge

    out = options.out or Path(judge.__file__).with_name(judge.JUDGE_FILE)
    print(json.dumps(write_judge(options.ratings, out, corpus=options.corpus), indent=1))


def _ranges(options: argparse.Namespace) -> None:
    import json

    from emsync_server.evaluation import style_ranges
    from emsync_training.ranges import write_ranges

    out = options.out or Path(style_ranges.__file__).with_name(style_ranges.RANGES_FILE)
    print(json.dumps(write_ranges(options.corpus, out), indent=1))


def _recitation(options: argparse.Namespace) -> None:
    import json

    from emsync_training.recitation import recitation

    scores = [
        path
        for given in options.scores
        for path in (sorted(given.glob("*.mid")) if given.is_dir() else [given])
    ]
    facts = recitation(options.corpus, scores, options.out)
    print(json.dumps({name: facts[name] for name in ("composed", "held_out")}, indent=1))
