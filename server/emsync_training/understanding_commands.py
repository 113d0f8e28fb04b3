"""The commands that train what understands a film: heads on experts, published fusion and genre."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from emsync_server.models import MODELS_FOLDER

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_understanding_commands(commands: Subparsers) -> None:
    """Add `picture-emotion`."""
    picture = commands.add_parser("picture-emotion", help="fit picture → valence, arousal on OASIS")
    picture.add_argument("--data", type=Path, required=True, help="folder of OASIS")
    picture.add_argument("--work", type=Path, help="keeps embeddings and figures here")
    picture.add_argument("--out", type=Path, default=MODELS_FOLDER)
    picture.set_defaults(run=_picture)


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)


def _picture(options: argparse.Namespace) -> None:
    import json

    from emsync_training.picture_emotion.run import write_picture_emotion

    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    facts = write_picture_emotion(options.data, options.out, work=options.work, say=say)
    print(json.dumps(facts, indent=1))
