"""How the judge of proposed changes is fitted: on proposals in films that the proposer never saw.

The films are parted in two. A network that learned from one part proposes changes in montages of
the other; what is true there is known. Were the network to propose where it has learned, its own
answers would seem surer than they are in any other film, and nothing else would be weighed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from emsync_server.spotting.judging import Proposal, Sum
from emsync_server.spotting.shots import ShotFinder
from emsync_training.shots.footage import STILL, Pictures
from emsync_training.shots.montage import Montage, make_montage, plain_plan
from emsync_training.shots.network import ShotNetwork

RATES = (24, 25, 30, 60)
LEAST_CUT = 0.1
"""So that there are wrong proposals enough to fit on; of the likely ones hardly any is."""
NEAR = 1
"""Frames. A proposal this near to a cut is that cut."""
STEPS, LEARNING_RATE = 600, 0.03
DECAY = {"cut": 0.005, "gradual": 0.05}
NOISE = 0.05  # deviations

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


def proposals_in(shots: Shots, network: ShotNetwork, *, count: int, seed: int) -> list[Told]:
    """What a network proposes in so many plain montages of these shots, and whether it is true.
    Shots of stills are left out; what is neither true nor wrong is, too."""
    films = [each for each in shots if not each[0].startswith(STILL)]
    told: list[Told] = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        montage = make_montage(films, plain_plan(rng), rng)
        finder: Any = ShotFinder(
            TorchNetwork(network),  # type: ignore[arg-type]  # runs as one
            rate=Fraction(int(rng.choice(RATES))),
            least_cut=LEAST_CUT,
        )
        for picture in np.ascontiguousarray(np.moveaxis(montage.pictures, -1, 1)):
            finder.see(None, SmallPicture(picture))
        for each in finder.proposals():
            true = _is_true(each, montage)
            if true is not None:
                told.append((each, true))
    return told


def _is_true(proposal: Proposal, montage: Montage) -> bool | None:
    """None where a cut is proposed within a gradual change, or one of these where a cut is."""
    frame = proposal.frame
    cut = bool(montage.cut[max(0, frame - NEAR) : frame + NEAR + 1].any())
    gradual = any(first - NEAR <= frame < end + NEAR for first, end in runs(montage.gradual > 0))
    if proposal.kind is BoundaryKind.CUT:
        return True if cut else None if gradual else False
    return True if gradual else None if cut else False


def fit_judge(told: Sequence[Told], path: Path) -> None:
    """Fit both sums and write them."""
    sums = {}
    for which, names in (("cut", CUT_EVIDENCE), ("gradual", GRADUAL_EVIDENCE)):
        of_kind = [pair for pair in told if (pair[0].kind is BoundaryKind.CUT) == (which == "cut")]
        evidence = np.array([proposal.evidence for proposal, _ in of_kind])
        true = np.array([true for _, true in of_kind])
        fitted = fit_sum(evidence, true, DECAY[which])
        rows = zip(fitted.mean, fitted.deviation, fitted.weight, strict=True)
        sums[which] = {
            "bias": round(fitted.bias, 4),
            "measures": {
                name: [round(value, 4) for value in row]
                for name, row in zip(names, rows, strict=True)
            },
        }
        print(f"{which}: {len(true)} proposals, {int(true.sum())} true")
    path.write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def fit_sum(evidence: NDArray[np.float64], true: NDArray[np.bool_], decay: float) -> Sum:
    """Logistic regression. evidence: (N, M) · true: (N,)"""
    torch.manual_seed(0)
    mean, deviation = evidence.mean(axis=0), evidence.std(axis=0) + 1e-3
    blank = Sum(tuple(mean.tolist()), tuple(deviation.tolist()), (), 0.0)
    seen = torch.tensor(blank.seen(evidence), dtype=torch.float32)
    truth = torch.tensor(true, dtype=torch.float32)
    layer = torch.nn.Linear(seen.shape[1], 1)
    descent = torch.optim.AdamW(layer.parameters(), LEARNING_RATE, weight_decay=decay)
    plan = torch.optim.lr_scheduler.OneCycleLR(descent, LEARNING_RATE, total_steps=STEPS)
    for _ in range(STEPS):
        answers = layer(seen + torch.randn_like(seen) * NOISE)[:, 0]
        loss = functional.binary_cross_entropy_with_logits(answers, truth)
        descent.zero_grad()
        loss.backward()
        descent.step()
        plan.step()
    return Sum(blank.mean, blank.deviation, tuple(layer.weight[0].tolist()), layer.bias.item())
