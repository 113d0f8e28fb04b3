"""Thinner and thicker arrangements of the same music: players left out, everything reduced to a
few parts or one piano, a line doubled in unison or at the octave.

Rows are (N, 6): position, instrument, pitch, length, velocity, track. A player is a track's
instrument.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.representation import BAR, END

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Random = np.random.Generator


class Arrangement(Enum):
    """What is done to a crop."""

    AS_WRITTEN = "as written"
    FEWER_PLAYERS = "fewer players"
    REDUCED = "reduced"
    DOUBLED = "doubled"


SHARES = {Arrangement.FEWER_PLAYERS: 0.15, Arrangement.REDUCED: 0.10, Arrangement.DOUBLED: 0.20}
"""Of the crops that may be arranged."""
LEAST_PLAYERS = 3  # fewer are left alone
LEAST_KEPT = 0.2  # of the notes, when players are left out
LEAST_REDUCED = 2.5  # notes struck together on average; thinner music has nothing to reduce
LEAST_DOUBLED = 12  # notes of a line
PIANO_NOTES = 5  # struck together by two hands
MIDDLE_PITCH = 60

_LOW = np.array([instrument.low for instrument in INSTRUMENTS])
_HIGH = np.array([instrument.high for instrument in INSTRUMENTS])


def _indices(names: str) -> tuple[int, ...]:
    return tuple(INSTRUMENT_INDEX[name] for name in names.split())


ENSEMBLES = (
    _indices("piano") * PIANO_NOTES,
    _indices("violin viola cello"),
    _indices("violin violin viola cello"),
    _indices("flute clarinet bassoon"),
    _indices("oboe french_horn bassoon"),
    _indices("clarinet cello"),
    _indices("violin cello"),
    _indices("trumpet french_horn trombone"),
)
"""From the highest part to the lowest."""
DOUBLES = _indices(
    "violin viola cello contrabass flute piccolo oboe clarinet bassoon french_horn trumpet trombone"
    " string_ensemble harp celesta glockenspiel synth_strings"
)
UP, DOWN = (0, 0, 12), (0, 0, -12)  # semitones; what doubles a high line, and a low one


def drawn_arrangement(rng: Random) -> Arrangement:
    """What is done to the next crop."""
    point = rng.random()
    for how, share in SHARES.items():
        point -= share
        if point < 0:
            return how
    return Arrangement.AS_WRITTEN


def arranged(rng: Random, how: Arrangement, rows: Ints, bar: Ints) -> tuple[Ints, Ints]:
    """The rows in written order and the bar (N,) of each, arranged; music that is too thin for it
    stays as it is.
    """
    note = rows[:, 0] < BAR
    if how is Arrangement.FEWER_PLAYERS:
        kept = _without_some(rng, rows, note)
        return rows[kept], bar[kept]
    if how is Arrangement.REDUCED:
        return _reduced(rng, rows, bar, note)
    if how is Arrangement.DOUBLED:
        return _doubled(rng, rows, bar, note)
    return rows, bar


def written_order(rows: Ints, bar: Ints) -> Ints:
    """Indices of the rows by bar, position, instrument and pitch; of doubles the longer one."""
    note = rows[:, 0] < BAR
    place = np.where(note, rows[:, 0] + 1, np.where(rows[:, 0] == END, 127, 0))
    key = ((bar * 128 + place) * 64 + rows[:, 1]) * 256 + rows[:, 2]
    order = np.lexsort((-rows[:, 3], key))
    return np.asarray(order[np.concatenate([[True], np.diff(key[order]) != 0])])


def _player(rows: Ints) -> Ints:
    return np.asarray(rows[:, 5] * 64 + rows[:, 1])


def _without_some(rng: Random, rows: Ints, note: Mask) -> Mask:
    everybody = np.ones(len(rows), dtype=bool)
    players = np.unique(_player(rows[note]))
    if len(players) < LEAST_PLAYERS:
        return everybody
    out = rng.permutation(players)[: rng.integers(1, len(players) // 2 + 1)]
    kept = ~(note & np.isin(_player(rows), out))
    return kept if kept[note].mean() >= LEAST_KEPT else everybody


def _reduced(rng: Random, rows: Ints, bar: Ints, note: Mask) -> tuple[Ints, Ints]:
    """Highest and lowest of what is struck together, and some between; nobody beyond their range,
    no drums.
    """
    ensemble = np.array(ENSEMBLES[int(rng.integers(len(ENSEMBLES)))])
    pitched = np.flatnonzero(note & (rows[:, 1] != DRUM_KIT))
    moment = bar[pitched] * 128 + rows[pitched, 0]
    if not len(pitched) or len(pitched) / len(np.unique(moment)) < LEAST_REDUCED:
        return rows, bar
    order = np.lexsort((-rows[pitched, 2], moment))
    at, moment = pitched[order], moment[order]
    _, first, size = np.unique(moment, return_index=True, return_counts=True)
    size = np.repeat(size, size)
    rank = np.arange(len(at)) - np.repeat(first, np.diff([*first, len(at)]))
    most = len(ensemble) - 1
    part = np.rint(rank * most / np.maximum(size - 1, 1)).astype(np.int64)
    stands = np.rint(part * (size - 1) / most).astype(np.int64) == rank  # one note for each part
    alone = size == 1
    part[alone] = np.where(rows[at[alone], 2] >= MIDDLE_PITCH, 0, most)
    instrument = _reaching(ensemble, part, rows[at, 2])
    played = (stands | alone) & (instrument >= 0)
    out = rows.copy()
    out[at[played], 1] = instrument[played]
    kept = ~note
    kept[at[played]] = True
    return _in_order(out[kept], bar[kept])


def _reaching(ensemble: Ints, part: Ints, pitch: Ints) -> Ints:
    """Whoever plays each part and reaches the pitch, else anybody who does, else -1."""
    out = np.full(len(pitch), -1)
    for instrument in (*ensemble, ensemble[part]):
        reaches = (_LOW[instrument] <= pitch) & (pitch <= _HIGH[instrument])
        out = np.where(reaches, instrument, out)
    return out


def _doubled(rng: Random, rows: Ints, bar: Ints, note: Mask) -> tuple[Ints, Ints]:
    pitched = note & (rows[:, 1] != DRUM_KIT)
    players, counts = np.unique(_player(rows[pitched]), return_counts=True)
    players = players[counts >= LEAST_DOUBLED]
    if not len(players):
        return rows, bar
    line = np.flatnonzero(pitched & (_player(rows) == rng.choice(players)))
    interval = int(rng.choice(UP if np.median(rows[line, 2]) >= MIDDLE_PITCH else DOWN))
    pitch = rows[line, 2] + interval
    low, high = np.percentile(pitch, [2, 98])
    able = [one for one in DOUBLES
            if _LOW[one] <= low and high <= _HIGH[one] and one != rows[line[0], 1]]  # fmt: skip
    if not able:
        return rows, bar
    double = rows[line].copy()
    double[:, 1], double[:, 2] = int(rng.choice(able)), pitch
    inside = (_LOW[double[:, 1]] <= pitch) & (pitch <= _HIGH[double[:, 1]])
    return _in_order(
        np.concatenate([rows, double[inside]]), np.concatenate([bar, bar[line][inside]])
    )


def _in_order(rows: Ints, bar: Ints) -> tuple[Ints, Ints]:
    order = written_order(rows, bar)
    return rows[order], bar[order]
