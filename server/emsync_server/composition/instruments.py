"""The instruments the composer writes for: 47 classes over the 128 General MIDI programmes, and
one drum kit.
"""

from __future__ import annotations

from dataclasses import dataclass

from emsync.family import Family


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument class of the vocabulary."""

    name: str
    program: int
    """General MIDI programme used for playback, 0 to 127; for the drum kit, programme 0 of channel
    10.
    """
    family: Family
    low: int
    """Lowest playable MIDI pitch; for the drum kit, the lowest drum key."""
    high: int
    """Highest playable MIDI pitch."""
    programs: tuple[int, ...]
    """Every General MIDI programme that is read as this class."""


_S, _W, _B, _C, _K, _P, _L, _Y, _X = Family  # in the order of the enum

INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument("violin", 40, _S, 55, 103, (40, 110)),
    Instrument("viola", 41, _S, 48, 91, (41,)),
    Instrument("cello", 42, _S, 36, 81, (42,)),
    Instrument("contrabass", 43, _S, 28, 67, (43,)),
    Instrument("tremolo_strings", 44, _S, 28, 96, (44,)),
    Instrument("pizzicato_strings", 45, _S, 28, 96, (45,)),
    Instrument("string_ensemble", 48, _S, 28, 100, (48, 49)),
    Instrument("piccolo", 72, _W, 74, 108, (72,)),
    Instrument("flute", 73, _W, 59, 98, (73,)),
    Instrument("recorder", 74, _W, 60, 98, (74, 75, 76, 77, 78, 79)),
    Instrument("oboe", 68, _W, 58, 93, (68, 109, 111)),
    Instrument("english_horn", 69, _W, 52, 83, (69,)),
    Instrument("clarinet", 71, _W, 50, 94, (71,)),
    Instrument("bassoon", 70, _W, 34, 75, (70,)),
    Instrument("saxophone", 65, _W, 37, 88, (64, 65, 66, 67)),
    Instrument("trumpet", 56, _B, 54, 86, (56, 59)),
    Instrument("french_horn", 60, _B, 34, 77, (60,)),
    Instrument("trombone", 57, _B, 34, 74, (57,)),
    Instrument("tuba", 58, _B, 26, 62, (58,)),
    Instrument("brass_section", 61, _B, 34, 88, (61, 62, 63)),
    Instrument("choir", 52, _C, 40, 84, (52, 53, 54)),
    Instrument("piano", 0, _K, 21, 108, (0, 1, 2, 3)),
    Instrument("electric_piano", 4, _K, 28, 103, (4, 5)),
    Instrument("harpsichord", 6, _K, 29, 89, (6, 7)),
    Instrument("celesta", 8, _K, 60, 108, (8, 10)),
    Instrument("rock_organ", 18, _K, 36, 96, (16, 17, 18)),
    Instrument("church_organ", 19, _K, 24, 103, (19, 20)),
    Instrument("accordion", 21, _K, 41, 93, (21, 22, 23)),
    Instrument("harp", 46, _P, 23, 103, (46,)),
    Instrument("acoustic_guitar", 24, _P, 40, 88, (24, 25)),
    Instrument("clean_guitar", 27, _P, 40, 88, (26, 27, 28)),
    Instrument("overdriven_guitar", 30, _P, 34, 88, (29, 30, 31)),
    Instrument("folk_plucked", 15, _P, 36, 96, (15, 104, 105, 106, 107)),
    Instrument("acoustic_bass", 32, _L, 28, 67, (32,)),
    Instrument("electric_bass", 33, _L, 24, 67, (33, 34, 35, 36, 37)),
    Instrument("synth_bass", 38, _L, 24, 67, (38, 39)),
    Instrument("synth_strings", 50, _Y, 24, 108, (50, 51)),
    Instrument("lead_square", 80, _Y, 24, 108, (80, 82, 83, 85)),
    Instrument("lead_saw", 81, _Y, 24, 108, (81, 84, 86, 87)),
    Instrument("pad", 89, _Y, 24, 108, (88, 89, 90, 91, 92, 93, 94, 95)),
    Instrument("atmosphere", 99, _Y, 24, 108, (*range(96, 104), *range(119, 128))),
    Instrument("timpani", 47, _X, 36, 60, (47,)),
    Instrument("glockenspiel", 9, _X, 72, 108, (9, 112)),
    Instrument("vibraphone", 11, _X, 53, 89, (11,)),
    Instrument("marimba", 12, _X, 36, 96, (12, 13, 108, 114)),
    Instrument("tubular_bells", 14, _X, 53, 89, (14,)),
    Instrument("taiko", 116, _X, 24, 84, (55, 113, 115, 116, 117, 118)),
    Instrument("drum_kit", 0, _X, 27, 87, ()),
)
"""In vocabulary order, the drum kit last."""

DRUM_KIT: int = len(INSTRUMENTS) - 1
"""Vocabulary index of the drum kit."""

INSTRUMENT_INDEX: dict[str, int] = {instrument.name: i for i, instrument in enumerate(INSTRUMENTS)}
"""Vocabulary index by name."""

CLASS_OF_PROGRAM: tuple[int, ...] = tuple(
    next(i for i, instrument in enumerate(INSTRUMENTS) if program in instrument.programs)
    for program in range(128)
)
"""Vocabulary index of each General MIDI programme."""

assert sorted(p for i in INSTRUMENTS for p in i.programs) == list(range(128)), "each programme once"


def instruments_of(family: Family) -> tuple[int, ...]:
    """The vocabulary indices of a family's instruments."""
    return tuple(i for i, instrument in enumerate(INSTRUMENTS) if instrument.family is family)


def playable(instrument: int, pitch: int) -> bool:
    """Whether an instrument of the vocabulary reaches a MIDI pitch (or drum key)."""
    return INSTRUMENTS[instrument].low <= pitch <= INSTRUMENTS[instrument].high
