"""How loud and how bright the sound is from second to second, measured without any network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emsync_server.spotting.experts.expert import SOUND_HZ, SoundWindow, WindowPlan
from emsync_server.spotting.experts.readings import Floats, Reading

__all__ = ["LOUDNESS_PLAN", "MEASURES", "LoudnessExpert"]

LOUDNESS_PLAN = WindowPlan(length_s=1.024, hop_s=1.024)
WINDOW = 512
MEASURES = (
    "level dB", "peak dB", "level deviation dB", "centroid kHz", "flatness", "flux", "low share",
    "high share",
)  # fmt: skip
"""Names of the embedding's values."""
LOW_HZ, HIGH_HZ = 250.0, 4000.0
SILENCE_DB = -70.0
TINY = 1e-10


class LoudnessExpert:
    """Sound to (8,) measures; None in silence."""

    name = "loudness"

    def read(self, items: Sequence[SoundWindow]) -> list[Reading | None]:
        """One reading for each window that is not silent."""
        readings: list[Reading | None] = []
        for item in items:
            values = _measured(item.samples)
            loud = values[0] > SILENCE_DB
            readings.append(
                Reading(self.name, item.start_s, item.end_s, embedding=values) if loud else None
            )
        return readings


def _measured(samples: Floats) -> Floats:
    frames = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    power = np.mean(frames.astype(np.float64) ** 2, axis=1)
    levels = 10 * np.log10(power + TINY)
    size = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) + TINY
    hz = np.fft.rfftfreq(WINDOW, 1 / SOUND_HZ)
    total = size.sum(axis=1)
    share = size / total[:, None]
    energy = (size**2).sum(axis=0)
    values = (
        10 * np.log10(power.mean() + TINY),
        20 * np.log10(np.abs(samples).max() + TINY),
        levels.std(),
        float((share @ hz).mean()) / 1000,
        float((np.exp(np.log(size).mean(axis=1)) / size.mean(axis=1)).mean()),
        float(np.abs(np.diff(share, axis=0)).sum(axis=1).mean()),
        float(energy[hz < LOW_HZ].sum() / energy.sum()),
        float(energy[hz > HIGH_HZ].sum() / energy.sum()),
    )
    return np.array(values, np.float32)
