"""A piece while it is being written: where the pen stands, what sounds, what the last bars were
like.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emsync_server.composition.instruments import DRUM_KIT

if TYPE_CHECKING:
    from emsync_server.composition.riffs import HeardNote
    from emsync_server.composition.slots import RiffPlace
    from emsync_server.composition.theme import Theme

REMEMBERED_BARS = 8
LOW_PITCH = 52
"""Below this a note is bass: it carries a harmony, and close intervals are mud."""

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
    pitched_notes: int = 0
    """Of the running bar, drums aside."""
    silent_from: int = 0
    """The first step at which nothing written so far sounds, drums aside."""
    last_onset: int | None = None
    last_chord: dict[int, list[int]] = field(default_factory=dict)
    """Pitches of each instrument's latest onset."""
    theme: Theme | None = None
    """The line of the first phrase, once it stands."""
    line: dict[int, int] = field(default_factory=dict)
    """The melody: pitch by step."""
    riffs: dict[RiffPlace, HeardNote] = field(default_factory=dict)
    """What comes again, as it was first heard."""
    _sounding: list[WrittenNote] = field(default_factory=list)
    """Pitched notes that sound where the pen stands."""
    _last_step: dict[int, int] = field(default_factory=dict)

    def add(self, note: WrittenNote) -> None:
        """Write a note at the pen or after it."""
        if note.step != self.step:
            self.step = note.step
            self.onset = []
            self._sounding = [other for other in self._sounding if other.end_step > note.step]
        self.onset.append(note)
        self.notes.append(note)
        self.content.append((note.step - self.bar_start, note.instrument, note.pitch))
        self.last_onset = note.step
        if not note.is_drum:
            self.pitched_notes += 1
            self._sounding.append(note)
            self.silent_from = max(self.silent_from, note.end_step)
            if self._last_step.get(note.instrument) != note.step:
                self.last_chord[note.instrument] = []
            self._last_step[note.instrument] = note.step
            self.last_chord[note.instrument].append(note.pitch)

    @property
    def latest_line(self) -> list[int]:
        """The steps of the melody's last two notes."""
        return list(self.line)[-2:]

    def next_bar(self, start: int) -> None:
        """Draw a barline; the new bar starts at a step of the cue."""
        self.recent = [*self.recent, tuple(self.content)][-REMEMBERED_BARS:]
        self.content = []
        self.pitched_notes = 0
        self.bar += 1
        self.bar_start = self.step = start
        self.onset = []
        self._sounding = [note for note in self._sounding if note.end_step > start]

    def sounding_at(self, step: int) -> set[int]:
        """Pitches that sound on at a step, and those that begin there."""
        return {note.pitch for note in self._sounding if note.end_step > step}

    @property
    def pitched_onset(self) -> set[int]:
        """Distinct pitches that begin where the pen stands, drums aside."""
        return {note.pitch for note in self.onset if not note.is_drum}
