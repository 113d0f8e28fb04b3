"""Does the band of the curve hold the hand-made moods of real clips? And the likeness of a shot by
itself to what it is in its film (`spotting/fusion/on_film.py`), fitted on other films than those it
is asked about.

A mood is a corner of the circumplex, not a place; how wide a band must be depends on how far out
one puts it. A film counts once, however many of its stretches were judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync.cue import CueSheet
from emsync_server.benchmarks.tables import Table
from emsync_server.spotting.fusion import FILM_LIKENESS, by_itself, on_film

__all__ = ["CORNERS", "BandFigures", "JudgedBand", "band_figures", "bands_table", "judged_band"]

Floats = NDArray[np.float64]

CORNERS = (0.3, 0.45, 0.6)
"""How far out a mood lies on either axis: near, likely, far."""
AXES = ("valence", "arousal")
BAND_DEVIATIONS = 1.2816
"""Half of a band that holds four in five."""
TRIED = np.linspace(0.01, 1.0, 100)
DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class JudgedBand:
    """The curve over one stretch."""

    film: str
    sides: tuple[int, int]
    """Of its mood by hand: -1, 0 or 1 in valence and in arousal."""
    mean: tuple[float, float]
    variance: tuple[float, float]


@dataclass(frozen=True, slots=True)
class BandFigures:
    """One axis, moods so far out."""

    likeness: float
    """The likeliest, of all films."""
    left_out: tuple[float, float]
    """The least and the greatest when one film is left out."""
    cover: float
    """Of the 80 % band, each film with the likeness of the others, 0 to 1."""
    interval: tuple[float, float]
    """95 % of it, films drawn anew."""
    cover_as_shipped: float
    cover_by_itself: float
    """Of the band without any likeness: as wide as photographs and comments made it."""
    error: float
    """Squared, as it ships."""
    error_by_itself: float


def judged_band(
    film: str, sides: tuple[int, int], sheet: CueSheet, start_s: float, end_s: float
) -> JudgedBand:
    """The mean of what the curve says of shots over a stretch, by their time in it."""
    weights, rows = [], []
    for shot in sheet.shots:
        first, last = float(shot.range.start.seconds), float(shot.range.end.seconds)
        point = sheet.cues[0].emotion.nearest(shot.range.middle.seconds)
        if (inside_s := min(last, end_s) - max(first, start_s)) > 0:
            emotion, off = point.emotion, point.uncertainty
            weights.append(inside_s)
            rows.append((emotion.valence, emotion.arousal, off.valence**2, off.arousal**2))
    means = np.average(rows, axis=0, weights=weights).tolist()
    return JudgedBand(film, sides, (means[0], means[1]), (means[2], means[3]))


def band_figures(bands: Sequence[JudgedBand], axis: int, corner: float) -> BandFigures:
    """Fit on all films but one, ask about that one, in turn."""
    wanted = corner * np.array([each.sides[axis] for each in bands], np.float64)
    mean, variance = (np.array([getattr(each, part)[axis] for each in bands])
                      for part in ("mean", "variance"))  # fmt: skip
    own = by_itself(mean, variance, FILM_LIKENESS[axis])
    films = np.array([each.film for each in bands])
    likelihoods = np.stack([_log_likelihood(*on_film(*own, each), wanted) for each in TRIED])
    by_film, left = [], []
    for name in np.unique(films):
        here = films == name
        left.append(_likeliest(likelihoods[:, ~here], films[~here]))
        by_film.append(_cover(own[0][here], own[1][here], wanted[here], left[-1]))
    rng = np.random.default_rng(0)
    drawn = [np.mean(rng.choice(by_film, len(by_film))) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, (2.5, 97.5)).tolist()
    weights = _weights(films)
    return BandFigures(
        _likeliest(likelihoods, films),
        (min(left), max(left)),
        float(np.mean(by_film)),
        (low, high),
        *(_cover_of_films(own, wanted, films, each) for each in (FILM_LIKENESS[axis], 1.0)),
        *(float(weights @ (each * own[0] - wanted) ** 2) for each in (FILM_LIKENESS[axis], 1.0)),
    )


def bands_table(bands: Sequence[JudgedBand], command: str) -> Table:
    """A row for each axis and corner."""
    columns = ("axis", "corner at", "likeness, likeliest", "a film left out",
               "80 % band covers, on films left out", "as shipped", "by itself",
               "squared error as shipped", "by itself")  # fmt: skip
    return Table(command, columns, tuple(
        _row(AXES[axis], corner, band_figures(bands, axis, corner))
        for axis in (0, 1)
        for corner in CORNERS
    ))  # fmt: skip


def _row(axis: str, corner: float, of: BandFigures) -> tuple[str, ...]:
    low, high = of.interval
    return (
        axis,
        f"{corner:g}",
        f"{of.likeness:.2f}",
        f"{of.left_out[0]:.2f} to {of.left_out[1]:.2f}",
        f"{of.cover:.0%} ({low:.0%} to {high:.0%})",
        f"{of.cover_as_shipped:.0%}",
        f"{of.cover_by_itself:.0%}",
        f"{of.error:.3f}",
        f"{of.error_by_itself:.3f}",
    )


def _log_likelihood(mean: Floats, variance: Floats, wanted: Floats) -> Floats:
    return np.asarray(-((wanted - mean) ** 2) / variance - np.log(variance))


def _likeliest(likelihoods: Floats, films: NDArray[np.str_]) -> float:
    return float(TRIED[np.argmax(likelihoods @ _weights(films))])


def _weights(films: NDArray[np.str_]) -> Floats:
    """Of each stretch: a film's together count as any other film. Sums to one."""
    _, at, counts = np.unique(films, return_inverse=True, return_counts=True)
    return np.asarray(1 / counts[at] / len(counts))


def _cover(mean: Floats, variance: Floats, wanted: Floats, likeness: float) -> float:
    centre, wide = on_film(mean, variance, likeness)
    return float(np.mean(np.abs(centre - wanted) <= BAND_DEVIATIONS * np.sqrt(wide)))


def _cover_of_films(
    own: tuple[Floats, Floats], wanted: Floats, films: NDArray[np.str_], likeness: float
) -> float:
    each = [(films == name) for name in np.unique(films)]
    return float(np.mean([_cover(own[0][at], own[1][at], wanted[at], likeness) for at in each]))
