"""The tokenizer's file without the words that the head was not made for.

A third of the word vectors of the published encoder stand for unused places, other scripts, rare
signs and rare words. GoEmotions is English; signs that are left out are read as unknown, words in
pieces.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
USUAL = re.compile(r"(##)?([a-z]+|[0-9]{1,4}|[!-/:-@\[-`{-~’‘“”–—…£€°é])")
"""Latin words and their ends, short numbers, the signs of English text."""

FREQUENT = 20_000
"""The encoder's words stand in the order of how often they were; rarer ones are kept where training
saw them."""


def kept_tokens(tokenizer: dict[str, Any], seen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the tokens to keep, in order: special, usual and frequent, all that training
    saw."""
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    kept = {
        place
        for word, place in vocabulary.items()
        if word in SPECIAL or (place < FREQUENT and USUAL.fullmatch(word))
    }
    return np.array(sorted(kept | set(seen.tolist())), np.int64)


def smaller_tokenizer(source: Path, kept: NDArray[np.int64], most_tokens: int) -> str:
    """The text of a `tokenizer.json` with the kept tokens only, numbered anew from 0."""
    data: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    new = {int(old): place for place, old in enumerate(kept)}
    words: dict[str, int] = data["model"]["vocab"]
    data["model"]["vocab"] = {word: new[old] for word, old in words.items() if old in new}
    for token in data["added_tokens"]:
        token["id"] = new[token["id"]]
    for token in data["post_processor"]["special_tokens"].values():
        token["ids"] = [new[old] for old in token["ids"]]
    data["padding"] = None
    data["truncation"] = {**data["truncation"], "max_length": most_tokens}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"
