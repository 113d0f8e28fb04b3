"""A score as arrays over its notes: when each sounds, in seconds from the start of the cue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync.family import Family
from emsync.score import Score

__all__ = ["SoundingNotes"]


@dataclass(frozen=True, slots=True)
class SoundingNotes:
    """Notes in order of their start, then pitch. N notes."""

    start_s: NDArray[np.float64]
    """(N,)"""
    end_s: NDArray[np.float64]
    """(N,)"""
    start_q: NDArray[np.float64]
    """(N,) in quarters."""
    length_q: NDArray[np.float64]
    """(N,) in quarters."""
    pitch: NDArray[np.int64]
    """(N,) MIDI key; of a drum kit, the drum."""
    velocity: NDArray[np.int64]
    """(N,) 1 to 127."""
    is_drum: NDArray[np.bool_]
    """(N,)"""
    part: NDArray[np.int64]
    """(N,) index of the part in the score."""
    families: tuple[Family, ...]
    """By part."""

    @classmethod
    def of(cls, score: Score) -> SoundingNotes:
        """The notes of all parts, with the times that the score's tempo map gives them."""
        at = score.tempo_map.seconds_at
        rows = sorted(
            (
                float(at(note.start_q)),
                note.pitch,
                index,
                float(at(note.start_q + note.length_q)),
                float(note.start_q),
                float(note.length_q),
                note.velocity,
                part.is_drums,
            )
            for index, part in enumerate(score.parts)
            for note in part.notes
        )
        table = np.array(rows, dtype=np.float64).reshape(len(rows), 8)
        return cls(
            start_s=table[:, 0],
            end_s=table[:, 3],
            start_q=table[:, 4],
            length_q=table[:, 5],
            pitch=table[:, 1].astype(np.int64),
            velocity=table[:, 6].astype(np.int64),
            is_drum=table[:, 7].astype(np.bool_),
            part=table[:, 2].astype(np.int64),
            families=tuple(part.family for part in score.parts),
        )

    def __len__(self) -> int:
        return len(self.start_s)
