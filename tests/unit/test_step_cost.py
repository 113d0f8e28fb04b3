"""Torch with a cache, which the engine is compared with, is the same network."""

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
