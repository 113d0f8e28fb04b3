"""How the judge of proposed changes is fitted."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from tests.films import draw_film

pytest.importorskip("torch")

from emsync.picture import BoundaryKind
from emsync_server.models import MODELS_FOLDER, file_sha256
from emsync_server.spotting.evidence import CUT_EVIDENCE, GRADUAL_EVIDENCE
from emsync_server.spotting.judging import Proposal, shipped_judge
from emsync_training.commands import main
from emsync_training.shots.judging import (
    fit_judge,
    fit_second,
    fit_sum,
    halves,
    is_true,
    proposals_in,
    write_judge,
)
from emsync_training.shots.montage import Montage, Plan, make_montage, plain_plan
from emsync_training.shots.network import ShotNetwork
from emsync_training.shots.pans import Seams, fit_seam, measure_seam


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
    write_judge(fit_judge(told), tmp_path / "shots_judge.json")
    judge = shipped_judge(tmp_path)
    assert judge.cut != shipped_judge(MODELS_FOLDER).cut
    assert len(judge.gradual.weight) == len(GRADUAL_EVIDENCE)
    assert judge.seam.of((9.0, -9.0, 0.0)) > 0  # nothing was learned of seams


def told_of(kind: BoundaryKind, second: float, *, true: bool):
    names = CUT_EVIDENCE if kind is BoundaryKind.CUT else GRADUAL_EVIDENCE
    return Proposal(20, 30, kind, (0.0,) * len(names), second=second), true


def test_what_a_second_look_is_worth_is_learned_where_there_is_something_to_learn():
    random = np.random.default_rng(5)
    told = [
        told_of(kind, float(random.normal(3 * true, 1)), true=bool(true))
        for kind in (BoundaryKind.DISSOLVE, BoundaryKind.FADE)
        for true in random.integers(0, 2, 60)
    ]
    weighs = fit_second(told, shipped_judge()).second
    assert weighs.of((4.0,)) > 1 > -1 > weighs.of((-2.0,))
    assert weighs.of((1.5,)) == pytest.approx(0, abs=0.5)
    all_true = [told_of(BoundaryKind.FADE, 1.0, true=True)] * 5
    untold = fit_second(all_true, shipped_judge()).second
    assert untold.of((0.7,)) == pytest.approx(0.7)


def test_a_fade_at_the_end_of_a_film_is_nothing_to_learn_from():
    count = 40
    montage = Montage(
        np.zeros((count, 36, 64, 3), np.uint8), np.zeros(count, bool), np.zeros(count, np.int8),
        np.zeros(count, np.float32),
    )  # fmt: skip
    at_the_end = Proposal(30, count - 1, BoundaryKind.FADE, ())
    assert is_true(at_the_end, montage) is None
    assert is_true(Proposal(20, 30, BoundaryKind.FADE, ()), montage) is False


def short_plan(_: np.random.Generator) -> Plan:
    return Plan(lengths=(20,) * 7, gradual_share=0.5, disturbed_share=0.0, drawn_share=0.0,
                plain=True, frames=300)  # fmt: skip


@pytest.mark.slow
@pytest.mark.training
def test_the_judge_is_fitted_by_its_command(tmp_path, capsys, monkeypatch):
    for module, which in (("judging", "plain_plan"), ("learning", "any_plan")):
        monkeypatch.setattr(f"emsync_training.shots.{module}.{which}", short_plan)
    monkeypatch.setattr("emsync_training.shots.learning.CROPS", 4)
    films = tmp_path / "films"
    films.mkdir()
    for index in range(4):
        draw_film(films / f"{'ab'[index % 2]}{index}.mp4", seconds=6.0, cuts_s=(1.5, 3.0, 4.5),
                  sound=False)  # fmt: skip
    cuts = {f"{'ab'[index % 2]}{index}.mp4": {"cuts": [36, 72, 108], "gradual": [], "ignore": []}
            for index in range(4)}  # fmt: skip
    (films / "truth.json").write_text(json.dumps({"clips": cuts}))
    options = ["--half", "a", "--learn", "1", "--steps", "60", "--montages", "1"]
    paths = ["--clips", str(films), "--work", str(tmp_path / "work")]
    main(["shots-judge", *paths, *options, "--out", str(tmp_path / "shots_judge.json")])
    assert "proposals" in capsys.readouterr().out
    assert shipped_judge(tmp_path).cut != shipped_judge().cut
    kept = [tmp_path / "work" / half / "shots.pt" for half in ("first-half", "second-half")]
    assert all(path.stat().st_size > 100_000 for path in kept)


def test_where_nothing_is_wrong_nothing_is_fitted():
    cuts = [told_of(BoundaryKind.CUT, 0.0, true=True)] * 3
    with pytest.raises(SystemExit, match=r"3 proposals \(cut\) 3 are true"):
        fit_judge(cuts)


def test_a_seam_is_weighed_so_that_hardly_a_slide_is_lost():
    rng = np.random.default_rng(2)
    is_slide = np.arange(400) % 2 == 0
    evidence = rng.normal(0, 0.5, (400, 3)) + is_slide[:, None] * (0.2, 2.0, 0.5)
    fitted_on, held_out = (Seams(evidence[half], is_slide[half])
                           for half in (slice(0, 200), slice(200, 400)))  # fmt: skip
    found = measure_seam(fit_seam(fitted_on), held_out)
    assert (found.pans, found.slides) == (100, 100)
    assert found.pans_left < 50
    assert found.slides_lost < 10


def test_without_a_pan_nothing_is_learned_of_seams():
    with pytest.raises(SystemExit, match="No pan or no slide"):
        fit_seam(Seams(np.zeros((3, 3)), np.ones(3, bool)))


@pytest.mark.slow
@pytest.mark.training
def test_what_tells_a_push_from_a_pan_is_fitted_by_its_command(tmp_path, capsys):
    films, stills, folder = (tmp_path / name for name in ("films", "stills", "judge"))
    for each in (films, stills, folder):
        each.mkdir()
    for index in range(4):
        draw_film(films / f"{index}.mp4", seconds=6.0, cuts_s=(3.0,), sound=False)
    (films / "truth.json").write_text(json.dumps({"clips": {}}))
    for seed in range(8):
        rough = np.random.default_rng(seed).integers(0, 255, (12, 15, 3)).astype(np.float32)
        picture = cv2.resize(rough, (500, 400), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(stills / f"{seed}.jpg"), picture.clip(0, 255))
    shutil.copy(MODELS_FOLDER / "registry.json", folder)
    write_judge(shipped_judge(), folder / "shots_judge.json")
    paths = ["--clips", str(films), "--stills", str(stills), "--work", str(tmp_path / "work")]
    main(["shots-seam", *paths, "--count", "12", "--judge", str(folder)])
    assert "held out: SeamFigures" in capsys.readouterr().out
    again = shipped_judge(folder)
    listed = json.loads((folder / "registry.json").read_text())["shots"]["files"]
    assert listed["shots_judge.json"] == file_sha256(folder / "shots_judge.json")
    assert again.seam != shipped_judge().seam
    assert again.gradual == shipped_judge().gradual
