"""What each expert alone says of the real clips, against the hand-made table of their moods.

It is the only word about film that there is here: of experts that were measured on photographs or
comments it says how they do on film, of those that nothing rated could measure it says anything at
all. Few clips, one judge; a mood is a corner of the circumplex, not a place, so how far off an
expert is depends on how far out one puts the corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from emsync.emotion import ShotNotes
from emsync_server.benchmarks.mood_bands import AXES, CORNERS
from emsync_server.benchmarks.tables import Table, signed

__all__ = ["StretchVotes", "votes_in", "votes_table"]

Floats = NDArray[np.float64]

DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class StretchVotes:
    """One stretch of a clip."""

    clip: str
    sides: tuple[int, int]
    """Of its mood by hand: -1, 0 or 1 in valence and in arousal."""
    votes: dict[str, tuple[float, float, float, float]]
    """Of each expert, the mean: valence, arousal, and the deviations it states."""


def votes_in(
    shots: Sequence[ShotNotes], start_s: float, end_s: float
) -> dict[str, tuple[float, float, float, float]]:
    """What each expert says of a stretch: the mean over the shots in it, by their time in it."""
    found: dict[str, list[tuple[float, tuple[float, ...]]]] = {}
    for note in shots:
        first, last = float(note.range.start.seconds), float(note.range.end.seconds)
        inside_s = min(last, end_s) - max(first, start_s)
        for vote in note.votes if inside_s > 0 else ():
            emotion, off = vote.emotion, vote.uncertainty
            said = (emotion.valence, emotion.arousal, off.valence, off.arousal)
            found.setdefault(vote.expert, []).append((inside_s, said))
    return {name: _mean(pairs) for name, pairs in found.items()}


def votes_table(stretches: Sequence[StretchVotes], command: str, seed: int = 0) -> Table:
    """A row for each expert and axis. Intervals: 95 %, clips drawn anew."""
    columns = ("expert", "axis", "stretches", "rank correlation with the hand", "says where high",
               "where plain", "where low", "squared error, corner at 0.45 (0.3 to 0.6)",
               "squared error it states")  # fmt: skip
    names = sorted({name for each in stretches for name in each.votes})
    rng = np.random.default_rng(seed)
    rows = [
        _row([each for each in stretches if name in each.votes], name, axis, rng)
        for name in names
        for axis in (0, 1)
    ]
    return Table(command, columns, tuple(rows))


def _row(
    stretches: Sequence[StretchVotes], name: str, axis: int, rng: np.random.Generator
) -> tuple[str, ...]:
    side = np.array([each.sides[axis] for each in stretches], np.float64)
    said = np.array([each.votes[name][axis] for each in stretches])
    stated = np.array([each.votes[name][2 + axis] for each in stretches])
    errors = [float(np.mean((said - corner * side) ** 2)) for corner in CORNERS]
    means = [float(said[side == k].mean()) if (side == k).any() else None for k in (1, 0, -1)]
    return (
        name,
        AXES[axis],
        f"{len(stretches)} of {len({each.clip for each in stretches})} clips",
        _correlation([each.clip for each in stretches], side, said, rng),
        *(signed(each) for each in means),
        f"{errors[1]:.2f} ({errors[0]:.2f} to {errors[2]:.2f})",
        f"{float(np.mean(stated**2)):.2f}",
    )


def _correlation(clips: Sequence[str], side: Floats, said: Floats, rng: np.random.Generator) -> str:
    """Spearman's, with its interval; a dash where one side does not vary."""
    if (whole := _spearman(side, said)) is None:
        return "–"
    names = sorted(set(clips))
    places = [np.flatnonzero(np.array(clips) == name) for name in names]
    draws = []
    for _ in range(DRAWS):
        at = np.concatenate([places[k] for k in rng.integers(0, len(names), len(names))])
        if (drawn := _spearman(side[at], said[at])) is not None:
            draws.append(drawn)
    low, high = np.percentile(draws, (2.5, 97.5))
    return f"{whole:.2f} ({low:.2f} to {high:.2f})"


def _spearman(one: Floats, other: Floats) -> float | None:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def _mean(pairs: Sequence[tuple[float, tuple[float, ...]]]) -> tuple[float, float, float, float]:
    """By the seconds; of deviations the root of the mean square."""
    weights = [seconds for seconds, _ in pairs]
    rows = np.array([said for _, said in pairs])
    valence, arousal = np.average(rows[:, :2], axis=0, weights=weights).tolist()
    off = np.sqrt(np.average(rows[:, 2:] ** 2, axis=0, weights=weights)).tolist()
    return valence, arousal, off[0], off[1]
