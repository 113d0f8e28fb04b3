"""What words express: all-MiniLM-L6-v2, fine-tuned on GoEmotions for Ekman's six and 'neutral'.

English only: of a line that is known to be in another language, or whose words it does not know, it
says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emsync.errors import MissingPartError
from emsync_server.inference.network import Network, unusable
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import Line
from emsync_server.spotting.experts.readings import EkmanProbabilities, Reading
from emsync_server.spotting.experts.text_full import has_tokenizers

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["EMOTIONS", "TEXT_EMOTION_FILE", "TOKENIZER_FILE", "TextEmotionExpert"]

TEXT_EMOTION_FILE, TOKENIZER_FILE = "text_emotion.onnx", "text_emotion.tokenizer.json"
EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
"""Of the network's outputs."""
MOST_TOKENS = 64
MOST_UNKNOWN = 0.3
"""A line with a greater share of unknown words is in another language, or no text."""
UNKNOWN = "[UNK]"
ENGLISH = "en"
LONGEST_TEXT = 2000


class TextEmotionExpert:
    """Lines to Ekman probabilities."""

    name = "text_emotion"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load network and tokenizer of a folder."""
        self._network = Network.load(
            folder / TEXT_EMOTION_FILE,
            inputs={"tokens": (None, None), "is_token": (None, None)},
            outputs={"probabilities": (None, len(EMOTIONS))},
        )
        self._tokenizer = _tokenizer(folder / TOKENIZER_FILE)

    def read(self, items: Sequence[Line]) -> list[Reading | None]:
        """One reading for each line of English."""
        found = self.encoded([item.text for item in items])
        known = [
            at
            for at, each in enumerate(found)
            if items[at].language in (None, ENGLISH) and _is_known(each)
        ]
        readings: list[Reading | None] = [None] * len(items)
        if known:
            rows = self.probabilities([found[at] for at in known])
            for at, row in zip(known, rows, strict=True):
                readings[at] = self._reading(items[at], row)
        return readings

    def encoded(self, texts: Sequence[str]) -> list[Encoding]:
        """Texts as tokens; what is too long is cut off."""
        return list(self._tokenizer.encode_batch([each.strip()[:LONGEST_TEXT] for each in texts]))

    def probabilities(self, lines: Sequence[Encoding]) -> np.ndarray:
        """(N, 7), each for itself: several emotions may be in a line, or none."""
        width = max(len(each.ids) for each in lines)
        tokens = np.zeros((len(lines), width), np.int64)
        is_token = np.zeros((len(lines), width), np.float32)
        for row, each in enumerate(lines):
            tokens[row, : len(each.ids)] = each.ids
            is_token[row, : len(each.ids)] = 1
        found = self._network.run({"tokens": tokens, "is_token": is_token})["probabilities"]
        return np.asarray(found, np.float64)

    def _reading(self, item: Line, row: np.ndarray) -> Reading:
        shares = (row / max(float(row.sum()), 1e-9)).tolist()
        ekman = EkmanProbabilities(**dict(zip(EMOTIONS, shares, strict=True)))
        return Reading(self.name, item.start_s, item.end_s, ekman=ekman, certainty=item.certainty)


def _is_known(line: Encoding) -> bool:
    words = line.tokens[1:-1]
    return bool(words) and words.count(UNKNOWN) / len(words) <= MOST_UNKNOWN


def _tokenizer(path: Path) -> Tokenizer:
    if not has_tokenizers():
        raise MissingPartError(
            "Expert 'text_emotion' needs the package tokenizers: pip install 'emsync[words]'."
        )
    from tokenizers import Tokenizer

    if not path.is_file():
        raise unusable(path, "there is no such file")
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as err:  # tokenizers raises no other class
        raise unusable(path, "it is not a tokenizer's file") from err
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    return tokenizer
