"""The published text expert: the first token of `cardiffnlp/twitter-roberta-base-sentiment-latest`,
768 numbers a line.

Its weights and its tokenizer.json are fetched by the user; reading the latter needs the package
`tokenizers`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emsync.errors import MissingPartError
from emsync_server.inference.network import Network, unusable
from emsync_server.models import user_folder
from emsync_server.spotting.experts.expert import Line
from emsync_server.spotting.experts.readings import Reading

__all__ = ["TextFullExpert", "has_tokenizers"]

FEATURES, MOST_TOKENS, PADDING = 768, 512, 1
LARGEST_TOKENIZER = 32 << 20


def has_tokenizers() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec("tokenizers") is not None


class TextFullExpert:
    """Lines to embeddings of 768 values."""

    name = "text_full"

    def __init__(self, folder: Path | None = None) -> None:
        """Load network and tokenizer from a folder; the user's own if left out."""
        if not has_tokenizers():
            raise MissingPartError(
                "Expert 'text_full' needs the package tokenizers: pip install tokenizers."
            )
        from tokenizers import Tokenizer

        folder = folder or user_folder() / self.name
        path = folder / "tokenizer.json"
        if not path.is_file() or path.stat().st_size > LARGEST_TOKENIZER:
            raise unusable(path, "there is no such file, or it is far too large")
        try:
            self._tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as err:  # tokenizers raises nothing narrower
            raise unusable(path, "it is not a tokenizer") from err
        self._network = Network.load(
            folder / "text_full.onnx",
            inputs={"input_ids": (None, None), "attention_mask": (None, None)},
            outputs={"last_hidden_state": (None, None, FEATURES)},
        )

    def read(self, items: Sequence[Line]) -> list[Reading | None]:
        """One reading each."""
        rows = [each.ids[:MOST_TOKENS] for each in self._tokenizer.encode_batch(
            [item.text for item in items])]  # fmt: skip
        shape = (len(rows), max(len(row) for row in rows))
        tokens, mask = np.full(shape, PADDING, np.int64), np.zeros(shape, np.int64)
        for at, row in enumerate(rows):
            tokens[at, : len(row)] = row
            mask[at, : len(row)] = 1
        outputs = self._network.run({"input_ids": tokens, "attention_mask": mask})
        first = np.asarray(outputs["last_hidden_state"], np.float32)[:, 0]
        return [
            Reading(self.name, item.start_s, item.end_s, embedding=row)
            for item, row in zip(items, first, strict=True)
        ]
