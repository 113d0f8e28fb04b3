"""How the judge of proposed changes is fitted: on proposals in films that the proposer never saw.

The films are parted in two. A network that learned from one part proposes changes in montages of
the other; what is true there is known. Were the network to propose where it has learned, its own
answers would seem surer than they are in any other film, and nothing else would be weighed. What a
second look tells is weighed on those proposals of which the judge is then in doubt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from emsync.picture import BoundaryKind
from emsync_server.media.small_picture import SmallPicture
from emsync_server.spotting.changes import runs
from emsync_server.spotting.evidence import CUT_EVIDENCE, GRADUAL_EVIDENCE
from emsync_server.spotting.judging import Judge, Proposal, Sum
from emsync_server.spotting.seams import SEAM_EVIDENCE
from emsync_server.spotting.second_look import SECOND_EVIDENCE, SecondLook
from emsync_server.spotting.shots import ShotFinder
from emsync_training.registering import rehash
from emsync_training.shots.footage import STILL, Pictures
from emsync_training.shots.montage import Montage, make_montage, plain_plan
from emsync_training.shots.network import ShotNetwork

RATES = (24, 25, 30, 60)
LEAST_CUT = 0.1
"""So that there are wrong proposals enough to fit on; of the likely ones hardly any is."""
NEAR = 1
"""Frames. A proposal this near to a cut is that cut."""
EDGE = 2
"""Frames. So near to its ends a film fades in or out."""
STEPS, LEARNING_RATE = 600, 0.03
DECAY = {"cut": 0.005, "gradual": 0.05}
SECOND_DECAY = 0.05
NOISE = 0.05  # deviations
AS_SEEN = Sum((0.0,), (1.0,), (1.0,), 0.0)
"""Where nothing is learned of second looks they are believed as they are."""

ALWAYS = Sum((0.0,) * 3, (1.0,) * 3, (0.0,) * 3, 1.0)
"""Where nothing is learned of seams each push is one."""

Shots = Sequence[tuple[str, Pictures]]
Told = tuple[Proposal, bool]


class TorchNetwork:
    """A network in training, in place of the one that is shipped."""

    def __init__(self, network: ShotNetwork) -> None:
        self._network = network.eval()

    def run(self, inputs: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """As `emsync_server.inference.network.Network.run`."""
        with torch.no_grad():
            return {"answers": self._network(torch.from_numpy(inputs["traces"])).numpy()}


def halves(films: Sequence[str], starts: tuple[str, ...]) -> list[tuple[str, list[str], list[str]]]:
    """Each half of the films with a name, its films, and those of the other half."""
    first = [film for film in films if film.startswith(starts)]
    second = [film for film in films if film not in first]
    if not first or not second:
        raise SystemExit(f"Every film or none begins with {', '.join(starts)}: name half of them.")
    return [("first-half", first, second), ("second-half", second, first)]


def proposals_in(
    shots: Shots,
    network: ShotNetwork,
    *,
    count: int,
    seed: int,
    judge: Judge | None = None,
    second: SecondLook | None = None,
) -> list[Told]:
    """What a network proposes in so many plain montages of these shots, and whether it is true;
    looked at again where the judge is in doubt, if something can. Shots of stills are left out;
    what is neither true nor wrong is, too."""
    films = [each for each in shots if not each[0].startswith(STILL)]
    told: list[Told] = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        montage = make_montage(films, plain_plan(rng), rng)
        finder: Any = ShotFinder(
            TorchNetwork(network),  # type: ignore[arg-type]  # runs as one
            judge,
            rate=Fraction(int(rng.choice(RATES))),
            least_cut=LEAST_CUT,
            second=second,
        )
        for picture in np.ascontiguousarray(np.moveaxis(montage.pictures, -1, 1)):
            finder.see(SmallPicture(picture))
        for each in finder.proposals():
            true = None if each.part else is_true(each, montage)  # parts follow from a judge
            if true is not None:
                told.append((each, true))
    return told


def is_true(proposal: Proposal, montage: Montage) -> bool | None:
    """Whether it is a change. None where a cut is proposed within a gradual change, or one of these
    where a cut is, or the film only fades in or out."""
    if proposal.kind is not BoundaryKind.CUT and (
        proposal.first < EDGE or proposal.last >= len(montage.pictures) - EDGE
    ):
        return None
    frame = proposal.frame
    cut = bool(montage.cut[max(0, frame - NEAR) : frame + NEAR + 1].any())
    gradual = any(first - NEAR <= frame < end + NEAR for first, end in runs(montage.gradual > 0))
    if proposal.kind is BoundaryKind.CUT:
        return True if cut else None if gradual else False
    return True if gradual else None if cut else False


def fit_judge(told: Sequence[Told]) -> Judge:
    """Both sums of the first look; nothing is known yet of a second, nor of seams."""
    sums = {}
    for which in DECAY:
        of_kind = [pair for pair in told if (pair[0].kind is BoundaryKind.CUT) == (which == "cut")]
        evidence = np.array([proposal.evidence for proposal, _ in of_kind])
        true = np.array([true for _, true in of_kind])
        if not 0 < true.sum() < len(true):
            raise SystemExit(
                f"Of {len(true)} proposals ({which}) {int(true.sum())} are true: nothing can be "
                "told apart by them. Let the networks learn for more steps, and propose in more "
                "montages."
            )
        sums[which] = fit_sum(evidence, true, DECAY[which])
        print(f"{which}: {len(true)} proposals, {int(true.sum())} true")
    return Judge(sums["cut"], sums["gradual"], AS_SEEN, ALWAYS)


def fit_second(told: Sequence[Told], judge: Judge) -> Judge:
    """A judge that weighs second looks, too. `told`: proposals that the judge was in doubt of. As
    many are taken to be wrong as true: how many are depends on the films and the proposer."""
    looked_at = [(proposal.second, true) for proposal, true in told if proposal.second is not None]
    table = np.array(looked_at, float).reshape(-1, 2)
    evidence, true = table[:, :1], table[:, 1] > 0
    print(f"in doubt: {len(true)} proposals, {int(true.sum())} true")
    some = 0 < true.sum() < len(true)  # else there is nothing to learn
    fitted = fit_sum(evidence, true, SECOND_DECAY, balanced=True) if some else AS_SEEN
    return replace(judge, second=fitted)


def write_judge(judge: Judge, path: Path) -> None:
    """As `shipped_judge` reads it."""
    told = {
        "cut": _told(judge.cut, CUT_EVIDENCE),
        "gradual": _told(judge.gradual, GRADUAL_EVIDENCE),
        "second": _told(judge.second, SECOND_EVIDENCE),
        "seam": _told(judge.seam, SEAM_EVIDENCE),
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    rehash(path)


def _told(fitted: Sum, names: tuple[str, ...]) -> dict[str, Any]:
    rows = zip(fitted.mean, fitted.deviation, fitted.weight, strict=True)
    return {
        "bias": round(fitted.bias, 4),
        "measures": {
            name: [round(value, 4) for value in row] for name, row in zip(names, rows, strict=True)
        },
    }


def fit_sum(
    evidence: NDArray[np.float64],
    true: NDArray[np.bool_],
    decay: float,
    *,
    balanced: bool = False,
) -> Sum:
    """Logistic regression. evidence: (N, M) · true: (N,) · `balanced`: the true ones weigh as much
    as the others in all."""
    torch.manual_seed(0)
    mean, deviation = evidence.mean(axis=0), evidence.std(axis=0) + 1e-3
    blank = Sum(tuple(mean.tolist()), tuple(deviation.tolist()), (), 0.0)
    seen = torch.tensor(blank.seen(evidence), dtype=torch.float32)
    truth = torch.tensor(true, dtype=torch.float32)
    share = truth.mean()
    weight = torch.where(truth > 0, 0.5 / share, 0.5 / (1 - share)) if balanced else None
    layer = torch.nn.Linear(seen.shape[1], 1)
    descent = torch.optim.AdamW(layer.parameters(), LEARNING_RATE, weight_decay=decay)
    plan = torch.optim.lr_scheduler.OneCycleLR(descent, LEARNING_RATE, total_steps=STEPS)
    for _ in range(STEPS):
        answers = layer(seen + torch.randn_like(seen) * NOISE)[:, 0]
        loss = functional.binary_cross_entropy_with_logits(answers, truth, weight)
        descent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()
        plan.step()
    return Sum(blank.mean, blank.deviation, tuple(layer.weight[0].tolist()), layer.bias.item())
