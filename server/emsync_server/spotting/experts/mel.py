"""Log-mel pictures of sound, as the networks that read them were trained on them.

Slaney's mel scale (linear up to 1 kHz, logarithmic above), each band of equal area: what librosa
calls its default.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from emsync_server.spotting.experts.readings import Floats

__all__ = ["MelShape", "mel_power"]

LINEAR_HZ, MELS_PER_HZ = 1000.0, 3 / 200
LOG_STEP = np.log(6.4) / 27


@dataclass(frozen=True, slots=True)
class MelShape:
    """How a mel picture is taken."""

    rate_hz: int
    window: int
    """Samples of each spectrum, under a Hann window."""
    hop: int
    """Samples from one spectrum to the next."""
    bands: int


def mel_power(samples: Floats, shape: MelShape) -> Floats:
    """samples (N,) → power (1 + N // hop, bands); the first spectrum is centred on sample 0."""
    padded = np.pad(samples, shape.window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, shape.window)[:: shape.hop]
    periodic = np.hanning(shape.window + 1)[:-1].astype(np.float32)
    spectrum = np.fft.rfft(frames * periodic, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return np.asarray(power @ _filters(shape).T, np.float32)


@lru_cache
def _filters(shape: MelShape) -> Floats:
    """(bands, window / 2 + 1) triangles."""
    hz = np.fft.rfftfreq(shape.window, 1 / shape.rate_hz)
    edges = _hz(np.linspace(0, _mels(shape.rate_hz / 2), shape.bands + 2))
    widths = np.diff(edges)
    ramps = edges[:, None] - hz[None]
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    area = 2 / (edges[2:] - edges[:-2])
    return np.asarray(triangles * area[:, None], np.float32)


def _mels(hz: float) -> float:
    if hz < LINEAR_HZ:
        return hz * MELS_PER_HZ
    return float(LINEAR_HZ * MELS_PER_HZ + np.log(hz / LINEAR_HZ) / LOG_STEP)


def _hz(mels: np.ndarray) -> np.ndarray:
    bend = LINEAR_HZ * MELS_PER_HZ
    straight = mels / MELS_PER_HZ
    return np.where(mels < bend, straight, LINEAR_HZ * np.exp(LOG_STEP * (mels - bend)))
