"""Whether the music follows an emotion that changes: window by window, and how late."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emsync.emotion import EmotionCurve
from emsync_server.evaluation.composer.extent import Extent
from emsync_server.evaluation.composer.findings import Finding, Row
from emsync_server.evaluation.composer.statistics import lagged_correlation
from emsync_server.evaluation.composer.studio import Commission, Composed, Studio
from emsync_server.evaluation.composer.trial_cues import Points, trial_sheet
from emsync_server.evaluation.judge import EmotionJudge
from emsync_server.progress import Progress

__all__ = ["curve_points", "measure_curves"]

WINDOW_BARS = 2
MOST_LAG = 4  # windows
FIRST_SEED = 300
CYCLES = ((1.0, 1.5), (1.5, 1.0), (2.0, 1.0), (1.0, 2.0))
"""Waves of valence and of arousal over a cue: never together, so that they can be told apart."""
DEPTH = 0.8
POINTS = 33

Floats = NDArray[np.float64]


def measure_curves(studio: Studio, extent: Extent, progress: Progress) -> Finding:
    """Compose cues whose emotion waves, and judge every two bars."""
    commissions = [
        Commission(
            trial_sheet(extent.curve_s, curve_points(index, extent.curve_s)), FIRST_SEED + index
        )
        for index in range(extent.curves)
    ]
    takes = studio.compose(commissions, progress, "composing cues of changing emotion")
    judge = EmotionJudge.shipped()
    series = [
        _windows(judge, composed[0], commission.sheet.cues[0].emotion)
        for commission, composed in zip(commissions, takes, strict=True)
    ]
    facts: dict[str, object] = {"cues": len(series)}
    rows = []
    for column, axis in enumerate(("valence", "arousal")):
        pairs = [(asked[:, column], judged[:, column]) for asked, judged, _ in series]
        by_lag = lagged_correlation(pairs, MOST_LAG)
        best = max(by_lag, key=lambda lag: by_lag[lag][0])
        seconds = float(np.mean([width for _, _, width in series]))
        facts[axis] = {"by_lag": by_lag, "window_s": seconds}
        rows.append(
            Row(
                f"emotion: changing {axis}, each two bars",
                f"r = {by_lag[0][0]:+.2f} over {by_lag[0][1]:.0f} windows of {seconds:.1f} s; "
                f"best {by_lag[best][0]:+.2f} at a lag of {best * seconds:+.1f} s",
            )
        )
    return Finding("emotion curve", tuple(rows), facts)


def curve_points(index: int, length_s: float) -> Points:
    """Waves of both axes, out of step."""
    cycles = CYCLES[index % len(CYCLES)]
    phases = np.random.default_rng([FIRST_SEED, index]).uniform(0, 2 * np.pi, 2)
    moments = np.linspace(0, length_s, POINTS)
    values = [
        DEPTH * np.sin(2 * np.pi * cycle * moments / length_s + phase)
        for cycle, phase in zip(cycles, phases, strict=True)
    ]
    return [(float(t), float(v), float(a)) for t, v, a in zip(moments, *values, strict=True)]


def _windows(
    judge: EmotionJudge, composed: Composed, curve: EmotionCurve
) -> tuple[Floats, Floats, float]:
    """Asked (W, 2), judged (W, 2; nan where nothing sounds), and the mean seconds of a window."""
    tempo = composed.score.tempo_map
    starts = [float(tempo.seconds_at(bar.start_q)) for bar in tempo.bars()][::WINDOW_BARS]
    edges = np.array([*starts, float(tempo.end_s)])
    if len(edges) > 2 and edges[-1] - edges[-2] < (edges[1] - edges[0]) / 2:
        edges = np.delete(edges, -2)
    asked = np.array(
        [
            np.mean([_at(curve, time) for time in np.linspace(a, b, 9)], axis=0)
            for a, b in pairwise(edges.tolist())
        ]
    )
    judged = [
        (np.nan, np.nan) if one is None else tuple(one)
        for one in judge.of_windows(composed.score, edges)
    ]
    return asked, np.array(judged), float(np.mean(np.diff(edges)))


def _at(curve: EmotionCurve, time_s: float) -> tuple[float, float]:
    point = curve.at(time_s)
    return point.valence, point.arousal
