"""Which of the changes that the shot network proposes are told.

The network has learned from few films and takes some of what moves in others for a transition. A
weighted sum of what was measured (`evidence.py`) decides therefore. Its weights were fitted on
proposals in films that the proposing network had not seen (`emsync_training.shots.judging`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync.picture import BoundaryKind
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.changes import (
    CUT,
    FIRST_KIND,
    INSIDE,
    KINDS,
    SeenChange,
    peaks,
    probability,
    runs,
)
from emsync_server.spotting.evidence import (
    CUT_EVIDENCE,
    GRADUAL_EVIDENCE,
    Stretch,
    of_cut,
    of_gradual,
)
from emsync_server.spotting.seams import SEAM_EVIDENCE
from emsync_server.spotting.second_look import SECOND_EVIDENCE

__all__ = [
    "CUT_APART",
    "LEAST_CUT",
    "LEAST_DOUBTED",
    "LEAST_INSIDE",
    "MOST_DOUBTED",
    "Judge",
    "Proposal",
    "Sum",
    "parts_of",
    "proposed",
    "shipped_judge",
]

LEAST_CUT, LEAST_INSIDE = 0.6, 0.3
"""Probabilities from which on the network proposes a cut, and a frame of a gradual change."""
CUT_APART = 2
"""Frames: of two cuts nearer than this the likelier is proposed."""
FEWEST_FRAMES = 2
"""A gradual change lasts this long at least."""
BESIDE = 1
"""Frames. A cut this near to where a picture that stood still becomes another is that one."""
AN_EDGE = 0.8
"""Share of the differences between the times at which blocks change that a moving edge explains."""
AT_ONCE, ONE_BY_ONE = 0.05, 0.2
"""How far apart in the change the blocks are: in dissolves 0.04 at most where an edge would explain
it, in wipes 0.26 at least (192 told changes of montages)."""
EMPTIES = 0.4
"""Share of the lesser contrast at a change's ends. Where the picture between them has less, it goes
dark or even there."""
ANOTHER = 0.3
"""Newness of what comes after a change. What dims and brightens has less."""
EVIDENT = 1.1
"""Logit, a probability of 0.75: of what a plain rule has told."""
MOST_UNUSUAL = 4.0
"""Deviations. What is measured counts no further from its mean."""
PANNED = -4.0
"""Logit, of what a moving camera explains."""
LEAST_DOUBTED, MOST_DOUBTED = -1.5, 1.0
"""Scores between which a dissolve or a fade is in doubt. Of cuts and wipes a second look knows no
better than the first."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change, perhaps. Frames counted in its stretch; `first` and `last` show it."""

    first: int
    last: int
    kind: BoundaryKind
    evidence: tuple[float, ...]
    evident: bool = False
    """A cut that a plain rule has already told (`steps.py`)."""
    second: float | None = None
    """What a second look at it told, where one was taken (`second_look.py`): a logit."""
    seam: tuple[float, ...] | None = None
    """What tells a push from a pan, where that was measured (`seams.py`)."""
    part: bool = False
    """A part of another one, which the judge does not tell."""

    @property
    def frame(self) -> int:
        """A cut's first frame; the middle of a gradual change."""
        return (self.first + self.last + 1) // 2


def proposed(
    film: Stretch,
    first: int,
    end: int,
    stood_still: Mapping[int, bool],
    flash_frames: int,
    *,
    least_cut: float = LEAST_CUT,
) -> list[Proposal]:
    """What may change from frame `first` on and before `end`, cuts first.

    `stood_still`: where one picture that stands still follows another, and whether it surely is
    another. `least_cut`: how likely the network must think a cut.
    """
    answers = film.answers
    still = {frame for frame in stood_still if first <= frame < end}
    cuts = {
        frame
        for frame in peaks(probability(answers[:, CUT]), least_cut, CUT_APART)
        if first <= frame < end and frame
    }
    alone = {frame for frame in still if not any(abs(frame - cut) <= BESIDE for cut in cuts)}
    found = [
        Proposal(frame, frame, BoundaryKind.CUT, tuple(of_cut(
            film, frame, flash_frames,
            stood_still=any(abs(frame - each) <= BESIDE for each in still),
        )), evident=any(stood_still[each] and abs(frame - each) <= BESIDE for each in still))
        for frame in sorted(cuts | alone)
    ]  # fmt: skip
    for start, stop in runs(probability(answers[:, INSIDE]) > LEAST_INSIDE):
        if stop - start >= FEWEST_FRAMES and first <= start < end:
            found.append(_gradual(film, start, stop))
    return found


def parts_of(film: Stretch, whole: Proposal) -> list[Proposal]:
    """Where another picture comes by way of a dark or even one: the change up to there, and the one
    from there on. The old shot may have gone dark of itself before a wipe brought the new one."""
    if whole.kind is BoundaryKind.CUT:
        return []
    if dict(zip(GRADUAL_EVIDENCE, whole.evidence, strict=True))["newness"] < ANOTHER:
        return []
    shown = range(whole.first - 1, whole.last + 2)
    contrasts = [float(film.at(frame)[0].std()) for frame in shown]
    emptiest = int(np.argmin(contrasts))
    if contrasts[emptiest] >= EMPTIES * min(contrasts[0], contrasts[-1]):
        return []
    between = shown[emptiest]
    parts = [
        _gradual(film, start, stop)
        for start, stop in ((whole.first, between), (between + 1, whole.last + 1))
        if stop - start >= FEWEST_FRAMES
    ]
    return [
        # Half a fade tells all of it.
        replace(each, part=True, first=whole.first, last=whole.last)
        if each.kind is BoundaryKind.FADE
        else replace(each, part=True)
        for each in parts
    ]


def _gradual(film: Stretch, start: int, stop: int) -> Proposal:
    """A gradual change that the frames from `start` on and before `stop` show."""
    measured = tuple(of_gradual(film, start, stop - 1))
    return Proposal(start, stop - 1, _kind(film.answers[start:stop], measured), measured)


def _kind(said: NDArray[np.float32], measured: tuple[float, ...]) -> BoundaryKind:
    """What the network takes it for, unless the blocks plainly change in the order of an edge that
    passes over them, or all at once."""
    kind = KINDS[int(said[:, FIRST_KIND:].sum(axis=0).argmax())]
    evidence = dict(zip(GRADUAL_EVIDENCE, measured, strict=True))
    if kind is BoundaryKind.DISSOLVE and evidence["one_plane"] > AN_EDGE:
        return BoundaryKind.WIPE if evidence["apart"] > ONE_BY_ONE else kind
    if kind is BoundaryKind.WIPE and evidence["apart"] < AT_ONCE:
        return BoundaryKind.DISSOLVE
    return kind


@dataclass(frozen=True, slots=True)
class Sum:
    """A weighted sum of measures, above 0 when a change is likelier than not."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    weight: tuple[float, ...]
    bias: float

    def of(self, evidence: tuple[float, ...]) -> float:
        """A logit."""
        return float(self.seen(np.array([evidence]))[0] @ np.array(self.weight)) + self.bias

    def seen(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Measures in deviations from their mean. evidence: (N, M) · returns (N, M)"""
        unusual = (evidence - np.array(self.mean)) / np.array(self.deviation)
        return np.asarray(unusual.clip(-MOST_UNUSUAL, MOST_UNUSUAL))


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides."""

    cut: Sum
    gradual: Sum
    second: Sum
    """Of what a second look told: it takes the place of the score that was in doubt."""
    seam: Sum
    """Below 0 a moving camera explains what is shown: that is no change."""

    def is_in_doubt(self, proposal: Proposal) -> bool:
        """Whether a second look at it is worth its while."""
        is_mixture = proposal.kind in (BoundaryKind.DISSOLVE, BoundaryKind.FADE)
        return is_mixture and LEAST_DOUBTED < self.score(proposal) < MOST_DOUBTED

    def may_be_pan(self, proposal: Proposal) -> bool:
        """Whether a seam is worth looking for."""
        return proposal.kind is BoundaryKind.WIPE and self.score(proposal) > 0

    def told(self, proposals: Iterable[Proposal]) -> list[SeenChange]:
        """The likely ones, in order; of a cut within a gradual change and that change, the
        likelier."""
        scores = [(self.score(each), each) for each in proposals]
        told: list[tuple[float, Proposal]] = []
        for score, each in sorted(scores, key=lambda pair: -pair[0]):
            if score > 0 and not any(_overlap(each, other) for _, other in told):
                told.append((score, each))
        return sorted(
            (
                SeenChange(each.frame, each.kind, _share(score), each.first, each.last)
                for score, each in told
            ),
            key=lambda change: change.frame,
        )

    def score(self, proposal: Proposal) -> float:
        """A logit, by a second look where one was taken."""
        if proposal.second is not None:
            return self.second.of((proposal.second,))
        weighs = self.cut if proposal.kind is BoundaryKind.CUT else self.gradual
        score = weighs.of(proposal.evidence)
        if proposal.seam is not None:
            score = min(score, PANNED) if self.seam.of(proposal.seam) < 0 else score
        return max(score, EVIDENT) if proposal.evident else score


def shipped_judge(folder: Path = MODELS_FOLDER) -> Judge:
    """The judge that emsync brings."""
    told = json.loads((folder / "shots_judge.json").read_text(encoding="utf-8"))
    return Judge(
        _sum_of(told["cut"], CUT_EVIDENCE),
        _sum_of(told["gradual"], GRADUAL_EVIDENCE),
        _sum_of(told["second"], SECOND_EVIDENCE),
        _sum_of(told["seam"], SEAM_EVIDENCE),
    )


def _sum_of(told: Mapping[str, Any], names: tuple[str, ...]) -> Sum:
    rows = told["measures"]
    assert tuple(rows) == names, f"{tuple(rows)}, not {names}"
    mean, deviation, weight = (tuple(column) for column in zip(*rows.values(), strict=True))
    return Sum(mean, deviation, weight, told["bias"])


def _overlap(one: Proposal, other: Proposal) -> bool:
    """Two cuts never do: they were kept apart when they were proposed."""
    if one.kind is other.kind is BoundaryKind.CUT:
        return False
    return one.first <= other.last + 1 and other.first <= one.last + 1


def _share(logit: float) -> float:
    return float(probability(np.array(logit, np.float32)))
