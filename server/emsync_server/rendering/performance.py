"""What a synthesiser is told to play: the notes of one family, at samples instead of quarters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from emsync.family import Family
from emsync.score import Part, Score, TempoMap
from emsync_server.rendering.balance import BALANCE

__all__ = ["Instrument", "Performance", "PlayedNote", "families_of", "perform"]

MIN_LENGTH_S = Fraction(1, 100)
"""No note is shorter: a synthesiser that is switched on and off within a block stays silent."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One channel of a synthesiser."""

    program: int
    """General MIDI programme, 0 to 127."""
    is_drums: bool
    pan: float
    """-1, left, to 1, right."""
    reverb: float
    """0, dry, to 1."""


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note at sample positions, counted from the start of the cue."""

    start_samples: int
    end_samples: int
    instrument: int
    """Index into the performance's instruments."""
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Performance:
    """The notes of one family, in time order."""

    instruments: tuple[Instrument, ...]
    notes: tuple[PlayedNote, ...]


def families_of(score: Score) -> tuple[Family, ...]:
    """The families that have a note to play, in the order of `Family`."""
    playing = {part.family for part in score.parts if part.notes}
    return tuple(family for family in Family if family in playing)


def perform(score: Score, family: Family, *, rate_hz: int, cue_samples: int) -> Performance:
    """Place a family's notes on the sample grid; notes that begin after the cue are left out."""
    parts = [part for part in score.parts if part.family is family and part.notes]
    balance = BALANCE[family]
    instruments = tuple(
        Instrument(part.program, part.is_drums, balance.pan, balance.reverb) for part in parts
    )
    notes = [
        note
        for index, part in enumerate(parts)
        for note in _placed(part, index, score.tempo_map, rate_hz, cue_samples)
    ]
    ordered = sorted(notes, key=lambda note: (note.start_samples, note.instrument, note.pitch))
    return Performance(instruments, tuple(ordered))


def _placed(
    part: Part, instrument: int, tempo: TempoMap, rate_hz: int, cue_samples: int
) -> Sequence[PlayedNote]:
    """One part's notes; a note ends where the same pitch is struck again, and with the cue."""
    shortest = int(MIN_LENGTH_S * rate_hz)
    sounding: dict[int, int] = {}  # pitch → place in `placed`
    placed: list[PlayedNote] = []
    for note in sorted(part.notes, key=lambda note: (note.start_q, note.pitch, -note.velocity)):
        start = round(tempo.seconds_at(note.start_q) * rate_hz)
        if start >= cue_samples:
            continue
        end = round(tempo.seconds_at(note.start_q + note.length_q) * rate_hz)
        end = max(min(end, cue_samples), start + shortest)
        before = sounding.get(note.pitch)
        if before is not None and placed[before].end_samples > start:
            if placed[before].start_samples == start:  # the same note twice: the louder one stays
                continue
            placed[before] = replace(placed[before], end_samples=start)
        sounding[note.pitch] = len(placed)
        placed.append(PlayedNote(start, end, instrument, note.pitch, note.velocity))
    return placed
