"""Bars written anew inside a take play on: a band keeps to the riff of the bars that stay, and the
line goes on from the note before.

What a band loops is taken from a bar that stays and has the same place in material of the same
letter; who sings sings something new. Bars in which something lands break the riff, as they do in
bars composed first.
"""

from __future__ import annotations

from collections.abc import Sequence

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.piece import WrittenNote
from emsync_server.composition.request import CueRequest
from emsync_server.composition.roles import SINGING, Role
from emsync_server.composition.slots import Slot, Texture

CADENCE_BARS = 1
"""Before the bar of the last chord: they lead home, and have chords of their own."""


def playing_on(
    texture: Texture, request: CueRequest, written: Sequence[WrittenNote], bars: range
) -> Texture:
    """The texture of a cue with what its other bars loop, in those of `bars` that take part.

    written: the notes of the take that stands
    """
    if not request.riffs:
        return texture
    places = _places(request)
    joined = list(texture)
    for index in bars:
        alike = [
            other
            for other in range(len(request.bars))
            if other not in bars and _is_alike(request, places, index, other)
        ]
        looped = [_of_bar(request, written, other) for other in alike]
        if not looped or _is_broken(request, index):
            continue
        fullest = max(looped, key=lambda notes: len({note.instrument for note in notes}))
        sung = {slot.instrument for slot in texture[index] if slot.role in SINGING}
        kept = [slot for slot in texture[index] if slot.instrument in sung]
        copies = [_due(note) for note in fullest if note.instrument not in sung]
        joined[index] = tuple(sorted((*kept, *copies), key=lambda slot: slot.place))
    return tuple(joined)


def line_before(
    texture: Texture, request: CueRequest, written: Sequence[WrittenNote], first: int
) -> dict[int, int]:
    """The line's pitches by step in the bar before those written anew: the top of who sings."""
    if first == 0:
        return {}
    sung = {slot.instrument for slot in texture[first - 1] if slot.role is Role.LEAD}
    line: dict[int, int] = {}
    bar = request.bars[first - 1]
    for note in written:
        if bar.start_step <= note.step < bar.end_step and note.instrument in sung:
            line[note.step] = max(note.pitch, line.get(note.step, 0))
    return line


def _places(request: CueRequest) -> list[tuple[str, int]]:
    """The letter of each bar, and its place in the letter's unit."""
    units: dict[str, int] = {}
    starts = {bar.phrase: index for index, bar in reversed([*enumerate(request.bars)])}
    counts = {phrase: sum(bar.phrase == phrase for bar in request.bars) for phrase in starts}
    for bar in request.bars:
        units.setdefault(bar.letter, counts[bar.phrase])
    return [
        (bar.letter, (index - starts[bar.phrase]) % units[bar.letter])
        for index, bar in enumerate(request.bars)
    ]


def _is_alike(
    request: CueRequest, places: Sequence[tuple[str, int]], index: int, other: int
) -> bool:
    """Whether another bar plays what belongs in a bar, and nothing lands in it."""
    here, there = request.bars[index], request.bars[other]
    same = places[index] == places[other] and (here.steps, here.key) == (there.steps, there.key)
    return same and not _is_broken(request, other)


def _is_broken(request: CueRequest, index: int) -> bool:
    """Whether something lands in a bar, or it leads to the last chord."""
    bar = request.bars[index]
    lands = any(bar.start_step <= step < bar.end_step for step in request.landings)
    return lands or index >= request.bar_index_at(request.final_step) - CADENCE_BARS


def _of_bar(request: CueRequest, written: Sequence[WrittenNote], index: int) -> list[WrittenNote]:
    """The notes that begin in a bar, their steps counted from its start."""
    bar = request.bars[index]
    return [
        WrittenNote(
            note.step - bar.start_step, note.instrument, note.pitch, note.steps, note.velocity
        )
        for note in written
        if bar.start_step <= note.step < bar.end_step
    ]


def _due(note: WrittenNote) -> Slot:
    """What is due where a note comes again as it is."""
    role = Role.DRUMS if note.instrument == DRUM_KIT else Role.FIGURE
    band = (note.pitch, note.pitch)
    return Slot(note.step, note.instrument, band, role, note.steps, note.velocity, pitch=note.pitch)
