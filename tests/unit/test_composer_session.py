"""The ONNX engine against the network it was exported from."""

import numpy as np
import pytest

from emsync_server.composition.representation import CLASSES, CONDITION_SIZE, vocabulary
from emsync_server.inference import composer_session, composer_state
from emsync_server.inference.composer_session import ComposerSession

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.training

BATCH, EVENTS = 2, 24


@pytest.fixture(scope="module")
def network():
    from emsync_training.networks.composer import Composer, ComposerShape

    torch.manual_seed(3)
    shape = ComposerShape(
        width=128, layers=2, heads=4, key_value_heads=2, feed_forward=192, head_hidden=32
    )
    network = Composer(shape).eval()
    for parameter in network.parameters():  # no zeros, and exact in half precision
        torch.nn.init.normal_(parameter, std=0.1)
        parameter.data = parameter.data.half().float()
    return network


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    from emsync_training.export import Storage, export_composer

    folder = tmp_path_factory.mktemp("models")
    export_composer(network, folder, facts={"step": 0}, storage=Storage.HALF)
    return folder


@pytest.fixture(scope="module")
def session(folder):
    return ComposerSession.load(folder, vocabulary=vocabulary(), threads=1)


@pytest.fixture(scope="module")
def piece():
    rng = np.random.default_rng(5)
    events = np.stack([rng.integers(0, k, (BATCH, EVENTS)) for k in CLASSES], axis=-1)
    condition = rng.random((BATCH, EVENTS, CONDITION_SIZE)).astype(np.float32)
    condition[:, ::2, 4:10] = [8, 0, 1, 1, 3, 1]  # some offsets absent, some present
    return events, condition


@pytest.fixture(scope="module")
def expected(network, piece):
    with torch.no_grad():
        return network(*(torch.from_numpy(array) for array in piece)).numpy()


def test_cached_steps_agree_with_the_network(session, piece, expected):
    events, condition = piece
    state = session.start(BATCH)
    for t in range(EVENTS):
        hidden = session.step(state, events[:, t], condition[:, t])
        assert np.abs(hidden - expected[:, t]).max() < 1e-4


def test_reading_many_events_at_once_agrees_with_the_network(session, piece, expected):
    hidden = session.step(session.start(BATCH), *piece)
    assert np.abs(hidden - expected[:, -1]).max() < 1e-4


def test_events_appended_together_agree_with_single_steps(session, piece, expected):
    events, condition = piece
    state = session.start(BATCH)
    session.step(state, events[:, :10], condition[:, :10])
    hidden = session.step(state, events[:, 10:], condition[:, 10:])
    assert np.abs(hidden - expected[:, -1]).max() < 1e-4


def test_rewinding_forgets_the_last_events(session, piece, expected):
    events, condition = piece
    state = session.start(BATCH)
    session.step(state, events, condition)
    state.rewind(5)
    hidden = session.step(state, events[:, EVENTS - 5], condition[:, EVENTS - 5])
    assert np.abs(hidden - expected[:, EVENTS - 5]).max() < 1e-4
    assert state.total == EVENTS - 4
    with pytest.raises(ValueError, match="cannot rewind"):
        state.rewind(EVENTS)


def test_what_pieces_have_in_common_is_read_once_and_each_goes_on_alone(session, network):
    rng = np.random.default_rng(10)
    common, own = rows(rng, 9), rows(rng, 1, BATCH)
    both = tuple(np.repeat(array, BATCH, axis=0) for array in common)
    state = session.start(BATCH)
    hidden = session.step(state, *both)
    assert np.abs(hidden - last_hidden(network, both)).max() < 1e-4
    hidden = session.step(state, *own)
    assert np.abs(hidden - last_hidden(network, both, own)).max() < 1e-4


def test_two_states_do_not_meet(session, piece, expected):
    events, condition = piece
    one, other = session.start(BATCH), session.start(BATCH)
    for t in range(4):
        first = session.step(one, events[:, t], condition[:, t])
        session.step(other, events[:, t + 4], condition[:, t])
    assert np.abs(first - expected[:, 3]).max() < 1e-4


def test_a_full_buffer_is_filled_again_from_the_latest_events(session, network, monkeypatch):
    monkeypatch.setattr(composer_state, "KEPT_EVENTS", 8)
    rng = np.random.default_rng(6)
    total = composer_session.SLOTS + 1
    events = np.stack([rng.integers(0, k, (1, total)) for k in CLASSES], axis=-1)
    condition = rng.random((1, total, CONDITION_SIZE)).astype(np.float32)
    state = session.start(1)
    session.step(state, events[:, :-1], condition[:, :-1])
    hidden = session.step(state, events[:, -1], condition[:, -1])
    latest = (torch.from_numpy(array[:, -8:]) for array in (events, condition))
    with torch.no_grad():
        expected = network(*latest).numpy()[:, -1]
    assert np.abs(hidden - expected).max() < 1e-4
    assert (state.used, state.total) == (8, total)


def rows(rng, count, batch=1):
    events = np.stack([rng.integers(0, k, (batch, count)) for k in CLASSES], axis=-1)
    return events, rng.random((batch, count, CONDITION_SIZE)).astype(np.float32)


def last_hidden(network, *parts):
    """The network's own answer to rows laid end to end."""
    with torch.no_grad():
        joined = (np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True))
        return network(*(torch.from_numpy(array) for array in joined)).numpy()[:, -1]


def test_pinned_rows_stand_before_the_events_and_may_be_replaced(session, network):
    rng = np.random.default_rng(7)
    one, other = rows(rng, 5, BATCH), rows(rng, 3)
    read = [rows(rng, 1, BATCH) for _ in range(6)]
    state = session.start(BATCH, pinned=one)
    for event in read[:3]:
        hidden = session.step(state, *event)
    assert np.abs(hidden - last_hidden(network, one, *read[:3])).max() < 1e-4
    session.pin(state, other[0][0], other[1][0])  # the same rows for every piece
    for event in read[3:]:
        hidden = session.step(state, *event)
    both = tuple(np.repeat(array, BATCH, axis=0) for array in other)
    assert np.abs(hidden - last_hidden(network, both, *read)).max() < 1e-4
    assert (state.front, state.used, state.total) == (3, 9, 6)
    session.pin(state, other[0][:, :0], other[1][:, :0])
    last = rows(rng, 1, BATCH)
    hidden = session.step(state, *last)
    assert np.abs(hidden - last_hidden(network, *read, last)).max() < 1e-4


def test_a_refill_keeps_the_pinned_rows_and_the_latest_events(session, network, monkeypatch):
    monkeypatch.setattr(composer_state, "KEPT_EVENTS", 8)
    rng = np.random.default_rng(8)
    pinned, read, last = rows(rng, 4), rows(rng, composer_session.SLOTS - 4), rows(rng, 1)
    state = session.start(1, pinned=pinned)
    session.step(state, *(array[:, :1] for array in read))
    session.step(state, *(array[:, 1:] for array in read))
    assert (state.front, state.used) == (4, composer_session.SLOTS)
    session.step(state, *last)
    latest = tuple(array[:, -7:] for array in read)
    hidden = session.step(state, *(more := rows(rng, 1)))
    assert np.abs(hidden - last_hidden(network, pinned, latest, last, more)).max() < 1e-4
    assert (state.front, state.used) == (4, 4 + 9)


def test_many_pinned_rows_leave_room_to_write(session):
    rng = np.random.default_rng(9)
    pinned = rows(rng, composer_session.MOST_PINNED)
    state = session.start(1, pinned=pinned)
    session.step(state, *rows(rng, composer_session.SLOTS))
    assert composer_session.SLOTS - state.used == composer_state.LEAST_FREE
    with pytest.raises(ValueError, match="cannot be pinned"):
        session.pin(state, *rows(rng, composer_session.MOST_PINNED + 1))
    with pytest.raises(ValueError, match="cannot rewind"):
        state.rewind(state.used)  # pinned rows are not forgotten


def test_heads_agree_with_the_network_and_know_what_was_chosen(session, network, piece, expected):
    chosen = piece[0][:, 1]
    hidden = expected[:, 0]
    with torch.no_grad():
        wanted = network.logits(torch.from_numpy(hidden), torch.from_numpy(chosen))
    named = [
        session.position_logits(hidden),
        session.instrument_logits(hidden, chosen[:, 0]),
        session.pitch_logits(hidden, chosen[:, 0], chosen[:, 1]),
        session.length_logits(hidden, chosen[:, 0], chosen[:, 1], chosen[:, 2]),
        session.velocity_logits(hidden, *chosen[:, :4].T),
    ]
    for got, want in zip(named, wanted, strict=True):
        assert np.abs(got - want.numpy()).max() < 1e-4
    other = session.pitch_logits(hidden, chosen[:, 0], (chosen[:, 1] + 1) % CLASSES[1])
    assert np.abs(other - named[2]).max() > 1e-3


def test_eight_bit_weights_are_a_quarter_of_the_file_and_close(network, tmp_path, piece, expected):
    from emsync_training.export import Storage, export_composer

    sizes = {}
    for storage in (Storage.SINGLE, Storage.EIGHT_BITS):
        export_composer(network, tmp_path, facts={}, storage=storage)
        sizes[storage] = (tmp_path / composer_session.TRUNK_FILE).stat().st_size
    assert sizes[Storage.EIGHT_BITS] < 0.4 * sizes[Storage.SINGLE]  # tables stay as they are
    session = ComposerSession.load(tmp_path, vocabulary=vocabulary(), threads=1)
    state = session.start(BATCH)
    for t in range(EVENTS):
        hidden = session.step(state, piece[0][:, t], piece[1][:, t])
    error = hidden - expected[:, -1]
    assert np.sqrt(np.mean(error**2) / np.mean(expected[:, -1] ** 2)) < 0.1


def test_eight_bits_keep_a_weight_within_half_a_step_and_leave_room_for_the_sum():
    from emsync_training.storage import LARGEST, rounded

    weight = np.random.default_rng(2).normal(size=(64, 9)).astype(np.float32)
    weight[:, 4] = 0
    integers, scale = rounded(weight)
    assert np.abs(integers).max() <= LARGEST
    inside = np.abs(weight) <= LARGEST * scale
    assert (np.abs(integers * scale - weight) <= scale / 2 + 1e-6)[inside].all()
    assert inside.mean() > 0.95
    assert 2 * 255 * LARGEST < 2**15
