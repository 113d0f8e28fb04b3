"""What counting alone reaches: the estimator is a distribution, and sees what it should see."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.training

from emsync_server.composition.representation import (  # noqa: E402
    BAR_ROW,
    CONDITION_SIZE,
    PAD_ROW,
)
from emsync_training.baselines.contexts import CHAINS, FAR, START, contexts  # noqa: E402
from emsync_training.baselines.counting import Asked, Interpolated  # noqa: E402
from emsync_training.baselines.mixture import Answers, Mixture  # noqa: E402
from emsync_training.dataset import Batch  # noqa: E402


def drawn(rows, seed=0):
    """A value that mostly follows the nearer of two columns."""
    rng = np.random.default_rng(seed)
    context = rng.integers(0, 6, (rows, 2))
    value = np.where(rng.random(rows) < 0.7, context[:, 0], rng.integers(0, 8, rows))
    return context, value


@pytest.mark.parametrize("fitted", [False, True], ids=["plain", "with fitted strengths"])
@pytest.mark.parametrize("asked", [(0, 0), (3, 5), (77, 2), (0, 77)], ids=str)
def test_probabilities_of_all_values_sum_to_one(asked, fitted):
    model = Interpolated(*drawn(300), classes=9)
    if fitted:
        model.fit(*drawn(200, seed=1))
    answers = model.ask(np.tile(asked, (9, 1)), np.arange(9))
    assert answers.probability.sum() == pytest.approx(1, abs=1e-9)
    assert (answers.probability > 0).all()


def test_a_context_helps_and_an_unknown_one_falls_back():
    context, value = drawn(3000)
    model = Interpolated(context, value, classes=8)
    other, its = drawn(1000, seed=1)
    nats = -np.log(model.ask(other, its).probability).mean()
    without = -np.log(
        Interpolated(context[:, :0], value, 8).ask(other[:, :0], its).probability
    ).mean()
    assert nats < without - 0.5
    unknown = model.ask(np.array([[99, 0], [1, 99]]), np.array([1, 1]))
    assert unknown.order.tolist() == [0, 1]
    assert unknown.probability[1] > 0.5 > unknown.probability[0]


def test_counts_that_promise_too_much_are_trusted_less_after_fitting():
    rng = np.random.default_rng(0)
    piece = np.repeat(np.arange(50), 100)[
        :, None
    ]  # each piece keeps to one value, the next does not
    value = np.repeat(rng.integers(0, 8, 50), 100)
    context = piece % 5
    model = Interpolated(context, value, classes=8)
    other = (np.arange(800)[:, None] % 5, np.random.default_rng(1).integers(0, 8, 800))
    before = np.log(model.ask(*other).probability).mean()
    model.fit(*other)
    assert np.log(model.ask(*other).probability).mean() > before


def test_the_mixture_is_at_least_as_good_as_its_best_part():
    rng = np.random.default_rng(0)
    good, bad = rng.uniform(0.5, 0.9, 500), rng.uniform(0.0, 0.2, 500)
    parts = [Asked(p, np.full(500, 2), np.full(500, 9.0)) for p in (bad, good)]
    answers = Answers.of(parts)
    mixture = Mixture(2)
    mixture.fit(answers)
    with torch.no_grad():
        assert float(mixture(answers).mean()) <= -np.log(good).mean() + 0.01


def crop():
    """Two bars alike: two instruments, a chord and a note each."""
    bar = [BAR_ROW, (0, 2, 48, 7, 4), (0, 2, 52, 7, 4), (12, 0, 60, 4, 5), (24, 0, 62, 4, 6)]
    rows = np.array([[*bar, *bar, PAD_ROW]])
    steps = rows.shape[1] - 1
    return Batch(rows, np.zeros((1, steps, CONDITION_SIZE), np.float32), np.ones((1, steps), bool))


def test_contexts_are_what_they_are_called():
    columns = contexts(crop())
    note = 6  # the first of the second bar
    assert columns["position1"][note] == 96
    assert columns["before_position"][note] == 0
    assert columns["before_instrument"][note] == 2
    assert columns["before_pitch"][note : note + 4].tolist() == [48, 52, 60, 62]
    assert columns["before_length"][note : note + 4].tolist() == [7, 7, 4, 4]
    assert columns["voice_pitch"][note : note + 4].tolist() == [52, 48, 62, 60]
    assert columns["voice_pitch"][1] == START
    assert columns["voice_interval"][4] == START
    assert columns["interval"][9] == FAR + 2
    assert columns["same"][1:6].tolist() == [0, 1, 0, 0, 0]
    assert columns["chord_size"][3] == 2
    assert columns["onset2"][4] == 0
    assert columns["followed_instrument"][7] == 2
    assert columns["learned"].tolist() == [0, *[1] * 9, 0]


def test_no_context_looks_ahead():
    batch = crop()
    before = contexts(batch)
    changed = batch.events.copy()
    changed[0, 8:] = (30, 5, 90, 3, 1)
    after = contexts(Batch(changed, batch.condition, batch.learned))
    known = {"position": (), "instrument": ("position",), "pitch": ("position", "instrument"),
             "interval": ("position", "instrument"),
             "length": ("position", "instrument", "pitch"),
             "velocity": ("position", "instrument", "pitch", "length")}  # fmt: skip
    for field, chains in CHAINS.items():
        same = changed.copy()
        for number, name in enumerate(("position", "instrument", "pitch", "length", "velocity")):
            if name in known[field]:
                same[0, 8, number] = batch.events[0, 8, number]
        after = contexts(Batch(same, batch.condition, batch.learned))
        for chain in chains.values():
            for name in chain.split():
                assert before[name][8] == after[name][8], (field, name)
                assert (before[name][:8] == after[name][:8]).all(), (field, name)
