"""What a band plays again: the rhythms of a unit of material, and its pitches as they were first
heard.

A riff keeps its shape when the chord under it changes: notes of the chord stay notes of the chord,
those between keep their distance in the scale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition import rhythm
from emsync_server.composition.leanings import chord_tones
from emsync_server.composition.request import BarRequest
from emsync_server.composition.rhythm import Cell
from emsync_server.composition.roles import Role
from emsync_server.composition.slots import RiffPlace, Slot

__all__ = ["HeardNote", "RiffBook", "again", "earlier_in_phrase"]

Random = np.random.Generator

RIFF_BARS = 2
"""Within a phrase a figure comes again after so many bars."""
LIKE_AROUSAL, LIKE_DENSITY = 0.45, 1.8
"""A rhythm comes again where arousal and density (as a factor) are about what they were."""
LOOPED = (Role.FIGURE, Role.BASS)
UNPITCHED = (Role.DRUMS, Role.STROKE)
_SCALES = (np.array([0, 2, 4, 5, 7, 9, 11]), np.array([0, 2, 3, 5, 7, 8, 10]))


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note of a riff where it was first heard."""

    pitch: int
    chord: int
    """Root + 12 · kind."""
    key: int
    """0 to 11 C major to B major, 12 to 23 C minor to B minor."""


class RiffBook:
    """The rhythms of each letter of a cue, and how long its unit is."""

    def __init__(self, rng: Random, *, loops: bool) -> None:
        """loops: whether anything comes again at all; each phrase has rhythms of its own else."""
        self._rng = rng
        self._loops = loops
        self._units: dict[str, int] = {}
        self._basses: dict[str, tuple[float, Cell]] = {}
        self._figures: dict[str, tuple[float, tuple[Cell, Cell]]] = {}

    def bass(self, opening: BarRequest, arousal: float) -> Cell:
        """Of a phrase that opens with this bar: the one that its letter had, where it is about as
        excited.
        """
        drawn = rhythm.bass_cell(self._rng, arousal, opening.steps)
        known = self._basses.get(opening.letter)
        if self._loops and known is not None and abs(known[0] - arousal) < LIKE_AROUSAL:
            return known[1]
        self._basses[opening.letter] = (arousal, drawn)
        return drawn

    def figure(
        self, opening: BarRequest, notes_per_bar: float, *, ostinato: bool
    ) -> tuple[Cell, Cell]:
        """Of a bar and of the next: the two of a riff, or the same one twice."""
        drawn = rhythm.figure_cell(self._rng, notes_per_bar, ostinato=ostinato)
        if not self._loops or ostinato or not drawn:
            return drawn, drawn
        known = self._figures.get(opening.letter)
        if known is not None and known[0] / LIKE_DENSITY < notes_per_bar < LIKE_DENSITY * known[0]:
            return known[1]
        riff = rhythm.riff_cells(self._rng, notes_per_bar)
        self._figures[opening.letter] = (notes_per_bar, riff)
        return riff

    def placed(self, slots: list[Slot], bars: Sequence[BarRequest], index: int) -> list[Slot]:
        """The slots of a bar of a phrase, each with its place in the unit of the phrase's letter.

        index: of the bar in the phrase, counted from 0
        """
        letter = bars[0].letter
        unit = self._units.setdefault(letter, len(bars))
        if not self._loops:
            return slots
        ranks: Counter[tuple[Role, int]] = Counter()
        marked = []
        for slot in slots:
            if slot.role in UNPITCHED or slot.pitch is not None:
                marked.append(slot)
                continue
            rank = ranks[slot.role, slot.step]
            ranks[slot.role, slot.step] += 1
            place = RiffPlace(letter, index % unit, slot.role, slot.step, rank)
            marked.append(replace(slot, riff=place))
        return marked


def earlier_in_phrase(place: RiffPlace) -> RiffPlace | None:
    """Where a figure or a bass played the same before in its phrase."""
    if place.role not in LOOPED or place.bar < RIFF_BARS:
        return None
    return replace(place, bar=place.bar % RIFF_BARS)


def again(heard: HeardNote, chord: int, key: int, *, is_line: bool) -> int | None:
    """The pitch with which a note comes again over a chord in a key; None where a line would leave
    the chord that it belonged to.
    """
    if (heard.chord, heard.key) == (chord, key):
        return heard.pitch
    if is_line:
        pitch = _along_scale(heard.pitch, heard.key % 12, heard.key, (key % 12, key))
        belonged = heard.pitch % 12 in chord_tones(heard.chord)
        return None if belonged and pitch % 12 not in chord_tones(chord) else pitch
    pitch = _along_scale(heard.pitch, heard.chord % 12, heard.key, (chord % 12, key))
    before, after = chord_tones(heard.chord), chord_tones(chord)
    if heard.pitch % 12 not in before:
        return pitch
    tone = after[min(before.index(heard.pitch % 12), len(after) - 1)]
    return pitch + (tone - pitch + 6) % 12 - 6


@cache
def _along_scale(pitch: int, root: int, key: int, new: tuple[int, int]) -> int:
    """A pitch as far from a new root, in steps of the new key, as it was from the old one."""
    new_root, new_key = new
    shift = (new_root - root + 5) % 12 - 5
    steps, new_steps = _ladder(key), _ladder(new_key)
    if pitch not in steps or root not in steps % 12 or new_root not in new_steps % 12:
        return pitch + shift
    below = pitch - (pitch - root) % 12
    away = int(np.searchsorted(steps, pitch) - np.searchsorted(steps, below))
    start = int(np.searchsorted(new_steps, below + shift))
    return int(new_steps[min(max(start + away, 0), len(new_steps) - 1)])


@cache
def _ladder(key: int) -> NDArray[np.int64]:
    """All pitches of a key, upwards, an octave beyond both ends of the keyboard."""
    pitches = np.arange(-12, 140)
    return pitches[np.isin((pitches - key % 12) % 12, _SCALES[key // 12])]
