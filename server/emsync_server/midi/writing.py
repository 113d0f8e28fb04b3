"""A score as a standard MIDI file, the same byte for byte each time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, pairwise
from pathlib import Path

import mido

from emsync.score import Part, Score, TempoMap
from emsync_server.midi.signatures import signature_of
from emsync_server.outputs import replacing_file

__all__ = ["TICKS_PER_QUARTER", "MidiMarker", "write_midi"]

TICKS_PER_QUARTER = 480
DRUM_CHANNEL = 9  # channel 10 as people count
PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
TOLERATED_DRIFT_US = 5  # above this a stretch gets two tempos that differ by 1 µs a quarter
SLOWEST_US_PER_QUARTER = 2**24 - 1  # three bytes


@dataclass(frozen=True, slots=True)
class MidiMarker:
    """A named moment that editors and DAWs show above the score."""

    time_q: Fraction
    text: str


def write_midi(score: Score, path: Path, markers: Sequence[MidiMarker] = ()) -> None:
    """Write a score as a type 1 file: a conductor track that ends where the cue does, then one
    track a part.
    """
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    file.tracks.append(_conductor(score, markers))
    for part, (port, channel) in zip(score.parts, _seats(score.parts), strict=True):
        file.tracks.append(_part_track(part, port, channel, _ticks(score.tempo_map.end_q)))
    with replacing_file(path) as working:
        file.save(working)


Timed = tuple[int, int, mido.Message | mido.MetaMessage]
"""Tick, rank among messages on that tick, message."""


def _conductor(score: Score, markers: Sequence[MidiMarker]) -> mido.MidiTrack:
    tempo_map = score.tempo_map
    timed: list[Timed] = [
        (_ticks(m.start_q), 0, _time_signature(m.numerator, m.denominator))
        for m in tempo_map.meters
    ]
    timed.extend(
        (_ticks(one.start_q), 0, _meta("key_signature", key=signature_of(one.key)))
        for one in score.keys
    )
    timed.extend((tick, 1, _meta("set_tempo", tempo=tempo)) for tick, tempo in _tempos(tempo_map))
    timed.extend((_ticks(m.time_q), 2, _meta("marker", text=m.text)) for m in markers)
    return _track("tempo", timed, _ticks(tempo_map.end_q))


def _tempos(tempo_map: TempoMap) -> Iterator[tuple[int, int]]:
    """(tick, µs a quarter): rounding errors are fed forward, so that they never add up."""
    reached_us = Fraction(0)
    last = 0
    for left, right in pairwise(tempo_map.anchors):
        tick, end = _ticks(left.time_q), _ticks(right.time_q)
        if tick == end:
            continue  # anchors closer than a tick: the next stretch makes up for it
        for length, tempo in _stretch_lengths(right.time_s * 1_000_000 - reached_us, end - tick):
            if tempo != last:
                yield tick, tempo
            last = tempo
            tick += length
            reached_us += Fraction(length * tempo, TICKS_PER_QUARTER)


def _stretch_lengths(total_us: Fraction, ticks: int) -> list[tuple[int, int]]:
    """(ticks, µs a quarter) of one or two tempos that last `total_us` together."""
    per_quarter = total_us * TICKS_PER_QUARTER / ticks
    nearest = min(max(round(per_quarter), 1), SLOWEST_US_PER_QUARTER)
    if abs(Fraction(nearest * ticks, TICKS_PER_QUARTER) - total_us) <= TOLERATED_DRIFT_US:
        return [(ticks, nearest)]
    lower = min(max(math.floor(per_quarter), 1), SLOWEST_US_PER_QUARTER - 1)
    rest_us = total_us - Fraction(lower * ticks, TICKS_PER_QUARTER)
    slower = min(max(round(rest_us * TICKS_PER_QUARTER), 0), ticks)
    lengths = [(ticks - slower, lower), (slower, lower + 1)]
    return [(length, tempo) for length, tempo in lengths if length]


def _seats(parts: Sequence[Part]) -> list[tuple[int, int]]:
    """(port, channel) of each part: one channel a programme, drums on channel 10, more ports where
    15 are too few.
    """
    pitched: dict[int, int] = {}
    kits: dict[int, int] = {}
    seats: list[tuple[int, int]] = []
    for part in parts:
        if part.is_drums:
            seats.append((kits.setdefault(part.program, len(kits)), DRUM_CHANNEL))
        else:
            number = pitched.setdefault(part.program, len(pitched))
            port, place = divmod(number, len(PITCHED_CHANNELS))
            seats.append((port, PITCHED_CHANNELS[place]))
    return seats


def _part_track(part: Part, port: int, channel: int, end_tick: int) -> mido.MidiTrack:
    timed: list[Timed] = []
    if port:
        timed.append((0, 0, _meta("midi_port", port=port)))
    timed.append((0, 1, mido.Message("program_change", channel=channel, program=part.program)))
    for change in part.controls:
        values = {"channel": channel, "control": change.controller.value, "value": change.value}
        timed.append((_ticks(change.time_q), 2, mido.Message("control_change", **values)))
    for note in part.notes:
        start, end = _ticks(note.start_q), _ticks(note.start_q + note.length_q)
        on = {"channel": channel, "note": note.pitch}
        timed.append((start, 4, mido.Message("note_on", velocity=note.velocity, **on)))
        timed.append((max(end, start + 1), 3, mido.Message("note_off", velocity=64, **on)))
    return _track(part.name, timed, end_tick)


def _track(name: str, timed: list[Timed], end_tick: int) -> mido.MidiTrack:
    """Messages in order, with the time between them; controllers first, offs before ons, then by
    pitch.
    """
    track = mido.MidiTrack([_meta("track_name", name=name)])
    numbers = count()
    keyed = sorted((tick, rank, getattr(m, "note", 0), next(numbers), m) for tick, rank, m in timed)
    now = 0
    for tick, _, _, _, message in keyed:
        unchecked = {} if message.is_meta else {"skip_checks": True}  # checked when it was made
        track.append(message.copy(time=tick - now, **unchecked))
        now = tick
    track.append(_meta("end_of_track", time=max(end_tick - now, 0)))
    return track


def _meta(kind: str, **values: int | str) -> mido.MetaMessage:
    clean = {
        k: v.encode("utf-8", "replace").decode("utf-8") if isinstance(v, str) else v
        for k, v in values.items()
    }
    return mido.MetaMessage(kind, **clean)


def _time_signature(numerator: int, denominator: int) -> mido.MetaMessage:
    return _meta("time_signature", numerator=numerator, denominator=denominator)


def _ticks(time_q: Fraction) -> int:
    """The nearest tick; halves go up. In whole numbers: notes are many, fractions dear."""
    doubled = 2 * TICKS_PER_QUARTER * time_q.numerator + time_q.denominator
    return doubled // (2 * time_q.denominator)
