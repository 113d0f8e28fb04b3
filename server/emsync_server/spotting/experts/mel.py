"""Log-mel pictures of sound, as the networks that read them were trained on them.

Slaney's mel scale (linear up to 1 kHz, logarithmic above), each band of equal area: what librosa
calls its default.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array

from emsync_server.spotting.experts.readings import Floats

__all__ = ["KALDI_BANDS", "MelShape", "banded", "kaldi_bands", "mel_power"]

KALDI_BANDS = 128
KALDI_WINDOW, KALDI_HOP, KALDI_SPECTRUM, KALDI_HZ = 400, 160, 512, 16_000
KALDI_LOWEST_HZ = 20.0
EMPHASIS, POVEY = 0.97, 0.85
SIXTEEN_BITS = 1 << 15

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
    return np.asarray(banded(power, _filters(shape)), np.float32)


def kaldi_bands(samples: Floats) -> Floats:
    """samples (N,) at 16 kHz → logarithmic bands (1 + (N - 400) // 160, 128), as Kaldi makes them:
    no mean, pre-emphasis, Povey's window, 20 Hz to 8 kHz; loudness of 16-bit samples.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, KALDI_WINDOW)[::KALDI_HOP]
    frames = frames * np.float32(SIXTEEN_BITS)
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate((frames[:, :1], frames[:, :-1]), axis=1)
    window = np.hanning(KALDI_WINDOW) ** POVEY
    spectrum = np.fft.rfft((frames - EMPHASIS * before) * window, KALDI_SPECTRUM, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    bands = banded(power, _kaldi_filters())
    floored = np.maximum(bands, np.finfo(np.float32).eps)
    return np.asarray(np.log(floored), np.float32)


def banded(power: np.ndarray, filters: csr_array) -> np.ndarray:
    """power (T, F), filters (bands, F) → (T, bands). Two in a hundred of the filters' cells are not
    zero, and a dense product would wake OpenBLAS' threads on all cores, which spin long after."""
    return np.asarray((filters @ power.T).T)


@lru_cache
def _kaldi_filters() -> csr_array:
    """(128, 257) triangles, straight on the mel scale."""
    hz = np.fft.rfftfreq(KALDI_SPECTRUM, 1 / KALDI_HZ)
    mels = 1127 * np.log1p(hz / 700)
    low, high = (1127 * np.log1p(edge / 700) for edge in (KALDI_LOWEST_HZ, KALDI_HZ / 2))
    edges = np.linspace(low, high, KALDI_BANDS + 2)
    step = edges[1] - edges[0]
    rising = (mels - edges[:-2, None]) / step
    falling = (edges[2:, None] - mels) / step
    filters = np.maximum(0, np.minimum(rising, falling))
    filters[:, -1] = 0  # Kaldi leaves the last bin out
    return csr_array(filters.astype(np.float32))


@lru_cache
def _filters(shape: MelShape) -> csr_array:
    """(bands, window / 2 + 1) triangles."""
    hz = np.fft.rfftfreq(shape.window, 1 / shape.rate_hz)
    edges = _hz(np.linspace(0, _mels(shape.rate_hz / 2), shape.bands + 2))
    widths = np.diff(edges)
    ramps = edges[:, None] - hz[None]
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    area = 2 / (edges[2:] - edges[:-2])
    return csr_array((triangles * area[:, None]).astype(np.float32))


def _mels(hz: float) -> float:
    if hz < LINEAR_HZ:
        return hz * MELS_PER_HZ
    return float(LINEAR_HZ * MELS_PER_HZ + np.log(hz / LINEAR_HZ) / LOG_STEP)


def _hz(mels: np.ndarray) -> np.ndarray:
    bend = LINEAR_HZ * MELS_PER_HZ
    straight = mels / MELS_PER_HZ
    return np.where(mels < bend, straight, LINEAR_HZ * np.exp(LOG_STEP * (mels - bend)))
