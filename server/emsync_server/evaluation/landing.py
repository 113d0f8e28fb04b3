"""Whether locked hits have their accent: in the score, and in the sound rendered from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync_server.evaluation.accents import chord_starts
from emsync_server.evaluation.attacks import ATTACK_BIAS_S, attack_near, attack_window_s
from emsync_server.evaluation.sound_file import mono_around, opened_sound
from emsync_server.evaluation.sounding import SoundingNotes

__all__ = ["Landed", "landed_hits", "landed_share", "score_errors", "sound_errors"]


@dataclass(frozen=True, slots=True)
class Landed:
    """One hit, and how far from it the accents begin. Positive errors are late."""

    time_s: float
    """From the start of the cue."""
    score_error_s: float | None
    """Of the nearest chord of three pitched notes; None where the score has none."""
    sound_error_s: float | None
    """Of the strongest attack within 0.1 s, the detector's bias taken off; None without sound."""
    rise_db: float | None
    """How clearly that attack stands out."""


def landed_hits(
    hits_s: Sequence[Fraction | float], notes: SoundingNotes, sound: Path | None
) -> tuple[Landed, ...]:
    """Measure every hit, in seconds from the start of the cue."""
    times = np.array([float(hit) for hit in hits_s])
    in_score = score_errors(times, notes)
    in_sound = sound_errors(times, sound) if sound else [None] * len(times)
    return tuple(
        Landed(
            float(time),
            None if np.isnan(score_error) else float(score_error),
            None if heard is None else heard[0],
            None if heard is None else heard[1],
        )
        for time, score_error, heard in zip(times, in_score, in_sound, strict=True)
    )


def landed_share(errors_s: Sequence[float | None], tolerance_s: float) -> float | None:
    """Share of hits whose error is known and within tolerance; None without hits."""
    if len(errors_s) == 0:
        return None
    return sum(e is not None and abs(e) <= tolerance_s for e in errors_s) / len(errors_s)


def score_errors(hits_s: NDArray[np.float64], notes: SoundingNotes) -> NDArray[np.float64]:
    """Start of the nearest chord minus the hit, (C,) seconds; NaN where there is no chord."""
    chords = chord_starts(notes)
    if len(chords) == 0:
        return np.full(len(hits_s), np.nan)
    distance = chords[None, :] - hits_s[:, None]  # (C, K)
    nearest = abs(distance).argmin(axis=1)
    return np.asarray(distance[np.arange(len(hits_s)), nearest])


def sound_errors(hits_s: NDArray[np.float64], sound: Path) -> list[tuple[float, float]]:
    """(start of the strongest attack near each hit minus the hit, in s; its rise in dB).

    Hits in order. Halfway to the next hit the search ends: what is there belongs to that one.
    """
    before_s, after_s = attack_window_s()
    gaps_s = np.concatenate(([np.inf], np.diff(hits_s), [np.inf])) / 2
    with opened_sound(sound) as file:
        found = [
            attack_near(
                mono_around(file, float(hit), before_s, after_s),
                file.samplerate,
                reach_s=(float(left), float(right)),
            )
            for hit, left, right in zip(hits_s, gaps_s, gaps_s[1:], strict=False)
        ]
    return [(attack.offset_s - ATTACK_BIAS_S, attack.rise_db) for attack in found]
