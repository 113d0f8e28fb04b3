"""The training loop: `python -m emsync_training train`. One command for CPU and CUDA; it resumes
exactly.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emsync_training.corpus import Corpus
from emsync_training.dataset import Batch, CropSampler
from emsync_training.losses import field_losses, nats_per_note
from emsync_training.networks.composer import Composer, ComposerShape
from emsync_training.training_log import TrainingLog

Losses = Callable[..., tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How a run trains."""

    hours: float
    """Training time that the learning rate is planned over; the run stops there."""
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


@dataclass
class TrainState:
    """Everything that changes while training."""

    network: Composer
    ema: Composer
    optimizers: list[torch.optim.Optimizer]
    rng: np.random.Generator
    step: int = 0
    seconds: float = 0.0
    events: int = 0

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        data = {
            "shape": self.network.shape.as_dict(),
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "rng": self.rng.bit_generator.state,
            "step": self.step,
            "seconds": self.seconds,
            "events": self.events,
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
        self.step, self.seconds, self.events = data["step"], data["seconds"], data["events"]


def load_ema(path: Path) -> Composer:
    """The averaged network of a checkpoint, ready to use."""
    data: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    network = Composer(ComposerShape(**data["shape"]))
    network.load_state_dict(data["ema"])
    return network.eval()


def checkpoint_facts(path: Path) -> dict[str, float]:
    """How far a checkpoint was trained."""
    data: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    hours = round(float(data["seconds"]) / 3600, 3)
    return {"step": data["step"], "events": data["events"], "hours": hours}


def train(
    corpus: Corpus,
    out: Path,
    settings: TrainSettings,
    shape: ComposerShape,
    *,
    weights: Mapping[str, Tensor] | None = None,
) -> None:
    """Train until the planned hours are spent, from `out`/composer.pt where there is one, else
    from `weights` (the state of a network of this shape), else from nothing.
    """
    out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    state = _new_state(settings, shape, device)
    checkpoint = out / "composer.pt"
    if checkpoint.exists():
        state.load(checkpoint)
    elif weights is not None:
        state.network.load_state_dict(dict(weights))
        state.ema.load_state_dict(dict(weights))
    losses: Losses = field_losses
    if settings.compiled:
        losses = torch.compile(field_losses, dynamic=False)
    sampler = CropSampler(corpus, held_out=False)
    held_out = held_out_batches(corpus, settings.held_out_crops)
    log = TrainingLog(out / "composer.csv")
    saved = evaluated = state.seconds
    recent: list[float] = []
    begun = time.monotonic() - state.seconds
    while state.seconds < settings.hours * 3600 and state.step < settings.most_steps:
        rate = learning_rate_factor(
            state.step, state.seconds / 3600 / settings.hours, settings.warmup_steps
        )
        recent.append(_step(state, sampler, settings, (rate, device), losses))
        state.seconds = time.monotonic() - begun
        row = {"step": state.step, "hours": state.seconds / 3600, "events": state.events,
               "learning_rate": rate * settings.matrix_rate}  # fmt: skip
        if state.seconds - evaluated > settings.evaluate_minutes * 60:
            row |= evaluation_row(state.ema, held_out, device)
            evaluated = state.seconds
        if state.step % 10 == 0 or len(row) > 4:
            log.write(row | {"train_nats_per_note": float(np.mean(recent))})
            recent.clear()
        if len(row) > 4:
            log.plot()
        if state.seconds - saved > settings.save_minutes * 60:
            state.save(checkpoint)
            saved = state.seconds
    state.save(checkpoint)
    final = {"step": state.step, "hours": state.seconds / 3600, "events": state.events}
    log.write(final | evaluation_row(state.ema, held_out, device))
    log.plot()


def learning_rate_factor(step: int, progress: float, warmup_steps: int) -> float:
    """Linear warm-up, then a cosine from 1 to 0.01 over the planned time (progress 0 to 1)."""
    cosine = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))
    return min(1.0, (step + 1) / warmup_steps) * cosine


def held_out_batches(corpus: Corpus, crops: int, size: int = 8) -> list[Batch]:
    """The fixed held-out set: always the same crops."""
    sampler, rng = CropSampler(corpus, held_out=True), np.random.default_rng(20240229)
    return [sampler.batch(rng, size) for _ in range(crops // size)]


@torch.no_grad()
def evaluation_row(
    network: Composer, batches: list[Batch], device: torch.device
) -> dict[str, float]:
    """Held-out nats a note, in all and for each field."""
    nats, counts = torch.zeros(5), torch.zeros(5)
    for batch in batches:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            n, c = field_losses(network, *_tensors(batch, device))
        nats += n.float().cpu()
        counts += c.float().cpu()
    row = {"held_out_nats_per_note": float(nats_per_note(nats, counts))}
    means = nats / torch.stack([counts[1], *counts[1:]])
    names = ("position", "instrument", "pitch", "length", "velocity")
    return row | {
        f"held_out_{name}": float(value) for name, value in zip(names, means, strict=True)
    }


def _new_state(settings: TrainSettings, shape: ComposerShape, device: torch.device) -> TrainState:
    torch.manual_seed(settings.seed)
    network = Composer(shape).to(device)
    ema = Composer(shape).to(device)
    ema.load_state_dict(network.state_dict())
    ema.requires_grad_(requires_grad=False)
    matrices, decayed, rest = [], [], []
    for name, parameter in network.named_parameters():
        if name.startswith("blocks") and parameter.ndim == 2:
            matrices.append(parameter)
        elif parameter.ndim == 2:
            decayed.append(parameter)
        else:
            rest.append(parameter)
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
    return TrainState(network, ema, [muon, adam], np.random.default_rng(settings.seed))


def _step(
    state: TrainState,
    sampler: CropSampler,
    settings: TrainSettings,
    place: tuple[float, torch.device],
    losses: Losses,
) -> float:
    rate, device = place
    total = 0.0
    for _ in range(settings.accumulate):
        batch = sampler.batch(state.rng, settings.crops)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            nats, counts = losses(state.network, *_tensors(batch, device))
        loss = nats_per_note(nats, counts)
        (loss / settings.accumulate).backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach()) / settings.accumulate
        state.events += int(counts[0])
    nn.utils.clip_grad_norm_(state.network.parameters(), settings.clip)
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["planned_lr"] * rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    state.step += 1
    _average(
        state.ema, state.network, min(settings.ema_decay, (1 + state.step) / (10 + state.step))
    )
    return total


@torch.no_grad()
def _average(ema: nn.Module, network: nn.Module, decay: float) -> None:
    for kept, current in zip(ema.parameters(), network.parameters(), strict=True):
        kept.lerp_(current.detach(), 1 - decay)


def _tensors(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    arrays = (batch.events, batch.condition, batch.learned)
    events, condition, learned = (torch.from_numpy(array).to(device) for array in arrays)
    return events, condition, learned
