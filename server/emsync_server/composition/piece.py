"""A piece while it is being written: where the pen stands, what sounds, what the last bars were
like.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from emsync_server.composition.instruments import DRUM_KIT

REMEMBERED_BARS = 8

BarContent = tuple[tuple[int, int, int], ...]
"""(step into the bar, instrument, pitch) of each note."""


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """One note as the network chose it. Steps count from the start of the cue."""

    step: int
    instrument: int
    pitch: int
    """MIDI pitch, or drum key."""
    steps: int
    velocity: int

    @property
    def end_step(self) -> int:
        """The first step after the note."""
        return self.step + self.steps

    @property
    def is_drum(self) -> bool:
        """Whether a drum kit plays it."""
        return self.instrument == DRUM_KIT


@dataclass(slots=True)
class Piece:
    """The writing state. `add` and `next_bar` change it."""

    bar: int = 0
    bar_start: int = 0
    step: int = 0
    """Where the pen stands."""
    onset: list[WrittenNote] = field(default_factory=list)
    """Notes that begin where the pen stands, in the order of the vocabulary."""
    notes: list[WrittenNote] = field(default_factory=list)
    recent: list[BarContent] = field(default_factory=list)
    """The last bars, oldest first."""
    content: list[tuple[int, int, int]] = field(default_factory=list)
    """Of the running bar."""
    silent_from: int = 0
    """The first step at which nothing written so far sounds."""
    last_onset: int | None = None
    _sounding: list[int] = field(default_factory=list)
    """Ends of the pitched notes that sound where the pen stands."""

    def add(self, note: WrittenNote) -> None:
        """Write a note at the pen or after it."""
        if note.step != self.step:
            self.step = note.step
            self.onset = []
            self._sounding = [end for end in self._sounding if end > note.step]
        self.onset.append(note)
        self.notes.append(note)
        self.content.append((note.step - self.bar_start, note.instrument, note.pitch))
        self.last_onset = note.step
        if not note.is_drum:
            self._sounding.append(note.end_step)
        self.silent_from = max(self.silent_from, note.end_step)

    def next_bar(self, start: int) -> None:
        """Draw a barline; the new bar starts at a step of the cue."""
        self.recent = [*self.recent, tuple(self.content)][-REMEMBERED_BARS:]
        self.content = []
        self.bar += 1
        self.bar_start = self.step = start
        self.onset = []
        self._sounding = [end for end in self._sounding if end > start]

    def sounding_at(self, step: int) -> int:
        """How many pitched notes still sound at a step, without those that begin there."""
        begun = sum(not note.is_drum for note in self.onset) if step == self.step else 0
        return sum(end > step for end in self._sounding) - begun

    @property
    def pitched_onset(self) -> set[int]:
        """Distinct pitches that begin where the pen stands, drums aside."""
        return {note.pitch for note in self.onset if not note.is_drum}
