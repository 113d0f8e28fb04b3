"""Whether dark excited music strikes, as for anger, or holds back, as for fear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emsync.cue import Cue
from emsync.emotion import ShotNotes

Random = np.random.Generator

FEAR_FROM_VALENCE, FEAR_SLOPE = -0.725, 8.0
"""Half-way from anger (-0.65) to fear (-0.80) on the stretched axis: there suspense is as likely as
assault."""
RESTLESS_AROUSAL, FIERCE_AROUSAL = 0.3, 0.9
"""Below the first nobody strikes yet; above the second it is a battle."""
TELLING, PLAINLY = 0.2, 1.25
"""Fear or anger is this likely in the mean shot, and the one so many times the other."""


def holds_back(
    cue: Cue, emotions: list[tuple[float, float]], shots: Sequence[ShotNotes], rng: Random
) -> bool:
    """Whether a take's excited dark music is suspense: where faces or words told fear from anger,
    as they say, else by where it lies on the two axes.
    """
    dark = [(valence, arousal) for valence, arousal in emotions if valence < 0 <= arousal]
    drawn = rng.random()
    if not dark:
        return False
    told = [dict(shot.ekman) for shot in shots if shot.range.overlaps(cue.range)]
    fear, anger = (sum(one.get(name, 0.0) for one in told) for name in ("fear", "anger"))
    if max(fear, anger) > TELLING * len(told) and max(fear, anger) > PLAINLY * min(fear, anger):
        return fear > anger
    valence, arousal = np.mean(dark, axis=0)
    return bool(drawn < suspense_share(float(valence), float(arousal)))


def suspense_share(valence: float, arousal: float) -> float:
    """How likely an excited dark cue holds back (suspense, as for fear) instead of striking
    (assault, as for anger): fear is the darker of the two, and what is not excited enough for a
    fight is restless.
    """
    if arousal > FIERCE_AROUSAL:
        return 0.0
    dark = 0.5 - FEAR_SLOPE * (valence - FEAR_FROM_VALENCE)
    restless = (RESTLESS_AROUSAL - arousal) / RESTLESS_AROUSAL
    return min(max(dark, restless, 0.0), 1.0)
