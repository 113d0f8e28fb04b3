"""Where somebody speaks in the production sound, hop by hop of the loudness meter."""

from __future__ import annotations

import functools
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from emsync.errors import MissingPartError
from emsync_server.inference import speech
from emsync_server.inference.speech import LEAD_STEPS, STEP, STEPS, SpeechDetector
from emsync_server.rendering.loudness import HOP_S
from emsync_server.rendering.synthesizer import Audio

__all__ = ["SpeechListener", "speech_detector"]

IS_SPEECH = 0.5
LEAST_S = 0.25
"""What is shorter is a cough, or the detector's mistake."""
BEFORE_S, AFTER_S = 0.5, 1.2
"""Music that makes room makes it before the first word, and not for each breath between words."""
STEP_S = STEP / speech.RATE_HZ
_LEAD, _HOP = LEAD_STEPS * STEP, STEPS * STEP


class Detector(Protocol):
    """Tells speech from other sound."""

    def probabilities(self, windows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """(B, STEPS) of B windows at 16 kHz that begin LEAD_STEPS early."""


@functools.cache
def speech_detector() -> Detector | None:
    """The detector that emsync brings; None where its weights are not there: then music makes room
    for any sound, as loud as it is.
    """
    try:
        return SpeechDetector()
    except MissingPartError:
        return None


class SpeechListener:
    """Takes stereo blocks one after another; memory grows by a bit a step."""

    def __init__(self, detector: Detector, rate_hz: int) -> None:
        self._detector = detector
        self._resampler = soxr.ResampleStream(rate_hz, speech.RATE_HZ, 1, quality="HQ")
        self._waiting = np.zeros(_LEAD, np.float32)
        self._found: list[NDArray[np.float32]] = []

    def add(self, block: Audio) -> None:
        """Listen to the next block, (N, 2)."""
        self._take(np.ascontiguousarray(block.mean(axis=1)), is_last=False)

    def spoken(self) -> NDArray[np.bool_]:
        """Whether the music makes room for speech at each hop of HOP_S; nothing can be added
        afterwards.
        """
        self._take(np.zeros(0, np.float32), is_last=True)
        if not self._found:
            return np.zeros(0, bool)
        return _widened(_without_coughs(np.concatenate(self._found) > IS_SPEECH))

    def _take(self, mono: NDArray[np.float32], *, is_last: bool) -> None:
        fresh = self._resampler.resample_chunk(mono, last=is_last)
        self._waiting = np.concatenate([self._waiting, fresh])
        least = _LEAD + 1 if is_last else _LEAD + _HOP
        while len(self._waiting) >= least:
            window = self._waiting[: _LEAD + _HOP]
            steps = -(-(len(window) - _LEAD) // STEP)
            self._found.append(self._detector.probabilities([window])[0, :steps])
            self._waiting = self._waiting[_HOP:]


def _without_coughs(speaking: NDArray[np.bool_]) -> NDArray[np.bool_]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speaking, [False]]).astype(np.int8)))
    kept = np.zeros_like(speaking)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        kept[start:stop] = (stop - start) * STEP_S >= LEAST_S
    return kept


def _widened(speaking: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """By hops, from a little before each stretch to a while after it."""
    hops = np.zeros(int(np.ceil(len(speaking) * STEP_S / HOP_S)), bool)
    for step in np.flatnonzero(speaking):
        first = max(int((step * STEP_S - BEFORE_S) / HOP_S), 0)
        hops[first : int(((step + 1) * STEP_S + AFTER_S) / HOP_S) + 1] = True
    return hops
