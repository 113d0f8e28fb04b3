"""Features of a whole dataset by the experts that are built in, and by those of the full tier that
are asked for: a `.npz` a film, those that are there already left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from threading import Event

import av
import numpy as np
from numpy.typing import NDArray

from emsync.errors import EmsyncError, InputError, NotFoundError
from emsync_server.media import SmallPicture, open_film
from emsync_server.outputs import replacing_file
from emsync_server.progress import ProgressSink
from emsync_server.spotting.experts import (
    EXPERTS,
    Tier,
    expert_row,
    feature_experts,
)
from emsync_server.spotting.experts.analysis import opened_reading
from emsync_server.spotting.experts.features import features_in
from emsync_server.spotting.experts.packing import identities
from emsync_server.spotting.looking import look_at_film
from emsync_training.film_features.made_by import note_made_by

__all__ = ["extract_features", "features_of"]

EXPERT_NAMES = frozenset(row.name for row in EXPERTS)
FILM_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm"})


def extract_features(
    films: Path,
    out: Path,
    *,
    workers: int,
    say: Callable[[str], None],
    experts: Sequence[str] = (),
) -> tuple[int, list[str]]:
    """Read every film below a folder, several at once; returns how many were read, and a sentence
    for each that could not be.

    experts: of the full tier, beside the built-in ones; their weights must be there.
    """
    _check_names(experts)
    if not films.is_dir():
        raise NotFoundError(f"There is no folder '{films}'.")
    found = sorted(path for path in films.rglob("*") if path.suffix.lower() in FILM_SUFFIXES)
    if not found:
        raise InputError(f"There is no film in '{films}'.")
    names = [path.stem for path in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"Two films in '{films}' are called '{twice[0]}'.")
    note_made_by(out, identities(feature_experts(experts)))
    wanted = [path for path in found if not (out / f"{path.stem}.npz").is_file()]
    say(f"{len(found) - len(wanted)} of {len(found)} films have features already")
    complaints: list[str] = []
    with ProcessPoolExecutor(workers) as pool:
        pool.submit(_prove, experts).result()  # there, since engines do not outlive a fork
        running = {pool.submit(_extract, path, out, experts): path for path in wanted}
        for done, future in enumerate(as_completed(running), start=1):
            complaint = future.result()
            complaints += [complaint] if complaint else []
            say(complaint or f"{done} of {len(wanted)}: {running[future].name}")
    return len(wanted) - len(complaints), complaints


def _check_names(experts: Sequence[str]) -> None:
    full = [row.name for row in feature_experts(EXPERT_NAMES) if row.tier is Tier.FULL]
    for name in experts:
        if name not in full:
            raise NotFoundError(
                f"There is no expert '{name}' of the full tier. There are: {', '.join(full)}."
            )


def _prove(experts: Sequence[str]) -> None:
    """Those that are asked for can be opened. Raises MissingPartError."""
    for name in experts:
        expert_row(name).open()


def features_of(path: Path, experts: Sequence[str] = ()) -> Mapping[str, NDArray[np.floating]]:
    """(T, size) of each expert that read something in a film; of an expert of words (size,), by
    who heard or saw them. Raises MediaError."""
    progress = ProgressSink(lambda fraction, note: None, Event())
    asked = feature_experts(experts)
    with open_film(path) as film, opened_reading(asked, film.probe) as reading:
        seen = look_at_film(film, _NoFinder(), progress, watch=reading.see)
        reading.hear(seen.end.seconds, progress)
        readings = reading.finish()
    (found,) = features_in([readings], asked, [(0.0, float(seen.end.seconds))])
    return found.arrays


class _NoFinder:
    """Features are of the whole film: nobody asks where it is cut."""

    def look(self, frame: av.VideoFrame) -> None:
        """Nothing is looked for."""

    def see(self, small: SmallPicture) -> None:
        """Nothing is looked for."""

    def finish(self) -> tuple[()]:
        """Nothing was found."""
        return ()


def _extract(path: Path, out: Path, experts: Sequence[str]) -> str | None:
    """In a process of its own: write a film's features, or say why not."""
    try:
        found = features_of(path, experts)
        if not found:
            return f"'{path}' gave no features."
        with replacing_file(out / f"{path.stem}.npz") as partial:
            np.savez_compressed(partial, allow_pickle=False, **found)
    except EmsyncError as err:
        return err.sentence
    return None
