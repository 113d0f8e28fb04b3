"""General MIDI programmes: the family whose stem they go to."""

from __future__ import annotations

from emsync.family import Family

_RUNS: tuple[tuple[int, Family], ...] = (
    (0, Family.KEYS),
    (9, Family.PERCUSSION),  # glockenspiel
    (10, Family.KEYS),  # music box
    (11, Family.PERCUSSION),  # vibraphone … tubular bells
    (15, Family.PLUCKED),  # dulcimer
    (16, Family.KEYS),
    (24, Family.PLUCKED),
    (32, Family.BASS),
    (40, Family.STRINGS),
    (46, Family.PLUCKED),  # harp
    (47, Family.PERCUSSION),  # timpani
    (48, Family.STRINGS),
    (50, Family.SYNTH),
    (52, Family.CHOIR),
    (55, Family.PERCUSSION),  # orchestra hit
    (56, Family.BRASS),
    (64, Family.WOODWINDS),
    (80, Family.SYNTH),
    (104, Family.PLUCKED),
    (108, Family.PERCUSSION),  # kalimba
    (109, Family.WOODWINDS),  # bagpipe
    (110, Family.STRINGS),  # fiddle
    (111, Family.WOODWINDS),  # shanai
    (112, Family.PERCUSSION),
    (119, Family.SYNTH),  # reversed cymbal and sound effects
)
"""First programme of each run, and its family."""


def family_of_program(program: int, *, is_drums: bool = False) -> Family:
    """The family of a General MIDI programme, 0 to 127; a kit on channel 10 is percussion whatever
    its number.
    """
    if is_drums:
        return Family.PERCUSSION
    return next(family for first, family in reversed(_RUNS) if program >= first)


def program_name(program: int, *, is_drums: bool = False) -> str:
    """A name for a part that has none; programmes count from 1, as people count them."""
    return "Drum kit" if is_drums else f"Program {program + 1}"
