"""The genre networks of *Movie trailer genre classification using multimodal pretrained features*
(arXiv 2410.19760): one transformer over all modalities, one for each, and a plain network. Written
from their description, not from their code.

B batch, T steps of a modality, D width, M modalities, C genres.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

SIZES = {"asr": 768, "audio": 768, "face": 768, "ocr": 768, "scene": 512}
WIDTH, HEADS, FEED_FORWARD, GENRES = 1280, 8, 5120, 21
POSITIONS = 1_952
"""Learned places of the longest sequence. The description states no number; with this one the
single transformer has the published 26.8 million parameters."""
MILLIONS = 26.8


class SingleTransformer(nn.Module):
    """All modalities in one sequence: CLS, then each modality's steps with a SEP behind them."""

    def __init__(
        self,
        sizes: Mapping[str, int] = SIZES,
        *,
        classes: int = GENRES,
        positions: int = POSITIONS,
    ) -> None:
        """Fresh weights. sizes: of each modality's features."""
        super().__init__()
        self.names = sorted(sizes)
        self.project = nn.ModuleDict({name: nn.Linear(sizes[name], WIDTH) for name in self.names})
        self.first = nn.Parameter(torch.randn(WIDTH) * 0.02)
        self.separator = nn.Parameter(torch.randn(WIDTH) * 0.02)
        self.positions = nn.Parameter(torch.randn(positions, WIDTH) * 0.02)
        self.encoder = _layer()
        self.output = nn.Linear(WIDTH, classes)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """(B, T, size) or (B, size) each → (B, C)"""
        batch = next(iter(features.values())).shape[0]
        rows = [self.first.expand(batch, 1, WIDTH)]
        for name in self.names:
            rows.append(self.project[name](_stepped(features[name])))
            rows.append(self.separator.expand(batch, 1, WIDTH))
        x = torch.cat(rows, dim=1)
        if x.shape[1] > len(self.positions):
            raise ValueError(f"{x.shape[1]} steps are more than {len(self.positions)} places")
        out: Tensor = self.output(self.encoder(x + self.positions[: x.shape[1]])[:, 0])
        return out


class MultiTransformer(nn.Module):
    """A transformer for each modality; their first places stand side by side."""

    def __init__(
        self,
        sizes: Mapping[str, int] = SIZES,
        *,
        classes: int = GENRES,
        positions: int = POSITIONS,
    ) -> None:
        """Fresh weights."""
        super().__init__()
        self.names = sorted(sizes)
        self.parts = nn.ModuleDict(
            {
                name: SingleTransformer({name: sizes[name]}, classes=classes, positions=positions)
                for name in self.names
            }
        )
        for part in self.parts.values():
            part.output = nn.Identity()
        self.output = nn.Linear(WIDTH * len(self.names), classes)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """(B, T, size) or (B, size) each → (B, C)"""
        firsts = [self.parts[name]({name: features[name]}) for name in self.names]
        out: Tensor = self.output(torch.relu(torch.cat(firsts, dim=-1)))
        return out


class GenreMLP(nn.Module):
    """Means over time, side by side, through one hidden layer."""

    def __init__(
        self, sizes: Mapping[str, int] = SIZES, *, classes: int = GENRES, hidden: int = WIDTH
    ) -> None:
        """Fresh weights."""
        super().__init__()
        self.names = sorted(sizes)
        self.layers = nn.Sequential(
            nn.Linear(sum(sizes.values()), hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, classes),
        )

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """(B, T, size) or (B, size) each → (B, C)"""
        means = [_stepped(features[name]).mean(dim=1) for name in self.names]
        out: Tensor = self.layers(torch.cat(means, dim=-1))
        return out


def _layer() -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(WIDTH, HEADS, FEED_FORWARD, batch_first=True)


def _stepped(x: Tensor) -> Tensor:
    """A single vector is a sequence of one."""
    return x[:, None] if x.ndim == 2 else x
