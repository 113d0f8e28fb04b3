"""A score as sound, without mastering: how loud it is and how often something begins in it.

The product's mix is brought to one loudness, so loudness between cues is heard here as the
instruments make it, before that; the synthesiser is the one that pip brings, so that the figures
are the same everywhere.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from emsync.score import Score
from emsync_server.evaluation.onsets import find_onsets
from emsync_server.rendering.balance import BALANCE
from emsync_server.rendering.embedded import EmbeddedSynthesizer
from emsync_server.rendering.loudness import SILENCE_DB, LoudnessMeter, decibels, factor
from emsync_server.rendering.performance import families_of, left_to_ring, perform
from emsync_server.rendering.soundfonts import bundled_soundfont

__all__ = ["Heard", "hear"]

RATE_HZ = 48_000
TAIL_S = 1.0
STRUCK_S, LAST_S = 0.4, 0.25  # of the last chord
RING_FROM_S, RING_TO_S = 0.05, 0.30  # after the out-point
AUDIBLE_DBFS = -60.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a listener's ear would count."""

    onsets_per_s: float
    loudness_lufs: float
    rings_past_end: bool
    """Whether the sound 50 to 300 ms after the out-point is above −60 dBFS."""
    dies_away_db: float
    """By how much the last chord is softer right before the out-point than when it was struck."""


def hear(score: Score, length_s: float) -> Heard:
    """Render a score that lasts `length_s`, and listen."""
    sound = _rendered(score, length_s)
    meter = LoudnessMeter(RATE_HZ, measures_peak=False)
    meter.add(sound)
    end = round(length_s * RATE_HZ)
    ring = sound[end + round(RING_FROM_S * RATE_HZ) : end + round(RING_TO_S * RATE_HZ)]
    struck_s = max(
        float(score.tempo_map.seconds_at(note.start_q))
        for part in score.parts
        for note in part.notes
    )
    level = float(np.sqrt(np.mean(np.square(ring, dtype=np.float64)))) if len(ring) else 0.0
    with tempfile.TemporaryDirectory(prefix="emsync-evaluate-") as folder:
        path = Path(folder) / "sound.wav"
        soundfile.write(path, sound, RATE_HZ, subtype="FLOAT")
        onsets = find_onsets(path)
    return Heard(
        len(onsets.time_s) / length_s,
        float(meter.result().integrated_lufs),
        level > 10 ** (AUDIBLE_DBFS / 20),
        _level_db(sound, struck_s, struck_s + STRUCK_S)
        - _level_db(sound, length_s - LAST_S, length_s),
    )


def _level_db(sound: NDArray[np.float32], start_s: float, end_s: float) -> float:
    heard = sound[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)].astype(np.float64)
    return decibels(float(np.sqrt(np.mean(heard**2)))) if len(heard) else SILENCE_DB


def _rendered(score: Score, length_s: float) -> NDArray[np.float32]:
    """(N, 2), with a tail."""
    synthesizer = EmbeddedSynthesizer(bundled_soundfont())
    cue_samples = round(length_s * RATE_HZ)
    total = np.zeros((cue_samples + round(TAIL_S * RATE_HZ), 2), np.float32)
    for family in families_of(score):
        performance = left_to_ring(
            perform(score, family, rate_hz=RATE_HZ, cue_samples=cue_samples),
            rate_hz=RATE_HZ,
            cue_samples=cue_samples,
            room_samples=len(total) - cue_samples,
        )
        gain = np.float32(factor(BALANCE[family].gain_db))
        at = 0
        for block in synthesizer.render(performance, length_samples=len(total), rate_hz=RATE_HZ):
            total[at : at + len(block)] += gain * block
            at += len(block)
    return total
