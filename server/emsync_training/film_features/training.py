"""One loop for the published networks: early stopping on dev, resumable, best weights kept."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from emsync.errors import InputError
from emsync_server.outputs import replacing_file
from emsync_training.film_features.films import FilmSet
from emsync_training.film_features.measures import average_precision
from emsync_training.film_features.restricted_pickle import BROKEN_PICKLE
from emsync_training.film_features.scaling import Scaling

__all__ = ["FilmTraining", "scores_of", "train_network"]

Floats = NDArray[np.float64]

TIE = 1e-6
"""Of two epochs that rank the dev films alike, the one whose probabilities are the better."""
KEPT = frozenset(
    {"network", "optimizer", "best", "epoch", "best_epoch", "best_value", "task", "torch_rng"}
)
"""What a checkpoint holds."""


@dataclass(frozen=True, slots=True)
class FilmTraining:
    """How a network trains."""

    one_label: bool
    """Ekman-6 has one emotion a film; MovieNet has several genres."""
    epochs: int = 100
    patience: int = 10
    """Epochs without a better dev split until it ends."""
    batch: int = 32
    rate: float = 1e-4
    weight_decay: float = 1e-2
    steps: int = 16
    seed: int = 1


def train_network(
    build: Callable[[], nn.Module],
    films: FilmSet,
    scaling: Scaling,
    settings: FilmTraining,
    out: Path,
    say: Callable[[str], None],
) -> nn.Module:
    """Train until dev gets no better; returns the network that was best there.

    Goes on where `out` holds a checkpoint of the same settings and films.
    """
    torch.manual_seed(settings.seed)
    train, dev = films.of_split("train"), films.of_split("dev")
    network = build()
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay
    )
    state = _State(network, optimizer)
    checkpoint = out / "checkpoint.pt"
    task = json.dumps([asdict(settings), films.classes, films.modalities, len(films.names)])
    if checkpoint.is_file():
        state.load(checkpoint, task)
    while state.epoch < settings.epochs and state.epoch - state.best_epoch <= settings.patience:
        loss = _epoch(state, train, scaling, settings)
        scores = scores_of(network, dev, scaling, settings)
        if not (math.isfinite(loss) and np.isfinite(scores).all()):
            raise InputError(
                f"Training went astray in epoch {state.epoch + 1}: what the network says is no "
                f"number any more. Give a smaller --rate than {settings.rate:g}."
            )
        precision = _mean_average_precision(scores, dev.labels)
        value = precision - TIE * _surprise(scores, dev.labels)
        state.epoch += 1
        if value > state.best_value:
            state.best_value, state.best_epoch = value, state.epoch
            state.best = copy.deepcopy(network.state_dict())
        state.save(checkpoint, task)
        say(f"epoch {state.epoch}: loss {loss:.4f}, dev average precision {precision:.4f}")
    network.load_state_dict(state.best)
    return network.eval()


@torch.no_grad()
def scores_of(
    network: nn.Module, films: FilmSet, scaling: Scaling, settings: FilmTraining
) -> Floats:
    """Probabilities (N, C)."""
    network.eval()
    rows = []
    for start in range(0, len(films.names), settings.batch):
        logits = network(scaling.batch(films.features[start : start + settings.batch]))
        rows.append(logits.softmax(-1) if settings.one_label else logits.sigmoid())
    return torch.cat(rows).double().numpy()


class _State:
    """A run in progress."""

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.network, self.optimizer = network, optimizer
        self.epoch = self.best_epoch = 0
        self.best_value = -1.0
        self.best: dict[str, Tensor] = copy.deepcopy(network.state_dict())

    def save(self, path: Path, task: str) -> None:
        """Write a checkpoint, whole or not at all."""
        data = {
            "network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(),
            "best": self.best, "epoch": self.epoch, "best_epoch": self.best_epoch,
            "best_value": self.best_value, "task": task, "torch_rng": torch.get_rng_state(),
        }  # fmt: skip
        with replacing_file(path) as partial:
            torch.save(data, partial)

    def load(self, path: Path, task: str) -> None:
        """Go on from a checkpoint."""
        damaged = InputError(
            f"'{path}' is no complete checkpoint. Remove it to begin anew, or name another folder "
            "with --out."
        )
        try:
            data: Any = torch.load(path, weights_only=True)
        except BROKEN_PICKLE as err:
            raise damaged from err
        if not isinstance(data, dict) or not data.keys() >= KEPT:
            raise damaged
        if data["task"] != task:
            raise InputError(
                f"'{path}' is the checkpoint of another run (other films, classes or settings). "
                "Name another folder with --out."
            )
        self.network.load_state_dict(data["network"])
        self.optimizer.load_state_dict(data["optimizer"])
        self.epoch, self.best_epoch = data["epoch"], data["best_epoch"]
        self.best_value, self.best = data["best_value"], data["best"]
        torch.set_rng_state(data["torch_rng"])


def _epoch(state: _State, train: FilmSet, scaling: Scaling, settings: FilmTraining) -> float:
    state.network.train()
    rng = np.random.default_rng((settings.seed, state.epoch))
    order = rng.permutation(len(train.names))
    losses = []
    for start in range(0, len(order), settings.batch):
        places = order[start : start + settings.batch]
        logits = state.network(scaling.batch([train.features[place] for place in places]))
        labels = torch.from_numpy(train.labels[places])
        if settings.one_label:
            loss = functional.cross_entropy(logits, labels.argmax(dim=-1))
        else:
            loss = functional.binary_cross_entropy_with_logits(logits, labels)
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _surprise(scores: Floats, labels: NDArray[np.float32]) -> float:
    """Mean cross-entropy of the labels, in nats."""
    said = np.where(labels > 0.5, scores, 1 - scores)
    return float(-np.log(np.maximum(said, 1e-9)).mean())


def _mean_average_precision(scores: Floats, labels: NDArray[np.float32]) -> float:
    each = [average_precision(*pair) for pair in zip(scores.T, labels.T > 0.5, strict=True)]
    known = [value for value in each if np.isfinite(value)]
    return float(np.mean(known)) if known else 0.0
