"""Comments as batches of tokens, of nearly one length each: little is filled up, little wasted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from emsync_training.text_emotion.comments import Comments

MAX_TOKENS = 64
"""Of a comment; 1 in 2,000 of GoEmotions is longer."""
POOL_BATCHES = 48
"""So many batches are drawn at random and then sorted by length among themselves."""


@dataclass(frozen=True, slots=True)
class Tokenized:
    """N comments as token numbers."""

    tokens: tuple[NDArray[np.int64], ...]
    labels: NDArray[np.float32]

    @classmethod
    def of(cls, tokenizer: Tokenizer, comments: Comments) -> Tokenized:
        """Tokenize, cutting off what is too long."""
        found = tokenizer.encode_batch(list(comments.texts))
        return cls(tuple(np.array(each.ids, np.int64) for each in found), comments.labels)


@dataclass(frozen=True, slots=True)
class Batch:
    """B comments. tokens, is_token: (B, T) · labels: (B, 7) · places: (B,) of the comments."""

    tokens: Tensor
    is_token: Tensor
    labels: Tensor
    places: NDArray[np.int64]


def open_tokenizer(path: Path) -> Tokenizer:
    """A `tokenizer.json`, cutting at MAX_TOKENS and filling nothing up."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def shuffled_batches(data: Tokenized, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Each comment once, in random order; lengths within a batch nearly alike."""
    order = rng.permutation(len(data.tokens))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), size * POOL_BATCHES):
        pool = order[start : start + size * POOL_BATCHES]
        pool = pool[np.argsort([len(data.tokens[i]) for i in pool], kind="stable")]
        batches += [pool[first : first + size] for first in range(0, len(pool), size)]
    for index in rng.permutation(len(batches)):
        yield batch_of(data, batches[index])


def ordered_batches(data: Tokenized, size: int) -> Iterator[Batch]:
    """Each comment once, by length."""
    order = np.argsort([len(each) for each in data.tokens], kind="stable")
    for start in range(0, len(order), size):
        yield batch_of(data, order[start : start + size])


def batch_of(data: Tokenized, places: Sequence[int] | NDArray[np.int64]) -> Batch:
    """These comments, the shorter ones filled up."""
    rows = [data.tokens[place] for place in places]
    width = max(len(row) for row in rows)
    tokens = np.zeros((len(rows), width), np.int64)
    is_token = np.zeros((len(rows), width), np.float32)
    for at, row in enumerate(rows):
        tokens[at, : len(row)] = row
        is_token[at, : len(row)] = 1
    places = np.asarray(places)
    labels = torch.from_numpy(data.labels[places])
    return Batch(torch.from_numpy(tokens), torch.from_numpy(is_token), labels, places)
