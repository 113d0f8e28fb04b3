"""The commands for networks of one's own: features of films, published networks trained on them,
and checkpoints that somebody owns."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from emsync_training.understanding_commands import say

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

LABELS = "table with the columns name, split (train, dev, test), labels (joy;fear)"
FEATURES = (
    "folder of NAME.npz, an array for each modality: (T, size), or (size,) of a text; or a pickle "
    "of films, each a dictionary of such arrays"
)
OUT = "what 'emsync models import' takes; weights, figures, checkpoint"


def add_film_commands(commands: Subparsers) -> None:
    """Add `features`, `fusion`, `genre` and `adopt`."""
    features = commands.add_parser("features", help="features of a folder of films")
    features.add_argument("--films", type=Path, required=True)
    features.add_argument("--out", type=Path, required=True, help="a .npz for each film")
    features.add_argument("--workers", type=_count, default=1, help="films at once")
    features.add_argument(
        "--experts",
        nargs="+",
        default=[],
        metavar="NAME",
        help="of the full tier, beside the built-in ones: scene_full, faces_full, sound_full, …",
    )
    features.set_defaults(run=_features)
    for name, words in (
        ("fusion", "published fusion (Ekman-6)"),
        ("genre", "published genre nets"),
    ):
        films = commands.add_parser(
            name,
            help=f"train the {words} on features and labels",
            description=f"Train the {words} on features that you own, and measure it on your test "
            f"split; then 'emsync models import {name} DIR', and spot asks it. No Ekman-6 or "
            "MovieNet result has been measured by us.",
        )
        films.add_argument("--labels", type=Path, required=True, help=LABELS)
        films.add_argument("--features", type=Path, required=True, help=FEATURES)
        films.add_argument("--out", type=Path, required=True, help=OUT)
        films.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these features")
        films.add_argument("--epochs", type=_count, default=100)
        films.add_argument("--patience", type=_count, default=10, help="epochs without a gain")
        films.add_argument("--rate", type=_rate, default=1e-4)
        films.add_argument("--batch", type=_count, default=32)
        films.add_argument(
            "--subsets", action="store_true", help="each modality alone and left out"
        )
        if name == "genre":
            films.add_argument("--network", choices=["single", "multi", "mlp"], default="single")
        films.set_defaults(run=_films)
    adopt = commands.add_parser(
        "adopt",
        help="a published checkpoint of your own, as spot runs it",
        description="Bring a checkpoint of a published network into the form that 'emsync models "
        "import' takes, measured on the test split where there are labels and features. Nothing "
        "but tensors is read from it.",
    )
    adopt.add_argument("checkpoint", type=Path, help="a file of PyTorch, or .safetensors")
    adopt.add_argument("--network", choices=["fusion", "single", "multi", "mlp"], required=True)
    adopt.add_argument("--labels", type=Path, help=LABELS)
    adopt.add_argument("--features", type=Path, help=FEATURES)
    adopt.add_argument(
        "--scaling", type=Path, help='file of its scaling: {"audio": [least, greatest], …}'
    )
    adopt.add_argument(
        "--classes", nargs="+", default=[], metavar="NAME", help="in the order of its outputs"
    )
    adopt.add_argument("--out", type=Path, required=True, help="what 'emsync models import' takes")
    adopt.set_defaults(run=_adopt)


def _count(words: str) -> int:
    """At least one, as it was typed."""
    if not words.strip().isdecimal() or int(words) < 1:
        raise argparse.ArgumentTypeError(f"'{words}' is not a whole number of 1 or more")
    return int(words)


def _rate(words: str) -> float:
    """Above 0 and at most 1, as it was typed."""
    try:
        rate = float(words)
    except ValueError:
        rate = math.nan
    if not 0 < rate <= 1:
        raise argparse.ArgumentTypeError(f"'{words}' is not a number above 0 and at most 1")
    return rate


def _features(options: argparse.Namespace) -> None:
    from emsync_training.film_features.extraction import extract_features

    done, complaints = extract_features(
        options.films,
        options.out,
        workers=options.workers,
        say=say,
        experts=options.experts,
    )
    print(f"{done} films read, {len(complaints)} not.")


def _films(options: argparse.Namespace) -> None:
    import json

    from emsync_training.film_features.run import FilmNetwork, train_film_network
    from emsync_training.film_features.training import FilmTraining

    settings = FilmTraining(
        one_label=options.command == "fusion",
        epochs=options.epochs,
        patience=options.patience,
        rate=options.rate,
        batch=options.batch,
    )
    kind = FilmNetwork.FUSION if settings.one_label else FilmNetwork(options.network)
    paths = (options.labels, options.features, options.out)
    facts = train_film_network(
        kind, *paths, settings, say, only=options.only, subsets=options.subsets
    )
    print(json.dumps(facts, indent=1))


def _adopt(options: argparse.Namespace) -> None:
    import json

    from emsync_training.film_features.adopting import Owned, adopt_checkpoint
    from emsync_training.film_features.networks import FilmNetwork

    owned = Owned(
        options.checkpoint,
        FilmNetwork(options.network),
        options.labels,
        options.features,
        options.scaling,
        tuple(options.classes),
    )
    print(json.dumps(adopt_checkpoint(owned, options.out), indent=1))
