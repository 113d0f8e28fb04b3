"""From what a shot is by itself to what it is in its film.

Experts were measured on photographs and comments, each felt for itself. In a film the same picture
stands in a story: a sunny meadow may be where somebody waits for bad news. So what experts know of
a shot by itself, mean m and variance v, is taken for one of two things that go together with a
correlation ρ, both with the prior's variance P around 0:

    mean ρ m, variance ρ² v + (1 − ρ²) P

ρ is measured on the stretches of real film whose moods were named by hand, as the likeliest of what
was named; films left out, the band then holds what it promises (`emsync benchmark moods`, and
BENCHMARKS.md, *Moods of real clips*). It comes after the experts are weighed against each other:
all err in this together. Weighing them by it cost the arousal of held-out films a quarter of its
correlation and the real clips nothing won. Music is none the tamer for it: `composition/expression`
spreads a mean by what its variance says it has lost, which is ρ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE

__all__ = ["FILM_LIKENESS", "by_itself", "on_film"]

Floats = NDArray[np.float64]

FILM_LIKENESS = (0.89, 0.71)
"""ρ of valence and of arousal: a mood put 0.45 out on each axis. At 0.3 and 0.6: see the table."""


def on_film(mean: Floats, variance: Floats, likeness: float | Floats) -> tuple[Floats, Floats]:
    """What is known of an axis in the film, from what is known of it by itself. (S,), (S,)"""
    own = (1 - likeness**2) * PRIOR_VARIANCE
    return likeness * mean, likeness**2 * variance + own


def by_itself(mean: Floats, variance: Floats, likeness: float | Floats) -> tuple[Floats, Floats]:
    """The way back, for whoever measures the likeness. (S,), (S,)"""
    own = (1 - likeness**2) * PRIOR_VARIANCE
    return mean / likeness, (variance - own) / likeness**2
