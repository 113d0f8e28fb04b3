"""Whether the take that is put first is better than any take of the same cue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emsync_server.evaluation.composer.extent import Extent
from emsync_server.evaluation.composer.findings import Finding, Row
from emsync_server.evaluation.composer.plausibility import inside_share
from emsync_server.evaluation.composer.statistics import interval_of_mean
from emsync_server.evaluation.composer.studio import Commission, Composed, Studio
from emsync_server.evaluation.composer.trial_cues import flat, trial_sheet
from emsync_server.evaluation.endings import ending_of
from emsync_server.evaluation.judge import EmotionJudge
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.progress import Progress

__all__ = ["measure_ranking"]

FIRST_SEED = 1300
CORNERS = ((0.7, 0.7), (-0.7, 0.7), (-0.7, -0.7), (0.7, -0.7), (0.0, 0.8), (0.8, 0.0), (-0.8, 0.0))


@dataclass(frozen=True, slots=True)
class _Measured:
    valence_error: float
    """Distance of the judged from the asked, each in standard deviations over all takes."""
    arousal_error: float
    inside_share: float
    """Of the measures of music, those inside the ranges of real pieces."""
    good_ending: float
    log_likelihood_per_note: float


LESS_IS_BETTER = frozenset(("valence_error", "arousal_error"))


def measure_ranking(studio: Studio, extent: Extent, progress: Progress) -> Finding:
    """Compose several takes of some cues; compare the first with the mean of all."""
    asked = [CORNERS[index % len(CORNERS)] for index in range(extent.ranked_cues)]
    commissions = [
        Commission(
            trial_sheet(extent.grid_s, flat(*emotion)), FIRST_SEED + index, extent.ranked_takes
        )
        for index, emotion in enumerate(asked)
    ]
    takes = studio.compose(commissions, progress, "composing cues in many takes")
    measured = _all_measured(asked, takes, extent.grid_s)
    rows, facts = [], {}
    for name in _Measured.__slots__:
        table = np.array([[getattr(one, name) for one in cue] for cue in measured])
        sign = -1 if name in LESS_IS_BETTER else 1
        gains = sign * (table[:, 0] - table.mean(axis=1))
        low, high = interval_of_mean(gains)
        facts[name] = {
            "first": table[:, 0].mean(),
            "any": table.mean(),
            "gain_95": (low, high),
            "best": (table.max(axis=1) if sign > 0 else table.min(axis=1)).mean(),
        }
        rows.append(
            Row(
                f"ranking: {name.replace('_', ' ')}, first of {extent.ranked_takes} against any",
                f"{table[:, 0].mean():.2f} against {table.mean():.2f}; gain {gains.mean():+.2f} "
                f"({low:+.2f} to {high:+.2f}) over {len(table)} cues",
                "no loss, within 95 %",
                bool(high >= 0),
            )
        )
    return Finding("ranking", tuple(rows), facts)


def _all_measured(
    asked: Sequence[tuple[float, float]], takes: Sequence[tuple[Composed, ...]], length_s: float
) -> list[list[_Measured]]:
    judge = EmotionJudge.shipped()
    judged = np.array(
        [[judge.of_score(one.score) or judge.intercept for one in cue] for cue in takes]
    )
    centre, spread = judged.mean(axis=(0, 1)), judged.std(axis=(0, 1)).clip(min=1e-9)
    wanted = np.array(asked)
    wanted = (wanted - wanted.mean(axis=0)) / wanted.std(axis=0).clip(min=1e-9)
    errors = abs((judged - centre) / spread - wanted[:, None, :])
    return [
        [_measured(one, errors[cue, number], length_s) for number, one in enumerate(row)]
        for cue, row in enumerate(takes)
    ]


def _measured(
    composed: Composed, errors: np.ndarray[tuple[int], np.dtype[np.float64]], length_s: float
) -> _Measured:
    ending = ending_of(SoundingNotes.of(composed.score), length_s)
    likelihood = dict(composed.take.measures).get("log_likelihood_per_note", float("nan"))
    return _Measured(
        float(errors[0]),
        float(errors[1]),
        inside_share(composed.score, length_s),
        float(ending is not None and ending.is_good),
        likelihood,
    )
