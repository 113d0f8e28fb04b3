"""GoEmotions in the Ekman grouping: lines of text with the emotions that raters saw in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync.errors import InputError, NotFoundError

EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
"""In the order of `labels.txt`."""
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Comments:
    """N comments."""

    texts: tuple[str, ...]
    labels: NDArray[np.float32]
    """(N, 7): 1 where an emotion was seen; a comment may have several."""

    def __len__(self) -> int:
        return len(self.texts)


def read_split(folder: Path, split: str) -> Comments:
    """Read `train.tsv`, `dev.tsv` or `test.tsv`; raises InputError where a line is not like the
    others, NotFoundError where the file is not there."""
    _check_names(folder)
    path = folder / f"{split}.tsv"
    texts: list[str] = []
    rows: list[NDArray[np.float32]] = []
    for number, line in enumerate(_text_of(path).split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.rstrip("\r").split("\t")
        try:
            seen = [int(index) for index in fields[1].split(",")]
            row = np.zeros(len(EMOTIONS), np.float32)
            row[seen] = 1
            valid = len(fields) == 3 and min(seen) >= 0
        except (IndexError, ValueError):
            valid = False
        if not valid:
            raise InputError(
                f"Line {number} of {path} is not 'text, tab, emotion numbers from 0 to "
                f"{len(EMOTIONS) - 1}, tab, id'. Use the files of the Ekman grouping."
            )
        texts.append(fields[0])
        rows.append(row)
    if not texts:
        raise InputError(f"{path} holds no comments.")
    return Comments(tuple(texts), np.stack(rows))


def _check_names(folder: Path) -> None:
    path = folder / "labels.txt"
    names = tuple(_text_of(path).split())
    if names != EMOTIONS:
        raise InputError(
            f"{path} names the emotions {', '.join(names)}; the head knows {', '.join(EMOTIONS)}, "
            "in this order."
        )


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as err:
        raise NotFoundError(f"There is no file '{path}'.") from err
    except UnicodeDecodeError as err:
        raise InputError(f"{path} is not a text file in UTF-8.") from err
