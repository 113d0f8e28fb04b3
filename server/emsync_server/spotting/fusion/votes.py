"""From readings to votes: which expert says something about valence and arousal, and how far each
may be off.

A row here is what makes an expert a voter. Each variance is printed beside what it is when it is
measured again by `python -m emsync_training variances`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emsync.emotion import EmotionPoint, ValenceArousal
from emsync_server.spotting.experts import Ekman, Estimate, Reading, ShotReadings
from emsync_server.spotting.experts.circumplex import estimate_of
from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE, Evidence, Vote

__all__ = [
    "FACES_LINES",
    "FACES_VARIANCE",
    "LIGHT_LINE",
    "LIGHT_VARIANCE",
    "MEASURED",
    "TEXT_VARIANCE",
    "Line",
    "ekman_of",
    "votes_of",
]

MEASURED = "movement"
"""The estimate of `spotting/emotion.py`: motion, cutting, level, colour."""
LEAST_EKMAN = 0.05
"""Less than this in all of the six is silence about them."""


@dataclass(frozen=True, slots=True)
class Line:
    """From what an expert says to what people felt, as measured."""

    middle: float
    """What it says in the mean: that tells nothing."""
    slope: float

    def of(self, said: float) -> float:
        """What is to be believed."""
        return (said - self.middle) * self.slope


AS_SAID, NOTHING = Line(0.0, 1.0), Line(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Voter:
    """How one expert votes."""

    evidence: tuple[Evidence, Evidence]
    error_variance: tuple[float, float] | None = None
    """Of valence and arousal by way of Ekman probabilities. None: it gives variances itself."""
    lines: tuple[Line, Line] = (AS_SAID, AS_SAID)
    """What its valence and arousal are worth."""
    is_of_film: bool = False
    """Whether its variance was measured on film."""


FACES_LINES = (Line(-0.16, 0.21), Line(-0.01, 0.0))
FACES_VARIANCE = ((1 - 0.27**2) * PRIOR_VARIANCE, PRIOR_VARIANCE)
"""On 213 photographs of OASIS in which people's faces are found, themes held out: r 0.27 with felt
valence, none with arousal. Taken as they are, its readings err more (0.38, 0.22) than zero does; so
the line is used, and the prior less r²."""
LIGHT_LINE = Line(0.0, 0.185)
LIGHT_VARIANCE = (1 - 0.11**2) * PRIOR_VARIANCE
"""The valence that light and colour tell, on the 900 photographs of OASIS, which its scales never
saw: r 0.11. Taken as it is, it errs by 0.20 squared, zero by 0.18."""
TEXT_VARIANCE = (0.177, 0.242)
"""On GoEmotions' dev split against what the table makes of the raters' labels (test: 0.175, 0.251).
No clip whose mood was named has words that are read: that they are no less like their film than the
rest is taken for granted."""

_VOTERS: dict[str, _Voter] = {
    "picture_emotion": _Voter((Evidence.PICTURE, Evidence.PICTURE)),
    "sound_emotion": _Voter(
        (Evidence.SOUND, Evidence.SOUND), lines=(NOTHING, AS_SAID), is_of_film=True
    ),
    "faces": _Voter((Evidence.FACES, Evidence.FACES), FACES_VARIANCE, FACES_LINES),
    "text_emotion": _Voter((Evidence.WORDS, Evidence.WORDS), TEXT_VARIANCE),
    "fusion": _Voter((Evidence.ALL, Evidence.ALL), is_of_film=True),  # its user's, and measured so
}
_MEASURED_EVIDENCE = (Evidence.PICTURE, Evidence.MOVEMENT)


def votes_of(shot: ShotReadings, measured: EmotionPoint | None) -> list[Vote]:
    """All votes about a shot; `measured` is what was measured of it without experts."""
    votes = []
    if measured is not None:
        said, off = measured.emotion, measured.uncertainty
        nothing_seen = off.valence**2 >= PRIOR_VARIANCE
        light = PRIOR_VARIANCE if nothing_seen else LIGHT_VARIANCE
        variance = (light, max(off.arousal, 1e-3) ** 2)
        estimate = Estimate(_worth(said, (LIGHT_LINE, AS_SAID)), variance)
        votes.append(Vote(MEASURED, _MEASURED_EVIDENCE, estimate, is_of_film=True))
    for name, voter in _VOTERS.items():
        reading = shot.by_expert.get(name)
        estimate_given = None if reading is None else _estimate(reading, voter)
        if reading is not None and estimate_given is not None:
            surely = _doubted(estimate_given, reading.certainty)
            votes.append(Vote(name, voter.evidence, surely, is_of_film=voter.is_of_film))
    return votes


def ekman_of(shot: ShotReadings) -> tuple[tuple[str, float], ...]:
    """The six and how likely each is, from those who spoke of them; empty where none did."""
    spoke = [
        (each.certainty, each.ekman.six())
        for each in shot.by_expert.values()
        if each.ekman is not None
    ]
    if not spoke or max(certainty for certainty, _ in spoke) <= 0:
        return ()
    mean = np.average([six for _, six in spoke], axis=0, weights=[sure for sure, _ in spoke])
    if mean.sum() < LEAST_EKMAN:
        return ()
    return tuple((e.value, round(float(p), 3)) for e, p in zip(Ekman, mean, strict=True))


def _estimate(reading: Reading, voter: _Voter) -> Estimate | None:
    if reading.estimate is not None:
        told = reading.estimate
        return Estimate(_worth(told.mean, voter.lines), told.variance)
    if reading.ekman is None or voter.error_variance is None:
        return None
    if reading.ekman.six().sum() < LEAST_EKMAN:
        return None
    estimate = estimate_of(reading.ekman, voter.error_variance)
    return Estimate(_worth(estimate.mean, voter.lines), estimate.variance)


def _worth(said: ValenceArousal, lines: tuple[Line, Line]) -> ValenceArousal:
    """What is to be believed of an estimate."""
    return ValenceArousal(lines[0].of(said.valence), lines[1].of(said.arousal))


def _doubted(estimate: Estimate, certainty: float) -> Estimate:
    """An expert that is not sure there was anything to read knows that much less."""
    prior = 1 / PRIOR_VARIANCE
    widened = [
        1 / (prior + certainty * (1 / each - prior)) if each < PRIOR_VARIANCE else each
        for each in estimate.variance
    ]
    return Estimate(estimate.mean, (widened[0], widened[1]))
