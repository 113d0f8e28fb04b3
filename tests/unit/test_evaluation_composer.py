"""The evaluation of the composer: its measures on constructed truths, and a whole small run."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.tiny_composer import tiny_composer

from emsync.errors import JobCancelledError
from emsync_server.composition.composing import planned
from emsync_server.evaluation.composer import (
    FACTS,
    QUICK,
    TABLE,
    Experiment,
    evaluate_composer,
    markdown,
)
from emsync_server.evaluation.composer.boundaries import _plan, moved_by_beats
from emsync_server.evaluation.composer.findings import Row, plain
from emsync_server.evaluation.composer.gallery_cues import EKMAN, exhibits, stretched
from emsync_server.evaluation.composer.long_form import ThirdsCompared, drift_row
from emsync_server.evaluation.composer.obedience import _compared
from emsync_server.evaluation.composer.statistics import (
    correlation,
    lagged_correlation,
    spearman,
)
from emsync_server.evaluation.composer.studio import Commission, Studio
from emsync_server.evaluation.composer.trial_cues import flat, trial_sheet, with_heard_hits
from emsync_server.progress import ProgressSink, silent_progress

TINY = replace(
    QUICK,
    levels=(-0.8, 0.8),
    grid_s=6.0,
    curves=1,
    curve_s=16.0,
    plans=2,
    plan_s=14.0,
    style_s=8.0,
    obedience_cues=1,
    obedience_s=10.0,
    ranked_takes=2,
    long_cues=2,
    long_s=20.0,
)


def test_a_rank_correlation_knows_order_alone_and_its_control_is_near_zero():
    rng = np.random.default_rng(0)
    asked = rng.uniform(-1, 1, 200)
    found = correlation(asked, np.exp(3 * asked))
    assert found.rho == pytest.approx(1)
    assert abs(found.shuffled_mean) < 0.02
    assert found.shuffled_95 < 0.2
    assert spearman(asked, np.ones(200)) == 0
    assert spearman(np.array([1, 2, 2, 3.0]), np.array([3, 2, 2, 1.0])) == pytest.approx(-1)


def test_a_measure_drifts_where_most_cues_leave_their_first_third_on_one_side():
    above, inside, below = (ThirdsCompared(0.2, 0.4, last) for last in (0.5, 0.3, 0.1))
    assert [one.side for one in (above, inside, below)] == [1, 0, -1]
    steady = drift_row([{"a": above, "b": above}, {"a": below, "b": inside}, {"a": inside}], 600)
    assert steady.met and steady.figure == "2 of 2 (cue by cue 0 of 2, 1 of 2, 1 of 1)"
    drifts = drift_row([{"a": above, "b": above}, {"a": above, "b": inside}, {"a": inside}], 600)
    assert not drifts.met and drifts.figure.endswith("; drifting: a")


def test_a_late_answer_correlates_at_its_lag():
    asked = np.sin(np.arange(40) / 3)
    found = np.roll(asked, 2)
    by_lag = lagged_correlation([(asked, found)], 4)
    assert max(by_lag, key=lambda lag: by_lag[lag][0]) == 2
    assert by_lag[2][0] > 0.99


def test_accents_on_every_hit_are_no_chance_and_accents_on_every_beat_are():
    beats = [np.arange(4.0, 20.0, 0.5)] * 30
    rng = np.random.default_rng(1)
    hits = [np.sort(rng.choice(32, 3, replace=False)) for _ in beats]
    on_hits = [one[at] for one, at in zip(beats, hits, strict=True)]
    downbeats = [one[::4] for one in beats]
    assert moved_by_beats(beats, hits, on_hits).kappa > 0.95
    assert moved_by_beats(beats, hits, beats).kappa == pytest.approx(0)
    assert abs(moved_by_beats(beats, hits, downbeats).kappa) < 0.2


def test_chords_at_hits_are_compared_cue_by_cue():
    rng = np.random.default_rng(2)
    others = rng.uniform(3, 5, 40)
    dearer = _compared("chords", list(zip(others + 1.0, others, strict=True)))
    alike = _compared("chords", list(zip(others + rng.normal(0, 0.3, 40), others, strict=True)))
    assert (dearer.met, alike.met) == (False, True)
    assert "+1.00" in dearer.figure
    assert _compared("chords", [(None, 2.0)]).met is None


def test_told_elsewhere_is_a_move_of_all_hits_that_chance_has_too():
    tempo = _tempo_of(trial_sheet(24, flat(0, 0)))
    moves = set()
    for seed in range(40):
        plan = _plan(tempo, seed)
        beats = len(plan.beats_s)
        of_hits = {tuple(np.sort((plan.hits + move) % beats)): move for move in range(beats)}
        moves.add(of_hits[tuple(plan.elsewhere)])
    assert 0 not in moves and len(moves) > 10


def _tempo_of(sheet):
    return planned(sheet.cues[0], 0)[0].tempo_map


def test_hits_that_are_only_heard_are_exact_and_not_locked():
    sheet = with_heard_hits(trial_sheet(10, flat(0, 0)), [Fraction(10, 3)])
    (hit,) = sheet.cues[0].hits
    assert not hit.locked
    assert abs(hit.time.seconds - Fraction(10, 3)) < Fraction(1, 10**9)


def test_another_first_seed_is_other_music_for_the_same_question():
    asked = [Commission(trial_sheet(8, flat(0, 0)), 3)]

    def notes(first_seed):
        studio = Studio(tiny_composer(), first_seed=first_seed)
        ((one,),) = studio.compose(asked, silent_progress(), "composing")
        return one.score.parts

    assert notes(0) == notes(0)
    assert notes(0) != notes(1)


def test_ekman_emotions_are_stretched_as_published():
    points = stretched(EKMAN)
    assert points["joy"] == pytest.approx((0.8, 0.4766), abs=1e-4)
    assert np.mean(list(points.values()), axis=0) == pytest.approx((-0.3010, 0.3461), abs=1e-4)


def test_the_gallery_has_a_dozen_cues_of_different_names():
    keys = [one.key for one in exhibits(whole=True)]
    assert len(set(keys)) == len(keys) == 12
    assert max(float(e.sheet.cues[0].range.duration.seconds) for e in exhibits(whole=True)) == 600


def test_what_is_not_finite_is_null_in_json():
    assert plain({"a": (float("nan"), np.float64(0.5), np.arange(2))}) == {"a": [None, 0.5, [0, 1]]}


def test_a_bar_in_a_cell_does_not_end_it():
    table = markdown([Row("|ρ|", "0.1", "< 0.2", True)])
    assert "\\|ρ\\|" in table and table.rstrip().endswith("yes |")


def test_a_small_evaluation_leaves_table_facts_and_gallery(tmp_path):
    rows = evaluate_composer(
        tmp_path, silent_progress(), extent=TINY, composer=tiny_composer(), sound=False
    )
    claims = " ".join(row.claim for row in rows)
    for word in ("emotion", "boundaries", "locked hits", "plausibility", "endings", "long form",
                 "obedience", "ranking"):  # fmt: skip
        assert word in claims
    assert next(row for row in rows if row.claim.startswith("locked hits")).met
    facts = json.loads((tmp_path / FACTS).read_text())
    assert facts["weights"] == "tiny seed 0"
    assert (tmp_path / TABLE).read_text().count("\n") == len(rows) + 2
    page = (tmp_path / "gallery/index.html").read_text()
    assert "{{" not in page and "anger.png" in page
    assert (tmp_path / "gallery/anger.png").is_file() and (tmp_path / "scores/long.mid").is_file()


def test_one_experiment_alone_is_measured(tmp_path):
    rows = evaluate_composer(
        tmp_path,
        silent_progress(),
        extent=TINY,
        composer=tiny_composer(),
        only={Experiment.OBEDIENCE},
    )
    assert rows and all(row.claim.startswith(("obedience", "locked hits")) for row in rows)
    assert json.loads((tmp_path / FACTS).read_text())["only"] == ["obedience"]
    assert not (tmp_path / "gallery").exists()


def test_cancelling_an_evaluation_leaves_nothing(tmp_path):
    progress = ProgressSink(lambda fraction, note: None)
    progress.cancelled.set()
    with pytest.raises(JobCancelledError):
        evaluate_composer(tmp_path / "out", progress, extent=TINY, composer=tiny_composer())
    assert not list((tmp_path / "out").glob("*"))
