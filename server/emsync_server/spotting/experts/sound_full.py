"""The published sound expert: BEATs (Chen et al. 2022, iter3+ AS2M), 768 numbers for three seconds,
each second and a half.

Its weights are fetched by the user (`emsync models`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emsync_server.inference.network import Network
from emsync_server.models import user_folder
from emsync_server.spotting.experts.expert import SoundWindow, WindowPlan
from emsync_server.spotting.experts.mel import KALDI_BANDS, kaldi_bands
from emsync_server.spotting.experts.readings import Floats, Reading

__all__ = ["SOUND_FULL_PLAN", "SoundFullExpert"]

SOUND_FULL_PLAN = WindowPlan(length_s=3.0, hop_s=1.5)
FEATURES = 768
MIDDLE, SPREAD = 15.41663, 2 * 6.55582
"""By which the makers of BEATs shift and divide its bands."""


class SoundFullExpert:
    """Three seconds of sound to the mean of BEATs' patches."""

    name = "sound_full"

    def __init__(self, folder: Path | None = None) -> None:
        """Load the network from a folder; the user's own if left out."""
        self._network = Network.load(
            (folder or user_folder() / self.name) / "sound_full.onnx",
            inputs={"fbank": (None, None, KALDI_BANDS)},
            outputs={"features": (None, None, FEATURES)},
        )

    def read(self, items: Sequence[SoundWindow]) -> list[Reading | None]:
        """One reading for each window in which there is anything."""
        heard = [at for at, item in enumerate(items) if item.samples.any()]
        readings: list[Reading | None] = [None] * len(items)
        if not heard:
            return readings
        batch = np.stack([_prepared(items[at].samples) for at in heard])
        found = np.asarray(self._network.run({"fbank": batch})["features"], np.float32)
        for at, row in zip(heard, found.mean(axis=1), strict=True):
            readings[at] = Reading(self.name, items[at].start_s, items[at].end_s, embedding=row)
        return readings


def _prepared(samples: Floats) -> Floats:
    return np.asarray((kaldi_bands(samples) - MIDDLE) / SPREAD, np.float32)
