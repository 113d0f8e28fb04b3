"""The training loop: `emsync train train`. One command for CPU and CUDA; it goes on from its last
checkpoint: exactly, where the learning rate is planned over steps, else as the clock has it.
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
from torch import Tensor

from emsync_training.corpus import Corpus
from emsync_training.dataset import Batch, CropSampler
from emsync_training.learning import Learner, TrainSettings, arithmetic, held_out_row
from emsync_training.losses import field_losses, nats_per_note
from emsync_training.networks.composer import Composer, ComposerShape
from emsync_training.training_log import TrainingLog

Losses = Callable[..., tuple[Tensor, Tensor]]


@dataclass
class TrainState:
    """Everything that changes while training."""

    learner: Learner
    ema: Composer
    """The learner's average."""
    step: int = 0
    seconds: float = 0.0
    events: int = 0

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        spent = {"step": self.step, "seconds": self.seconds, "events": self.events}
        self.learner.save(path, {"shape": self.ema.shape.as_dict(), **spent})

    def load(self, path: Path) -> None:
        """Take over a checkpoint."""
        data = self.learner.load(path)
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
        state.learner.network.load_state_dict(dict(weights))
        state.ema.load_state_dict(dict(weights))
    losses: Losses = field_losses
    if settings.compiled or device.type == "cuda":
        losses = torch.compile(field_losses, dynamic=False)
    sampler = CropSampler(corpus, held_out=False)
    held_out = held_out_batches(corpus, settings.held_out_crops)
    log = TrainingLog(out / "composer.csv")
    log.forget_after(state.step)
    saved = evaluated = state.seconds
    recent: list[float] = []
    begun = time.monotonic() - state.seconds
    while (progress := settings.progress(state.step, state.seconds)) < 1 and (
        state.step < settings.most_steps
    ):
        rate = learning_rate_factor(state.step, progress, settings.warmup_steps)
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
    return held_out_row(nats, counts)


def _new_state(settings: TrainSettings, shape: ComposerShape, device: torch.device) -> TrainState:
    torch.manual_seed(settings.seed)
    network, ema = Composer(shape).to(device), Composer(shape).to(device)
    return TrainState(Learner.of(network, ema, settings), ema)


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
        batch = sampler.batch(state.learner.rng, settings.crops)
        with arithmetic(device):
            nats, counts = losses(state.learner.network, *_tensors(batch, device))
        loss = nats_per_note(nats, counts)
        (loss / settings.accumulate).backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach()) / settings.accumulate
        state.events += int(counts[0])
    state.step += 1
    state.learner.descend(settings, rate, state.step)
    return total


def _tensors(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    arrays = (batch.events, batch.condition, batch.learned)
    events, condition, learned = (torch.from_numpy(array).to(device) for array in arrays)
    return events, condition, learned
