"""Networks that their user trained, or has a checkpoint of: the published fusion, which tells the
six basic emotions, and the published genre networks.

`emsync train` writes them, `emsync models import fusion` (or `genre`) installs them. They read what
experts say, not the film; where an expert had nothing to say, they are told zeros, as published:
they were trained so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from emsync.errors import MissingPartError
from emsync_server.inference.network import Network, unusable
from emsync_server.models import user_folder
from emsync_server.spotting.experts.circumplex import estimate_of
from emsync_server.spotting.experts.description import INPUT, OUTPUT, Description
from emsync_server.spotting.experts.expert import Features
from emsync_server.spotting.experts.readings import EkmanProbabilities, Floats, Reading, Tag

__all__ = ["FUSION", "GENRE", "UNMEASURED_VARIANCE", "TrainedNetwork", "is_installed"]

FUSION, GENRE = "fusion", "genre"
UNMEASURED_VARIANCE = (0.225, 0.225)
"""Of a fusion that nobody measured: a tenth less than of what nothing is known about (0.25)."""
EMOTIONS = tuple(field.name for field in fields(EkmanProbabilities))


def is_installed(name: str) -> bool:
    """Whether both of its files are there."""
    folder = user_folder() / name
    return all((folder / f"{name}.{suffix}").is_file() for suffix in ("onnx", "json"))


class TrainedNetwork:
    """Features of stretches of film to the probability of each of its labels."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        """Load `fusion` or `genre` from a folder; the user's own if left out."""
        self.name = name
        folder = folder or user_folder() / name
        self.path = folder / f"{name}.onnx"
        self.description = Description.read(folder / f"{name}.json")
        labels = self.description.labels
        if name == FUSION and (others := [each for each in labels if each not in EMOTIONS]):
            raise unusable(
                folder / f"{name}.json",
                f"a fusion tells {', '.join(EMOTIONS)}, or some of them, not '{others[0]}'",
            )
        outputs = {OUTPUT: (None, len(labels))}
        self._network = Network.load(self.path, inputs=self.description.inputs, outputs=outputs)

    @property
    def is_of_shots(self) -> bool:
        """Whether it is asked about each shot; else about the film."""
        return self.name == FUSION

    @property
    def variance(self) -> tuple[float, float]:
        """Of its valence and arousal."""
        return self.description.variance or UNMEASURED_VARIANCE

    def read(self, items: Sequence[Features]) -> list[Reading | None]:
        """One reading for each stretch about which any of its experts said something. Raises
        MissingPartError where the features are others than it was trained on."""
        told = [at for at, item in enumerate(items) if self._has_any(item)]
        readings: list[Reading | None] = [None] * len(items)
        if not told:
            return readings
        found = self._probabilities([items[at] for at in told])
        for at, row in zip(told, found, strict=True):
            readings[at] = self._reading(items[at], row.tolist())
        return readings

    def _has_any(self, item: Features) -> bool:
        return any(each.feature in item.arrays for each in self.description.modalities.values())

    def _probabilities(self, items: Sequence[Features]) -> Floats:
        """(N, labels)"""
        batch = {
            f"{INPUT}{name}": np.stack([self._prepared(item, name) for item in items])
            for name in self.description.modalities
        }
        found = np.asarray(self._network.run(batch)[OUTPUT], np.float32)
        wanted = (len(items), len(self.description.labels))
        if found.shape != wanted or not ((found >= 0) & (found <= 1 + 1e-4)).all():
            raise unusable(self.path, f"its '{OUTPUT}' are not {wanted[1]} probabilities")
        return np.minimum(found, 1)

    def _prepared(self, item: Features, name: str) -> Floats:
        modality = self.description.modalities[name]
        array = item.arrays.get(modality.feature)
        fits = array is None or (
            array.shape[-1] == modality.size and array.ndim == 1 + modality.is_sequence
        )
        if not fits:
            raise MissingPartError(
                f"It was trained on {modality.size} numbers of '{modality.feature}', which are "
                "others here. Train it again on features that this version gives."
            )
        return modality.prepared(array, self.description.steps)

    def _reading(self, item: Features, row: Sequence[float]) -> Reading:
        labelled = dict(zip(self.description.labels, row, strict=True))
        if self.name != FUSION:
            tags = tuple(Tag(label, value) for label, value in labelled.items())
            return Reading(self.name, item.start_s, item.end_s, tags=tags)
        try:
            ekman = EkmanProbabilities(**(dict.fromkeys(EMOTIONS, 0.0) | labelled))
        except ValueError as err:
            raise unusable(self.path, f"its '{OUTPUT}' do not sum to 1") from err
        estimate = estimate_of(ekman, self.variance)
        return Reading(self.name, item.start_s, item.end_s, ekman=ekman, estimate=estimate)
