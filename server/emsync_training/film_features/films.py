"""Films as features and labels: a folder of `.npz` files, or the published pickle.

A folder holds `features/NAME.npz` (an array for each modality: (T, size), or (size,) for a text)
and `labels.csv` with the columns `name`, `split` (train, dev or test) and `labels` (names, with a
semicolon between them). A pickle replaces `features/`: a dictionary of films, each a dictionary of
modalities, or the other way round.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync.errors import InputError, NotFoundError
from emsync_training.film_features.restricted_pickle import read_pickle

__all__ = ["SPLITS", "FilmSet", "read_films"]

Floats = NDArray[np.float32]
Features = dict[str, Floats]

SPLITS = ("train", "dev", "test")
LABELS = "labels.csv"


@dataclass(frozen=True, slots=True)
class FilmSet:
    """N films. M modalities, C classes."""

    names: tuple[str, ...]
    features: tuple[Features, ...]
    """Of each film; a modality that it lacks is not in it."""
    labels: Floats
    """(N, C) 0 or 1."""
    split: NDArray[np.str_]
    """(N,)"""
    classes: tuple[str, ...]

    @property
    def modalities(self) -> dict[str, tuple[int, bool]]:
        """Size of each modality's features, and whether it is a sequence."""
        found: dict[str, tuple[int, bool]] = {}
        for film in self.features:
            for name, array in film.items():
                found.setdefault(name, (array.shape[-1], array.ndim == 2))
        return dict(sorted(found.items()))

    def of_split(self, split: str) -> FilmSet:
        """The films of one split."""
        at = np.flatnonzero(self.split == split)
        return FilmSet(
            tuple(self.names[i] for i in at), tuple(self.features[i] for i in at),
            self.labels[at], self.split[at], self.classes,
        )  # fmt: skip

    def with_modalities(self, chosen: tuple[str, ...]) -> FilmSet:
        """The same films with some of their features."""
        kept = tuple({name: film[name] for name in chosen if name in film}
                     for film in self.features)  # fmt: skip
        return FilmSet(self.names, kept, self.labels, self.split, self.classes)


def read_films(labels: Path, features: Path) -> FilmSet:
    """Read `labels.csv`, and a folder of `.npz` files or a pickle. Raises InputError,
    NotFoundError."""
    rows = _rows(labels)
    classes = tuple(sorted({word for _, _, words in rows for word in words}))
    found = _from_pickle(features) if features.is_file() else _from_folder(features, rows)
    missing = [name for name, _, _ in rows if name not in found]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(rows)} films that {labels} names have no features in "
            f"{features}, '{missing[0]}' for one."
        )
    table = np.zeros((len(rows), len(classes)), np.float32)
    for at, (_, _, words) in enumerate(rows):
        table[at, [classes.index(word) for word in words]] = 1
    films = tuple(found[name] for name, _, _ in rows)
    made = FilmSet(tuple(n for n, _, _ in rows), films, table, np.array([s for _, s, _ in rows]),
                   classes)  # fmt: skip
    _check(made, features)
    return made


def _rows(path: Path) -> list[tuple[str, str, list[str]]]:
    if not path.is_file():
        raise NotFoundError(f"There is no file '{path}'.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets mark UTF-8
            table = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as err:
        raise InputError(f"'{path}' is not a table of text in UTF-8 with commas.") from err
    rows = []
    for number, row in enumerate(table, start=2):
        words = [word.strip() for word in (row.get("labels") or "").split(";") if word.strip()]
        name, split = row.get("name"), row.get("split")
        if not name or split not in SPLITS or not words:
            raise InputError(
                f"Line {number} of {path} does not name a film, its split (train, dev or test) and "
                "its labels, in columns of these names."
            )
        rows.append((name, split, words))
    counts = Counter(name for name, _, _ in rows)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise InputError(f"{path} names the film '{twice[0]}' twice.")
    for split in SPLITS:
        if not any(row[1] == split for row in rows):
            raise InputError(f"{path} names no film of the split '{split}'.")
    if len({word for _, _, words in rows for word in words}) < 2:
        raise InputError(f"{path} has one label for all films: there is nothing to tell apart.")
    return rows


def _from_folder(folder: Path, rows: list[tuple[str, str, list[str]]]) -> dict[str, Features]:
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder '{folder}' and no pickle of this name.")
    found: dict[str, Features] = {}
    for name, _, _ in rows:
        path = folder / f"{name}.npz"
        try:
            if not path.is_file():
                continue
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found[name] = {key: _array(arrays[key], f"{path}, '{key}'") for key in arrays.files}
        except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as err:
            raise InputError(f"'{path}' is not a complete file of arrays.") from err
    return found


def _from_pickle(path: Path) -> dict[str, Features]:
    data = read_pickle(path)
    if not isinstance(data, Mapping) or not all(isinstance(v, Mapping) for v in data.values()):
        raise InputError(
            f"'{path}' does not hold a dictionary of films, each a dictionary of modalities."
        )
    # Films by modality have few keys outside and many inside.
    inside = max((len(value) for value in data.values()), default=0)
    if len(data) < inside:
        turned: dict[str, dict[str, Any]] = {}
        for modality, films in data.items():
            for name, value in films.items():
                turned.setdefault(str(name), {})[str(modality)] = value
        data = turned
    return {
        str(name): {
            str(key): _array(value, f"{path}, '{name}', '{key}'")
            for key, value in film.items()
            if value is not None
        }
        for name, film in data.items()
    }


def _array(value: Any, where: str) -> Floats:  # noqa: ANN401 - whatever a file holds
    try:
        array = np.asarray(value)
    except ValueError as err:
        raise InputError(f"The features of {where} are not an array of numbers.") from err
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2) or array.size == 0:
        raise InputError(
            f"The features of {where} are no array of numbers of one or two dimensions, but "
            f"{array.dtype} of shape {array.shape}."
        )
    with np.errstate(over="ignore"):  # what single precision cannot hold is told of below
        single = array.astype(np.float32)
    if not np.isfinite(single).all():
        raise InputError(
            f"The features of {where} hold values that are not numbers (NaN), or too large for "
            "single precision."
        )
    return single


def _check(films: FilmSet, where: Path) -> None:
    """Each modality has one size and one form throughout."""
    sizes = films.modalities
    if not sizes:
        raise InputError(f"No film in {where} has any features.")
    odd = [name for name in sizes if not name.replace("_", "").replace("-", "").isalnum()]
    if odd:
        raise InputError(f"A modality in {where} is called '{odd[0]}': letters and numbers only.")
    unlearned = sorted(sizes.keys() - films.of_split("train").modalities.keys())
    if unlearned:
        raise InputError(
            f"No film of the split 'train' has the features '{unlearned[0]}' that others in "
            f"{where} have: leave them out, or give some to train on."
        )
    for name, film in zip(films.names, films.features, strict=True):
        for modality, array in film.items():
            if (array.shape[-1], array.ndim == 2) != sizes[modality]:
                raise InputError(
                    f"The features '{modality}' of film '{name}' in {where} have the shape "
                    f"{array.shape}, those of other films end in {sizes[modality][0]}."
                )
