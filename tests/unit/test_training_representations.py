"""Two ways to write the same notes, trained alike and measured alike."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.training

from tests.unit.test_training_loop import TINY, corpus  # noqa: E402, F401

from emsync_server.composition.representation import (  # noqa: E402
    BAR,
    BAR_ROW,
    CLASSES,
    CONDITION,
    CONDITION_SIZE,
    END_ROW,
    PAD_ROW,
)
from emsync_training.baselines.cached_decoding import CachedBlocks  # noqa: E402
from emsync_training.baselines.equal_training import SideTraining  # noqa: E402
from emsync_training.baselines.remi import (  # noqa: E402
    OFFSETS,
    PADDING,
    UNKNOWN_VELOCITY,
    VOCABULARY,
    RemiComposer,
    tokenised,
)
from emsync_training.baselines.representations import compare  # noqa: E402
from emsync_training.baselines.sides import NoteSide, RemiSide, TiedSide, music_seconds  # noqa: E402
from emsync_training.dataset import Batch, CropSampler  # noqa: E402
from emsync_training.learning import TrainSettings  # noqa: E402
from emsync_training.networks.composer import Composer, ComposerShape  # noqa: E402

ROWS = [BAR_ROW, (0, 2, 48, 7, 4), (0, 2, 52, 7, 8), (12, 0, 60, 4, 5), BAR_ROW, (12, 0, 60, 4, 5)]


def batch(rows=(*ROWS, END_ROW, PAD_ROW), *, crops=1):
    events = np.array([list(rows)] * crops)
    steps = events.shape[1] - 1
    condition = np.random.default_rng(0).random((crops, steps, CONDITION_SIZE), np.float32)
    return Batch(events, condition, np.ones((crops, steps), bool))


def test_tokens_are_the_notes_with_a_position_where_it_changes():
    found = tokenised(batch())
    position, instrument, pitch, length, velocity = OFFSETS
    note = [instrument, pitch + 60, length + 4, velocity + 5]
    assert found.tokens[0].tolist() == [
        position + BAR,
        *(position, instrument + 2, pitch + 48, length + 7, velocity + 4),
        *(instrument + 2, pitch + 52, length + 7, UNKNOWN_VELOCITY),
        *(position + 12, *note),
        position + BAR,
        *(position + 12, *note),
        position + BAR + 1,
    ]
    assert found.event[0].tolist() == [0, *[1] * 5, *[2] * 4, *[3] * 5, 4, *[5] * 5]


def test_what_counts_is_the_same_on_both_sides():
    network = RemiComposer(TINY)
    side = RemiSide()
    one = batch()
    one.learned[0, :2] = False
    nats, counts = side.losses(network, one)
    _, of_notes = NoteSide().losses(Composer(TINY), one)
    assert counts[1:].tolist() == of_notes[1:].tolist()
    assert torch.isfinite(nats).all()


def test_crops_of_different_length_cost_together_what_they_cost_alone():
    torch.manual_seed(0)
    network, side = RemiComposer(TINY), RemiSide()
    torch.nn.init.normal_(network.head.outer.weight)
    long, short = batch(), batch((*ROWS[:3], END_ROW, *[PAD_ROW] * 4))
    both = Batch(*(np.concatenate([getattr(one, name) for one in (long, short)])
                   for name in ("events", "condition", "learned")))  # fmt: skip
    assert (tokenised(both).tokens[1, -8:] == PADDING).all()
    together = side.losses(network, both)[0]
    alone = [side.losses(network, one)[0] for one in (long, short)]
    assert torch.allclose(together, sum(alone), atol=1e-4)


def test_warming_up_leaves_a_training_as_it_was(corpus):  # noqa: F811
    training = SideTraining(RemiSide(), TINY, settings(1))
    before = [parameter.clone() for parameter in training.learner.network.parameters()]
    training.warm(CropSampler(corpus, held_out=False, events=64))
    for one, other in zip(before, training.learner.network.parameters(), strict=True):
        assert torch.equal(one, other)
        assert other.grad is None
    assert (training.step, training.seconds, training.notes) == (0, 0.0, 0)


def test_the_grammar_leaves_only_what_may_follow():
    network = RemiComposer(TINY)
    found = tokenised(batch())
    allowed = network.followers[torch.from_numpy(found.tokens[0, :-1])]
    target = found.tokens[0, 1:]
    written = target < VOCABULARY
    assert allowed[np.arange(len(target))[written], target[written]].all()
    counts = allowed.sum(dim=1).tolist()
    assert counts[0] == CLASSES[0]  # after a bar line: a position
    assert counts[1:5] == [*CLASSES[1:]]
    assert counts[5] == CLASSES[0] + CLASSES[1]


@pytest.mark.parametrize("side", [NoteSide(), TiedSide(), RemiSide()], ids=lambda side: side.name)
def test_no_step_sees_what_comes_after_it(side):
    torch.manual_seed(0)
    network = side.network(TINY).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    one = batch()
    one.learned[0, 4:] = False
    changed = Batch(one.events.copy(), one.condition.copy(), one.learned)
    changed.events[0, 5:-2] = (40, 3, 70, 2, 2)
    changed.condition[0, 5:] += 1
    with torch.no_grad():
        before, after = (side.losses(network, which)[0] for which in (one, changed))
    assert torch.allclose(before, after, atol=1e-4)


def test_a_cached_step_equals_the_whole_sequence():
    torch.manual_seed(0)
    network = RemiComposer(TINY).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    found, one = tokenised(batch()), batch()
    tokens = torch.from_numpy(found.tokens[:, :-1])
    condition = torch.from_numpy(one.condition[:, found.event[0]])
    cache = CachedBlocks(network.blocks, network.shape, tokens.shape[1])
    with torch.no_grad():
        whole = network(tokens, condition)
        for now in range(tokens.shape[1]):
            row = slice(now, now + 1)
            x = network.condition(condition[:, row]) + network.embedding(tokens[:, row])
            logits = network.logits(network.norm(cache.step(x)), tokens[:, row])
            assert torch.allclose(logits, whole[:, row], atol=1e-4)


def test_tied_embeddings_are_one_table_a_field():
    network, plain = TiedSide().network(TINY), NoteSide().network(TINY)
    one = batch()
    TiedSide().losses(network, one)[0].sum().backward()
    for embed, head, known in zip(
        network.embeddings, network.heads, [*network.chained, None], strict=True
    ):
        assert head.table is embed
        assert known in (embed, None)
        assert embed.weight.grad.abs().sum() > 0
    assert sum(1 for _ in network.named_modules()) < sum(1 for _ in plain.named_modules())


def test_music_lasts_as_long_as_its_bars():
    one = batch()
    one.condition[..., CONDITION["tempo"]] = 0.0  # 100 quarters a minute
    one.condition[..., CONDITION["bar_length"]] = 0.75
    assert music_seconds(one) == pytest.approx(2 * 3 * 0.6)


def settings(steps, hours=100.0):
    return TrainSettings(
        hours=hours, crops=2, accumulate=1, warmup_steps=2, held_out_crops=8, most_steps=steps,
        matrix_rate=5e-3, other_rate=5e-3,
    )  # fmt: skip


def test_all_sides_learn_the_same_notes_and_the_report_says_what_each_costs(corpus, tmp_path):  # noqa: F811
    report = compare(corpus, tmp_path, settings(12), TINY, events=64, slice_s=0.5)
    names = ("note events", "note events, tied", "REMI tokens")
    note, tied, remi = (report[name] for name in names)
    for row in (note, tied, remi):
        assert row["optimizer_steps"] == 12
        assert row["notes_trained_on"] == note["notes_trained_on"]
        assert row["held_out_nats_per_note"] < 17
        assert row["ms_per_step"] > 0
        assert row["decode_s_per_second_of_music"] > 0
    assert remi["steps_per_second_of_music"] > 3 * note["steps_per_second_of_music"]
    assert json.loads((tmp_path / "representations.json").read_text()) == report
    assert (tmp_path / "representations.png").stat().st_size > 1000


def test_a_comparison_goes_on_where_it_stopped(corpus, tmp_path):  # noqa: F811
    side, shape = RemiSide(), TINY
    sampler = CropSampler(corpus, held_out=False, events=64)
    whole = SideTraining(side, shape, settings(6))
    whole.train_for(sampler, 1e6)
    first = SideTraining(side, shape, settings(3))
    first.train_for(sampler, 1e6)
    first.save(tmp_path / "side.pt")
    second = SideTraining(side, shape, settings(6))
    second.load(tmp_path / "side.pt")
    second.train_for(sampler, 1e6)
    assert second.step == whole.step == 6
    assert second.notes == whole.notes
    for one, other in zip(
        whole.learner.network.parameters(), second.learner.network.parameters(), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-4)


def test_both_networks_have_nearly_the_same_trunk():
    shape = ComposerShape()
    sizes = []
    for side in (NoteSide(), RemiSide()):
        network = side.network(shape)
        sizes.append(sum(p.numel() for p in network.blocks.parameters()))
    assert sizes[0] == sizes[1]
