"""The engine against a forward pass in plain NumPy without a cache, from the same files."""

import json

import numpy as np
import pytest
from tests.reference_decoder import ReferenceDecoder

from emsync_server.composition.representation import CLASSES, CONDITION_SIZE, vocabulary
from emsync_server.inference import composer_state
from emsync_server.inference.composer_session import ComposerSession
from emsync_server.models import MODELS_FOLDER

BATCH, EVENTS = 3, 40
CLOSE = 1e-4
ROUNDING_NOISE = 0.1  # share of the logits' spread, where the engine computes in eight bits


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small composer with random weights in single precision."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from emsync_training.export import Storage, export_composer
    from emsync_training.networks.composer import Composer, ComposerShape

    torch.manual_seed(11)
    shape = ComposerShape(
        width=96, layers=3, heads=6, key_value_heads=2, feed_forward=160, head_hidden=32
    )
    network = Composer(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    folder = tmp_path_factory.mktemp("models")
    export_composer(network, folder, facts={}, storage=Storage.SINGLE)
    return folder


@pytest.fixture(scope="module")
def session(folder):
    return ComposerSession.load(folder, vocabulary=vocabulary(), threads=1)


@pytest.fixture(scope="module")
def oracle(folder):
    return ReferenceDecoder.load(folder)


def rows(rng, count, batch=BATCH):
    events = np.stack([rng.integers(0, k, (batch, count)) for k in CLASSES], axis=-1)
    condition = rng.random((batch, count, CONDITION_SIZE)).astype(np.float32)
    condition[..., 4:10:2] *= 8  # seconds
    condition[..., 5:10:2] = condition[..., 5:10:2] > 0.3
    return events, condition


def differences(session, oracle, hidden, read):
    """Logits of the engine less the oracle's, every field of every piece, in their spread and
    as they are.
    """
    events, condition = (np.concatenate(parts, axis=1) for parts in zip(*read, strict=True))
    expected, chosen = oracle.hidden(events, condition)[:, -1], events[:, -1]
    for piece, one in enumerate(expected):
        for field, want in enumerate(oracle.logits(one, chosen[piece])):
            before = [chosen[piece : piece + 1, f] for f in range(field)]
            got = session.heads.logits(hidden[piece : piece + 1], before)[0]
            yield got - want, float(np.std(want))


def assert_agree(session, oracle, hidden, read):
    assert max(np.abs(d).max() for d, _ in differences(session, oracle, hidden, read)) < CLOSE


def test_steps_of_a_batch_agree_with_the_oracle(session, oracle):
    events, condition = rows(np.random.default_rng(1), EVENTS)
    state = session.start(BATCH)
    for time in range(EVENTS - 1):
        hidden = session.step(state, events[:, time], condition[:, time])
    assert_agree(session, oracle, hidden, [(events[:, :-1], condition[:, :-1])])


def test_after_a_rewind_the_engine_agrees_with_the_oracle(session, oracle):
    rng = np.random.default_rng(2)
    kept, dropped, other = rows(rng, 20), rows(rng, 6), rows(rng, 2)
    state = session.start(BATCH)
    session.step(state, *kept)
    session.step(state, *dropped)
    state.rewind(6)
    hidden = session.step(state, *other)
    assert_agree(session, oracle, hidden, [kept, other])


def test_after_refills_with_pinned_rows_the_engine_agrees_with_the_oracle(
    session, oracle, monkeypatch
):
    monkeypatch.setattr(composer_state, "KEPT_EVENTS", 16)
    rng = np.random.default_rng(3)
    pinned, first, rest, last = (rows(rng, count, 1) for count in (9, 1, 766, 1))
    state = session.start(1, pinned=pinned)
    session.step(state, *first)
    session.step(state, *(part[:, :300] for part in rest))
    session.step(state, *(part[:, 300:] for part in rest))
    hidden = session.step(state, *last)
    assert state.front == 9
    held = state.used - 9 - 1
    latest = tuple(part[:, -held:] for part in rest)
    assert_agree(session, oracle, hidden, [pinned, latest, last])


def test_many_events_at_once_agree_with_the_oracle(session, oracle):
    piece = rows(np.random.default_rng(4), EVENTS)
    hidden = session.step(session.start(BATCH), *piece)
    assert_agree(session, oracle, hidden, [piece])


def test_the_shipped_weights_say_what_the_oracle_reads_in_them():
    session = ComposerSession.load(MODELS_FOLDER, vocabulary=vocabulary(), threads=1)
    oracle = ReferenceDecoder.load(MODELS_FOLDER)
    side = json.loads((MODELS_FOLDER / "composer.json").read_text(encoding="utf-8"))
    events, condition = piece = rows(np.random.default_rng(5), 24)
    state = session.start(BATCH)
    for time in range(24):
        hidden = session.step(state, events[:, time], condition[:, time])
    if side.get("storage") != "int8":
        return assert_agree(session, oracle, hidden, [piece])
    noise = [np.sqrt(np.mean(d * d)) / spread
             for d, spread in differences(session, oracle, hidden, [piece])]  # fmt: skip
    assert np.mean(noise) < ROUNDING_NOISE
    return None
