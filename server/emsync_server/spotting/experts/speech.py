"""Is somebody speaking? Silero's voice detector, in steps of 32 ms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emsync_server.inference.speech import LEAD_STEPS, STEP, STEPS, SpeechDetector
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import SOUND_HZ, SoundWindow, WindowPlan
from emsync_server.spotting.experts.readings import Floats, Reading, Tag

__all__ = ["SPEECH_PLAN", "STEP_S", "SpeechExpert"]

STEP_S = STEP / SOUND_HZ
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
        self._detector = SpeechDetector(folder)

    def read(self, items: Sequence[SoundWindow]) -> list[Reading | None]:
        """One reading for each window with speech in it."""
        found = self._detector.probabilities([item.samples for item in items])
        return [self._reading(*pair) for pair in zip(items, found, strict=True)]

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
