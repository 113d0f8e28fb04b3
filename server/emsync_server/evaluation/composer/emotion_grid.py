"""Whether asked emotion is heard: a grid of flat cues, judged by a model of human ratings, and by
ear: onsets and loudness of the sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emsync_server.evaluation.composer.extent import Extent
from emsync_server.evaluation.composer.findings import Finding, Row
from emsync_server.evaluation.composer.heard import Heard, hear
from emsync_server.evaluation.composer.statistics import Correlation, correlation
from emsync_server.evaluation.composer.studio import Commission, Composed, Studio
from emsync_server.evaluation.composer.trial_cues import flat, trial_sheet
from emsync_server.evaluation.judge import FEATURES, EmotionJudge
from emsync_server.progress import Progress

__all__ = ["GridTake", "compose_grid", "measure_emotion"]

BAR_VALENCE, BAR_AROUSAL, BAR_AUDIO, BAR_SHUFFLED = 0.6, 0.8, 0.6, 0.1
PLANNED_FEATURES = ("log_tempo_bpm", "major_minus_minor")
"""What the time plan and the asked key decide, not the network's notes alone."""
FIRST_SEED = 100
LEAST_FALL_DB = 6.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GridTake:
    """One take of one cell."""

    valence: float
    arousal: float
    seed: int
    composed: Composed


def compose_grid(studio: Studio, extent: Extent, progress: Progress) -> list[GridTake]:
    """Every cell of the grid, with every seed."""
    cells = [
        (valence, arousal, FIRST_SEED + seed)
        for seed in range(extent.seeds)
        for valence in extent.levels
        for arousal in extent.levels
    ]
    commissions = [
        Commission(trial_sheet(extent.grid_s, flat(valence, arousal)), seed)
        for valence, arousal, seed in cells
    ]
    takes = studio.compose(commissions, progress, "composing the grid of emotions")
    return [
        GridTake(*cell, composed=composed[0]) for cell, composed in zip(cells, takes, strict=True)
    ]


def measure_emotion(grid: Sequence[GridTake], extent: Extent, progress: Progress) -> Finding:
    """Judge the grid, and listen to some of it."""
    judge = EmotionJudge.shipped()
    asked = np.array([(take.valence, take.arousal) for take in grid])
    judged = _judged(judge, grid)
    without_plan = _judged(_deaf_to(judge, PLANNED_FEATURES), grid)
    found = {
        "valence": correlation(asked[:, 0], judged[:, 0]),
        "arousal": correlation(asked[:, 1], judged[:, 1]),
        "asked valence, judged arousal": correlation(asked[:, 0], judged[:, 1]),
        "asked arousal, judged valence": correlation(asked[:, 1], judged[:, 0]),
        "valence without mode and tempo": correlation(asked[:, 0], without_plan[:, 0]),
        "arousal without mode and tempo": correlation(asked[:, 1], without_plan[:, 1]),
    }
    heard = _heard(grid, extent, progress)
    louder = np.array([one.loudness_lufs for _, one in heard])
    busier = np.array([one.onsets_per_s for _, one in heard])
    arousal = np.array([take.arousal for take, _ in heard])
    both = _standard(louder) + _standard(busier)
    sound = {
        "onsets": correlation(arousal, busier),
        "loudness": correlation(arousal, louder),
        "both": correlation(arousal, both),
    }
    facts = {
        "judge": found,
        "sound": sound,
        "heard": [
            {"valence": t.valence, "arousal": t.arousal, "seed": t.seed, "heard": one}
            for t, one in heard
        ],
        "cells": _cells(asked, judged),
        "takes": [
            {"valence": t.valence, "arousal": t.arousal, "seed": t.seed, "judged": j.tolist()}
            for t, j in zip(grid, judged, strict=True)
        ],
    }
    rings = [one.rings_past_end for _, one in heard]
    ringing = Row(
        "endings: the sound goes on past the out-point",
        f"{sum(rings)} of {len(rings)} rendered takes above −60 dBFS 50 to 300 ms after it",
        "≥ 90 %",
        bool(np.mean(rings) >= 0.9),
    )
    falls = np.array([one.dies_away_db for _, one in heard])
    dying = Row(
        "endings: the last chord dies away towards the out-point",
        f"{np.median(falls):.1f} dB softer in the median of {len(falls)} rendered takes, "
        f"{falls.min():.1f} at the least",
        "≥ 6 dB in the median",
        bool(np.median(falls) >= LEAST_FALL_DB),
    )
    return Finding("emotion", (*_rows(found, sound), ringing, dying), facts)


def _judged(judge: EmotionJudge, grid: Sequence[GridTake]) -> Floats:
    """(N, 2); a score without notes is judged as the ratings' mean."""
    rows = [judge.of_score(take.composed.score) or judge.intercept for take in grid]
    return np.array([tuple(row) for row in rows])


def _deaf_to(judge: EmotionJudge, features: Sequence[str]) -> EmotionJudge:
    weights = judge.weights.copy()
    weights[[FEATURES.index(name) for name in features]] = 0
    return replace(judge, weights=weights)


def _heard(
    grid: Sequence[GridTake], extent: Extent, progress: Progress
) -> list[tuple[GridTake, Heard]]:
    chosen = [take for take in grid if take.seed < FIRST_SEED + extent.rendered_seeds]
    out = []
    for count, take in enumerate(chosen):
        progress.report(count / len(chosen), "listening to the grid of emotions")
        out.append((take, hear(take.composed.score, extent.grid_s)))
    return out


def _standard(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9))


def _cells(asked: Floats, judged: Floats) -> list[dict[str, float]]:
    """The mean judgement of each cell."""
    out = []
    for cell in np.unique(asked, axis=0):
        mean = judged[(asked == cell).all(axis=1)].mean(axis=0)
        out.append(
            {
                "valence": float(cell[0]),
                "arousal": float(cell[1]),
                "judged_valence": float(mean[0]),
                "judged_arousal": float(mean[1]),
            }
        )
    return out


def _rows(found: dict[str, Correlation], sound: dict[str, Correlation]) -> tuple[Row, ...]:
    valence, arousal = found["valence"], found["arousal"]
    worst = max(abs(valence.shuffled_mean), abs(arousal.shuffled_mean))
    crossed = "; ".join(
        f"{name}: {found[name].rho:+.2f}"
        for name in ("asked valence, judged arousal", "asked arousal, judged valence")
    )
    without = ", ".join(
        f"{axis} {_said(found[f'{axis} without mode and tempo'])}"
        for axis in ("valence", "arousal")
    )
    both = sound["both"]
    return (
        Row("emotion: arousal, judged", _said(arousal), "ρ ≥ 0.8", arousal.rho >= BAR_AROUSAL),
        Row("emotion: valence, judged", _said(valence), "ρ ≥ 0.6", valence.rho >= BAR_VALENCE),
        Row(
            "emotion: asked emotion dealt out at random",
            f"mean ρ {valence.shuffled_mean:+.3f} valence, {arousal.shuffled_mean:+.3f} arousal; "
            f"95 % below {valence.shuffled_95:.2f} and {arousal.shuffled_95:.2f}",
            "|ρ| < 0.1",
            worst < BAR_SHUFFLED,
        ),
        Row("emotion: cross-talk", crossed),
        Row("emotion: judged without mode and tempo, which the plan decides", without),
        Row(
            "emotion: arousal in the sound (onsets and loudness)",
            f"{_said(both)}; onsets {sound['onsets'].rho:+.2f}, loudness "
            f"{sound['loudness'].rho:+.2f}",
            "ρ ≥ 0.6",
            both.rho >= BAR_AUDIO,
        ),
    )


def _said(one: Correlation) -> str:
    return f"ρ = {one.rho:+.2f} ({one.low:+.2f} to {one.high:+.2f}, {one.count} takes)"
