"""Patterns in chord degrees as pitches: always tones of the chord that is heard, never against
what sounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import INSTRUMENTS
from emsync_server.composition.patterns.library import Pattern
from emsync_training.patterns.ground import CHORD_TONES, SILENT, Ground

Ints = NDArray[np.int64]

BELOW_WEIGHS = 0.5  # a seventh above the bass is milder than a ninth


def voiced(pattern: Pattern, hits: tuple[Ints, Ints], instrument: int, ground: Ground) -> Ints:
    """Rows (M, 6): step, instrument, pitch, steps, loudness, not a drum.

    hits: steps, and which of the pattern's hits each is
    """
    step, which = hits
    window = ground.window_of(step)
    chord = ground.chord[window]
    fresh = np.concatenate([[True], np.diff(ground.chord) != 0])
    kept = (chord != SILENT) & (~pattern.tied[which] | fresh[window])
    step, which, chord, window = step[kept], which[kept], chord[kept], window[kept]
    pitch = _pitches(pattern, which, chord, ground.bass[window])
    low, high = INSTRUMENTS[instrument].low, INSTRUMENTS[instrument].high
    pitch = np.where(pitch < low, pitch + 12, np.where(pitch > high, pitch - 12, pitch))
    stop = np.minimum(step + pattern.length[which], _chord_end(ground, fresh)[window])
    stop = np.minimum(stop, max(ground.sounding_until, 1))
    fits = (stop > step) & (low <= pitch) & (pitch <= high) & ~_clashes(ground, step, stop, pitch)
    rows = np.stack(
        [step, np.full_like(step, instrument), pitch, stop - step, pattern.loudness[which],
         np.zeros_like(step)], axis=1,
    )  # fmt: skip
    return np.asarray(rows[fits])


def _pitches(pattern: Pattern, which: Ints, chord: Ints, bass: Ints) -> Ints:
    root, quality = chord // 4, chord % 4
    tone, octave = pattern.tone[which], 12 * pattern.octave[which]
    semitones = CHORD_TONES[quality, tone]
    if pattern.close:
        return np.asarray(pattern.floor + (root + semitones - pattern.floor) % 12 + octave)
    if pattern.kind == "bass":  # under an inversion the bass keeps what the lowest voice has
        tones = (root[:, None] + CHORD_TONES[quality]) % 12
        inverted = (bass != root) & (tones == bass[:, None]).any(axis=1)
        root = np.where(inverted, bass, root)
        semitones = np.where(inverted, 0, semitones)
    return np.asarray(pattern.floor + (root - pattern.floor) % 12 + semitones + octave)


def _chord_end(ground: Ground, fresh: NDArray[np.bool_]) -> Ints:
    """(W,) the step at which each half-bar's chord gives way to another."""
    starts = np.append(np.flatnonzero(fresh), len(fresh))
    following = starts[np.searchsorted(starts, np.arange(len(fresh)), side="right")]
    return np.asarray(ground.window_start[following])


def _clashes(ground: Ground, step: Ints, stop: Ints, pitch: Ints) -> NDArray[np.bool_]:
    """Whether more of a semitone's neighbour sounds with a note than of the note itself."""
    sums = ground.sounding[stop] - ground.sounding[step]
    rows, pitch_class = np.arange(len(step)), pitch % 12
    above, below = sums[rows, (pitch_class + 1) % 12], sums[rows, (pitch_class - 1) % 12]
    return np.asarray(above + BELOW_WEIGHS * below > sums[rows, pitch_class])
