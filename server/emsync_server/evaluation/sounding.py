"""A score as arrays over its notes: when each sounds, in seconds from the start of the cue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync.family import Family
from emsync.score import Score, TempoMap

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
        rows = [
            (float(note.start_q), note.pitch, index, float(note.length_q), note.velocity, drums)
            for index, part in enumerate(score.parts)
            for drums in (part.is_drums,)
            for note in part.notes
        ]
        table = np.array(rows, dtype=np.float64).reshape(len(rows), 6)
        start_s = _seconds(score.tempo_map, table[:, 0])
        end_s = _seconds(score.tempo_map, table[:, 0] + table[:, 3])
        order = np.lexsort((table[:, 3], table[:, 2], table[:, 1], start_s))
        table = table[order]
        return cls(
            start_s=start_s[order],
            end_s=end_s[order],
            start_q=table[:, 0],
            length_q=table[:, 3],
            pitch=table[:, 1].astype(np.int64),
            velocity=table[:, 4].astype(np.int64),
            is_drum=table[:, 5].astype(np.bool_),
            part=table[:, 2].astype(np.int64),
            families=tuple(part.family for part in score.parts),
        )

    def __len__(self) -> int:
        return len(self.start_s)


def _seconds(tempo: TempoMap, quarters: NDArray[np.float64]) -> NDArray[np.float64]:
    """What `tempo.seconds_at` says, to the nanosecond: a long score has ten thousand notes, and
    fractions take 0.1 ms each.
    """
    at_q = np.array([float(anchor.time_q) for anchor in tempo.anchors])
    at_s = np.array([float(anchor.time_s) for anchor in tempo.anchors])
    left = (np.searchsorted(at_q, quarters, side="right") - 1).clip(0, len(at_q) - 2)
    share = (quarters - at_q[left]) / (at_q[left + 1] - at_q[left])
    seconds = at_s[left] + share * (at_s[left + 1] - at_s[left])
    return np.asarray(seconds.round(9))
