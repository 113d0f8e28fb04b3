"""One step at a time through the blocks with keys and values kept: the same engine for every
network that is built of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from emsync_training.networks.composer import Block, ComposerShape, rotary_tables, rotate


class CachedBlocks:
    """The blocks of a network and what they remember, for one sequence."""

    def __init__(self, blocks: nn.ModuleList, shape: ComposerShape, longest: int) -> None:
        """Nothing remembered yet; at most `longest` steps."""
        self.blocks = blocks
        self.shape = shape
        self.tables = rotary_tables(longest, shape.head_size, shape.rotary_base)
        size = (len(blocks), 1, shape.key_value_heads, longest, shape.head_size)
        self.keys, self.values = torch.zeros(size), torch.zeros(size)
        self.time = 0

    def step(self, x: Tensor) -> Tensor:
        """(1, 1, D) to (1, 1, D), the next step of the sequence."""
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x = x + self._attend(layer, block, block.norm_attention(x))
            y = block.norm_feed(x)
            x = x + block.down(functional.silu(block.gate(y)) * block.up(y))
        self.time += 1
        return x

    def _attend(self, layer: int, block: Block, x: Tensor) -> Tensor:
        attention, now = block.attention, self.time
        cosine, sine = (table[now : now + 1] for table in self.tables)

        def split(y: Tensor) -> Tensor:
            return y.view(1, 1, -1, self.shape.head_size).transpose(1, 2)

        query = rotate(split(attention.query(x)), cosine, sine)
        self.keys[layer, :, :, now : now + 1] = rotate(split(attention.key(x)), cosine, sine)
        self.values[layer, :, :, now : now + 1] = split(attention.value(x))
        mixed = functional.scaled_dot_product_attention(
            query, self.keys[layer, :, :, : now + 1], self.values[layer, :, :, : now + 1],
            enable_gqa=True,
        )  # fmt: skip
        out: Tensor = attention.out(mixed.transpose(1, 2).reshape(1, 1, -1))
        return out
