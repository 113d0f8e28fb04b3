"""What a synthesiser is told to play: the notes of one family, at samples instead of quarters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from emsync.family import Family
from emsync.score import Controller, Part, Score, TempoMap
from emsync_server.rendering.balance import BALANCE

__all__ = [
    "Instrument",
    "Performance",
    "PlayedControl",
    "PlayedNote",
    "families_of",
    "left_to_ring",
    "perform",
]

MIN_LENGTH_S = Fraction(1, 100)
"""No note is shorter: a synthesiser that is switched on and off within a block stays silent."""
RING_S, LET_GO_S = Fraction(3, 2), Fraction(1, 20)
RINGS_TO_DB, RING_PARTS, FULL_EXPRESSION = -36.0, 30, 127
"""What lasts to within LET_GO_S of the out-point rings past it for RING_S, and falls by so much."""


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
class PlayedControl:
    """A controller's new value, at a sample counted from the start of the cue."""

    time_samples: int
    instrument: int
    controller: Controller
    value: int
    """0 to 127."""


@dataclass(frozen=True, slots=True)
class Performance:
    """The notes of one family, and what its players move, in time order."""

    instruments: tuple[Instrument, ...]
    notes: tuple[PlayedNote, ...]
    controls: tuple[PlayedControl, ...] = ()


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
    controls = sorted(
        (
            PlayedControl(
                round(score.tempo_map.seconds_at(change.time_q) * rate_hz),
                index,
                change.controller,
                change.value,
            )
            for index, part in enumerate(parts)
            for change in part.controls
        ),
        key=lambda change: change.time_samples,
    )
    return Performance(instruments, tuple(ordered), tuple(controls))


def left_to_ring(
    played: Performance, *, rate_hz: int, cue_samples: int, room_samples: int
) -> Performance:
    """The notes that last to the end of the cue ring past it, where there is room, and die away;
    a synthesiser's own release is cut short by some soundfonts.
    """
    ring = min(room_samples, int(RING_S * rate_hz))
    let_go = cue_samples - int(LET_GO_S * rate_hz)
    last = {
        note.instrument
        for note in played.notes
        if note.end_samples >= let_go and not played.instruments[note.instrument].is_drums
    }
    if ring <= 0 or not last:
        return played
    notes = tuple(
        replace(note, end_samples=cue_samples + ring)
        if note.instrument in last and note.end_samples >= let_go
        else note
        for note in played.notes
    )
    controls = [one for one in played.controls if one.time_samples < cue_samples]
    for instrument in sorted(last):
        level = next(
            (
                one.value
                for one in reversed(controls)
                if one.instrument == instrument and one.controller is Controller.EXPRESSION
            ),
            FULL_EXPRESSION,
        )
        for number in range(1, RING_PARTS + 1):
            share = number / RING_PARTS
            fallen = round(level * 10 ** (RINGS_TO_DB * share / 40))
            time = cue_samples + round(ring * (number - 1) / RING_PARTS)
            controls.append(PlayedControl(time, instrument, Controller.EXPRESSION, fallen))
    return replace(played, notes=notes, controls=tuple(controls))


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
