"""The patterns as arrays, read from the JSON grids beside this file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import INSTRUMENT_INDEX
from emsync_server.composition.representation import DRUM_PITCH_OFFSET, STEPS_PER_QUARTER

Ints = NDArray[np.int64]

KINDS = ("drums", "fills", "taiko", "bass", "motion", "pads")
FEEL_BAR_STEPS = {"four": 48, "three": 36, "six": 36, "five": 60, "seven": 42}
"""Grid steps of the bar that a pattern's lines are written in."""
DRUM_KEYS = {
    "deep kick": 35, "kick": 36, "rim": 37, "snare": 38, "clap": 39, "floor tom": 41,
    "closed hat": 42, "pedal hat": 44, "low tom": 45, "open hat": 46, "tom": 48, "crash": 49,
    "ride": 51, "tambourine": 54, "crash 2": 57, "shaker": 82, "woodblock": 76,
}  # fmt: skip
LOUDNESS = {"o": 3, "x": 6, "X": 9, "t": 5} | {str(digit): digit for digit in range(1, 10)}
PLAIN = LOUDNESS["x"]
HELD = "-"
_REST, _FOR_THE_EYE = ".", " |"
_TONE_OF_DEGREE = {1: 0, 3: 1, 5: 2}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern. H hits, sorted by step."""

    name: str
    kind: str
    feel: str
    idioms: frozenset[str]
    energy: float
    """0, a held breath, to 1, a battle."""
    tempo_bpm: tuple[float, float]
    """Beats a minute; in `six` a beat is a dotted crotchet."""
    period: int
    """Grid steps until it repeats."""
    step: Ints
    length: Ints
    """Grid steps."""
    loudness: Ints
    """1 to 9; 6 is plain."""
    tied: NDArray[np.bool_]
    """Struck only where the chord is new."""
    tone: Ints
    """Root, third or fifth as 0, 1, 2; of drums the pitch index."""
    octave: Ints
    instruments: tuple[int, ...] = ()
    """Vocabulary indices that may play it."""
    floor: int = 0
    close: bool = False

    def in_triplets(self) -> Pattern:
        """The same with a beat of 18 steps squeezed into a crotchet: 6/8 as shuffled 4/4."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        squeezed = {name: values[name] * 2 // 3 for name in ("period", "step", "length")}
        return Pattern(**values | squeezed)


@dataclass(frozen=True, slots=True)
class Idiom:
    """Layers that are heard together."""

    name: str
    weight: float
    crash: bool
    """Whether sections start with a cymbal."""
    layers: dict[str, float]
    """How likely each kind of pattern is."""


@cache
def patterns(kind: str, feel: str, *, triplets: bool = False) -> tuple[Pattern, ...]:
    """Every pattern of a kind that fits a metre."""
    found = tuple(pattern for pattern in _read(kind) if pattern.feel == feel)
    return tuple(pattern.in_triplets() for pattern in found) if triplets else found


@cache
def idioms() -> tuple[Idiom, ...]:
    """The idioms, in the order of their file."""
    return tuple(Idiom(name, **row) for name, row in _json("idioms").items())


def _json(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))


@cache
def _read(kind: str) -> tuple[Pattern, ...]:
    return tuple(parsed(kind, row) for row in _json(kind))


def parsed(kind: str, row: dict[str, Any]) -> Pattern:
    """A pattern from its JSON row."""
    unit = 4 * STEPS_PER_QUARTER // row["unit"]
    lines = {name: line.translate(_NOTHING) for name, line in row["lines"].items()}
    cells = {len(line) for line in lines.values()}
    if len(cells) != 1:
        raise ValueError(f"The lines of the pattern '{row['name']}' differ in length: {lines}.")
    hits = sorted(
        (start * unit, length * unit, LOUDNESS[mark], mark == "t", *_tone(kind, name))
        for name, line in lines.items()
        for start, length, mark in _strokes(line)
    )
    step, length, loudness, tied, tone, octave = (
        np.array([hit[column] for hit in hits], dtype=np.int64) for column in range(6)
    )
    return Pattern(
        name=row["name"], kind=kind, feel=row["feel"], idioms=frozenset(row["idioms"]),
        energy=row["energy"], tempo_bpm=(row["tempo"][0], row["tempo"][1]),
        period=cells.pop() * unit, step=step, length=length, loudness=loudness,
        tied=tied.astype(bool), tone=tone, octave=octave,
        instruments=tuple(INSTRUMENT_INDEX[name] for name in row.get("instruments", ())),
        floor=row.get("floor", 0), close=row.get("close", False),
    )  # fmt: skip


_NOTHING = str.maketrans("", "", _FOR_THE_EYE)


def _strokes(line: str) -> list[tuple[int, int, str]]:
    """Start, length in cells, and mark of everything in a line."""
    out = []
    for start, mark in enumerate(line):
        if mark in (_REST, HELD):
            continue
        stop = start + 1
        while stop < len(line) and line[stop] in (HELD, "t"):
            stop += 1
        out.append((start, stop - start, mark))
    return out


def _tone(kind: str, line: str) -> tuple[int, int]:
    """Chord tone and octave of a degree, or pitch index of a drum and 0."""
    if kind in ("drums", "fills"):
        return DRUM_KEYS[line] + DRUM_PITCH_OFFSET, 0
    low = line.startswith("low ")
    octave, degree = divmod(int(line.removeprefix("low ")) - 1, 7)
    return _TONE_OF_DEGREE[degree + 1], octave - low
