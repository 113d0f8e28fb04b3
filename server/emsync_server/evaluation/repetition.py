"""How long a stretch of a training piece a score repeats: the longest run of equal notes.

Notes are compared by the interval to the note before in the same part and by length, so that a
copy in another key counts. Runs that move little (fewer than `LEAST_VARIETY` different steps:
trills, repeated notes, bits of scale) are in all music and are not counted as copies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_VARIETY", "CopiedRun", "NoteSteps", "longest_copied_run"]

SEED_NOTES = 8  # shorter runs are not looked for
LEAST_VARIETY = 6
HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)

NoteSteps = NDArray[np.int64]
"""(N, 2): interval to the note before in semitones, length in grid steps."""


@dataclass(frozen=True, slots=True)
class CopiedRun:
    """The longest run of notes that a score shares with a piece."""

    notes: int
    """0 where no run of eight notes is shared."""
    piece: str
    """Which piece, by the name it was given; empty without a run."""


def longest_copied_run(
    parts: Sequence[NoteSteps], corpus: Iterable[tuple[str, NoteSteps]]
) -> CopiedRun:
    """Compare the parts of a score with each named part of a corpus, one at a time."""
    seeds: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for part, steps in enumerate(parts):
        for position, code in enumerate(_seed_codes(steps)):
            seeds[int(code)].append((part, position))
    known = np.array(sorted(seeds), dtype=np.uint64)
    best = CopiedRun(0, "")
    for name, other in corpus:
        codes = _seed_codes(other)
        for there in np.flatnonzero(np.isin(codes, known)):
            for part, here in seeds[int(codes[there])]:
                length = _shared_length(parts[part], here, other, int(there))
                if length > best.notes and _variety(parts[part][here : here + length]):
                    best = CopiedRun(length, name)
    return best


def _seed_codes(steps: NoteSteps) -> NDArray[np.uint64]:
    """A number for each eight notes in a row; equal runs have equal numbers."""
    if len(steps) < SEED_NOTES:
        return np.zeros(0, dtype=np.uint64)
    one = ((steps[:, 0] + 128) * 4096 + steps[:, 1].clip(0, 4095)).astype(np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(one, SEED_NOTES)
    code = np.zeros(len(windows), dtype=np.uint64)
    for column in range(SEED_NOTES):  # wraps round on purpose
        code = (code ^ windows[:, column]) * HASH_FACTOR
        code ^= code >> np.uint64(29)
    return code


def _shared_length(left: NoteSteps, at: int, right: NoteSteps, there: int) -> int:
    """How many notes in a row are equal from here and there on."""
    count = min(len(left) - at, len(right) - there)
    different = np.flatnonzero((left[at : at + count] != right[there : there + count]).any(axis=1))
    return int(different[0]) if len(different) else count


def _variety(run: NoteSteps) -> bool:
    return len({tuple(step) for step in run.tolist()}) >= LEAST_VARIETY
