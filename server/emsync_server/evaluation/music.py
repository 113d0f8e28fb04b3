"""What can be measured of the music itself, beside the same measures of real pieces that no
network was trained on.

None of these says that music is good; a figure outside the 5 to 95 % of real pieces says where to
listen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from importlib import resources
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emsync.score import Score
from emsync_server.evaluation.sounding import SoundingNotes

__all__ = ["MusicMeasures", "Range", "measure_music", "measures_outside", "real_ranges"]

STEPS_PER_QUARTER = 12
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
RANGES_FILE = "music_ranges.json"


@dataclass(frozen=True, slots=True)
class MusicMeasures:
    """Measures of one piece; None where it has too little music for one."""

    pitch_class_entropy_bits: float | None
    """0, one pitch class, to 3.58, all twelve alike; drums aside."""
    scale_consistency: float | None
    """Share of pitched notes inside the major or minor scale that holds most of them."""
    groove_consistency: float | None
    """1 minus the share of grid steps (12 a quarter) in which neighbouring bars of one length
    differ.
    """
    notes_per_s: float
    polyphony: float | None
    """Notes that sound together, mean over the time in which any does."""
    silence_share: float
    """Of the time in which no note sounds."""
    repeated_bars_share: float | None
    """Bars with notes that repeat an earlier bar note by note, over bars with notes."""


@dataclass(frozen=True, slots=True)
class Range:
    """Between which two values nine in ten real pieces lie."""

    low: float
    high: float

    def contains(self, value: float) -> bool:
        """Whether a value is inside, the ends included."""
        return self.low <= value <= self.high


def measure_music(
    score: Score, length_s: float, notes: SoundingNotes | None = None
) -> MusicMeasures:
    """Measure a score that lasts `length_s`; notes: its own, where they are at hand."""
    notes = SoundingNotes.of(score) if notes is None else notes
    pitches = notes.pitch[~notes.is_drum]
    sounding_s, note_s = _sounding(notes, length_s)
    bars = _bars(score, notes)
    return MusicMeasures(
        pitch_class_entropy_bits=_entropy_bits(pitches) if len(pitches) else None,
        scale_consistency=_scale_consistency(pitches) if len(pitches) else None,
        groove_consistency=_groove_consistency(bars),
        notes_per_s=len(notes) / length_s,
        polyphony=note_s / sounding_s if sounding_s > 0 else None,
        silence_share=max(0.0, 1 - sounding_s / length_s),
        repeated_bars_share=_repeated_share([bar.content for bar in bars]),
    )


def real_ranges(kind: str = "all") -> dict[str, Range]:
    """5 to 95 % of held-out real pieces, by name of the measure; `kind` is a group of the corpus.

    Written by `emsync benchmark music-ranges`; only the numbers are shipped.
    """
    text = resources.files("emsync_server.evaluation").joinpath(RANGES_FILE).read_text("utf-8")
    kinds = json.loads(text)["kinds"]
    if kind not in kinds:
        raise ValueError(f"real pieces were measured of the kinds {sorted(kinds)}, not of {kind!r}")
    return {name: Range(low, high) for name, (low, high) in kinds[kind]["ranges"].items()}


def measures_outside(measures: MusicMeasures, ranges: dict[str, Range]) -> tuple[str, ...]:
    """Names of the measures that lie outside what real pieces have."""
    values = {field.name: getattr(measures, field.name) for field in fields(measures)}
    return tuple(
        name
        for name, value in values.items()
        if value is not None and name in ranges and not ranges[name].contains(value)
    )


@dataclass(frozen=True, slots=True)
class _BarNotes:
    """One bar on the grid."""

    steps: int
    onsets: NDArray[np.bool_]
    """(steps,) where any note begins."""
    content: tuple[tuple[int, ...], ...]
    """(part, step, pitch, length in steps) of each note, in order."""


def _entropy_bits(pitches: NDArray[np.int64]) -> float:
    share = np.bincount(pitches % 12, minlength=12) / len(pitches)
    share = share[share > 0]
    return max(0.0, float(-(share * np.log2(share)).sum()))


def _scale_consistency(pitches: NDArray[np.int64]) -> float:
    count = np.bincount(pitches % 12, minlength=12)
    inside = [
        sum(int(count[(tonic + step) % 12]) for step in scale)
        for tonic in range(12)
        for scale in (MAJOR_SCALE, MINOR_SCALE)
    ]
    return max(inside) / len(pitches)


def _sounding(notes: SoundingNotes, length_s: float) -> tuple[float, float]:
    """Seconds in which any note sounds, and seconds of all notes together, inside the cue."""
    total, union, reach = 0.0, 0.0, 0.0
    for start, end in zip(notes.start_s, notes.end_s.clip(max=length_s), strict=True):
        if end <= start:
            continue
        total += end - start
        union += max(0.0, end - max(start, reach))
        reach = max(reach, end)
    return float(union), float(total)


def _bars(score: Score, notes: SoundingNotes) -> list[_BarNotes]:
    """Every bar of the plan, with the notes that begin in it."""
    bars = score.tempo_map.bars()
    starts_q = np.array([float(bar.start_q) for bar in bars])
    owner = np.searchsorted(starts_q, notes.start_q + 1 / (2 * STEPS_PER_QUARTER), "right") - 1
    order = np.argsort(owner, kind="stable")
    cuts = np.searchsorted(owner[order], np.arange(1, len(bars)))
    return [
        _bar_notes(notes, members, float(bar.start_q), bar.length_q)
        for bar, members in zip(bars, np.split(order, cuts), strict=True)
    ]


def _bar_notes(
    notes: SoundingNotes, members: NDArray[np.int64], start_q: float, length_q: Fraction
) -> _BarNotes:
    steps = max(1, round(length_q * STEPS_PER_QUARTER))
    step = np.rint((notes.start_q[members] - start_q) * STEPS_PER_QUARTER).astype(int)
    step = step.clip(0, steps - 1)
    length = np.rint(notes.length_q[members] * STEPS_PER_QUARTER).astype(int)
    onsets = np.zeros(steps, dtype=bool)
    onsets[step] = True
    rows = zip(notes.part[members], step, notes.pitch[members], length, strict=True)
    return _BarNotes(steps, onsets, tuple(sorted(tuple(map(int, row)) for row in rows)))


def _groove_consistency(bars: Sequence[_BarNotes]) -> float | None:
    """Over neighbouring bars of one length that both have notes."""
    shares = [
        float(np.mean(left.onsets == right.onsets))
        for left, right in pairwise(bars)
        if left.steps == right.steps and left.content and right.content
    ]
    return float(np.mean(shares)) if shares else None


def _repeated_share(contents: Sequence[tuple[tuple[int, ...], ...]]) -> float | None:
    seen: set[tuple[tuple[int, ...], ...]] = set()
    filled = [content for content in contents if content]
    repeated = 0
    for content in filled:
        repeated += content in seen
        seen.add(content)
    return repeated / len(filled) if filled else None
