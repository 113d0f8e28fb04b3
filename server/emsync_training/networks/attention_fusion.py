"""The fusion of EMSYNC as published, for Ekman-6: sequences of audio, scene and faces attend to one
another, two texts stand beside them. Written from its description, not from its code.

Where the description is silent, the published number of parameters decides: each sequence has
query, key and value layers of its own before the attention's.

B batch, T steps (16 as published), D width, M modalities, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import torch
from torch import Tensor, nn

SEQUENCES = {"audio": 768, "scene": 512, "face": 768}
"""BEATs, CLIP ViT-B/32, a face expression network."""
TEXTS = {"asr": 768, "ocr": 768}
"""Sentence encodings of what is said and what is written."""
WIDTH, HEADS, DROPOUT, CLASSES = 512, 4, 0.5, 6
STEPS = 16
TO = " to "
PARAMETERS_WITH_OCR, PARAMETERS_WITHOUT = 10_535_942, 10_139_142


class AttentionFusion(nn.Module):
    """Features of a clip in, a logit a class out."""

    def __init__(
        self,
        sequences: Mapping[str, int] = SEQUENCES,
        texts: Mapping[str, int] = TEXTS,
        *,
        classes: int = CLASSES,
    ) -> None:
        """Fresh weights. sequences, texts: the size of each modality's features."""
        super().__init__()
        self.sequences, self.texts = sorted(sequences), sorted(texts)
        sizes = {**sequences, **texts}
        self.project = nn.ModuleDict(
            {name: nn.Linear(sizes[name], WIDTH) for name in sorted(sizes)}
        )
        self.parts = nn.ModuleDict({name: _Parts() for name in self.sequences})
        pairs = permutations(self.sequences, 2) if len(self.sequences) > 1 else ()
        self.pairs = nn.ModuleDict({f"{one}{TO}{other}": _Attending() for one, other in pairs})
        # One sequence has none to attend to: it stands for itself.
        blocks = (len(self.pairs) or len(self.sequences)) + len(self.texts)
        self.output = nn.Linear(blocks * WIDTH, classes)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Sequences (B, T, size), texts (B, size); zeros where a modality is missing, as published
        → (B, C)
        """
        projected = {name: self.project[name](features[name]) for name in self.project}
        blocks: dict[str, Tensor] = {name: projected[name] for name in self.texts}
        if not self.pairs:
            blocks |= {name: projected[name].mean(dim=1) for name in self.sequences}
        made = {name: self.parts[name](projected[name]) for name in self.sequences}
        for name, attend in self.pairs.items():
            one, other = name.split(TO)
            (query, _, _), (_, key, value) = made[one], made[other]
            blocks[name] = attend(query, key, value)
        joined = torch.cat([blocks[name] for name in sorted(blocks)], dim=-1)
        out: Tensor = self.output(torch.relu(joined))
        return out


class _Parts(nn.Module):
    """What a sequence asks for, is found by and gives."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, D) to three of it."""
        return self.query(x), self.key(x), self.value(x)


class _Attending(nn.Module):
    """One sequence looks at another."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.norm = nn.LayerNorm(WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(B, T, D) each → (B, D)"""
        mixed, _ = self.attention(query, key, value, need_weights=False)
        out: Tensor = self.dropout(self.norm(mixed)).mean(dim=1)
        return out


def published_fusion(*, with_ocr: bool) -> AttentionFusion:
    """The published sizes; their number of parameters is checked."""
    texts = TEXTS if with_ocr else {"asr": TEXTS["asr"]}
    network = AttentionFusion(SEQUENCES, texts)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == (PARAMETERS_WITH_OCR if with_ocr else PARAMETERS_WITHOUT), count
    return network
