"""Which chord each half of a bar is, estimated from its notes. Computed, not annotated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.representation import (
    CHORD_KINDS,
    CHORD_TONES,
    CHORDS,
    MAX_BAR_STEPS,
    NO_CHORD,
    STEPS_PER_QUARTER,
)

Ints = NDArray[np.int64]

ONSET_STEPS = 3  # what a note weighs for being struck, beside the steps it sounds
LONGEST_STEPS = MAX_BAR_STEPS  # of a note, for harmony
FOREIGN_WEIGHT = 0.6  # of notes outside a triad
BASS_BONUS = 0.12  # of the triad's share, where the lowest note is its root
LEAST_SHARE = 0.6  # of the sounding notes that a triad must explain
_TRIADS = [tones for tones in CHORD_TONES if len(tones) == 3]
_OTHER = CHORD_KINDS.index("other")


@dataclass(frozen=True, slots=True)
class Notes:
    """A piece's notes as parallel arrays."""

    bar: Ints
    step: Ints
    """Grid steps since the bar began."""
    pitch: Ints
    length: Ints
    """Grid steps."""
    velocity: Ints
    is_drum: NDArray[np.bool_]


def half_bar_chords(notes: Notes, bar_steps: Ints) -> NDArray[np.uint8]:
    """(bars, 2) chords: root + 12 · kind, NO_CHORD where nothing sounds.

    A bar of an even number of quarters has two halves, any other bar one chord.
    """
    edges, halves = _segments(bar_steps)
    weights, lowest = _sounding(notes, bar_steps, edges)
    return _named(weights, lowest)[halves]


def _segments(bar_steps: Ints) -> tuple[Ints, Ints]:
    """Grid steps at which segments begin and the last one ends, and the segments of each bar
    (bars, 2).
    """
    line = np.concatenate([[0], np.cumsum(bar_steps)])
    split = bar_steps % (2 * STEPS_PER_QUARTER) == 0
    middles = line[:-1][split] + bar_steps[split] // 2
    edges = np.sort(np.concatenate([line, middles]))
    first = np.searchsorted(edges, line[:-1])
    return edges, np.stack([first, first + split], axis=1)


def _sounding(notes: Notes, bar_steps: Ints, edges: Ints) -> tuple[NDArray[np.float64], Ints]:
    """Weight of each pitch class (S, 12) and the lowest pitch (S,) of S segments."""
    count = len(edges) - 1
    pitched = ~notes.is_drum
    line = np.concatenate([[0], np.cumsum(bar_steps)])
    start = line[notes.bar[pitched]] + notes.step[pitched]
    stop = np.minimum(start + np.minimum(notes.length[pitched], LONGEST_STEPS), edges[-1])
    pitch = notes.pitch[pitched]
    weights, lowest = np.zeros(count * 12), np.full(count, 128)
    segment = np.searchsorted(edges, start, side="right") - 1
    struck = np.full(len(start), ONSET_STEPS)
    while len(start):
        sounds = np.minimum(stop, edges[segment + 1]) - np.maximum(start, edges[segment])
        np.add.at(weights, segment * 12 + pitch % 12, sounds + struck)
        np.minimum.at(lowest, segment, pitch)
        on = stop > edges[segment + 1]
        start, stop, pitch, segment = start[on], stop[on], pitch[on], segment[on] + 1
        struck = np.zeros(len(start), np.int64)
    return weights.reshape(count, 12), lowest


def _named(weights: NDArray[np.float64], lowest: Ints) -> NDArray[np.uint8]:
    total = weights.sum(axis=1, keepdims=True)
    share = weights / np.maximum(total, 1e-9)
    scores = np.full((len(weights), CHORDS), -np.inf)
    inside = np.zeros_like(scores)
    for kind, triad in enumerate(_TRIADS):
        for root in range(12):
            column = root + 12 * kind
            inside[:, column] = share[:, [(root + tone) % 12 for tone in triad]].sum(axis=1)
            scores[:, column] = inside[:, column] - FOREIGN_WEIGHT * (1 - inside[:, column])
            scores[:, column] += BASS_BONUS * (lowest % 12 == root)
            third = share[:, (root + triad[1]) % 12]
            scores[:, column] -= 0.1 * (third == 0)
    best = scores.argmax(axis=1)
    clear = inside[np.arange(len(best)), best] >= LEAST_SHARE
    chord = np.where(clear, best, lowest % 12 + 12 * _OTHER)
    return np.where(total[:, 0] > 0, chord, NO_CHORD).astype(np.uint8)
