"""What the composer network reads and writes: note events, and the condition that goes with each.

An event is one row of five small integers: position, instrument, pitch, length, velocity. A piece
is BAR, the notes of the bar sorted by (position, instrument, pitch), BAR, …, END. The condition is
one float vector per event. Both layouts are stored as JSON beside the weights and compared at
load. NumPy and the standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS

STEPS_PER_QUARTER = 12  # grid steps: divides into semiquavers and triplets
MAX_BAR_STEPS = 8 * STEPS_PER_QUARTER  # 96 steps; longer bars are split before encoding

POSITION, INSTRUMENT, PITCH, LENGTH, VELOCITY = range(5)
"""Columns of an event row."""
FIELDS: tuple[str, ...] = ("position", "instrument", "pitch", "length", "velocity")

BAR = MAX_BAR_STEPS  # 96: a new bar starts
END = BAR + 1  # 97: the piece ends
PAD = BAR + 2  # 98: nothing

FIRST_DRUM_KEY, LAST_DRUM_KEY = 27, 87  # General MIDI 2 / GS drum keys
DRUM_PITCH_OFFSET = 128 - FIRST_DRUM_KEY  # drum key + this = pitch index

LENGTH_STEPS: tuple[int, ...] = (
    *(1, 2, 3, 4, 6, 8, 9, 12, 15, 16, 18, 21, 24, 30, 32, 36, 42, 48),
    *(60, 72, 84, 96, 120, 144, 192),
)
"""Grid steps of each length index."""
VELOCITY_BINS = 8
VELOCITY_BIN_WIDTH = 128 // VELOCITY_BINS  # 16 MIDI velocities

POSITIONS = END + 1  # classes a network may choose: 0..95, BAR, END
PITCHES = 128 + LAST_DRUM_KEY - FIRST_DRUM_KEY + 1
CLASSES: tuple[int, ...] = (POSITIONS, len(INSTRUMENTS), PITCHES, len(LENGTH_STEPS), VELOCITY_BINS)
"""Classes that each field's head chooses among."""
NONE: tuple[int, ...] = (PAD, *CLASSES[1:])
"""Index of 'none' in each field (PAD in position): what BAR, END and padding rows hold."""
EMBEDDINGS: tuple[int, ...] = tuple(none + 1 for none in NONE)
"""Rows of each field's input embedding table."""

BAR_ROW: tuple[int, ...] = (BAR, *NONE[1:])
END_ROW: tuple[int, ...] = (END, *NONE[1:])
PAD_ROW: tuple[int, ...] = NONE

MAX_OFFSET_S = 8.0  # boundary offsets are clamped here (arXiv 2502.10154)

Events = NDArray[np.int64]
Condition = NDArray[np.float32]


class Style(Enum):
    """Broad kinds of scoring that the composer was shown by name."""

    ORCHESTRAL = "orchestral"
    CHAMBER = "chamber"
    PIANO = "piano"
    SONG = "song"
    GAME = "game"
    BAND = "band"
    HYBRID = "hybrid"
    EARLY = "early"


CHORD_KINDS: tuple[str, ...] = ("major", "minor", "diminished", "other")
CHORD_TONES: tuple[tuple[int, ...], ...] = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 7))
"""Semitones above the root, of each kind; of what is no triad only root and fifth are sure."""
CHORDS = 12 * len(CHORD_KINDS)  # a chord is root + 12 · kind, root 0 for C
NO_CHORD = 255

STYLES: tuple[Style, ...] = tuple(Style)
KEYS = 24  # 0..11 C major … B major, 12..23 C minor … B minor


def _layout() -> dict[str, slice]:
    widths = {
        "valence": 1, "valence_present": 1, "arousal": 1, "arousal_present": 1,
        "next_hit_s": 1, "next_hit_present": 1, "last_hit_s": 1, "last_hit_present": 1,
        "end_s": 1, "end_present": 1, "tempo": 1, "bar_length": 1,
        "density": 1, "density_present": 1, "style": len(STYLES), "key": KEYS,
        "instruments": len(INSTRUMENTS),
        "chord_first": 12 + len(CHORD_KINDS), "chord_second": 12 + len(CHORD_KINDS),
        "recall": 1, "recall_present": 1, "join": 1, "join_present": 1,
        "is_theme": 1, "is_after": 1,
    }  # fmt: skip
    slices, start = {}, 0
    for name, width in widths.items():
        slices[name] = slice(start, start + width)
        start += width
    return slices


CONDITION: dict[str, slice] = _layout()
"""Where each named value stands in the condition vector."""
CONDITION_SIZE: int = max(part.stop for part in CONDITION.values())
OFFSETS: tuple[str, ...] = ("next_hit", "last_hit", "end")
"""The three boundary offsets: columns `…_s` in seconds (raw, 0 to 8) and `…_present`."""
REFERENCE_EVENTS = 192
"""At most so many events of the same piece stand before the running ones for reference: a theme
that was heard earlier (`is_theme`), bars that follow the gap that is being filled (`is_after`).
Their boundary offsets are unknown."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What stays the same through a cue; None is 'not asked for'."""

    style: Style | None = None
    key: int | None = None
    """0 to 11 C major to B major, 12 to 23 C minor to B minor."""
    density: float | None = None
    """Notes per second."""
    instruments: frozenset[int] | None = None
    """Vocabulary indices of the instruments that play."""


def condition_vector(
    *,
    tempo_bpm: float,
    bar_quarters: float,
    valence: float | None = None,
    arousal: float | None = None,
    next_hit_s: float | None = None,
    last_hit_s: float | None = None,
    end_s: float | None = None,
    brief: Brief | None = None,
) -> Condition:
    """One event's condition, (C,) float32, from plain numbers; None is absent.

    Offsets are seconds from the event, not negative: to the next hit (0 on a hit), since the last
    hit (0 on a hit; the start of the piece counts as one, its end does not), to the moment the
    last note stops sounding. They are clamped to 8 s here. Where hits are known and none lies
    within 8 s, pass `math.inf`, not None: None says that nobody told the network about hits; in
    training the three are known or unknown together.
    """
    vector = np.zeros(CONDITION_SIZE, np.float32)
    vector[CONDITION["tempo"]] = scaled_tempo(tempo_bpm)
    vector[CONDITION["bar_length"]] = bar_quarters / 4
    optional = {"valence": valence, "arousal": arousal}
    for name, value in optional.items():
        if value is not None:
            vector[CONDITION[name]] = value
            vector[CONDITION[f"{name}_present"]] = 1
    for name, value in zip(OFFSETS, (next_hit_s, last_hit_s, end_s), strict=True):
        if value is not None:
            vector[CONDITION[f"{name}_s"]] = min(max(value, 0.0), MAX_OFFSET_S)
            vector[CONDITION[f"{name}_present"]] = 1
    return vector if brief is None else write_brief(vector, brief)


def write_brief(vector: Condition, brief: Brief) -> Condition:
    """The brief's values, written into the last axis of a (…, C) condition in place; returns it."""
    if brief.style is not None:
        vector[..., CONDITION["style"].start + STYLES.index(brief.style)] = 1
    if brief.key is not None:
        vector[..., CONDITION["key"].start + brief.key] = 1
    if brief.density is not None:
        vector[..., CONDITION["density"]] = scaled_density(brief.density)
        vector[..., CONDITION["density_present"]] = 1
    for instrument in brief.instruments or ():
        vector[..., CONDITION["instruments"].start + instrument] = 1
    return vector


def write_chords(vector: Condition, first: int | None, second: int | None) -> Condition:
    """The chords of a bar's two halves, in place; None is not known."""
    for name, chord in (("chord_first", first), ("chord_second", second)):
        if chord is not None:
            start = CONDITION[name].start
            vector[..., start + chord % 12] = 1
            vector[..., start + 12 + chord // 12] = 1
    return vector


def write_recall(vector: Condition, recall: float) -> Condition:
    """How much a bar recalls the theme that stands for reference, 0 to 1, in place."""
    vector[..., CONDITION["recall"]] = recall
    vector[..., CONDITION["recall_present"]] = 1
    return vector


def write_join(vector: Condition, seconds: float) -> Condition:
    """Seconds until what is written must join the bars that stand for reference, in place."""
    vector[..., CONDITION["join"]] = min(max(seconds, 0.0), MAX_OFFSET_S) / MAX_OFFSET_S
    vector[..., CONDITION["join_present"]] = 1
    return vector


def scaled_tempo(tempo_bpm: float) -> float:
    """Tempo as the network sees it: octaves above 100 quarters a minute."""
    return math.log2(tempo_bpm / 100)


def scaled_density(notes_per_s: float) -> float:
    """Notes per second as the network sees it: 0.5 is -1, 4 is 0, 32 is 1."""
    return min(max(math.log2(max(notes_per_s, 0.01) / 4) / 3, -1.5), 1.5)


def note_row(position: int, instrument: int, pitch: int, length: int, velocity: int) -> list[int]:
    """An event row from musical units: steps into the bar, vocabulary instrument, MIDI pitch or
    drum key, length in steps, MIDI velocity."""
    index = pitch + DRUM_PITCH_OFFSET if instrument == DRUM_KIT else pitch
    return [position, instrument, index, length_index(length), velocity_index(velocity)]


def length_index(steps: float) -> int:
    """The nearest length of the table; a tie goes to the longer."""
    return int(np.searchsorted(_LENGTH_EDGES, steps, side="right"))


def velocity_index(velocity: int) -> int:
    """The bin of a MIDI velocity, 1 to 127."""
    return min(max(velocity, 0) // VELOCITY_BIN_WIDTH, VELOCITY_BINS - 1)


def velocity_of(index: int) -> int:
    """The MIDI velocity in the middle of a bin."""
    return index * VELOCITY_BIN_WIDTH + VELOCITY_BIN_WIDTH // 2


def pitch_of(index: int) -> int:
    """The MIDI pitch, or for an index of 128 and above the drum key, of a pitch index."""
    return index if index < 128 else index - DRUM_PITCH_OFFSET


def sort_rows(rows: Iterable[Iterable[int]]) -> list[list[int]]:
    """Note rows of one bar in the order the network writes them."""
    return sorted((list(row) for row in rows), key=lambda row: row[:3])


_LENGTH_EDGES = (np.array(LENGTH_STEPS[1:]) + np.array(LENGTH_STEPS[:-1])) / 2


def vocabulary() -> dict[str, Any]:
    """Events and condition as plain data, for the file beside the weights."""
    return {
        "steps_per_quarter": STEPS_PER_QUARTER,
        "fields": list(FIELDS),
        "classes": list(CLASSES),
        "embeddings": list(EMBEDDINGS),
        "bar": BAR,
        "end": END,
        "pad": PAD,
        "first_drum_key": FIRST_DRUM_KEY,
        "last_drum_key": LAST_DRUM_KEY,
        "length_steps": list(LENGTH_STEPS),
        "velocity_bins": VELOCITY_BINS,
        "instruments": [instrument.name for instrument in INSTRUMENTS],
        "styles": [style.value for style in STYLES],
        "chord_kinds": list(CHORD_KINDS),
        "max_offset_s": MAX_OFFSET_S,
        "condition": {name: [part.start, part.stop] for name, part in CONDITION.items()},
    }
