"""One loop that trains any side, a slice of time at a time, with the composer's own optimizers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from emsync_training.baselines.sides import Side
from emsync_training.dataset import Batch, CropSampler
from emsync_training.losses import nats_per_note
from emsync_training.networks.composer import ComposerShape
from emsync_training.train import TrainSettings, learning_rate_factor

WARM_PASSES = 3


class SideTraining:
    """A side in training: network, average, optimizers, and the time that it has had."""

    def __init__(self, side: Side, shape: ComposerShape, settings: TrainSettings) -> None:
        """Fresh, from the settings' seed: both sides draw the same crops."""
        torch.manual_seed(settings.seed)
        self.side, self.settings = side, settings
        self.network, self.ema = side.network(shape), side.network(shape)
        self.ema.load_state_dict(self.network.state_dict())
        self.ema.requires_grad_(requires_grad=False)
        self.optimizers = _optimizers(self.network, settings)
        self.rng = np.random.default_rng(settings.seed)
        self.step, self.seconds, self.cpu_s, self.notes = 0, 0.0, 0.0, 0

    def train_for(self, sampler: CropSampler, seconds: float) -> float:
        """Train until `seconds` more are spent or all that was planned; mean nats a note."""
        settings, begun, cpu = self.settings, time.monotonic(), time.process_time()
        before, cpu_before = self.seconds, self.cpu_s
        stop = min(before + seconds, settings.hours * 3600)
        total: list[float] = []
        while self.seconds < stop and self.step < settings.most_steps:
            total.append(self._step(sampler))
            self.seconds = before + time.monotonic() - begun
            self.cpu_s = cpu_before + time.process_time() - cpu
        return float(np.mean(total)) if total else float("nan")

    def warm(self, sampler: CropSampler) -> None:
        """Let everything be compiled that will be, before the clock runs."""
        rng = np.random.default_rng(0)
        for _ in range(WARM_PASSES):
            batch = sampler.batch(rng, self.side.crops)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                nats, counts = self.side.losses(self.network, batch)
            nats_per_note(nats, counts).backward()  # type: ignore[no-untyped-call]
        self.network.zero_grad(set_to_none=True)

    @torch.no_grad()
    def held_out(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Nats a note of the averaged network, and of each field."""
        nats, counts = torch.zeros(5), torch.zeros(5)
        for batch in batches:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                n, c = self.side.losses(self.ema, batch)
            nats, counts = nats + n.float(), counts + c.float()
        means = nats / torch.stack([counts[1], *counts[1:]])
        names = ("position", "instrument", "pitch", "length", "velocity")
        fields = {f"held_out_{name}": float(one) for name, one in zip(names, means, strict=True)}
        return {"held_out_nats_per_note": float(nats_per_note(nats, counts)), **fields}

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        data = {
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "rng": self.rng.bit_generator.state,
            "spent": [self.step, self.seconds, self.cpu_s, self.notes],
        }
        partial = path.with_suffix(".partial")
        torch.save(data, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Take over a checkpoint."""
        data: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(data["network"])
        self.ema.load_state_dict(data["ema"])
        for optimizer, state in zip(self.optimizers, data["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.rng.bit_generator.state = data["rng"]
        self.step, self.seconds, self.cpu_s, self.notes = data["spent"]

    def _step(self, sampler: CropSampler) -> float:
        settings, total = self.settings, 0.0
        progress = self.seconds / 3600 / settings.hours
        rate = learning_rate_factor(self.step, progress, settings.warmup_steps)
        passes = settings.crops * settings.accumulate // self.side.crops
        for _ in range(passes):
            batch = sampler.batch(self.rng, self.side.crops)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                nats, counts = self.side.losses(self.network, batch)
            loss = nats_per_note(nats, counts)
            (loss / passes).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach()) / passes
            self.notes += int(counts[1])
        nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["planned_lr"] * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        decay = min(settings.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, now in zip(self.ema.parameters(), self.network.parameters(), strict=True):
                kept.lerp_(now.detach(), 1 - decay)
        return total


def _optimizers(network: nn.Module, settings: TrainSettings) -> list[torch.optim.Optimizer]:
    """As the composer's own training has them: Muon for the blocks' matrices, AdamW else."""
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
