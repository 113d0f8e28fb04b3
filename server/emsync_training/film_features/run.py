"""Train a published network on somebody's features, measure it, and leave features out by turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from safetensors.torch import save_file

from emsync.errors import NotFoundError
from emsync_server.outputs import replacing_file, write_text
from emsync_training.film_features.films import FilmSet, read_films
from emsync_training.film_features.held_out import measured_on
from emsync_training.film_features.installable import write_installable
from emsync_training.film_features.made_by import read_made_by
from emsync_training.film_features.networks import FilmNetwork, built, check_films
from emsync_training.film_features.scaling import Scaling
from emsync_training.film_features.training import FilmTraining, train_network

__all__ = ["FilmNetwork", "train_film_network"]

WEIGHTS, FIGURES = "network.safetensors", "figures.json"


def train_film_network(
    kind: FilmNetwork,
    labels: Path,
    features: Path,
    out: Path,
    settings: FilmTraining,
    say: Callable[[str], None],
    *,
    only: Sequence[str] = (),
    subsets: bool = False,
) -> dict[str, object]:
    """Train on the train split, stop by dev, measure on test; returns the figures.

    only: these modalities, not all that there are · subsets: train again with each modality alone
    and with each left out
    """
    films = _with_only(read_films(labels, features), only, features)
    check_films(films, labels, features, one_label=settings.one_label)
    names = tuple(films.modalities)
    made_by = read_made_by(features)
    found = {"all": _one(kind, films, made_by, out, settings, say)}
    if subsets and len(names) > 1:
        for name in names:
            rest = tuple(other for other in names if other != name)
            for words, chosen in ((f"only {name}", (name,)), (f"without {name}", rest)):
                if words.startswith("only") or len(rest) > 1:
                    say(words)
                    part = films.with_modalities(chosen)
                    folder = out / words.replace(" ", "-")
                    found[words] = _one(kind, part, made_by, folder, settings, say)
    facts: dict[str, object] = {
        "network": kind.value,
        "films": {split: int((films.split == split).sum()) for split in ("train", "dev", "test")},
        "classes": films.classes,
        "modalities": {name: size for name, (size, _) in films.modalities.items()},
        "test": found,
    }
    write_text(out / FIGURES, json.dumps(facts, indent=1) + "\n")
    return facts


def _with_only(films: FilmSet, only: Sequence[str], features: Path) -> FilmSet:
    if missing := sorted(set(only) - films.modalities.keys()):
        raise NotFoundError(
            f"No film in {features} has the features '{missing[0]}'. There are: "
            f"{', '.join(films.modalities)}."
        )
    return films.with_modalities(tuple(only)) if only else films


def _one(
    kind: FilmNetwork,
    films: FilmSet,
    made_by: Mapping[str, str],
    out: Path,
    settings: FilmTraining,
    say: Callable[[str], None],
) -> dict[str, object]:
    scaling = Scaling.of(films.of_split("train"), settings.steps)
    network = train_network(
        lambda: built(kind, scaling.modalities, len(films.classes)),
        films, scaling, settings, out, say,
    )  # fmt: skip
    measured = measured_on(films.of_split("test"), network, scaling, settings)
    with replacing_file(out / WEIGHTS) as partial:
        state = {name: value.contiguous() for name, value in network.state_dict().items()}
        save_file(state, str(partial))
    write_installable(network, scaling, films.classes, out, one_label=settings.one_label,
                      measured=measured, experts=made_by)  # fmt: skip
    if settings.one_label and measured.variance is None:
        say("These labels are not the six basic emotions: 'spot' cannot ask this network.")
    return measured.figures
