"""How the judge of proposed changes is fitted."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from emsync.picture import BoundaryKind
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.evidence import CUT_EVIDENCE, GRADUAL_EVIDENCE
from emsync_server.spotting.judging import Proposal, shipped_judge
from emsync_training.shots.judging import fit_judge, fit_sum, halves, proposals_in
from emsync_training.shots.montage import Plan, make_montage, plain_plan
from emsync_training.shots.network import ShotNetwork


def shots(count: int = 4, frames: int = 40) -> list[tuple[str, np.ndarray]]:
    random = np.random.default_rng(3)
    return [
        (f"film-{index}", np.repeat(random.integers(20, 235, (1, 72, 128, 3), np.uint8), frames, 0))
        for index in range(count)
    ]


def test_a_fitted_sum_tells_apart_what_it_was_fitted_on():
    random = np.random.default_rng(1)
    true = random.random(400) < 0.5
    evidence = random.normal(0, 1, (400, 3))
    evidence[:, 1] = 5 + 2 * true + random.normal(0, 0.3, 400)
    fitted = fit_sum(evidence, true, decay=0.005)
    said = np.array([fitted.of(tuple(row)) > 0 for row in evidence])
    assert (said == true).mean() > 0.97
    assert abs(fitted.weight[1]) > 5 * max(abs(fitted.weight[0]), abs(fitted.weight[2]))


def test_films_are_parted_by_how_their_names_begin():
    films = ["asl_a", "tos", "asl_b", "bbb"]
    (_, own, other), (_, other_again, own_again) = halves(films, ("asl",))
    assert (own, other) == (["asl_a", "asl_b"], ["tos", "bbb"])
    assert (own_again, other_again) == (own, other)
    with pytest.raises(SystemExit, match="Every film or none"):
        halves(films, ("x",))


def test_a_plain_montage_shows_shots_as_they_are():
    rng = np.random.default_rng(2)
    plan = Plan(lengths=(20,) * 7, gradual_share=0.0, disturbed_share=0.0, drawn_share=0.0,
                plain=True, frames=100)  # fmt: skip
    montage = make_montage(shots(), plan, rng)
    assert plain_plan(rng).plain
    assert montage.cut.sum() == len(montage.pictures) // 20 - 1
    assert montage.pictures.std(axis=(1, 2, 3)).min() > 5


def test_a_network_that_learned_nothing_is_told_what_is_true():
    told = proposals_in(shots(), ShotNetwork(), count=1, seed=5)
    assert all(isinstance(true, bool) for _, true in told)
    assert {len(each.evidence) for each, _ in told} <= {len(CUT_EVIDENCE), len(GRADUAL_EVIDENCE)}


def test_a_fitted_judge_is_written_as_the_server_reads_it(tmp_path):
    random = np.random.default_rng(4)
    told = [
        (Proposal(0, 0, kind, tuple(random.normal(true, 1, len(names)).tolist())), bool(true))
        for kind, names in (
            (BoundaryKind.CUT, CUT_EVIDENCE),
            (BoundaryKind.WIPE, GRADUAL_EVIDENCE),
        )
        for true in random.integers(0, 2, 60)
    ]
    fit_judge(told, tmp_path / "shots_judge.json")
    judge = shipped_judge(tmp_path)
    assert judge.cut != shipped_judge(MODELS_FOLDER).cut
    assert len(judge.gradual.weight) == len(GRADUAL_EVIDENCE)
