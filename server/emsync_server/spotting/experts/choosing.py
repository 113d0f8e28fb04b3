"""Which experts are asked about a film: those that are on by default, and those whose features an
installed network reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from emsync.errors import MissingPartError
from emsync_server.inference.network import unusable
from emsync_server.models import list_models, user_folder
from emsync_server.spotting.experts.description import Description
from emsync_server.spotting.experts.expert import ExpertRow, Sense
from emsync_server.spotting.experts.features import feature_of_words
from emsync_server.spotting.experts.packing import identities
from emsync_server.spotting.experts.registry import EXPERTS

__all__ = ["chosen_experts", "experts_behind", "why_not"]


def chosen_experts(names: Collection[str] | None = None) -> tuple[ExpertRow, ...]:
    """The experts of these names; all that are on by default and available if left out, and those
    that they read."""
    if names is not None:
        return tuple(row for row in EXPERTS if row.name in names)
    asked = {row.name for row in EXPERTS if row.on_by_default and row.is_available()}
    for row in EXPERTS:
        if row.name in asked and row.sense is Sense.FEATURES:
            asked |= _asked_by(row.name)
    return tuple(row for row in EXPERTS if row.name in asked)


def experts_behind(network: str) -> tuple[ExpertRow, ...]:
    """The experts that give an installed network its features. Raises MissingPartError where its
    description is damaged, or names features that no expert gives."""
    path = _path(network)
    behind: set[str] = set()
    for each in Description.read(path).modalities.values():
        found = _experts_of(each.feature)
        if not found:
            raise unusable(
                path,
                f"it reads '{each.feature}', which no expert of emsync gives (as its \"feature\" "
                "there should be a name such as scene_full or text_full_transcript)",
            )
        behind |= found
    return tuple(row for row in EXPERTS if row.name in behind)


def why_not(network: Description, behind: Sequence[ExpertRow]) -> str:
    """Why a network cannot be asked on this machine, in a sentence; empty where it can."""
    if lacking := _lacking(behind):
        return (
            f"It reads what {' and '.join(lacking)} say, and this machine lacks what they need. "
            "'emsync models' lists how to get it."
        )
    now = identities(behind)
    others = [name for name, word in now.items() if network.experts.get(name, word) != word]
    if others:
        return (
            f"It was trained on what other versions of {' and '.join(others)} say. Extract the "
            "features and train it again with those that are here."
        )
    return ""


def _lacking(rows: Sequence[ExpertRow]) -> list[str]:
    """The names of those that this machine cannot ask yet."""
    models = {model.name: model for model in list_models()}
    lacking = []
    for row in rows:
        model = models.get(row.model or "")
        if not row.is_available() or (model is not None and model.missing_in(model.folder)):
            lacking.append(row.name)
    return lacking


def _asked_by(network: str) -> set[str]:
    """Nobody is asked for a network that will not be: `networks.py` says why it is not."""
    try:
        rows = experts_behind(network)
        told = Description.read(_path(network))
    except MissingPartError:
        return set()
    return set() if why_not(told, rows) else {row.name for row in rows}


def _path(network: str) -> Path:
    return user_folder() / network / f"{network}.json"


def _experts_of(feature: str) -> set[str]:
    """The expert that gives a feature; of words, those who hear or see them, too."""
    readers = [row.name for row in EXPERTS if row.sense is Sense.TEXT]
    for row in EXPERTS:
        if row.sense not in (Sense.PICTURE, Sense.SOUND):
            continue
        if row.name == feature:
            return {row.name}
        for reader in readers:
            if feature_of_words(reader, row.name) == feature:
                return {reader, row.name}
    return set()
