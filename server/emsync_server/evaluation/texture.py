"""Measures of how the notes of a piece lie together: rests, breath, lines, clashes, registers.

They say where the music is unlike real pieces, whose ranges `style_ranges.json` holds; none says
that music is good.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from emsync.score import Part, Score
from emsync_server.evaluation.sounding import SoundingNotes

__all__ = ["TextureMeasures", "instrument_registers", "measure_texture", "skyline"]

CHORD_NOTES = 3
STEP_SEMITONES = 2
BASS_LEAP_SEMITONES = 7
BASS_PITCH = 52  # E3
STUB_S = 0.06
OFF_BEAT_Q = 1 / 16  # nearer to a beat than this is on it
LEAST_REGISTER_NOTES = 8


@dataclass(frozen=True, slots=True)
class TextureMeasures:
    """Measures of one piece; None where it has too little music for one."""

    empty_beats_share: float
    """Beats in which nothing sounds."""
    longest_silence_s: float
    still_beats_share: float
    """Beats in which no note begins: where the music breathes or holds."""
    density_variation: float | None
    """Standard deviation over bars of log2(1 + notes a quarter): 0 for even density."""
    melody_step_share: float | None
    """Of the top line's moves, those of two semitones or less."""
    bass_leap_share: float | None
    """Of the moves of the lowest sounding note from beat to beat, those beyond a fifth."""
    bass_share: float | None
    """Beats on which a note below E3 sounds, of those on which any does."""
    length_entropy_bits: float | None
    """Of the note lengths, to the nearest twelfth of a quarter: 0 where all notes are as long."""
    stub_share: float | None
    """Of the pitched notes, those shorter than 60 ms: clicks, where no trill is meant."""
    chords_on_beat_share: float | None
    """Of the onsets of three or more pitches, those on a beat."""
    semitone_clashes: float | None
    """Pairs of notes a semitone (or its octaves) apart that sound on a beat, a beat."""


def measure_texture(
    score: Score, length_s: float, notes: SoundingNotes | None = None
) -> TextureMeasures:
    """Measure a score that lasts `length_s`; notes: its own, where they are at hand."""
    notes = SoundingNotes.of(score) if notes is None else notes
    beats = _Beats.of(score, notes)
    top = skyline(notes)
    return TextureMeasures(
        empty_beats_share=float(np.mean(beats.empty)) if len(beats.empty) else 1.0,
        longest_silence_s=_longest_silence(notes, length_s),
        still_beats_share=float(np.mean(beats.starts == 0)) if len(beats.starts) else 1.0,
        density_variation=_density_variation(score, notes),
        melody_step_share=_share(abs(np.diff(top[:, 1])) <= STEP_SEMITONES),
        bass_leap_share=_share(abs(_moves(beats.lowest)) > BASS_LEAP_SEMITONES),
        bass_share=_share(beats.lowest[~np.isnan(beats.lowest)] < BASS_PITCH),
        length_entropy_bits=_length_entropy(notes),
        stub_share=_share((notes.end_s - notes.start_s)[~notes.is_drum] < STUB_S),
        chords_on_beat_share=_chords_on_beat(notes),
        semitone_clashes=float(np.mean(beats.clashes)) if len(beats.clashes) else None,
    )


def skyline(notes: SoundingNotes) -> NDArray[np.float64]:
    """(N, 2): quarter and pitch of the highest pitched note of each onset."""
    kept = np.flatnonzero(~notes.is_drum)
    start, pitch = notes.start_q[kept].round(4), notes.pitch[kept]
    order = np.lexsort((-pitch, start))
    start, pitch = start[order], pitch[order]
    first = np.ones(len(start), bool)
    first[1:] = start[1:] != start[:-1]
    return np.stack((start[first], pitch[first].astype(np.float64)), axis=1)


def instrument_registers(score: Score) -> dict[int, float]:
    """Mean pitch by General MIDI programme, drums aside, of parts with some notes."""
    pitches: dict[int, list[int]] = defaultdict(list)
    for part in score.parts:
        if not part.is_drums:
            pitches[part.program].extend(_pitches(part))
    return {
        program: float(np.mean(values))
        for program, values in sorted(pitches.items())
        if len(values) >= LEAST_REGISTER_NOTES
    }


@dataclass(frozen=True, slots=True)
class _Beats:
    """B beats (quarters) of the plan."""

    starts: NDArray[np.int64]
    """(B,) notes that begin inside each."""
    empty: NDArray[np.bool_]
    """(B,) where nothing sounds in the whole beat."""
    lowest: NDArray[np.float64]
    """(B,) lowest pitch that sounds on the beat; nan where none does."""
    clashes: NDArray[np.float64]
    """Of the beats on which two pitched notes or more sound."""

    @classmethod
    def of(cls, score: Score, notes: SoundingNotes) -> _Beats:
        count = max(int(score.tempo_map.end_q), 1)
        end_q = notes.start_q + notes.length_q
        starts = np.bincount(
            np.floor(notes.start_q + 1e-6).astype(np.int64).clip(0, count - 1), minlength=count
        )
        empty, lowest, clashes = np.ones(count, bool), np.full(count, np.nan), []
        for beat in range(count):
            stop = int(np.searchsorted(notes.start_q, beat + 1 - 1e-6))
            sounding = np.flatnonzero(end_q[:stop] > beat + 1e-6)
            empty[beat] = len(sounding) == 0
            here = sounding[notes.start_q[sounding] <= beat + 1e-6]
            pitches = np.unique(notes.pitch[here[~notes.is_drum[here]]])
            if len(pitches):
                lowest[beat] = pitches[0]
            if len(pitches) > 1:
                apart = abs(pitches[:, None] - pitches[None, :]) % 12
                clashes.append(float(np.isin(apart, (1, 11)).sum()) / 2)
        return cls(starts, empty, lowest, np.array(clashes))


def _longest_silence(notes: SoundingNotes, length_s: float) -> float:
    reach, longest = 0.0, 0.0
    for start, end in zip(notes.start_s, notes.end_s, strict=True):
        longest = max(longest, float(start) - reach)
        reach = max(reach, float(end))
    return max(longest, length_s - reach, 0.0)


def _density_variation(score: Score, notes: SoundingNotes) -> float | None:
    bars = [bar for bar in score.tempo_map.bars() if bar.length_q >= Fraction(1)]
    if len(bars) < 4:
        return None
    edges = np.array([float(bar.start_q) for bar in bars] + [float(score.tempo_map.end_q)])
    counts = np.diff(np.searchsorted(notes.start_q, edges - 1e-6))
    return float(np.std(np.log2(1 + counts / np.diff(edges))))


def _length_entropy(notes: SoundingNotes) -> float | None:
    lengths = np.rint(notes.length_q[~notes.is_drum] * 12)
    if len(lengths) < LEAST_REGISTER_NOTES:
        return None
    share = np.unique(lengths, return_counts=True)[1] / len(lengths)
    return float(-(share * np.log2(share)).sum() + 0.0)


def _chords_on_beat(notes: SoundingNotes) -> float | None:
    kept = ~notes.is_drum
    start = notes.start_q[kept].round(4)
    moments, count = np.unique(start, return_counts=True)
    chords = moments[count >= CHORD_NOTES]
    return _share(abs(chords - np.rint(chords)) < OFF_BEAT_Q)


def _moves(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Changes between neighbours that are both there and differ."""
    steps = np.diff(line[~np.isnan(line)])
    return np.asarray(steps[steps != 0])


def _share(flags: NDArray[np.bool_]) -> float | None:
    return float(np.mean(flags)) if len(flags) >= 4 else None


def _pitches(part: Part) -> list[int]:
    return [note.pitch for note in part.notes]
