"""The composer with tied embeddings (Press & Wolf, arXiv 1608.05859): one table a field reads an
event, knows the fields already chosen and writes the logits.

Measured beside the composer at equal training compute; it does not ship.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from emsync_server.composition.representation import CLASSES, EMBEDDINGS
from emsync_training.networks.composer import Composer, ComposerShape


class TiedHead(nn.Module):
    """Logits of one field: a hidden layer as wide as the embedding, against the field's table."""

    def __init__(self, shape: ComposerShape, table: nn.Embedding, classes: int) -> None:
        """The table is shared; its rows beyond the classes are read and never written."""
        super().__init__()
        self.norm = nn.RMSNorm(shape.width, eps=1e-6)
        self.inner = nn.Linear(shape.width, shape.width)
        self.table = table
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, x: Tensor) -> Tensor:
        """(…, D) to (…, classes)."""
        hidden = functional.silu(self.inner(self.norm(x)))
        return functional.linear(hidden, self.table.weight[: len(self.bias)], self.bias)


class TiedComposer(Composer):
    """As `Composer`, with one embedding table a field instead of three matrices."""

    def __init__(self, shape: ComposerShape) -> None:
        """Fresh weights of the given sizes."""
        super().__init__(shape)
        tables = [nn.Embedding(size, shape.width) for size in EMBEDDINGS]
        self.embeddings = nn.ModuleList(tables)
        self.chained = nn.ModuleList(tables[:-1])
        self.heads = nn.ModuleList(
            TiedHead(shape, table, classes) for table, classes in zip(tables, CLASSES, strict=True)
        )
        self._initialise()
