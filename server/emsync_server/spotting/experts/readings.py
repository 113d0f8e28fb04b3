"""What an expert says about a stretch of picture time.

Whatever an expert does not say is None or empty, never a zero that could pass for a reading; an
expert that has nothing to say about a stretch (no face, no speech, silence) gives no reading.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from emsync.emotion import ValenceArousal

__all__ = ["Ekman", "EkmanProbabilities", "Estimate", "Floats", "Reading", "Tag"]

Floats = NDArray[np.float32]

SUM_TOLERANCE = 1e-3


class Ekman(Enum):
    """Six basic emotions, in the order of every array of six."""

    ANGER = "anger"
    DISGUST = "disgust"
    FEAR = "fear"
    JOY = "joy"
    SADNESS = "sadness"
    SURPRISE = "surprise"


@dataclass(frozen=True, slots=True)
class EkmanProbabilities:
    """How likely each basic emotion is, or none of them; they sum to 1."""

    anger: float
    disgust: float
    fear: float
    joy: float
    sadness: float
    surprise: float
    neutral: float = 0.0
    """0, too, where the expert does not tell neutral from the rest."""

    def __post_init__(self) -> None:
        values = [getattr(self, field.name) for field in fields(self)]
        if not all(0.0 <= value <= 1.0 for value in values):  # False for NaN, too
            raise ValueError(f"probabilities lie in [0, 1], not {values}")
        if abs(sum(values) - 1.0) > SUM_TOLERANCE:
            raise ValueError(f"probabilities sum to 1, not to {sum(values)}")

    def six(self) -> Floats:
        """(6,) in the order of `Ekman`, without neutral: they sum to 1 - neutral."""
        return np.array([getattr(self, each.value) for each in Ekman], np.float32)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Valence and arousal, and how far they may be off."""

    mean: ValenceArousal
    variance: tuple[float, float]
    """Of the error in valence and in arousal, in the axes' own units squared, measured on held-out
    data."""

    def __post_init__(self) -> None:
        if not all(0.0 < value < float("inf") for value in self.variance):
            raise ValueError(f"variances are finite and above 0, not {self.variance}")


@dataclass(frozen=True, slots=True)
class Tag:
    """Something that is seen or heard."""

    name: str
    probability: float
    """0 to 1, as the expert says it: not calibrated unless its card says so."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one expert says about one stretch of picture time."""

    expert: str
    """Name of its registry row."""
    start_s: float
    """Picture time. A single picture's reading begins and ends at its time."""
    end_s: float
    embedding: NDArray[np.floating] | None = None
    """(N,) features for trained heads; what they are, the expert's file says. Kept in half
    precision (of a two-hour film they are 40 MB then), single where a shot's mean is taken."""
    estimate: Estimate | None = None
    ekman: EkmanProbabilities | None = None
    tags: tuple[Tag, ...] = ()
    text: str = ""
    """Spoken or seen words; empty: the expert reads none."""
    language: str | None = None
    """ISO 639-1 code of the text; None: not known."""
    certainty: float = 1.0
    """How sure the expert is that there was something to read, 0 to 1: of a face, of speech."""
    parts: tuple[Reading, ...] = ()
    """Where one item gave several readings (the lines of a talk): those, in its place."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.start_s <= self.end_s:
            raise ValueError(f"a reading from {self.start_s} s to {self.end_s} s")
        if self.embedding is not None and not np.isfinite(self.embedding).all():
            raise ValueError(f"an embedding of expert '{self.expert}' holds values that are not "
                             "numbers")  # fmt: skip
        if not 0.0 <= self.certainty <= 1.0:
            raise ValueError(f"certainty lies in [0, 1], not {self.certainty}")

    @property
    def middle_s(self) -> float:
        """Middle of its stretch."""
        return (self.start_s + self.end_s) / 2
