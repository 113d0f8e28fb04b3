"""OASIS: photographs with the valence and arousal that people gave them.

Kurdi, Lozano and Banaji, *Introducing the Open Affective Standardized Image Set (OASIS)*, Behavior
Research Methods 2017. Ratings go from 1 to 7; here they are values of [-1, 1].
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync.errors import InputError, NotFoundError
from emsync_server.spotting.experts import Picture, open_expert

Floats = NDArray[np.float64]

LEAST_RATING, MIDDLE_RATING, MOST_RATING = 1.0, 4.0, 7.0
HALF_RANGE = MOST_RATING - MIDDLE_RATING
EXPERT = "scene"


@dataclass(frozen=True, slots=True)
class Photographs:
    """N photographs."""

    paths: tuple[Path, ...]
    theme: NDArray[np.str_]
    """(N,) what is shown, without a number: photographs of one theme are much alike."""
    ratings: Floats
    """(N, 2): mean valence and arousal, -1 to 1."""

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def read(cls, folder: Path) -> Photographs:
        """Read `ratings.csv` and find `images/`. Raises InputError, NotFoundError."""
        table = folder / "ratings.csv"
        if not table.is_file():
            raise NotFoundError(f"There is no file '{table}'.")
        try:
            with table.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            means = [[float(row[f"{axis}_mean"]) for axis in ("valence", "arousal")]
                     for row in rows]  # fmt: skip
            themes = [re.sub(r"[\s_]*\d+$", "", row["theme"]) for row in rows]
            paths = tuple(folder / "images" / Path(row["file"]).name for row in rows)
        except (KeyError, TypeError, ValueError, csv.Error) as err:  # no text is a ValueError, too
            raise InputError(
                f"{table} is not a table of ratings with the columns file, theme, valence_mean and "
                "arousal_mean."
            ) from err
        ratings = np.array(means, np.float64).reshape(-1, 2)
        inside = (ratings >= LEAST_RATING) & (ratings <= MOST_RATING)  # False for NaN, too
        if not len(rows) or not inside.all():
            raise InputError(f"The ratings in {table} do not all lie between 1 and 7.")
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(paths)} photographs that {table} rates are not in "
                f"{folder / 'images'}, '{missing[0]}' for one."
            )
        return cls(paths, np.array(themes), (ratings - MIDDLE_RATING) / HALF_RANGE)


def embeddings_of(
    photographs: Photographs, cache: Path | None, say: Callable[[str], None]
) -> Floats:
    """(N, D) what `scene` sees in each; kept in `cache`, where it is taken from the next time."""
    names = np.array([path.name for path in photographs.paths])
    if cache is not None and cache.is_file():
        with np.load(cache, allow_pickle=False) as kept:
            if np.array_equal(kept["names"], names):
                return np.asarray(kept["embeddings"], np.float64)
    expert = open_expert(EXPERT)
    rows: list[NDArray[np.float32]] = []
    for at, path in enumerate(photographs.paths):
        reading = expert.read([Picture(0.0, read_picture(path))])[0]
        assert reading is not None and reading.embedding is not None, "scene reads every picture"
        rows.append(reading.embedding)
        if at % 100 == 99:
            say(f"{at + 1} of {len(names)} photographs seen")
    found = np.stack(rows)
    if cache is not None:
        np.savez(cache, names=names, embeddings=found)
    return found.astype(np.float64)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB. Raises InputError."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"'{path}' is not a picture that can be read.")
    return np.ascontiguousarray(picture[:, :, ::-1], np.uint8)


def folds_by_theme(theme: Sequence[str] | NDArray[np.str_], count: int, seed: int) -> list[
    NDArray[np.bool_]
]:  # fmt: skip
    """Which photographs are held out in each of `count` rounds: themes stay together."""
    theme = np.asarray(theme)
    names = np.unique(theme)
    order = np.random.default_rng(seed).permutation(names)
    return [np.isin(theme, order[first::count]) for first in range(count)]
