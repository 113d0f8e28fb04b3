"""Is somebody speaking? Silero's voice detector, in steps of 32 ms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emsync_server.inference.network import Network
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import SOUND_HZ, SoundWindow, WindowPlan
from emsync_server.spotting.experts.readings import Floats, Reading, Tag

__all__ = ["SPEECH_PLAN", "STEP_S", "SpeechExpert"]

STEP, CONTEXT = 512, 64
"""Samples of a step, and how many of the step before it are seen once more."""
STEP_S = STEP / SOUND_HZ
LEAD_STEPS, STEPS = 16, 64
"""A window begins this many steps early: the detector wants to hear what was there before."""
SPEECH_PLAN = WindowPlan(
    length_s=(LEAD_STEPS + STEPS) * STEP_S, hop_s=STEPS * STEP_S, lead_s=LEAD_STEPS * STEP_S
)
IS_SPEECH = 0.5
LEAST_STEPS = 4
"""Fewer steps of speech in two seconds are a sigh, or the detector's mistake."""


class SpeechExpert:
    """Sound to the share of speech. The embedding is the probability of each step, (64,)."""

    name = "speech"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load the network of a folder."""
        self._network = Network.load(
            folder / "speech.onnx",
            inputs={"steps": (None, None, CONTEXT + STEP)},
            outputs={"speech": (None, None)},
        )

    def read(self, items: Sequence[SoundWindow]) -> list[Reading | None]:
        """One reading for each window with speech in it."""
        steps = np.stack([_steps(item.samples) for item in items])
        found = np.asarray(self._network.run({"steps": steps})["speech"], np.float32)
        return [self._reading(*pair) for pair in zip(items, found[:, LEAD_STEPS:], strict=True)]

    def _reading(self, item: SoundWindow, probabilities: Floats) -> Reading | None:
        speaking = probabilities > IS_SPEECH
        if speaking.sum() < LEAST_STEPS:
            return None
        share = float(speaking.mean())
        start_s = item.start_s + LEAD_STEPS * STEP_S
        return Reading(
            self.name,
            max(0.0, start_s),
            start_s + STEPS * STEP_S,
            embedding=probabilities,
            tags=(Tag("speech", share),),
            certainty=share,
        )


def _steps(samples: Floats) -> Floats:
    """(N,) to (T, 576): each step with the end of the one before it."""
    whole = (LEAD_STEPS + STEPS) * STEP
    padded = np.zeros(CONTEXT + whole, np.float32)
    padded[CONTEXT : CONTEXT + min(whole, len(samples))] = samples[:whole]
    return np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + STEP)[::STEP].copy()
