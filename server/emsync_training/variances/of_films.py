"""Variances that nothing but the hand-made moods of real clips tells: the sound's, the movement's,
and how alike a shot by itself is to what it is in its film."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emsync_server.benchmarks.mood_bands import JudgedBand, band_figures
from emsync_server.benchmarks.mood_votes import StretchVotes
from emsync_server.benchmarks.moods import MoodFindings
from emsync_server.spotting.experts.sound_emotion import VARIANCE
from emsync_server.spotting.fusion import FILM_LIKENESS
from emsync_server.spotting.fusion.votes import MEASURED
from emsync_training.variances.stated import Stated

__all__ = ["variances_of_films"]

CORNER = 0.45
"""How far out a mood lies on either axis."""
SOUND = "sound_emotion"


def variances_of_films(found: MoodFindings) -> list[Stated]:
    """Each stretch counts once; of the likeness each film."""
    return [
        *_of_voter(found.votes, SOUND, "sound", VARIANCE),
        *_of_voter(found.votes, MEASURED, "movement, as it states", None),
        *_of_likeness(found.bands),
    ]


def _of_voter(
    votes: Sequence[StretchVotes], name: str, what: str, ships: tuple[float, float] | None
) -> list[Stated]:
    """ships: None where an expert states another variance each time; the mean of these then."""
    there = [each for each in votes if name in each.votes]
    rows = []
    for axis in (0, 1):
        said = np.array([each.votes[name][axis] for each in there])
        stated = np.array([each.votes[name][2 + axis] for each in there])
        wanted = CORNER * np.array([each.sides[axis] for each in there])
        error = float(np.mean(np.square(said - wanted)))
        shipped = float(np.mean(np.square(stated))) if ships is None else ships[axis]
        on = f"{len(there)} stretches of real clips, moods named by hand"
        rows.append(Stated(what, axis, shipped, error, on))
    return rows


def _of_likeness(bands: Sequence[JudgedBand]) -> list[Stated]:
    films = len({each.film for each in bands})
    rows = []
    for axis in (0, 1):
        of = band_figures(bands, axis, CORNER)
        low, high = of.left_out
        on = f"{films} films, moods named by hand; one left out: {low:.2f} to {high:.2f}"
        what = "likeness of a shot by itself to its film"
        rows.append(Stated(what, axis, FILM_LIKENESS[axis], of.likeness, on))
    return rows
