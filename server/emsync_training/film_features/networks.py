"""The published networks by name, built for what somebody's features are."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from torch import nn

from emsync.errors import InputError
from emsync_server.spotting.experts.description import Modality
from emsync_training.film_features.films import FilmSet
from emsync_training.networks.attention_fusion import AttentionFusion
from emsync_training.networks.genre import GenreMLP, MultiTransformer, SingleTransformer

__all__ = ["FilmNetwork", "built", "check_films"]


class FilmNetwork(Enum):
    """The published networks."""

    FUSION = "fusion"
    SINGLE = "single"
    MULTI = "multi"
    MLP = "mlp"


def built(kind: FilmNetwork, modalities: Mapping[str, Modality], classes: int) -> nn.Module:
    """A network with fresh weights."""
    sizes = {name: each.size for name, each in modalities.items()}
    if kind is FilmNetwork.FUSION:
        sequences = {name: each.size for name, each in modalities.items() if each.is_sequence}
        texts = {name: size for name, size in sizes.items() if name not in sequences}
        return AttentionFusion(sequences, texts, classes=classes)
    networks: Mapping[FilmNetwork, type[nn.Module]] = {
        FilmNetwork.SINGLE: SingleTransformer,
        FilmNetwork.MULTI: MultiTransformer,
        FilmNetwork.MLP: GenreMLP,
    }
    return networks[kind](sizes, classes=classes)


def check_films(films: FilmSet, labels: Path, features: Path, *, one_label: bool) -> None:
    """Whether a network can learn or be measured on them. Raises InputError; the paths are where
    they were read from."""
    if one_label and (films.labels.sum(axis=1) != 1).any():
        raise InputError(f"{labels} gives some films several labels; this network takes one each.")
    if taken := [name for name in films.modalities if hasattr(nn.ModuleDict(), name)]:
        raise InputError(
            f"A modality in {features} is called '{taken[0]}', a word that PyTorch needs for "
            "itself. Give it another name."
        )
