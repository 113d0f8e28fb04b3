"""What the encoder knows without being fine-tuned: a head on its layers, which stay as published.

A yardstick for the fine-tuned network, not a file that is shipped. The lines are encoded once; the
head is trained on what was kept of them, and chosen on the dev split alone.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from emsync_training.networks.sentence_encoder import TextEmotionNetwork
from emsync_training.text_emotion.batches import Tokenized, open_tokenizer, ordered_batches
from emsync_training.text_emotion.calibration import Calibration
from emsync_training.text_emotion.comments import SPLITS, read_split
from emsync_training.text_emotion.measures import best_thresholds, macro_f1, sigmoid
from emsync_training.text_emotion.run import TOKENIZER, WEIGHTS, measured
from emsync_training.text_emotion.training import pretrained

__all__ = ["measure_frozen"]

Floats = NDArray[np.float64]

BATCH, HEAD_BATCH = 64, 256
HIDDEN, DROPOUT = 1152, 0.5
EPOCHS, RATE, WEIGHT_DECAY = 10, 1e-3, 0.05
AVERAGE_DECAY = 0.99
"""What is measured is an average of the weights over about a hundred steps."""
FEATURES_FILE = "text-emotion.frozen.npz"


def measure_frozen(
    data: Path, encoder: Path, work: Path, say: Callable[[str], None], *, seed: int = 1
) -> dict[str, object]:
    """Encode, train the head, and measure it on test with thresholds and calibration from dev."""
    splits = {split: read_split(data, split) for split in SPLITS}
    features = _standardised(_features(data, encoder, work, say))
    labels = {split: torch.from_numpy(each.labels) for split, each in splits.items()}
    torch.manual_seed(seed)
    head = _trained(features, labels, say)
    logits = {split: _logits(head, features[split]) for split in ("dev", "test")}
    calibration = Calibration.fit(logits["dev"], splits["dev"].labels)
    probabilities = {split: calibration.probabilities(each) for split, each in logits.items()}
    return {"features": features["dev"].shape[1], "one head": measured(probabilities, splits)}


def _features(
    data: Path, encoder: Path, work: Path, say: Callable[[str], None]
) -> dict[str, Tensor]:
    """(N, 9 × 384) of each split, half precision; kept in `work`."""
    kept = work / FEATURES_FILE
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as file:
            return {split: torch.from_numpy(file[split]) for split in SPLITS}
    tokenizer, network = open_tokenizer(encoder / TOKENIZER), pretrained(encoder / WEIGHTS).eval()
    found: dict[str, Tensor] = {}
    for split in SPLITS:
        ready = Tokenized.of(tokenizer, read_split(data, split))
        rows = torch.zeros(len(ready.tokens), 9 * network.shape.width, dtype=torch.float16)
        for batch in ordered_batches(ready, BATCH):
            rows[torch.from_numpy(batch.places)] = _pooled(network, batch.tokens, batch.is_token)
        found[split] = rows
        say(f"{split}: {len(rows)} lines encoded")
    np.savez(kept, allow_pickle=False, **{split: rows.numpy() for split, rows in found.items()})
    return found


@torch.no_grad()
def _pooled(network: TextEmotionNetwork, tokens: Tensor, is_token: Tensor) -> Tensor:
    """The mean over tokens of the word vectors and of each layer, the greatest and the first of the
    last. tokens, is_token: (B, T) · returns (B, 9 × D)"""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        x = network.embeddings(tokens)
        mask = (is_token[:, None, None, :] - 1) * 1e4
        weight = is_token[:, :, None]
        parts = []
        for layer in (None, *network.encoder.layer):
            x = x if layer is None else layer(x, mask)
            parts.append((x * weight).sum(dim=1) / weight.sum(dim=1))
        parts += [(x + (weight - 1) * 1e4).amax(dim=1), x[:, 0]]
    return torch.cat([part.float() for part in parts], dim=1).half()


def _standardised(features: dict[str, Tensor]) -> dict[str, Tensor]:
    """By mean and deviation of the train split, as bfloat16."""
    train = features["train"].float()
    middle, spread = train.mean(dim=0), train.std(dim=0) + 1e-3
    return {split: ((each.float() - middle) / spread).bfloat16()
            for split, each in features.items()}  # fmt: skip


def _trained(
    features: dict[str, Tensor], labels: dict[str, Tensor], say: Callable[[str], None]
) -> nn.Sequential:
    """The averaged head of the epoch that was best on dev."""
    train, wanted = features["train"], labels["train"]
    head = nn.Sequential(
        nn.Dropout(DROPOUT), nn.Linear(train.shape[1], HIDDEN), nn.GELU(),
        nn.Dropout(DROPOUT), nn.Linear(HIDDEN, wanted.shape[1]),
    )  # fmt: skip
    average = deepcopy(head)
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * -(-len(train) // HEAD_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    best, kept = -1.0, head.state_dict()
    for epoch in range(EPOCHS):
        head.train()
        for places in torch.split(torch.randperm(len(train)), HEAD_BATCH):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = head(train[places])
            loss = functional.binary_cross_entropy_with_logits(logits.float(), wanted[places])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            _follow(average, head)
        probabilities, seen = sigmoid(_logits(average, features["dev"])), labels["dev"].numpy()
        score = macro_f1(probabilities >= best_thresholds(probabilities, seen), seen)
        say(f"epoch {epoch + 1} of {EPOCHS}: dev macro F1 {score:.4f}")
        if score > best:
            best, kept = score, {name: each.clone() for name, each in average.state_dict().items()}
    average.load_state_dict(kept)
    return average


@torch.no_grad()
def _follow(average: nn.Sequential, head: nn.Sequential) -> None:
    """Move the average towards the head, in place."""
    for slow, fast in zip(average.parameters(), head.parameters(), strict=True):
        slow.lerp_(fast, 1 - AVERAGE_DECAY)


@torch.no_grad()
def _logits(head: nn.Sequential, features: Tensor) -> Floats:
    head.eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        parts = [head(rows).float() for rows in torch.split(features, 4096)]
    return np.asarray(torch.cat(parts).numpy(), np.float64)
