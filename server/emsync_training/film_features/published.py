"""A person's own checkpoint of a published fusion or genre network in our words.

Their names are not ours: modules are recognised by their shape and, among like shapes, by their
order in the file. Nothing but tensors is unpickled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from emsync.errors import InputError, NotFoundError
from emsync_training.baselines.published_checkpoint import adopted, tensors_of
from emsync_training.film_features.restricted_pickle import BROKEN_PICKLE
from emsync_training.networks.attention_fusion import TEXTS

__all__ = ["PUBLISHED", "TEXTS", "feature_of", "load_weights"]

Network = TypeVar("Network", bound=nn.Module)

PUBLISHED: dict[str, tuple[str, int]] = {
    "audio": ("sound_full", 768),
    "scene": ("scene_full", 512),
    "face": ("faces_full", 768),
    "asr": ("text_full_transcript", 768),
    "ocr": ("text_full_screen_text", 768),
}
"""The published modalities: whose features they are here, and how large."""


def feature_of(modality: str, size: int) -> str:
    """Which of our features a modality is: by its published name and size, else by its own name, as
    `emsync train features` writes it."""
    feature, published = PUBLISHED.get(modality, (modality, size))
    return feature if size == published else modality


def load_weights(network: Network, path: Path) -> Network:
    """The network with a checkpoint's weights: by name where the names are ours, else by shape and
    order. Raises InputError, NotFoundError."""
    if not path.is_file():
        raise NotFoundError(f"There is no file '{path}'.")
    try:
        data: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, weights_only=True, map_location="cpu")
        )
    except (*BROKEN_PICKLE, SafetensorError) as err:
        raise InputError(f"'{path}' holds no weights that can be read safely.") from err
    theirs, ours = tensors_of(data), network.state_dict()
    if any(not bool(torch.isfinite(each).all()) for each in theirs.values()):
        raise InputError(f"'{path}' holds weights that are not numbers.")
    try:
        network.load_state_dict(_matched(theirs, ours, path))
    except (RuntimeError, ValueError) as err:
        raise InputError(
            f"'{path}' is not a checkpoint of this network: {str(err).splitlines()[0]}"
        ) from err
    return network.eval()


def _matched(theirs: dict[str, Tensor], ours: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    if theirs.keys() == ours.keys():
        return theirs
    return adopted(theirs, ours, str(path), network="this network")
