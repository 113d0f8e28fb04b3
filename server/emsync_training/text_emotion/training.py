"""Fine-tuning of the sentence encoder for emotions; resumable, chosen on the dev split alone."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from emsync.errors import InputError
from emsync_training.networks.sentence_encoder import EncoderShape, TextEmotionNetwork
from emsync_training.text_emotion.batches import (
    Batch,
    Tokenized,
    ordered_batches,
    shuffled_batches,
)
from emsync_training.text_emotion.comments import EMOTIONS
from emsync_training.text_emotion.measures import best_thresholds, macro_f1, sigmoid

Floats = NDArray[np.float64]

CHECKPOINT, LOG = "text-emotion.pt", "text-emotion.jsonl"
AVERAGE_STEPS = 5
"""The average takes in every fifth step: it costs as much memory traffic as the step itself."""
COMMON = ("joy", "neutral")
HEAD_INPUTS = ("pooler.", "embeddings.position_ids")
"""Parts of the published file that have no place here."""


@dataclass(frozen=True, slots=True)
class TextTraining:
    """How a run trains."""

    epochs: float = 2.6
    batch: int = 48
    rate: float = 1.6e-4
    """Of the uppermost layer; each layer below learns at `layer_decay` of the one above. The word
    vectors stay as they are: words that no comment holds keep their place among the others."""
    layer_decay: float = 0.9
    head_rate: float = 8e-4
    weight_decay: float = 0.01
    warmup: float = 0.06
    """Share of all steps."""
    ema_decay: float = 0.998
    frozen_layers: int = 2
    """The lowest layers stay as they are; 6: only the head is trained."""
    common_share: float = 0.6
    """Of the comments that are only joyful or neutral (seven in ten) each epoch takes another
    draw; what this does to the probabilities, calibration undoes."""
    minutes: float = 50.0
    """The rate has come down by then at the latest, and the run ends."""
    seed: int = 1
    save_steps: int = 200
    dev_every: int = 500


class TextRun:
    """A run in progress."""

    def __init__(self, encoder: Path, training: TextTraining) -> None:
        """From the published encoder's `model.safetensors`."""
        torch.manual_seed(training.seed)
        self.training = training
        self.network = pretrained(encoder)
        self.average = TextEmotionNetwork(self.network.shape)
        self.average.load_state_dict(self.network.state_dict())
        self.average.requires_grad_(requires_grad=False).eval()
        self.network.embeddings.requires_grad_(requires_grad=False)
        for layer in list(self.network.encoder.layer)[: training.frozen_layers]:
            layer.requires_grad_(requires_grad=False)
        self.optimizer = torch.optim.AdamW(
            _groups(self.network, training), weight_decay=training.weight_decay, fused=True
        )
        self.step, self.seconds = 0, 0.0

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        data = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "torch_rng": torch.get_rng_state(),
        }
        partial = path.with_suffix(".partial")
        torch.save(data, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        data: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(data["network"])
        self.average.load_state_dict(data["average"])
        self.optimizer.load_state_dict(data["optimizer"])
        torch.set_rng_state(data["torch_rng"])
        self.step, self.seconds = data["step"], data["seconds"]

    def descend(self, batch: Batch, progress: float) -> float:
        """One step, `progress` (0 to 1) through the run; returns its loss."""
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = group["planned_lr"] * _rate_factor(progress, self.training.warmup)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.network(batch.tokens, batch.is_token)
        loss = functional.binary_cross_entropy_with_logits(logits.float(), batch.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.step % AVERAGE_STEPS:
            return float(loss.detach())
        decay = min(self.training.ema_decay**AVERAGE_STEPS, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
                if now.requires_grad:
                    kept.lerp_(now, 1 - decay)
        return float(loss.detach())


def train(run: TextRun, data: Tokenized, dev: Tokenized, out: Path) -> None:
    """Train to the planned number of steps; goes on where `out` holds a checkpoint."""
    training, checkpoint = run.training, out / CHECKPOINT
    out.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        run.load(checkpoint)
    steps = round(training.epochs * len(_draw(data, training, 0)) / training.batch)
    recent: list[float] = []
    begun = time.monotonic() - run.seconds
    for batch in _batches(data, training, run.step):
        run.seconds = time.monotonic() - begun
        progress = max(run.step / steps, run.seconds / 60 / training.minutes)
        if progress >= 1:
            break
        recent.append(run.descend(batch, progress))
        if run.step % 50 == 0:
            row: dict[str, float] = {"step": run.step, "of": steps, "seconds": round(run.seconds)}
            row["train_loss"] = round(float(np.mean(recent)), 5)
            if run.step % training.dev_every == 0:
                row["dev_macro_f1"] = dev_macro_f1(run.average, dev)
            with (out / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(row) + "\n")
            recent.clear()
        if run.step % training.save_steps == 0:
            run.save(checkpoint)
    run.save(checkpoint)


def pretrained(path: Path) -> TextEmotionNetwork:
    """The published encoder with a fresh head."""
    network = TextEmotionNetwork(EncoderShape())
    weights = load_file(path)
    kept = {name: value for name, value in weights.items() if not name.startswith(HEAD_INPUTS)}
    try:
        found = network.load_state_dict(kept, strict=False)
    except RuntimeError as err:
        raise InputError(f"{path} does not hold all-MiniLM-L6-v2: its shapes differ.") from err
    if found.unexpected_keys or any(not name.startswith("head.") for name in found.missing_keys):
        raise InputError(f"{path} does not hold all-MiniLM-L6-v2: its names differ.")
    return network


@torch.no_grad()
def logits_of(network: TextEmotionNetwork, data: Tokenized, *, size: int = 64) -> Floats:
    """(N, 7)"""
    network.eval()
    out = np.zeros(data.labels.shape)
    for batch in ordered_batches(data, size):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = network(batch.tokens, batch.is_token)
        out[batch.places] = found.float().numpy()
    return out


def dev_macro_f1(network: TextEmotionNetwork, dev: Tokenized) -> float:
    """With the thresholds that fit the dev split best."""
    probabilities = sigmoid(logits_of(network, dev))
    return macro_f1(probabilities >= best_thresholds(probabilities, dev.labels), dev.labels)


def _draw(data: Tokenized, training: TextTraining, epoch: int) -> NDArray[np.int64]:
    """Places of the comments that an epoch takes."""
    rare = data.labels[:, [EMOTIONS.index(name) for name in COMMON]].sum(axis=1) == 0
    rare |= data.labels.sum(axis=1) > 1
    rng = np.random.default_rng((training.seed, epoch))
    return np.flatnonzero(rare | (rng.random(len(rare)) < training.common_share))


def _batches(data: Tokenized, training: TextTraining, done: int) -> Iterator[Batch]:
    """Batches of all epochs, the same each time; without those that are done."""
    epoch = index = 0
    while True:
        places = _draw(data, training, epoch)
        part = Tokenized(tuple(data.tokens[place] for place in places), data.labels[places])
        rng = np.random.default_rng((training.seed, epoch, 1))
        for batch in shuffled_batches(part, training.batch, rng):
            if index >= done:
                yield batch
            index += 1
        epoch += 1


def _groups(network: TextEmotionNetwork, training: TextTraining) -> list[dict[str, Any]]:
    layers = list(network.encoder.layer)
    parts: list[tuple[nn.Module, float]] = [(network.head, training.head_rate)]
    for depth, layer in enumerate(reversed(layers)):
        parts.append((layer, training.rate * training.layer_decay**depth))
    found = [([p for p in part.parameters() if p.requires_grad], rate) for part, rate in parts]
    return [{"params": params, "planned_lr": rate} for params, rate in found if params]


def _rate_factor(progress: float, warmup: float) -> float:
    """Linear up, then a cosine down to 1 % of the rate."""
    if progress < warmup:
        return 0.02 + 0.98 * progress / warmup
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
