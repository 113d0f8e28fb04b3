"""Written notes as a score: one part an instrument, nothing sounding past the end."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from emsync.cue import Key, Mode
from emsync.score import KeySignature, Note, Part, Score
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS
from emsync_server.composition.phrasing import Phrasing
from emsync_server.composition.piece import WrittenNote
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.request import CueRequest

BREATH_S = 0.15
STUB_BEFORE_S, STUB_S = 0.3, 0.1
ROUND_LANDING_STEPS = 1
"""A note that ends at most this long after a landing was meant to end there."""


def score_of(notes: Sequence[WrittenNote], request: CueRequest) -> Score:
    """The score of a whole cue: a breath before each landing; the last chord is held, and nothing
    else sounds into it.
    """
    closed = _closed(notes, request.final_step, request.end_step)
    by_instrument: dict[int, list[WrittenNote]] = defaultdict(list)
    for note in closed:
        by_instrument[note.instrument].append(note)
    parts = []
    phrasing = Phrasing(request)
    breaths = {landing: _breath_before(landing, request) for landing in request.landings}
    for number in sorted(by_instrument):
        breathed = [_breathed(note, request, breaths) for note in _unlapped(by_instrument[number])]
        kept = [note for note in breathed if not _is_stub(note, request)]
        parts.append(replace(part_of(number, kept), controls=phrasing.of(number, kept)))
    return Score(
        tuple(part for part in parts if part.notes), request.tempo_map, tuple(_keys(request))
    )


def _keys(request: CueRequest) -> Iterator[KeySignature]:
    """The key of the first bar, and every change of it."""
    key = None
    for bar in request.bars:
        if bar.key != key:
            key = bar.key
            mode = Mode.MINOR if key >= 12 else Mode.MAJOR
            start_q = Fraction(bar.start_step, STEPS_PER_QUARTER)
            yield KeySignature(start_q, Key(key % 12, mode))


def part_of(instrument: int, notes: Iterable[WrittenNote]) -> Part:
    """One instrument's notes as a part; a note that is struck again ends where it is."""
    played = INSTRUMENTS[instrument]
    is_drums = instrument == DRUM_KIT
    return Part(
        name=played.name.replace("_", " ").capitalize(),
        program=played.program,
        is_drums=is_drums,
        family=played.family,
        notes=tuple(_note(note) for note in _unlapped(notes)),
    )


def _breath_before(landing: int, request: CueRequest) -> int:
    """The step by which notes that lead into a landing let go."""
    return math.floor(request.step_at(max(request.seconds_at(landing) - BREATH_S, 0.0)))


def _breathed(note: WrittenNote, request: CueRequest, breaths: Mapping[int, int]) -> WrittenNote:
    """The note, let go a breath before the landing that it leads into; it keeps a third.

    Measured on quiet strings alone, the hardest case (FluidR3, 5 hits): without a breath two
    attacks were not to be found; with it all five are, four of them within 8 ms.
    """
    landing = request.next_landing(max(note.end_step - ROUND_LANDING_STEPS, note.step + 1))
    if note.is_drum or landing is None:
        return note
    kept = max(breaths[landing] - note.step, (landing - note.step + 2) // 3)
    return _at_most(note, kept)


def _is_stub(note: WrittenNote, request: CueRequest) -> bool:
    """Whether so little of a note is left before a landing that it would be heard as a hiccup."""
    landing = request.next_landing(note.step)
    if note.is_drum or landing is None or landing == note.step:
        return False
    start_s = request.seconds_at(note.step)
    close = request.seconds_at(landing) - start_s < STUB_BEFORE_S
    return close and request.seconds_at(note.end_step) - start_s < STUB_S


def _closed(notes: Sequence[WrittenNote], final_step: int, end_step: int) -> Iterable[WrittenNote]:
    for note in notes:
        if note.is_drum:
            yield _at_most(note, end_step - note.step)
        elif note.step >= final_step:
            yield replace(note, steps=end_step - note.step)
        else:
            yield _at_most(note, final_step - note.step)


def _unlapped(notes: Iterable[WrittenNote]) -> list[WrittenNote]:
    """The same pitch again ends the earlier note: MIDI has one key for both."""
    ordered = sorted(notes, key=lambda note: (note.step, note.pitch))
    next_at: dict[int, int] = {}
    kept: list[WrittenNote] = []
    for note in reversed(ordered):
        limit = next_at.get(note.pitch, note.end_step)
        next_at[note.pitch] = note.step
        kept.append(_at_most(note, limit - note.step))
    return kept[::-1]


def _at_most(note: WrittenNote, steps: int) -> WrittenNote:
    """The note, cut to a length where it is longer."""
    return replace(note, steps=steps) if steps < note.steps else note


def _note(note: WrittenNote) -> Note:
    return Note(
        Fraction(note.step, STEPS_PER_QUARTER),
        Fraction(note.steps, STEPS_PER_QUARTER),
        note.pitch,
        note.velocity,
    )
