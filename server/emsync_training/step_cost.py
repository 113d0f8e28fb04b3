"""What a step of the engine costs beside torch with a cache, and beside the memory's own speed.

`python -m emsync_training.step_cost MODELS` prints JSON; `emsync benchmark composer-speed` runs it.
All on one thread, engine and torch in turn, so that a busy machine slows both alike.
B pieces, D width, H query heads, G key-value heads, S channels of a head.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from emsync_server.composition.representation import CLASSES, CONDITION_SIZE, vocabulary
from emsync_server.inference.composer_session import SIDE_FILE, SLOTS, ComposerSession
from emsync_training.export import Storage, export_composer
from emsync_training.networks.composer import Composer, ComposerShape, rotary_tables, rotate
from emsync_training.networks.published import VOCABULARY, PublishedGenerator

CONTEXT = 640  # events in the buffer, half-way between two refills
STEPS, ROUNDS = 64, 5
PUBLISHED_CONTEXT = 1024  # tokens that the published generator reads again for each
PAST, PERIOD = 1024, 256  # our steps before the comparison, and from one refill to the next
LARGE = ComposerShape(
    width=576, layers=8, heads=9, key_value_heads=3, feed_forward=1344, head_hidden=192
)
"""A shape above 20 million weights, for the bandwidth alone: its weights are random."""
BANDWIDTH_FLOATS = 64 << 20  # 256 MiB: far more than any cache


class CachedTorch:
    """The network in torch with preallocated keys and values: the plain way to be fast."""

    def __init__(self, network: Composer, batch: int) -> None:
        """A memory of `batch` pieces; `used` events of it count as read."""
        shape = network.shape
        self.network, self.used = network, 0
        size = (batch, shape.key_value_heads, SLOTS, shape.head_size)
        self.keys = [torch.zeros(size) for _ in range(shape.layers)]
        self.values = [torch.zeros(size) for _ in range(shape.layers)]
        self.cosine, self.sine = rotary_tables(SLOTS, shape.head_size, shape.rotary_base)

    @torch.inference_mode()
    def step(self, events: Tensor, condition: Tensor) -> Tensor:
        """events (B, F), condition (B, C); returns the hidden vectors (B, D)."""
        network: Any = self.network
        slot = self.used
        x = network.condition(condition[:, None])
        for field, embed in enumerate(network.embeddings):
            x = x + embed(events[:, None, field])
        for layer, block in enumerate(network.blocks):
            x = x + self._attention(layer, block, block.norm_attention(x), slot)
            y = block.norm_feed(x)
            x = x + block.down(functional.silu(block.gate(y)) * block.up(y))
        self.used += 1
        hidden: Tensor = network.norm(x)[:, 0]
        return hidden

    def _attention(self, layer: int, block: Any, x: Tensor, slot: int) -> Tensor:  # noqa: ANN401
        attention, shape = block.attention, self.network.shape
        cosine, sine = self.cosine[slot : slot + 1], self.sine[slot : slot + 1]

        def split(y: Tensor) -> Tensor:
            return y.view(len(x), 1, -1, shape.head_size).transpose(1, 2)

        query = rotate(split(attention.query(x)), cosine, sine)
        keys, values = self.keys[layer], self.values[layer]
        keys[:, :, slot : slot + 1] = rotate(split(attention.key(x)), cosine, sine)
        values[:, :, slot : slot + 1] = split(attention.value(x))
        mixed = functional.scaled_dot_product_attention(
            query, keys[:, :, : slot + 1], values[:, :, : slot + 1], enable_gqa=True
        )
        out: Tensor = attention.out(mixed.transpose(1, 2).reshape(len(x), 1, -1))
        return out


def measure_steps(models: Path) -> dict[str, Any]:
    """Medians, in seconds and bytes, by name."""
    torch.set_num_threads(1)
    side = json.loads((models / SIDE_FILE).read_text(encoding="utf-8"))
    shape = ComposerShape(**side["network"])
    return {
        "torch": [_beside_torch(models, shape, batch) for batch in (1, 4)],
        "published": _beside_published(models),
        "large": [_large(storage) for storage in (Storage.EIGHT_BITS, Storage.SINGLE)],
    }


def _beside_torch(models: Path, shape: ComposerShape, batch: int) -> dict[str, Any]:
    engine = _engine_steps(models, batch)
    cached = CachedTorch(Composer(shape).eval(), batch)
    events, condition = (torch.from_numpy(part) for part in _rows(batch, 1))

    def torch_steps() -> None:
        cached.used = CONTEXT
        for _ in range(STEPS):
            cached.step(events[:, 0], condition[:, 0])

    torch_steps()
    pairs = [(_seconds(engine), _seconds(torch_steps)) for _ in range(ROUNDS)]
    ours, theirs = (np.array(column) / STEPS for column in zip(*pairs, strict=True))
    return {
        "batch": batch,
        "engine_s": float(np.median(ours)),
        "torch_s": float(np.median(theirs)),
        "ratio": float(np.median(theirs / ours)),
    }


def _beside_published(models: Path) -> dict[str, Any]:
    """A token of the published generator, no cache, beside our steps past the thousandth, refills
    and all; processor time.
    """
    network = PublishedGenerator().eval()
    tokens = torch.from_numpy(
        np.random.default_rng(0).integers(4, VOCABULARY, (1, PUBLISHED_CONTEXT))
    )
    offset_s, emotion = torch.full(tokens.shape, 3.0), torch.zeros(1)
    session = ComposerSession.load(models, vocabulary=vocabulary(), threads=1)
    state = session.start(1)
    events, condition = _rows(1, 1)

    def published() -> None:
        with torch.inference_mode():
            network(tokens, offset_s, emotion, emotion)

    def ours() -> None:
        for _ in range(PERIOD):
            session.step(state, events, condition)

    published()
    for _ in range(PAST // PERIOD):
        ours()
    pairs = [(_seconds(published, time.process_time), _seconds(ours, time.process_time) / PERIOD)
             for _ in range(ROUNDS)]  # fmt: skip
    theirs, steps = np.array(pairs).T
    return {
        "context": PUBLISHED_CONTEXT,
        "published_s": float(np.median(theirs)),
        "engine_s": float(np.median(steps)),
        "ratio": float(np.median(theirs / steps)),
    }


def _large(storage: Storage) -> dict[str, Any]:
    network = Composer(LARGE)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    blocks = sum(p.numel() for p in network.blocks.parameters())
    with tempfile.TemporaryDirectory(prefix="emsync-step-cost-") as folder:
        export_composer(network, Path(folder), facts={}, storage=storage)
        steps = _engine_steps(Path(folder), 1)
    memory = torch.ones(BANDWIDTH_FLOATS)
    pairs = [(_seconds(steps, time.process_time) / STEPS,
              _seconds(lambda: torch.dot(memory, memory), time.process_time))
             for _ in range(2 * ROUNDS)]  # fmt: skip
    seconds, reading = np.array(pairs).T
    weight_bytes = blocks * (1 if storage is Storage.EIGHT_BITS else 4)
    cache = 2 * LARGE.layers * LARGE.key_value_heads * LARGE.head_size * 4
    read = weight_bytes + cache * (CONTEXT + STEPS // 2)
    return {
        "storage": storage.value,
        "weights": blocks,
        "step_s": float(np.median(seconds)),
        "bytes_a_step": read,
        "memory_bytes_a_second": float(np.median(4 * BANDWIDTH_FLOATS / reading)),
        "share_of_memory_speed": float(np.median(read / seconds * reading / 4 / BANDWIDTH_FLOATS)),
    }


def _engine_steps(models: Path, batch: int) -> Callable[[], None]:
    """A run of steps at CONTEXT events, to be timed again and again."""
    session = ComposerSession.load(models, vocabulary=vocabulary(), threads=1)
    state = session.start(batch)
    session.step(state, *_rows(batch, CONTEXT))
    events, condition = _rows(batch, 1)

    def steps() -> None:
        for _ in range(STEPS):
            session.step(state, events, condition)
        state.rewind(STEPS)

    steps()
    return steps


def _rows(batch: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    events = np.stack([rng.integers(0, size, (batch, count)) for size in CLASSES], axis=-1)
    return events, rng.random((batch, count, CONDITION_SIZE)).astype(np.float32)


def _seconds(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


if __name__ == "__main__":
    print(json.dumps(measure_steps(Path(sys.argv[1]))))
