"""What is said: Whisper, run by faster-whisper from a folder that the user put there.

Whisper invents text on noise and music. So it hears only windows in which the speech detector finds
speech, and keeps only lines of which it is sure itself.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emsync.errors import MissingPartError
from emsync_server.inference.network import unusable
from emsync_server.models import MODELS_FOLDER, user_folder
from emsync_server.spotting.experts.expert import SOUND_HZ, SoundWindow, WindowPlan
from emsync_server.spotting.experts.readings import Floats, Reading
from emsync_server.spotting.experts.speech import SPEECH_PLAN, SpeechExpert

__all__ = ["TRANSCRIPT_PLAN", "TranscriptExpert", "can_transcribe"]

TRANSCRIPT_PLAN = WindowPlan(length_s=28.0, hop_s=28.0)
"""Whisper reads thirty seconds at once, however few there are."""
LEAST_LOG_PROBABILITY = -1.0
MOST_NO_SPEECH = 0.6
MOST_REPEATS = 2
"""The same line more often in one window is the model going in circles: none of them was said."""
LEAST_SPEECH = 0.1
"""Of a line's time."""
BIN = "model.bin"


def can_transcribe() -> bool:
    """Whether the package is installed and there is a model to run."""
    there = (user_folder() / TranscriptExpert.name / BIN).is_file()
    return there and importlib.util.find_spec("faster_whisper") is not None


class TranscriptExpert:
    """Sound to lines of text, each with its time."""

    name = "transcript"

    def __init__(self, folder: Path | None = None, built_in: Path = MODELS_FOLDER) -> None:
        """Load the model from a folder; the user's own if left out."""
        folder = folder or user_folder() / self.name
        if not (folder / BIN).is_file():
            raise MissingPartError(
                f"There is no speech recognition model in {folder}. 'emsync models import "
                "transcript FOLDER' takes any Whisper in CTranslate2's format."
            )
        try:
            from faster_whisper import WhisperModel
        except ImportError as err:
            raise MissingPartError(
                "Speech recognition needs the package faster-whisper: pip install faster-whisper."
            ) from err
        try:
            self._model: Any = WhisperModel(
                str(folder), device="cpu", compute_type="int8", local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as err:
            raise unusable(folder / BIN, "faster-whisper does not take it") from err
        self._speech = SpeechExpert(built_in)

    def read(self, items: Sequence[SoundWindow]) -> list[Reading | None]:
        """One reading for each window in which words were understood; its parts are the lines."""
        return [self._reading(item) for item in items]

    def _reading(self, item: SoundWindow) -> Reading | None:
        speaking = self._spoken(item)
        if not any(reading is not None for reading in speaking):
            return None
        segments, info = self._model.transcribe(
            item.samples, beam_size=1, condition_on_previous_text=False, vad_filter=False
        )
        heard = [each for each in speaking if each is not None]
        lines = list(self._kept(segments, item, heard, str(info.language)))
        times = Counter(line.text.casefold() for line in lines)
        parts = tuple(each for each in lines if times[each.text.casefold()] <= MOST_REPEATS)
        if not parts:
            return None
        return Reading(
            self.name,
            parts[0].start_s,
            parts[-1].end_s,
            text=" ".join(part.text for part in parts),
            language=str(info.language),
            parts=parts,
        )

    def _kept(
        self,
        segments: Iterable[Any],
        item: SoundWindow,
        heard: list[Reading],
        language: str,
    ) -> Iterator[Reading]:
        for segment in segments:
            start_s = item.start_s + max(0.0, float(segment.start))
            end_s = max(start_s, item.start_s + float(segment.end))
            sure = float(segment.avg_logprob) >= LEAST_LOG_PROBABILITY
            text = str(segment.text).strip()
            if (
                sure
                and text
                and float(segment.no_speech_prob) <= MOST_NO_SPEECH
                and _speech_share(heard, start_s, end_s) >= LEAST_SPEECH
            ):
                certainty = float(np.exp(min(0.0, float(segment.avg_logprob))))
                yield Reading(self.name, start_s, end_s, text=text, language=language,
                              certainty=certainty)  # fmt: skip

    def _spoken(self, item: SoundWindow) -> list[Reading | None]:
        """What the speech detector finds in a window."""
        hop, length = (round(s * SOUND_HZ) for s in (SPEECH_PLAN.hop_s, SPEECH_PLAN.length_s))
        lead = round(SPEECH_PLAN.lead_s * SOUND_HZ)
        padded: Floats = np.concatenate((np.zeros(lead, np.float32), item.samples))
        windows = [
            SoundWindow(item.start_s + (at - lead) / SOUND_HZ, padded[at : at + length])
            for at in range(0, max(1, len(item.samples)), hop)
        ]
        return self._speech.read(windows)


def _speech_share(heard: Sequence[Reading], start_s: float, end_s: float) -> float:
    """How much of a stretch is speech."""
    spoken = sum(
        max(0.0, min(end_s, each.end_s) - max(start_s, each.start_s)) * each.certainty
        for each in heard
    )
    return spoken / max(end_s - start_s, 0.1)
