"""The shot network: differences between frames in, what each frame is out.

B batch, T frames, C channels of `spotting/traces.py`, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from emsync_server.spotting.changes import ANSWERS
from emsync_server.spotting.traces import CHANNELS

WIDTH = 48
DILATIONS = (1, 2, 4, 8, 16, 32)
DROPOUT = 0.1


class ShotNetwork(nn.Module):
    """Residual convolutions along time; sees 64 frames before and after each."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(CHANNELS))
        self.register_buffer("deviation", torch.ones(CHANNELS))
        self.first = nn.Conv1d(CHANNELS, width, 3, padding=1)
        self.wide = nn.ModuleList(
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
            for dilation in DILATIONS
        )
        self.mixed = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in DILATIONS)
        self.answers = nn.Conv1d(width, ANSWERS, 1)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, traces: Tensor) -> Tensor:
        """traces: (B, T, C) · returns (B, T, ANSWERS) logits"""
        x = self.first(((traces - self.mean) / self.deviation).transpose(1, 2))  # (B, W, T)
        for wide, mixed in zip(self.wide, self.mixed, strict=True):
            x = x + self.dropout(mixed(functional.relu(wide(functional.relu(x)))))
        logits: Tensor = self.answers(functional.relu(x)).transpose(1, 2)
        return logits
