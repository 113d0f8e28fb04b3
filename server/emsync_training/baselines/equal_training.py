"""One loop that trains any side, a slice of time at a time, with the composer's own optimizers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from emsync_training.baselines.sides import Side
from emsync_training.dataset import Batch, CropSampler
from emsync_training.learning import Learner, TrainSettings, held_out_row
from emsync_training.losses import nats_per_note
from emsync_training.networks.composer import ComposerShape
from emsync_training.train import learning_rate_factor

WARM_PASSES = 3


class SideTraining:
    """A side in training: network, average, optimizers, and the processor time that it has had."""

    def __init__(self, side: Side, shape: ComposerShape, settings: TrainSettings) -> None:
        """Fresh, from the settings' seed: both sides draw the same crops."""
        torch.manual_seed(settings.seed)
        self.side, self.settings = side, settings
        self.learner = Learner.of(side.network(shape), side.network(shape), settings)
        self.step, self.seconds, self.wall_s, self.notes = 0, 0.0, 0.0, 0

    def train_for(self, sampler: CropSampler, seconds: float) -> float:
        """Train until `seconds` more of processor time are spent or all that was planned; mean nats
        a note. What else runs on the machine takes time from neither side.
        """
        settings, begun, wall = self.settings, time.process_time(), time.monotonic()
        before, wall_before = self.seconds, self.wall_s
        stop = min(before + seconds, settings.hours * 3600)
        total: list[float] = []
        while self.seconds < stop and self.step < settings.most_steps:
            total.append(self._step(sampler))
            self.seconds = before + time.process_time() - begun
            self.wall_s = wall_before + time.monotonic() - wall
        return float(np.mean(total)) if total else float("nan")

    def warm(self, sampler: CropSampler) -> None:
        """Let everything be compiled that will be, before the clock runs."""
        rng = np.random.default_rng(0)
        for _ in range(WARM_PASSES):
            batch = sampler.batch(rng, self.side.crops)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                nats, counts = self.side.losses(self.learner.network, batch)
            nats_per_note(nats, counts).backward()  # type: ignore[no-untyped-call]
        self.learner.network.zero_grad(set_to_none=True)

    @torch.no_grad()
    def held_out(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Nats a note of the averaged network, and of each field."""
        nats, counts = torch.zeros(5), torch.zeros(5)
        for batch in batches:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                n, c = self.side.losses(self.learner.ema, batch)
            nats, counts = nats + n.float(), counts + c.float()
        return held_out_row(nats, counts)

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        spent = [self.step, self.seconds, self.wall_s, self.notes]
        self.learner.save(path, {"spent": spent})

    def load(self, path: Path) -> None:
        """Take over a checkpoint."""
        self.step, self.seconds, self.wall_s, self.notes = self.learner.load(path)["spent"]

    def _step(self, sampler: CropSampler) -> float:
        settings, total = self.settings, 0.0
        progress = self.seconds / 3600 / settings.hours
        rate = learning_rate_factor(self.step, progress, settings.warmup_steps)
        passes = settings.crops * settings.accumulate // self.side.crops
        for _ in range(passes):
            batch = sampler.batch(self.learner.rng, self.side.crops)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                nats, counts = self.side.losses(self.learner.network, batch)
            loss = nats_per_note(nats, counts)
            (loss / passes).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach()) / passes
            self.notes += int(counts[1])
        self.step += 1
        self.learner.descend(settings, rate, self.step)
        return total
