"""The judge of emotion: valence and arousal that people would hear in a piece, by a ridge
regression on human ratings.

It was fitted on the ratings of game music that DESIGN §9 names, which nothing that conditions the
composer has seen; its card, `judge.md`, says how far it errs and what it shares with the labels
that the composer was trained on. `python -m emsync_training judge` makes `judge.json` again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emsync.score import Score
from emsync_server.composition.keys import key_fits
from emsync_server.evaluation.sounding import SoundingNotes

__all__ = ["FEATURES", "EmotionJudge", "Judged", "RatedNotes", "emotion_features"]

FEATURES = (
    "major_minus_minor",
    "log_notes_per_s",
    "log_onsets_per_s",
    "pitch_mean",
    "pitch_sd",
    "velocity_mean",
    "velocity_sd",
    "duration_mean_s",
    "log_tempo_bpm",
    "key_clarity",
)
"""What the judge looks at, in its order; drums are not heard."""
LONGEST_FOR_KEY_S, LONGEST_FOR_LENGTH_S = 2.0, 4.0
LEAST_SPAN_S = 1.0
SAME_ONSET_DECIMALS = 2  # onsets within about 10 ms are one
JUDGE_FILE = "judge.json"

Floats = NDArray[np.float64]


class Judged(NamedTuple):
    """What people would call a piece, from about -1 to 1; a regression, so not bounded."""

    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class RatedNotes:
    """Pitched notes as parallel arrays, in seconds."""

    start_s: Floats
    length_s: Floats
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]

    @classmethod
    def of(cls, notes: SoundingNotes) -> RatedNotes:
        """The pitched notes of a score."""
        kept = ~notes.is_drum
        start = notes.start_s[kept]
        return cls(start, notes.end_s[kept] - start, notes.pitch[kept], notes.velocity[kept])

    def between(self, start_s: float, end_s: float) -> RatedNotes:
        """The notes that begin in a stretch."""
        kept = (self.start_s >= start_s - 1e-6) & (self.start_s < end_s - 1e-6)
        return RatedNotes(
            self.start_s[kept], self.length_s[kept], self.pitch[kept], self.velocity[kept]
        )


def emotion_features(notes: RatedNotes, tempo_bpm: float, span_s: float | None = None) -> Floats:
    """The ten features, (10,), of one note or more.

    span_s: the length of a window; None takes from the first onset to the last end.
    """
    if len(notes.pitch) == 0:
        raise ValueError("no emotion is heard where no note is")
    if span_s is None:
        span_s = float((notes.start_s + notes.length_s).max() - notes.start_s.min())
    span_s = max(span_s, LEAST_SPAN_S)
    major, minor = _key_fits(notes)
    onsets = len(np.unique(np.round(notes.start_s, SAME_ONSET_DECIMALS)))
    return np.array(
        [
            major - minor,
            np.log(len(notes.pitch) / span_s),
            np.log(onsets / span_s),
            notes.pitch.mean(),
            notes.pitch.std(),
            notes.velocity.mean(),
            notes.velocity.std(),
            np.minimum(notes.length_s, LONGEST_FOR_LENGTH_S).mean(),
            np.log(tempo_bpm),
            max(major, minor),
        ]
    )


@dataclass(frozen=True)
class EmotionJudge:
    """A linear model of each axis on the standardised features."""

    mean: Floats
    sd: Floats
    weights: Floats
    """(10, 2): of valence and of arousal."""
    intercept: Floats
    """(2,)"""

    @classmethod
    @cache
    def shipped(cls) -> EmotionJudge:
        """The judge that emsync ships."""
        folder = resources.files("emsync_server.evaluation")
        return cls.of_json(folder.joinpath(JUDGE_FILE).read_text("utf-8"))

    @classmethod
    def of_json(cls, text: str) -> EmotionJudge:
        """From the text of `judge.json`."""
        facts = json.loads(text)
        if tuple(facts["features"]) != FEATURES:
            raise ValueError(f"the judge was fitted on other features: {facts['features']}")
        weights = np.array([facts["weights"][axis] for axis in Judged._fields]).T
        intercept = np.array([facts["intercept"][axis] for axis in Judged._fields])
        return cls(np.array(facts["mean"]), np.array(facts["sd"]), weights, intercept)

    def of_features(self, features: Floats) -> Judged:
        """Judge ten features."""
        valence, arousal = (features - self.mean) / self.sd @ self.weights + self.intercept
        return Judged(float(valence), float(arousal))

    def of_score(self, score: Score) -> Judged | None:
        """Judge a whole score; None where no pitched note sounds."""
        notes = RatedNotes.of(SoundingNotes.of(score))
        if len(notes.pitch) == 0:
            return None
        tempo = score.tempo_map
        bpm = 60 * float(tempo.end_q) / float(tempo.end_s)
        return self.of_features(emotion_features(notes, bpm))

    def of_windows(self, score: Score, edges_s: Floats) -> list[Judged | None]:
        """Judge each stretch between neighbouring moments (W + 1,), by the notes that begin in
        it; None where none does.
        """
        notes = RatedNotes.of(SoundingNotes.of(score))
        judged: list[Judged | None] = []
        for start, end in pairwise(edges_s.tolist()):
            inside = notes.between(start, end)
            if len(inside.pitch) == 0:
                judged.append(None)
                continue
            bpm = _mean_bpm(score, start, end)
            judged.append(self.of_features(emotion_features(inside, bpm, end - start)))
        return judged


def _mean_bpm(score: Score, start_s: float, end_s: float) -> float:
    at = score.tempo_map.quarters_at
    return 60 * float(at(Fraction(end_s)) - at(Fraction(start_s))) / (end_s - start_s)


def _key_fits(notes: RatedNotes) -> tuple[float, float]:
    """The best correlation with a major key and with a minor one; 0 where all classes are alike."""
    seconds = np.minimum(notes.length_s, LONGEST_FOR_KEY_S)
    classes = np.bincount(notes.pitch % 12, weights=seconds, minlength=12)
    fits = key_fits(classes.astype(np.float64))
    return float(fits[:12].max()), float(fits[12:].max())
