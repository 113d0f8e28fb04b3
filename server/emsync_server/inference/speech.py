"""Where somebody speaks: Silero's voice detector, in steps of 32 ms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync_server.inference.network import Network
from emsync_server.models import MODELS_FOLDER

__all__ = ["LEAD_STEPS", "RATE_HZ", "STEP", "STEPS", "SpeechDetector"]

Floats = NDArray[np.float32]

RATE_HZ = 16_000
STEP, CONTEXT = 512, 64
"""Samples of a step, and how many of the step before it are seen once more."""
LEAD_STEPS, STEPS = 16, 64
"""A window begins this many steps early: the detector wants to hear what was there before."""


class SpeechDetector:
    """The network, loaded."""

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load `speech.onnx` of a folder."""
        self._network = Network.load(
            folder / "speech.onnx",
            inputs={"steps": (None, None, CONTEXT + STEP)},
            outputs={"speech": (None, None)},
        )

    def probabilities(self, windows: Sequence[Floats]) -> Floats:
        """(B, STEPS) how likely somebody speaks in each step, of B windows of mono sound at
        RATE_HZ that begin LEAD_STEPS early; shorter ones go on in silence.
        """
        steps = np.stack([_steps(window) for window in windows])
        found = np.asarray(self._network.run({"steps": steps})["speech"], np.float32)
        return found[:, LEAD_STEPS:]


def _steps(samples: Floats) -> Floats:
    """(N,) to (T, 576): each step with the end of the one before it."""
    whole = (LEAD_STEPS + STEPS) * STEP
    padded = np.zeros(CONTEXT + whole, np.float32)
    padded[CONTEXT : CONTEXT + min(whole, len(samples))] = samples[:whole]
    return np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + STEP)[::STEP].copy()
