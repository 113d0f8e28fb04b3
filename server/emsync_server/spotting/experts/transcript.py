"""What is said: Whisper, run by faster-whisper from a folder that the user put there.

Whisper invents text on noise and music, and its own idea of when a line begins may be seconds off.
So it hears only stretches in which the speech detector finds speech, each line is timed by its
words and by the detector's steps, and only lines are kept of whose words it is sure itself. What is
said in another language is translated, too: the experts that read words know English.
"""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync.errors import MissingPartError
from emsync_server.inference.network import unusable
from emsync_server.models import MODELS_FOLDER, user_folder
from emsync_server.spotting.experts.expert import SOUND_HZ, SoundWindow, WindowPlan
from emsync_server.spotting.experts.readings import Floats, Reading
from emsync_server.spotting.experts.speech import SPEECH_PLAN, STEP_S, SpeechExpert

__all__ = ["TRANSCRIPT_PLAN", "TRANSLATION", "TranscriptExpert", "can_transcribe"]

OVERLAP_S = 4.0
"""A line that is no longer lies whole in one of two windows."""
TRANSCRIPT_PLAN = WindowPlan(
    length_s=28.0, hop_s=28.0 - OVERLAP_S, lead_s=OVERLAP_S / 2, least_s=OVERLAP_S / 2 + 0.3
)
"""Whisper reads thirty seconds at once, however few there are."""
TRANSLATION = "translation"
"""Who reads what a foreign line means in English."""
AROUND_S = 0.5
"""Heard before the first word and after the last."""
LEAST_LOG_PROBABILITY = -1.0
LEAST_WORD_PROBABILITY = {"transcript": 0.5, TRANSLATION: 0.4}
"""Mean over a line's words. Of speech under noise, 5 dB below it, lines have 0.6 to 0.9; words of a
language that was taken for another 0.4 to 0.6; translations that mean something else 0.2 to 0.35.
"""
MOST_NO_SPEECH = 0.6
MOST_COMPRESSION = 2.4
"""Text that packs better goes in circles."""
MOST_REPEATS = 2
"""The same line more often in one window is the model going in circles: none of them was said."""
LEAST_SPEECH = 0.1
"""Of a line's time."""
IS_SPEECH = 0.5
BEAMS = 5
MOST_TOKENS = 224
"""In one window; more is a circle. As in OpenAI's own code: half of the context."""
BIN = "model.bin"
VOCABULARIES, FIRST_TOKEN = ("vocabulary.json", "vocabulary.txt"), "<|startoftranscript|>"
ENGLISH = "en"

Mask = NDArray[np.bool_]


def can_transcribe() -> bool:
    """Whether the package is installed and there is a model to run."""
    there = (user_folder() / TranscriptExpert.name / BIN).is_file()
    return there and importlib.util.find_spec("faster_whisper") is not None


def _knows_speech(folder: Path) -> bool:
    """Whether the vocabulary beside a model is a Whisper's."""
    there = [folder / name for name in VOCABULARIES if (folder / name).is_file()]
    return all(FIRST_TOKEN in path.read_text("utf-8", errors="replace") for path in there)


@dataclass(frozen=True, slots=True, eq=False)
class _Spoken:
    """Where somebody speaks in a window, in steps of STEP_S."""

    start_s: float
    """Picture time of the first step."""
    steps: Mask

    def span(self, start_s: float, end_s: float) -> tuple[float, float] | None:
        """From the first to the last step of speech between two moments; None: nobody speaks."""
        first = max(0, int((start_s - self.start_s) / STEP_S))
        found = np.flatnonzero(self.steps[first : max(0, round((end_s - self.start_s) / STEP_S))])
        if not len(found):
            return None
        at = self.start_s + first * STEP_S
        first_s, last_s = (at + float(step) * STEP_S for step in (found[0], found[-1] + 1))
        return max(0.0, first_s), max(0.0, last_s)

    def share(self, start_s: float, end_s: float) -> float:
        """How much of a stretch is speech."""
        first, last = (max(0, round((at - self.start_s) / STEP_S)) for at in (start_s, end_s))
        return (
            float(self.steps[first : max(first + 1, last)].mean())
            if first < len(self.steps)
            else 0.0
        )


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
                str(folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=max(1, (os.cpu_count() or 2) - 1),
                local_files_only=True,
            )
        except Exception as err:  # tokenizers raises nothing narrower
            raise unusable(
                folder, f"faster-whisper does not take them ({str(err).rstrip('.')})"
            ) from err
        if not _knows_speech(folder):
            raise unusable(folder, "its vocabulary is not Whisper's")
        self._folder = folder
        self._speech = SpeechExpert(built_in)

    def read(self, items: Sequence[SoundWindow]) -> list[Reading | None]:
        """One reading for each window in which words were understood; its parts are the lines."""
        return [self._reading(item) for item in items]

    def _reading(self, item: SoundWindow) -> Reading | None:
        spoken = self._spoken(item)
        own_s = item.start_s + OVERLAP_S / 2, item.end_s - OVERLAP_S / 2
        around = spoken.span(item.start_s, item.end_s)
        if around is None or spoken.span(*own_s) is None:
            return None
        first, last = (round((at - item.start_s) * SOUND_HZ) for at in
                       (around[0] - AROUND_S, around[1] + AROUND_S))  # fmt: skip
        first = max(0, first)
        heard = SoundWindow(item.start_s + first / SOUND_HZ, item.samples[first:last])
        lines = self._lines(heard, spoken, own_s)
        language = lines[0].language if lines else None
        if language not in (None, ENGLISH) and self._model.model.is_multilingual:
            lines += self._lines(heard, spoken, own_s, translated_from=language)
        if not lines:
            return None
        text = " ".join(line.text for line in lines if line.expert == self.name)
        parts = tuple(sorted(lines, key=lambda line: line.start_s))
        return Reading(
            self.name, parts[0].start_s, parts[-1].end_s, text=text, language=language, parts=parts
        )

    def _lines(
        self,
        heard: SoundWindow,
        spoken: _Spoken,
        own_s: tuple[float, float],
        *,
        translated_from: str | None = None,
    ) -> list[Reading]:
        """The lines whose middle lies in a stretch."""
        try:
            found, info = self._model.transcribe(
                heard.samples,
                task="transcribe" if translated_from is None else "translate",
                language=translated_from,
                beam_size=BEAMS,
                temperature=0.0,  # above it draws words by chance: another text in each run
                condition_on_previous_text=False,
                max_new_tokens=MOST_TOKENS,
                word_timestamps=True,
                vad_filter=False,
            )
            segments = list(found)  # it hears as one asks
        except (RuntimeError, ValueError) as err:
            raise unusable(
                self._folder, f"faster-whisper fails with them ({str(err).rstrip('.')})"
            ) from err
        language = str(info.language) if translated_from is None else ENGLISH
        name = self.name if translated_from is None else TRANSLATION
        kept = list(_kept(segments, heard.start_s, spoken, (name, language)))
        times = Counter(line.text.casefold() for line in kept)
        return [
            line
            for line in kept
            if times[line.text.casefold()] <= MOST_REPEATS
            and own_s[0] <= (line.start_s + line.end_s) / 2 < own_s[1]
        ]

    def _spoken(self, item: SoundWindow) -> _Spoken:
        """Where the speech detector hears somebody in a window."""
        hop, length = (round(s * SOUND_HZ) for s in (SPEECH_PLAN.hop_s, SPEECH_PLAN.length_s))
        lead = round(SPEECH_PLAN.lead_s * SOUND_HZ)
        padded: Floats = np.concatenate((np.zeros(lead, np.float32), item.samples))
        starts = range(0, max(1, len(item.samples)), hop)
        windows = [
            SoundWindow(item.start_s + (at - lead) / SOUND_HZ, padded[at : at + length])
            for at in starts
        ]
        nothing = np.zeros(round(SPEECH_PLAN.hop_s / STEP_S), np.bool_)
        steps = [
            nothing if each is None or each.embedding is None else each.embedding > IS_SPEECH
            for each in self._speech.read(windows)
        ]
        return _Spoken(item.start_s, np.concatenate(steps))


def _kept(
    segments: Sequence[Any],
    start_s: float,
    spoken: _Spoken,
    told: tuple[str, str],
) -> Iterator[Reading]:
    """Lines that were said, as far as one can tell. `told`: who read them, in which language."""
    for segment in segments:
        text, words = str(segment.text).strip(), segment.words or ()
        if not text or not words:
            continue
        said = [start_s + max(0.0, float(at)) for at in (words[0].start, words[-1].end)]
        span = spoken.span(*said)
        certainty = float(np.mean([word.probability for word in words]))
        if (
            span is not None
            and certainty >= LEAST_WORD_PROBABILITY[told[0]]
            and float(segment.avg_logprob) >= LEAST_LOG_PROBABILITY
            and float(segment.no_speech_prob) <= MOST_NO_SPEECH
            and float(segment.compression_ratio) <= MOST_COMPRESSION
            and spoken.share(*said) >= LEAST_SPEECH
        ):
            yield Reading(
                told[0], *span, text=text, language=told[1], certainty=min(1.0, certainty)
            )
