"""The loop: it learns, it stops, and it goes on where it stopped."""

import csv
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.training

import emsync_training.train as training  # noqa: E402
from emsync.errors import NotFoundError  # noqa: E402
from emsync_server.composition.representation import (  # noqa: E402
    BAR_ROW,
    CLASSES,
    CONDITION,
    CONDITION_SIZE,
    EMBEDDINGS,
    END_ROW,
    OFFSETS,
    PAD_ROW,
)
from emsync_training.commands import main  # noqa: E402
from emsync_training.corpus import Corpus  # noqa: E402
from emsync_training.export import Storage, export_composer  # noqa: E402
from emsync_training.labels import BAR_FEATURES, LabelScale  # noqa: E402
from emsync_training.learning import TrainSettings, arithmetic  # noqa: E402
from emsync_training.losses import field_losses, nats_per_note  # noqa: E402
from emsync_training.networks.composer import Composer, ComposerShape, OffsetEncoding  # noqa: E402
from emsync_training.train import (  # noqa: E402
    checkpoint_facts,
    learning_rate_factor,
    load_ema,
    train,
)
from emsync_training.training_log import TrainingLog  # noqa: E402
from emsync_training.warm_start import load_exported  # noqa: E402

TINY = ComposerShape(
    width=32,
    layers=1,
    heads=2,
    key_value_heads=1,
    feed_forward=64,
    head_hidden=16,
    condition_hidden=16,
    offset_hidden=8,
)


@pytest.fixture
def corpus():
    """Eight pieces of sixty bars, half of them held out: always the same rising chord."""
    bars, pieces = 60, 8
    bar = [[*BAR_ROW, 0], *([step, 0, 60 + step // 12, 7, 4, 0] for step in (0, 12, 24, 36))]
    rows = np.array([*(bar * bars), [*END_ROW, 0]], dtype=np.uint8)
    per_piece = np.arange(pieces)
    columns = {
        "event_start": per_piece * len(rows),
        "event_stop": (per_piece + 1) * len(rows),
        "bar_start": per_piece * bars,
        "bar_stop": (per_piece + 1) * bars,
        "tail_steps": np.full(pieces, 48),
        "group": per_piece % 7,
        "flat_velocity": np.zeros(pieces, dtype=np.int64),
        "guessed_tempo": np.zeros(pieces, dtype=np.int64),
        "held_out": per_piece % 2,
        "notes": np.full(pieces, bars * 4),
    }
    rng = np.random.default_rng(0)
    starts = np.concatenate([np.arange(bars) * 5 + piece * len(rows) for piece in per_piece])
    return Corpus(
        events=np.tile(rows, (pieces, 1)),
        bar_event=starts,
        bar_steps=np.full(bars * pieces, 48, dtype=np.uint8),
        bar_tempo=np.full(bars * pieces, 100, dtype=np.float32),
        bar_features=rng.random((bars * pieces, BAR_FEATURES), dtype=np.float32),
        bar_chords=np.zeros((bars * pieces, 2), dtype=np.uint8),
        bar_motifs=np.ones(bars * pieces, dtype=np.uint64),
        pieces=columns,
        ids=[str(piece) for piece in per_piece],
        scale=LabelScale.fit(rng.random((50, 3)), rng.random((50, 6))),
    )


def settings(steps):
    return TrainSettings(hours=100, crops=1, warmup_steps=2, held_out_crops=8, most_steps=steps)


def test_a_run_goes_on_from_its_checkpoint(corpus, tmp_path):
    train(corpus, tmp_path / "whole", settings(4), TINY)
    for steps in (2, 4):
        train(corpus, tmp_path / "parts", settings(steps), TINY)
    whole, parts = (load_ema(tmp_path / name / "composer.pt") for name in ("whole", "parts"))
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)  # the rate follows the clock, a little
    assert checkpoint_facts(tmp_path / "parts" / "composer.pt")["step"] == 4


def test_a_killed_run_ends_with_the_very_weights_of_a_whole_one(corpus, tmp_path, monkeypatch):
    def planned(**more):
        return TrainSettings(hours=math.inf, planned_steps=6, crops=1, warmup_steps=2,
                             held_out_crops=8, **more)  # fmt: skip

    train(corpus, tmp_path / "whole", planned(), TINY)
    real, left = training._step, iter(range(5))

    def killed(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt  # as SIGINT does; nothing is saved on the way out
        return real(*arguments)

    monkeypatch.setattr(training, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train(corpus, tmp_path / "parts", planned(save_minutes=0), TINY)
    assert checkpoint_facts(tmp_path / "parts" / "composer.pt")["step"] == 5
    monkeypatch.setattr(training, "_step", real)
    train(corpus, tmp_path / "parts", planned(), TINY)
    whole, parts = (torch.load(tmp_path / name / "composer.pt", weights_only=True)
                    for name in ("whole", "parts"))  # fmt: skip
    assert whole["step"] == parts["step"] == 6
    for kind in ("network", "ema"):
        for name, tensor in whole[kind].items():
            assert torch.equal(tensor, parts[kind][name]), (kind, name)


def test_the_log_forgets_what_the_checkpoint_does_not_know(tmp_path):
    log = TrainingLog(tmp_path / "composer.csv")
    for step in (10, 20, 30):
        log.write({"step": step, "hours": step / 100, "train_nats_per_note": 4.0})
    with log.path.open("a") as file:
        file.write("40,0.4")  # killed while it wrote
    TrainingLog(log.path).forget_after(20)
    with log.path.open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["10", "20"]


def test_training_lowers_the_loss_and_draws_its_log(corpus, tmp_path):
    train(corpus, tmp_path, settings(1), TINY)
    train(corpus, tmp_path, settings(12), TINY)
    with (tmp_path / "composer.csv").open() as file:
        held_out = [float(row["held_out_nats_per_note"]) for row in csv.DictReader(file)
                    if row["held_out_nats_per_note"]]  # fmt: skip
    assert held_out[-1] < held_out[0] - 0.5
    assert (tmp_path / "composer.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("known", "mixed"),
    [({"avx512_bf16": True}, True), ({"avx2": True}, False), ({}, False)],
    ids=str,
)
def test_a_processor_without_bfloat16_trains_in_single_precision(known, mixed, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    with arithmetic(torch.device("cpu")):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if mixed else torch.float32)


def test_padding_and_withheld_velocities_cost_nothing():
    torch.manual_seed(0)
    network = Composer(TINY)
    for head in network.heads:
        torch.nn.init.zeros_(head.outer.bias)
    rows = [BAR_ROW, (0, 0, 60, 4, 8), (12, 0, 62, 4, 3), END_ROW, PAD_ROW, PAD_ROW]
    learned = torch.ones(1, 5, dtype=torch.bool)
    condition = torch.zeros(1, 5, CONDITION_SIZE)
    nats, counts = field_losses(network, torch.tensor([rows]), condition, learned)
    assert counts.tolist() == [3, 2, 2, 2, 1]
    uniform = torch.log(torch.tensor(CLASSES, dtype=torch.float))
    assert torch.allclose(nats / counts, uniform, atol=1e-4)  # heads without bias know nothing
    assert nats_per_note(nats, counts).item() == pytest.approx(
        (uniform.sum() + uniform[0] / 2).item(), abs=1e-3
    )


def test_the_future_changes_nothing_before_it():
    torch.manual_seed(0)
    network = Composer(TINY).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    events = torch.stack([torch.randint(0, k, (1, 6)) for k in CLASSES], dim=-1)
    condition = torch.rand(1, 6, CONDITION_SIZE)
    changed = condition.clone()
    changed[:, 4:] += 1
    with torch.no_grad():
        before, after = network(events, condition), network(events, changed)
    assert torch.allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not torch.allclose(before[:, 4:], after[:, 4:], atol=1e-3)


def test_an_absent_offset_is_not_read():
    encode = OffsetEncoding(TINY)
    torch.nn.init.normal_(encode.absent)
    near, far = torch.tensor([[[1.0]]]), torch.tensor([[[7.0]]])
    none, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    assert torch.equal(encode(near, none), encode(far, none))
    assert not torch.equal(encode(near, one), encode(far, one))


def test_the_rate_warms_up_then_falls_to_a_hundredth():
    assert learning_rate_factor(0, 0.0, 10) == pytest.approx(0.1)
    assert learning_rate_factor(100, 0.0, 10) == pytest.approx(1)
    assert learning_rate_factor(100, 0.5, 10) == pytest.approx(0.505)
    assert learning_rate_factor(100, 2.0, 10) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("storage", "error"), [(Storage.SINGLE, 1e-4), (Storage.EIGHT_BITS, 0.5)], ids=str
)
def test_training_goes_on_from_exported_weights(storage, error, tmp_path):
    torch.manual_seed(1)
    network = Composer(TINY)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    export_composer(network, tmp_path, facts={}, storage=storage)
    again = load_exported(tmp_path)
    events = torch.stack([torch.randint(0, size, (2, 9)) for size in EMBEDDINGS], dim=-1)
    condition = torch.rand(2, 9, CONDITION_SIZE)
    for name in OFFSETS:
        condition[..., CONDITION[f"{name}_present"]] = 1.0 * (condition[..., :1] > 0.5)
    assert torch.allclose(network(events, condition), again(events, condition), atol=error)


@pytest.mark.parametrize(
    "asked",
    [
        ("corpus", "--midi", "none", "--manifest", "none.csv", "--out", "out"),
        ("train", "--corpus", "none", "--out", "out", "--steps", "1"),
        ("export", "--checkpoint", "none.pt", "--out", "out"),
    ],
    ids=lambda asked: asked[0],
)
def test_a_file_that_is_not_there_is_a_sentence(asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError, match=rf"There is no 'none.*given to '{asked[0]}'"):
        main(list(asked))
    assert list(tmp_path.iterdir()) == []
