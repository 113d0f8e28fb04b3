"""A note that is due: who plays it, when, how long, how loud and about how high."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from emsync_server.composition.roles import Band, Role


@dataclass(frozen=True, slots=True)
class RiffPlace:
    """Where a note stands in material that comes again."""

    letter: str
    """Of the phrase."""
    bar: int
    """Of the letter's unit, counted from 0."""
    role: Role
    step: int
    """Since its bar began."""
    rank: int
    """Among the notes of the role that begin there."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A note that is due."""

    step: int
    """Since its bar began."""
    instrument: int
    band: Band
    role: Role
    steps: int
    velocity: int
    """MIDI velocity that it should have."""
    pitch: int | None = None
    """The drum key, where it is given."""
    tone: int | None = None
    """Of the chord: 0 the root, 1 the fifth; None leaves it open."""
    height: float = 0.5
    """Of a line within its band, 0 to 1."""
    echoes: int | None = None
    """The bar of the phrase whose turns it takes up, as a bar of the cue."""
    closes: bool = False
    """Whether it is the last note of a phrase's line."""
    riff: RiffPlace | None = None
    """Its place in material that comes again, where the music is made of such."""

    @property
    def place(self) -> tuple[int, int, int]:
        """In the order of writing."""
        return self.step, self.instrument, self.band[0]

    def until_next(self, due: Iterable[Slot]) -> Slot:
        """Let go where its player goes on in the same role."""
        mine = [s.step for s in due if (s.instrument, s.role) == (self.instrument, self.role)]
        later = [step - self.step for step in mine if step > self.step]
        return replace(self, steps=min([self.steps, *later]))


Texture = tuple[tuple[Slot, ...], ...]
"""The slots of each bar, in the order of writing."""
