"""The published generator's tokens: what they are, and what music they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from emsync.family import Family
from emsync.score import Meter, Note, Part, Score, TempoAnchor, TempoMap
from emsync_training.networks.published import VOCABULARY

SHIFT_MS = 8
SHIFTS = 125
FIRST_PITCH, PITCHES = 21, 88
GROUPS: dict[str, tuple[int, Family]] = {
    "BASS": (33, Family.BASS),
    "DRUMS": (0, Family.PERCUSSION),
    "GUITAR": (27, Family.PLUCKED),
    "PIANO": (0, Family.KEYS),
    "STRINGS": (48, Family.STRINGS),
}
"""General MIDI programme and family of each group of instruments."""
VELOCITY = 80  # the tokens have no loudness
QUARTERS_PER_S = 2  # nor a beat: scores are written at 120 to the minute


def published_vocabulary() -> tuple[str, ...]:
    """The token names in the order of the description. A checkpoint with another order needs its
    own.
    """
    shifts = [f"SHIFT_{SHIFT_MS * n}" for n in range(1, SHIFTS + 1)]
    notes = [
        f"{kind}_{group}_{pitch}"
        for kind in ("OFF", "ON")
        for group in GROUPS
        for pitch in range(FIRST_PITCH, FIRST_PITCH + PITCHES)
    ]
    return ("PAD", "START", "BAR", "CHORD", *shifts, *notes, "LESS", "MORE")


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """One note, in milliseconds from the start."""

    group: str
    pitch: int
    start_ms: int
    stop_ms: int


@dataclass
class Playing:
    """Reads tokens one at a time: the clock, and which notes are held."""

    time_ms: int = 0
    notes: list[PlayedNote] = field(default_factory=list)
    held: dict[tuple[str, int], int] = field(default_factory=dict)

    def read(self, token: str) -> None:
        """Let one token happen."""
        kind, _, rest = token.partition("_")
        if kind == "SHIFT":
            self.time_ms += int(rest)
        elif kind in ("ON", "OFF"):
            group, pitch = rest.split("_")
            self._release(group, int(pitch))
            if kind == "ON":
                self.held[group, int(pitch)] = self.time_ms

    def finish(self) -> list[PlayedNote]:
        """Every note, what is still held released now."""
        for group, pitch in list(self.held):
            self._release(group, pitch)
        return sorted(self.notes, key=lambda note: (note.start_ms, note.group, note.pitch))

    def _release(self, group: str, pitch: int) -> None:
        start = self.held.pop((group, pitch), None)
        if start is not None and self.time_ms > start:
            self.notes.append(PlayedNote(group, pitch, start, self.time_ms))


def played(tokens: Sequence[int], vocabulary: Sequence[str] | None = None) -> list[PlayedNote]:
    """The notes that tokens say. BAR, CHORD and the like make no sound."""
    names = vocabulary or published_vocabulary()
    playing = Playing()
    for token in tokens:
        playing.read(names[token])
    return playing.finish()


def score_of(notes: Sequence[PlayedNote]) -> Score:
    """A score of the notes, exact to the millisecond, at 120 quarters a minute."""
    parts = []
    for group, (program, family) in GROUPS.items():
        mine = tuple(
            Note(
                start_q=_quarters(note.start_ms),
                length_q=_quarters(note.stop_ms - note.start_ms),
                pitch=note.pitch,
                velocity=VELOCITY,
            )
            for note in notes
            if note.group == group
        )
        if mine:
            parts.append(Part(group.capitalize(), program, group == "DRUMS", family, mine))
    end = _quarters(max((note.stop_ms for note in notes), default=0)) or Fraction(1)
    anchors = (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(end, end / QUARTERS_PER_S))
    return Score(tuple(parts), TempoMap(anchors, (Meter(Fraction(0), 4, 4),)))


def _quarters(time_ms: int) -> Fraction:
    return Fraction(time_ms * QUARTERS_PER_S, 1000)


assert len(published_vocabulary()) == VOCABULARY
