"""What the engine is compared with: torch with a cache, and the loss that training counts."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.training


def test_torch_with_a_cache_agrees_with_the_network():
    from emsync_server.composition.representation import CLASSES, CONDITION_SIZE
    from emsync_training.networks.composer import Composer, ComposerShape
    from emsync_training.step_cost import CachedTorch

    torch.manual_seed(1)
    shape = ComposerShape(
        width=64, layers=2, heads=4, key_value_heads=2, feed_forward=96, head_hidden=16
    )
    network = Composer(shape).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    rng = np.random.default_rng(0)
    events = torch.from_numpy(np.stack([rng.integers(0, k, (2, 12)) for k in CLASSES], axis=-1))
    condition = torch.from_numpy(rng.random((2, 12, CONDITION_SIZE)).astype(np.float32))
    with torch.no_grad():
        expected = network(events, condition)
    cached = CachedTorch(network, 2)
    for time in range(12):
        hidden = cached.step(events[:, time], condition[:, time])
        assert (hidden - expected[:, time]).abs().max() < 1e-5


def test_the_engine_loses_what_torch_loses_and_little_more_in_eight_bits():
    from emsync_server.composition.representation import CLASSES, CONDITION_SIZE, END, NONE, PAD_ROW
    from emsync_training.dataset import Batch
    from emsync_training.engine_loss import cost_of_rounding
    from emsync_training.losses import field_losses, nats_per_note
    from emsync_training.networks.composer import Composer, ComposerShape

    torch.manual_seed(2)
    shape = ComposerShape(
        width=64, layers=2, heads=4, key_value_heads=2, feed_forward=96, head_hidden=16
    )
    network = Composer(shape).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
        parameter.data = parameter.data.half().float()
    rng = np.random.default_rng(3)
    events = np.stack([rng.integers(0, k, (3, 25)) for k in CLASSES], axis=-1)
    events[0, 10] = [END, *NONE[1:]]
    events[0, 11:] = PAD_ROW
    events[1, :, 4] = NONE[4]  # no dynamics
    condition = rng.random((3, 24, CONDITION_SIZE)).astype(np.float32)
    learned = np.arange(24)[None, :] >= np.array([0, 5, 9])[:, None]
    with torch.no_grad():
        sums = field_losses(
            network, *(torch.from_numpy(part) for part in (events, condition, learned))
        )
    rows = cost_of_rounding(network, [Batch(events, condition, learned)])
    expected = float(nats_per_note(*sums))
    assert rows["float32"]["held_out_nats_per_note"] == pytest.approx(expected, abs=1e-3)
    assert abs(rows["lost_share"]) < 0.01
