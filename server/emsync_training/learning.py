"""What every training here shares: settings, optimizers, one descent, the average, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emsync_server.composition.representation import FIELDS
from emsync_training.losses import nats_per_note


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How a run trains."""

    hours: float
    """Training time that the learning rate is planned over; the run stops there."""
    planned_steps: int | None = None
    """Steps that the learning rate is planned over instead, where the run stops: then the weights
    do not depend on the clock, and a run that was killed and goes on ends with the same ones."""
    crops: int = 4
    """Crops a forward pass; on two cores 8 cost half as much again, in page faults."""
    accumulate: int = 2
    """Forward passes an optimizer step."""
    matrix_rate: float = 2e-3
    """Learning rate of the transformer's matrices (Muon, scaled to AdamW's step)."""
    other_rate: float = 2e-3
    """Learning rate of everything else (AdamW)."""
    weight_decay: float = 0.05
    warmup_steps: int = 60
    clip: float = 1.0
    ema_decay: float = 0.995
    seed: int = 1
    save_minutes: float = 10.0
    evaluate_minutes: float = 8.0
    held_out_crops: int = 64
    most_steps: int = 10**9
    compiled: bool = False
    """Compile the forward and backward pass (a minute at the start; 1.5 to 1.8 × faster on CPU)."""

    def progress(self, step: int, seconds: float) -> float:
        """The share of the plan that is done, 0 to 1 and beyond."""
        if self.planned_steps is not None:
            return step / self.planned_steps
        return seconds / 3600 / self.hours


@dataclass
class Learner:
    """A network in training: its average, its optimizers, and the generator that draws for it."""

    network: nn.Module
    ema: nn.Module
    optimizers: list[torch.optim.Optimizer]
    rng: np.random.Generator

    @classmethod
    def of(cls, network: nn.Module, ema: nn.Module, settings: TrainSettings) -> Learner:
        """Fresh: the average, of the same shape, begins as the network."""
        ema.load_state_dict(network.state_dict())
        ema.requires_grad_(requires_grad=False)
        rng = np.random.default_rng(settings.seed)
        return cls(network, ema, _optimizers(network, settings), rng)

    def descend(self, settings: TrainSettings, rate: float, step: int) -> None:
        """One step down the gradients that lie in the network; `step` counts from 1."""
        nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["planned_lr"] * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        decay = min(settings.ema_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, now in zip(self.ema.parameters(), self.network.parameters(), strict=True):
                kept.lerp_(now.detach(), 1 - decay)

    def save(self, path: Path, more: Mapping[str, Any]) -> None:
        """Write a checkpoint with `more` in it, whole or not at all."""
        data = {
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "rng": self.rng.bit_generator.state,
        }
        partial = path.with_suffix(".partial")
        torch.save(data | dict(more), partial)
        partial.replace(path)

    def load(self, path: Path) -> dict[str, Any]:
        """Take over a checkpoint; returns all of it."""
        data: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(data["network"])
        self.ema.load_state_dict(data["ema"])
        for optimizer, state in zip(self.optimizers, data["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.rng.bit_generator.state = data["rng"]
        return data


def arithmetic(device: torch.device) -> torch.autocast:
    """bfloat16 on a GPU, and on processors that compute in it (measured with AVX512-BF16: 0.63 of
    the time in single precision); single precision on others, which would only imitate it.
    """
    able = device.type != "cpu" or _processor_has_bfloat16()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=able)


def _processor_has_bfloat16() -> bool:
    known: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # newer torch knows
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def held_out_row(nats: Tensor, counts: Tensor) -> dict[str, float]:
    """Nats a note, in all and for each field, from their sums and counts (F,)."""
    means = nats / torch.stack([counts[1], *counts[1:]])
    fields = {f"held_out_{name}": float(mean) for name, mean in zip(FIELDS, means, strict=True)}
    return {"held_out_nats_per_note": float(nats_per_note(nats, counts)), **fields}


def _optimizers(network: nn.Module, settings: TrainSettings) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices, AdamW for the rest."""
    named = list(network.named_parameters())
    matrices = [p for name, p in named if name.startswith("blocks") and p.ndim == 2]
    decayed = [p for name, p in named if not name.startswith("blocks") and p.ndim == 2]
    rest = [p for _, p in named if p.ndim != 2]
    muon = torch.optim.Muon(
        matrices, lr=settings.matrix_rate, weight_decay=settings.weight_decay, momentum=0.95,
        adjust_lr_fn="match_rms_adamw",
    )  # fmt: skip
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=settings.other_rate, betas=(0.9, 0.95))
    for optimizer in (muon, adam):
        for group in optimizer.param_groups:
            group["planned_lr"] = group["lr"]
    return [muon, adam]
