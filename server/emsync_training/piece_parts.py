"""MIDI files read by many processes, part by part; parts that were read before are kept."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np

from emsync_training import midi_reading
from emsync_training.midi_reading import Piece, read_piece

PART_FILES = 256


def read_pieces(paths: Sequence[Path], folder: Path, *, workers: int) -> list[Piece | None]:
    """The piece in each file, or None where it has no notes; `folder` holds what was read.

    A part is known by its files' bytes and by the reader's own text, so that nothing is taken from
    files or a reader that have changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reader = Path(midi_reading.__file__).read_bytes()
    cut = [paths[at : at + PART_FILES] for at in range(0, len(paths), PART_FILES)]
    parts = [(part, folder / f"{_key(part, reader)}.npz") for part in cut]
    with ProcessPoolExecutor(workers) as pool:
        waiting = [pool.submit(_read_part, *part) for part in parts if not part[1].is_file()]
        for future in waiting:
            future.result()
    return [piece for part, path in parts for piece in _stored(path, len(part))]


def _read_part(part: Sequence[Path], path: Path) -> None:
    arrays = {
        f"{index}.{field.name}": np.asarray(getattr(piece, field.name))
        for index, file in enumerate(part)
        if (piece := read_piece(file)) is not None
        for field in fields(Piece)
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(buffer.getvalue())
    unfinished.replace(path)


def _stored(path: Path, count: int) -> Iterator[Piece | None]:
    with np.load(path) as arrays:
        held = {name: arrays[name] for name in arrays.files}
    for index in range(count):
        if f"{index}.events" not in held:
            yield None
            continue
        values = {field.name: held[f"{index}.{field.name}"] for field in fields(Piece)}
        yield Piece(**values | {"tail_steps": int(values["tail_steps"])})


def _key(part: Sequence[Path], reader: bytes) -> str:
    digest = hashlib.sha256(reader)
    for path in part:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
