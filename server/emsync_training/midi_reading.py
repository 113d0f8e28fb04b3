"""One MIDI file of the corpus, read on its metrical grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.harmony import Notes, half_bar_chords
from emsync_server.composition.instruments import CLASS_OF_PROGRAM, DRUM_KIT
from emsync_server.composition.representation import (
    BAR_ROW,
    DRUM_PITCH_OFFSET,
    END_ROW,
    FIRST_DRUM_KEY,
    LAST_DRUM_KEY,
    LENGTH_STEPS,
    MAX_BAR_STEPS,
    STEPS_PER_QUARTER,
    VELOCITY_BIN_WIDTH,
)
from emsync_training.labels import bar_features
from emsync_training.motifs import bar_fingerprints

DRUM_CHANNEL = 9
DRUM_STEPS = 3  # every stroke is written as a semiquaver: its length means nothing
LONGEST_NOTE_STEPS = LENGTH_STEPS[-1]
MOST_EMPTY_BARS = 2  # longer silences are cut to this
LENGTH_EDGES = (np.array(LENGTH_STEPS[1:]) + np.array(LENGTH_STEPS[:-1])) / 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece as arrays."""

    events: NDArray[np.uint8]
    """(N, 6): the five fields and the track (0 to 63) of each note."""
    bar_event: NDArray[np.int64]
    """(bars,) row of each BAR event."""
    bar_steps: NDArray[np.int64]
    """(bars,) grid steps of each bar."""
    bar_tempo: NDArray[np.float32]
    """(bars,) mean quarters a minute."""
    features: NDArray[np.float32]
    """(bars, BAR_FEATURES)"""
    chords: NDArray[np.uint8]
    """(bars, 2) chords of each bar's halves."""
    motifs: NDArray[np.uint64]
    """(bars,) fingerprints of the upper line."""
    tail_steps: int
    """Grid steps from the start of the last bar to the end of the last sounding note."""


def read_piece(path: Path) -> Piece | None:
    """The piece in a MIDI file, or None where it has no notes."""
    notes, meters, tempos, ticks_per_quarter = _read_messages(path)
    if not notes:
        return None
    table = np.array(notes, dtype=np.int64)  # start, stop, instrument, pitch, velocity, track
    scale = STEPS_PER_QUARTER / ticks_per_quarter
    start = np.floor(table[:, 0] * scale + 0.5).astype(np.int64)
    steps = np.maximum(np.floor(table[:, 1] * scale + 0.5).astype(np.int64) - start, 1)
    bars = _bar_starts(meters, scale, int(start.max()))
    return _assemble(table, start, steps, bars, [(t * scale, bpm) for t, bpm in tempos])


def _read_messages(
    path: Path,
) -> tuple[list[tuple[int, ...]], list[tuple[int, int, int]], list[tuple[int, float]], int]:
    file = mido.MidiFile(path, clip=True)
    notes: list[tuple[int, ...]] = []
    meters: list[tuple[int, int, int]] = []
    tempos: list[tuple[int, float]] = []
    for number, track in enumerate(file.tracks):
        now = 0
        programs = [0] * 16
        sounding: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for message in track:
            now += message.time
            kind = message.type
            if kind == "note_on" and message.velocity > 0:
                started = (now, message.velocity, programs[message.channel])
                sounding.setdefault((message.channel, message.note), []).append(started)
            elif kind in ("note_on", "note_off"):
                open_notes = sounding.get((message.channel, message.note))
                if open_notes:
                    begun, velocity, program = open_notes.pop(0)
                    row = _note(message.channel, message.note, program)
                    if row:
                        notes.append((begun, now, *row, velocity, number % 64))
            elif kind == "program_change":
                programs[message.channel] = message.program
            elif kind == "time_signature":
                meters.append((now, message.numerator, message.denominator))
            elif kind == "set_tempo":
                tempos.append((now, 6e7 / message.tempo))
    return notes, sorted(meters), sorted(tempos), file.ticks_per_beat


def _note(channel: int, pitch: int, program: int) -> tuple[int, int] | None:
    if channel != DRUM_CHANNEL:
        return CLASS_OF_PROGRAM[program], pitch
    if FIRST_DRUM_KEY <= pitch <= LAST_DRUM_KEY:
        return DRUM_KIT, pitch + DRUM_PITCH_OFFSET
    return None


def _bar_starts(
    meters: list[tuple[int, int, int]], scale: float, last_onset: int
) -> NDArray[np.int64]:
    """Grid steps where bars start, up to and including the first bar line after the last onset."""
    changes = [(math.floor(t * scale + 0.5), n * 4 * STEPS_PER_QUARTER / d) for t, n, d in meters]
    if not changes or changes[0][0] > 0:
        changes.insert(0, (0, 4.0 * STEPS_PER_QUARTER))
    starts: list[int] = []
    for i, (begin, length) in enumerate(changes):
        stop = changes[i + 1][0] if i + 1 < len(changes) else last_onset + 1
        parts = math.ceil(max(length, 1) / MAX_BAR_STEPS)
        whole_quarters = math.ceil(length / parts / STEPS_PER_QUARTER) * STEPS_PER_QUARTER
        step = max(whole_quarters if parts > 1 else round(length), 3)
        now = begin
        while now < stop:
            starts.extend(line for k in range(parts) if (line := now + k * step) < stop)
            now += max(round(length), 3)
        end = now
    return np.array([*starts, max(end, last_onset + 1)], dtype=np.int64)


def _assemble(
    table: NDArray[np.int64],
    start: NDArray[np.int64],
    steps: NDArray[np.int64],
    lines: NDArray[np.int64],
    tempos: list[tuple[float, float]],
) -> Piece:
    lines = np.unique(lines)
    bar = np.searchsorted(lines, start, side="right") - 1
    kept = _kept_bars(bar, len(lines) - 1)
    lengths = np.minimum(np.diff(lines), MAX_BAR_STEPS)
    step = start - lines[bar]
    is_drum = table[:, 2] == DRUM_KIT
    steps = np.where(is_drum, DRUM_STEPS, np.minimum(steps, LONGEST_NOTE_STEPS))
    order = _written_order(bar, step, steps, table)
    order = order[step[order] < lengths[bar[order]]]  # beyond a bar that was cut short
    new_index = np.cumsum(kept) - 1
    bar, step, steps, table = new_index[bar[order]], step[order], steps[order], table[order]
    bar_steps = lengths[kept]
    notes = Notes(bar, step, table[:, 3], steps, table[:, 4], table[:, 2] == DRUM_KIT)
    rows, bar_event = _event_rows(notes, table, len(bar_steps))
    line = np.concatenate([[0], np.cumsum(bar_steps)])
    tail = int((line[bar] + step + steps).max() - line[-2])
    tempo = _bar_tempos(lines[:-1][kept], bar_steps, tempos)
    return Piece(
        events=rows,
        bar_event=bar_event,
        bar_steps=bar_steps,
        bar_tempo=tempo,
        features=bar_features(notes, bar_steps),
        chords=half_bar_chords(notes, bar_steps),
        motifs=bar_fingerprints(notes, len(bar_steps)),
        tail_steps=max(tail, 1),
    )


def _written_order(
    bar: NDArray[np.int64],
    step: NDArray[np.int64],
    steps: NDArray[np.int64],
    table: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Notes by bar, step, instrument and pitch; of a note written twice, the longer one."""
    key = ((bar * 128 + np.minimum(step, 127)) * 64 + table[:, 2]) * 256 + table[:, 3]
    order = np.lexsort((-steps, key))
    return np.asarray(order[np.concatenate([[True], np.diff(key[order]) != 0])])


def _event_rows(
    notes: Notes, table: NDArray[np.int64], bars: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All rows of the piece (N, 6), and the rows of its BAR events (bars,)."""
    rows = np.zeros((len(notes.bar) + bars + 1, 6), dtype=np.uint8)
    bar_event = np.searchsorted(notes.bar, np.arange(bars)) + np.arange(bars)
    rows[bar_event, :5] = BAR_ROW
    rows[-1, :5] = END_ROW
    at = np.arange(len(notes.bar)) + notes.bar + 1
    rows[at, 0], rows[at, 1], rows[at, 2] = notes.step, table[:, 2], notes.pitch
    rows[at, 3] = np.searchsorted(LENGTH_EDGES, notes.length, side="right")
    rows[at, 4] = notes.velocity // VELOCITY_BIN_WIDTH
    rows[at, 5] = table[:, 5]
    return rows, np.asarray(bar_event)


def _kept_bars(bar: NDArray[np.int64], bars: int) -> NDArray[np.bool_]:
    """Every bar from the first note to the last, without the later bars of long silences."""
    filled = np.zeros(bars, dtype=bool)
    filled[bar] = True
    index = np.arange(bars)
    since = index - np.maximum.accumulate(np.where(filled, index, -bars))
    kept = since <= MOST_EMPTY_BARS
    kept[int(bar.max()) + 1 :] = False
    return kept


def _bar_tempos(
    starts: NDArray[np.int64], steps: NDArray[np.int64], tempos: list[tuple[float, float]]
) -> NDArray[np.float32]:
    """Mean tempo of each bar: its quarters over its minutes."""
    changes = np.array([t for t, _ in tempos if t > 0] or [])
    at = np.concatenate([[0.0], changes])
    first = [bpm for t, bpm in tempos if t <= 0][-1:] or [120.0]
    bpm = np.array([*first, *(b for t, b in tempos if t > 0)])
    minutes_at = np.concatenate([[0.0], np.cumsum(np.diff(at) / STEPS_PER_QUARTER / bpm[:-1])])

    def minutes(step: NDArray[np.int64]) -> NDArray[np.float64]:
        i = np.searchsorted(at, step, side="right") - 1
        return np.asarray(minutes_at[i] + (step - at[i]) / STEPS_PER_QUARTER / bpm[i])

    duration = minutes(starts + steps) - minutes(starts)
    return np.clip(steps / STEPS_PER_QUARTER / np.maximum(duration, 1e-6), 15, 400).astype(
        np.float32
    )
