"""How much is composed for an evaluation."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Extent"]


@dataclass(frozen=True, slots=True)
class Extent:
    """Counts of cues, and their lengths."""

    first_seed: int = 0
    """Added to the seed of every cue: other music for the same questions."""
    levels: tuple[float, ...] = (-0.8, -0.4, 0.0, 0.4, 0.8)
    """Valences and arousals of the grid."""
    seeds: int = 8
    """Takes of each cell of the grid."""
    grid_s: float = 26.0
    rendered_seeds: int = 2
    """Seeds of the grid that are heard too."""
    curves: int = 8
    curve_s: float = 64.0
    plans: int = 200
    """Cues with random hits."""
    plan_s: float = 24.0
    style_cues: int = 6
    """Cues of each style."""
    style_s: float = 60.0
    obedience_cues: int = 24
    obedience_s: float = 24.0
    ranked_cues: int = 24
    ranked_takes: int = 8
    long_cues: int = 6
    long_s: float = 600.0
    gallery: bool = True
    """All cues of the gallery at their length; else the first two, short."""


FULL = Extent()
QUICK = Extent(
    levels=(-0.8, 0.0, 0.8),
    seeds=1,
    grid_s=12.0,
    rendered_seeds=1,
    curves=2,
    curve_s=32.0,
    plans=6,
    plan_s=16.0,
    style_cues=1,
    style_s=24.0,
    obedience_cues=4,
    obedience_s=12.0,
    ranked_cues=1,
    ranked_takes=4,
    long_cues=1,
    long_s=90.0,
    gallery=False,
)
