"""Train a published network on somebody's features, measure it, and leave features out by turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

import numpy as np
from safetensors.torch import save_file
from torch import nn

from emsync.errors import InputError
from emsync_server.outputs import replacing_file, write_text
from emsync_training.film_features.films import FilmSet, read_films
from emsync_training.film_features.measures import figures
from emsync_training.film_features.scaling import Scaling
from emsync_training.film_features.training import FilmTraining, scores_of, train_network
from emsync_training.networks.attention_fusion import AttentionFusion
from emsync_training.networks.genre import GenreMLP, MultiTransformer, SingleTransformer

__all__ = ["FilmNetwork", "train_film_network"]

WEIGHTS, SIDE, FIGURES = "network.safetensors", "network.json", "figures.json"


class FilmNetwork(Enum):
    """The published networks."""

    FUSION = "fusion"
    SINGLE = "single"
    MULTI = "multi"
    MLP = "mlp"


def train_film_network(
    kind: FilmNetwork,
    labels: Path,
    features: Path,
    out: Path,
    settings: FilmTraining,
    say: Callable[[str], None],
    *,
    subsets: bool = False,
) -> dict[str, object]:
    """Train on the train split, stop by dev, measure on test; returns the figures.

    subsets: train again with each modality alone and with each left out.
    """
    films = read_films(labels, features)
    if settings.one_label and (films.labels.sum(axis=1) != 1).any():
        raise InputError(f"{labels} gives some films several labels; this network takes one each.")
    names = tuple(films.modalities)
    if taken := [name for name in names if hasattr(nn.ModuleDict(), name)]:
        raise InputError(
            f"A modality in {features} is called '{taken[0]}', a word that PyTorch needs for "
            "itself. Give it another name."
        )
    found = {"all": _one(kind, films, out, settings, say)}
    if subsets and len(names) > 1:
        for name in names:
            rest = tuple(other for other in names if other != name)
            for words, chosen in ((f"only {name}", (name,)), (f"without {name}", rest)):
                if words.startswith("only") or len(rest) > 1:
                    say(words)
                    part = films.with_modalities(chosen)
                    folder = out / words.replace(" ", "-")
                    found[words] = _one(kind, part, folder, settings, say)
    facts: dict[str, object] = {
        "network": kind.value,
        "films": {split: int((films.split == split).sum()) for split in ("train", "dev", "test")},
        "classes": films.classes,
        "modalities": {name: size for name, (size, _) in films.modalities.items()},
        "test": found,
    }
    write_text(out / FIGURES, json.dumps(facts, indent=1) + "\n")
    return facts


def _one(
    kind: FilmNetwork,
    films: FilmSet,
    out: Path,
    settings: FilmTraining,
    say: Callable[[str], None],
) -> dict[str, object]:
    network, scaling = train_network(lambda: _built(kind, films), films, settings, out, say)
    test = films.of_split("test")
    scores = scores_of(network, test, scaling, settings)
    _write(network, scaling, films, out)
    return figures(scores, test.labels.astype(np.float64), one_label=settings.one_label)


def _built(kind: FilmNetwork, films: FilmSet) -> nn.Module:
    sizes = {name: size for name, (size, _) in films.modalities.items()}
    classes = len(films.classes)
    if kind is FilmNetwork.FUSION:
        sequences, texts = _told_apart(films.modalities)
        return AttentionFusion(sequences, texts, classes=classes)
    networks: Mapping[FilmNetwork, type[nn.Module]] = {
        FilmNetwork.SINGLE: SingleTransformer,
        FilmNetwork.MULTI: MultiTransformer,
        FilmNetwork.MLP: GenreMLP,
    }
    return networks[kind](sizes, classes=classes)


def _told_apart(
    modalities: Mapping[str, tuple[int, bool]],
) -> tuple[dict[str, int], dict[str, int]]:
    """Sequences, and texts of one vector."""
    sequences = {name: size for name, (size, is_sequence) in modalities.items() if is_sequence}
    return sequences, {
        name: size for name, (size, _) in modalities.items() if name not in sequences
    }


def _write(network: nn.Module, scaling: Scaling, films: FilmSet, out: Path) -> None:
    with replacing_file(out / WEIGHTS) as partial:
        state = {name: value.contiguous() for name, value in network.state_dict().items()}
        save_file(state, str(partial))
    side = {"classes": films.classes, "scaling": scaling.limits, "steps": scaling.steps,
            "modalities": scaling.sizes}  # fmt: skip
    write_text(out / SIDE, json.dumps(side, indent=1) + "\n")
