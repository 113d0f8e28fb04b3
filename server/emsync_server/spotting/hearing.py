"""What the production sound is like from moment to moment: how loud, how bright."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from emsync_server.access import ANY_FILE, Access
from emsync_server.media import FilmProbe, read_sound
from emsync_server.progress import Progress

__all__ = ["Hearing", "listen"]

RATE_HZ = 16_000
SAMPLES_PER_S = 10
HOP = RATE_HZ // SAMPLES_PER_S  # 1600 samples
BLOCK = 60 * RATE_HZ
SILENCE_DB = -70.0
"""Quieter than any room: nothing was recorded."""
LOWEST_HZ, HIGHEST_HZ = 60.0, 7_500.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """Ten samples a second. S samples; all arrays (S,) float32."""

    time_s: NDArray[np.float32]
    """Middle of each sample."""
    level_db: NDArray[np.float32]
    """Root mean square, dB below full scale; never below -100."""
    brightness_hz: NDArray[np.float32]
    """Spectral centroid; NaN in silence."""

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing in it at all."""
        return not bool(np.any(self.level_db > SILENCE_DB))


def listen(
    probe: FilmProbe,
    start_s: Fraction,
    duration_s: Fraction,
    progress: Progress,
    *,
    access: Access = ANY_FILE,
) -> Hearing:
    """Listen to a stretch of picture time. One pass over the sound alone, a minute at a time."""
    levels: list[NDArray[np.float32]] = []
    centroids: list[NDArray[np.float32]] = []
    done = 0
    blocks = read_sound(
        probe,
        rate_hz=RATE_HZ,
        channels=1,
        start_s=start_s,
        duration_s=duration_s,
        block_samples=BLOCK,
        access=access,
    )
    for block in blocks:
        progress.report(done / max(1.0, float(duration_s) * RATE_HZ), "listening")
        done += len(block)
        level, centroid = _measure(block[:, 0])
        levels.append(level)
        centroids.append(centroid)
    level_db = np.concatenate(levels) if levels else np.zeros(0, np.float32)
    middles = (np.arange(len(level_db)) + 0.5) / SAMPLES_PER_S + float(start_s)
    return Hearing(
        middles.astype(np.float32),
        level_db,
        np.concatenate(centroids) if centroids else np.zeros(0, np.float32),
    )


def _measure(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Level and centroid of each tenth of a second. samples: (N,) · returns two (N / HOP,)"""
    whole = -(-len(samples) // HOP) * HOP
    frames = np.pad(samples, (0, whole - len(samples))).reshape(-1, HOP)  # (S, HOP)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    level_db = np.maximum(10 * np.log10(power + 1e-12), -100.0).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(HOP), axis=1)).astype(np.float32)  # (S, F)
    hz = np.fft.rfftfreq(HOP, 1 / RATE_HZ)
    heard = (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
    weight = spectrum[:, heard]
    centroid = (weight @ hz[heard]) / np.maximum(weight.sum(axis=1), 1e-9)
    centroid[level_db <= SILENCE_DB] = np.nan
    return level_db, centroid.astype(np.float32)
