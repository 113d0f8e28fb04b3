"""A published network that somebody has a checkpoint of: brought into the form that emsync runs,
measured where there are films to measure it on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emsync.errors import InputError, NotFoundError
from emsync_server.spotting.experts import Ekman
from emsync_server.spotting.experts.description import Modality
from emsync_training.film_features.films import FilmSet, read_films
from emsync_training.film_features.held_out import measured_on
from emsync_training.film_features.installable import write_installable
from emsync_training.film_features.networks import FilmNetwork, built, check_films
from emsync_training.film_features.published import PUBLISHED, TEXTS, load_weights
from emsync_training.film_features.scaling import Scaling
from emsync_training.film_features.training import FilmTraining

__all__ = ["Owned", "adopt_checkpoint"]


@dataclass(frozen=True, slots=True)
class Owned:
    """What its owner knows of a checkpoint. Labels and features, or the scaling, must be there."""

    checkpoint: Path
    kind: FilmNetwork
    labels: Path | None = None
    features: Path | None = None
    scaling: Path | None = None
    """A JSON file: {"audio": [least, greatest], …}."""
    classes: tuple[str, ...] = ()
    """In the order of its outputs; empty: as the labels' names sort, or the six emotions."""


def adopt_checkpoint(owned: Owned, out: Path) -> dict[str, object]:
    """Write what `emsync models import` takes; returns what was measured. Raises InputError,
    NotFoundError."""
    settings = FilmTraining(one_label=owned.kind is FilmNetwork.FUSION)
    films = None
    if owned.labels is not None and owned.features is not None:
        films = read_films(owned.labels, owned.features)
        check_films(films, owned.labels, owned.features, one_label=settings.one_label)
    if owned.scaling is not None:
        scaling = _stated(owned.scaling, settings.steps)
    elif films is not None:
        scaling = Scaling.of(films.of_split("train"), settings.steps)
    else:
        raise InputError(
            "Its inputs are scaled by numbers that its checkpoint does not hold. Name a file with "
            "--scaling, or --labels and --features of the films that it was trained on."
        )
    classes = _classes(owned, films, one_label=settings.one_label)
    network = load_weights(built(owned.kind, scaling.modalities, len(classes)), owned.checkpoint)
    measured = None
    if films is not None:
        _check_sizes(films, scaling)
        test = _in_order(films.of_split("test"), classes).with_modalities(tuple(scaling.modalities))
        measured = measured_on(test, network, scaling, settings)
    write_installable(network, scaling, classes, out, one_label=settings.one_label,
                      measured=measured)  # fmt: skip
    if measured is None:
        return {"classes": classes, "test": None}
    return {"classes": classes, "test": measured.figures, "variance": measured.variance}


def _classes(owned: Owned, films: FilmSet | None, *, one_label: bool) -> tuple[str, ...]:
    if owned.classes:
        if films is not None and set(films.classes) != set(owned.classes):
            raise InputError(
                f"{owned.labels} names {', '.join(films.classes)}, --classes "
                f"{', '.join(owned.classes)}: they must be the same, in any order."
            )
        return owned.classes
    if films is not None:
        return films.classes
    if not one_label:
        raise InputError("Name the genres in the order of its outputs: --classes drama comedy …")
    return tuple(each.value for each in Ekman)


def _in_order(films: FilmSet, classes: Sequence[str]) -> FilmSet:
    order = [films.classes.index(name) for name in classes]
    return replace(films, labels=films.labels[:, order], classes=tuple(classes))


def _check_sizes(films: FilmSet, scaling: Scaling) -> None:
    for name, (size, is_sequence) in films.modalities.items():
        wanted = scaling.modalities.get(name)
        if wanted is not None and (wanted.size, wanted.is_sequence) != (size, is_sequence):
            raise InputError(
                f"The features '{name}' have {size} numbers, the published network reads "
                f"{wanted.size}{' along time' if wanted.is_sequence else ''}."
            )


def _stated(path: Path, steps: int) -> Scaling:
    """The published modalities that a file names, scaled as it says."""
    if not path.is_file():
        raise NotFoundError(f"There is no file '{path}'.")
    try:
        told: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, Mapping) or not told or not told.keys() <= PUBLISHED.keys():
            raise ValueError("other names than these")
        found = {}
        for name, (low, high) in sorted(told.items()):
            feature, size = PUBLISHED[name]
            found[name] = Modality(feature, size, name not in TEXTS, float(low), float(high))
    except (ValueError, TypeError, OSError, RecursionError) as err:
        raise InputError(
            f"'{path}' is no scaling: write the least and greatest value of each modality, "
            f'{{"audio": [-1.5, 2.0], …}}, of {", ".join(sorted(PUBLISHED))} ({err}).'
        ) from err
    return Scaling(found, steps)
