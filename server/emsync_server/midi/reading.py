"""A standard MIDI file as a score: our own, or what a DAW made of it.

Tolerated: several parts in one track (type 0), programme changes on another track or between notes,
notes left open,
notes without length, tempo and time signatures on any track, other resolutions, odd text encodings.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import mido

from emsync.cue import Key
from emsync.errors import InputError, NotFoundError
from emsync.score import (
    ControlChange,
    Controller,
    KeySignature,
    Meter,
    Note,
    Part,
    Score,
    TempoAnchor,
    TempoMap,
)
from emsync_server.midi.programs import family_of_program, program_name
from emsync_server.midi.writing import DRUM_CHANNEL

__all__ = ["read_midi"]

DEFAULT_US_PER_QUARTER = 500_000  # 120 quarters a minute, by the standard
LARGEST_BYTES = 64 * 2**20
_CONTROLLERS = {controller.value: controller for controller in Controller}


@dataclass(frozen=True, slots=True)
class _Voice:
    """Notes that become one part."""

    track: int
    port: int
    channel: int
    program: int


@dataclass(slots=True)
class _Collected:
    """What a file says, in ticks."""

    notes: dict[_Voice, list[tuple[int, int, int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """(start, end, pitch, velocity) by voice."""
    controls: dict[tuple[int, int], list[tuple[int, Controller, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """(tick, controller, value) by port and channel."""
    programs: dict[int, _Voice] = field(default_factory=dict)
    """The first one chosen on each track."""
    names: dict[int, str] = field(default_factory=dict)
    """By track."""
    tempos: dict[int, int] = field(default_factory=dict)
    """µs a quarter by tick."""
    meters: dict[int, tuple[int, int]] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    end: int = 0


def read_midi(path: Path) -> Score:
    """Read a MIDI file; it ends where its longest track does."""
    file = _opened(path)
    collected = _collected(file)
    per_quarter = file.ticks_per_beat
    end = max(collected.end, 1)
    return Score(
        tuple(_parts(collected, per_quarter)),
        TempoMap(
            _anchors(collected.tempos, end, per_quarter), _meters(collected.meters, per_quarter)
        ),
        tuple(
            KeySignature(Fraction(tick, per_quarter), key)
            for tick, key in sorted(collected.keys.items())
        ),
    )


def _opened(path: Path) -> mido.MidiFile:
    if not path.is_file():
        raise NotFoundError(
            f"There is no MIDI file '{path}'. Compose the cue again, or check the path."
        )
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(
                f"'{path}' is too large for a MIDI file ({path.stat().st_size} bytes)."
            )
        file = mido.MidiFile(path, clip=True)  # latin-1 text: no byte is an error
    except (
        OSError,
        EOFError,
        ValueError,
        LookupError,
        TypeError,
        mido.midifiles.meta.KeySignatureError,
    ) as err:
        raise InputError(
            f"'{path}' cannot be read as a MIDI file: {_fault(err)}. "
            "Export it again from the DAW as a standard MIDI file."
        ) from err
    if file.ticks_per_beat <= 0 or file.type not in (0, 1):
        raise InputError(
            f"'{path}' counts time in frames or in separate songs (MIDI type {file.type}). "
            "Export it as a standard MIDI file of type 1 with ticks per quarter."
        )
    return file


def _fault(err: Exception) -> str:
    """What is wrong, in our words: the library's are short, or none."""
    if isinstance(err, PermissionError):
        return "it may not be read by you"
    return "it ends too early" if isinstance(err, EOFError) else "it is none, or it is damaged"


def _messages(file: mido.MidiFile) -> list[tuple[int, bool, int, mido.Message | mido.MetaMessage]]:
    """(tick, is a note, track, message): on one tick everything else comes before notes."""
    timed: list[tuple[int, bool, int, mido.Message | mido.MetaMessage]] = []
    for number, track in enumerate(file.tracks):
        now = 0
        for message in track:
            now += message.time
            timed.append((now, message.type in ("note_on", "note_off"), number, message))
    timed.sort(key=lambda entry: entry[:2])  # stable: a track's own order stays
    return timed


def _collected(file: mido.MidiFile) -> _Collected:
    found = _Collected()
    ports: dict[int, int] = defaultdict(int)
    programs: dict[tuple[int, int], int] = defaultdict(int)
    sounding: dict[tuple[_Voice, int], deque[tuple[int, int]]] = defaultdict(deque)
    open_voices: dict[tuple[int, int, int], deque[_Voice]] = defaultdict(deque)
    for tick, is_note, track, message in _messages(file):
        found.end = max(found.end, tick)
        if is_note:
            channel, pitch = message.channel, message.note
            opened = open_voices[track, channel, pitch]
            if message.type == "note_on" and message.velocity > 0:
                port = ports[track]
                voice = _Voice(track, port, channel, programs[port, channel])
                sounding[voice, pitch].append((tick, message.velocity))
                opened.append(voice)
            elif opened:
                voice = opened.popleft()
                start, velocity = sounding[voice, pitch].popleft()
                found.notes[voice].append((start, max(tick, start + 1), pitch, velocity))
        elif message.type == "program_change":
            programs[ports[track], message.channel] = message.program
            voice = _Voice(track, ports[track], message.channel, message.program)
            found.programs.setdefault(track, voice)
        elif message.type == "control_change" and message.control in _CONTROLLERS:
            change = (tick, _CONTROLLERS[message.control], message.value)
            found.controls[ports[track], message.channel].append(change)
        elif message.type == "midi_port":
            ports[track] = message.port
        elif message.is_meta:
            _take_meta(found, tick, track, message)
    for (voice, pitch), left in sounding.items():
        for start, velocity in left:  # never switched off: sounds to the end
            found.notes[voice].append((start, max(found.end, start + 1), pitch, velocity))
    return found


def _take_meta(found: _Collected, tick: int, track: int, message: mido.MetaMessage) -> None:
    if message.type == "set_tempo" and message.tempo > 0:
        found.tempos[tick] = message.tempo
    elif message.type == "time_signature" and message.numerator > 0 and message.denominator <= 32:
        found.meters[tick] = (message.numerator, message.denominator)
    elif message.type == "key_signature":
        found.keys[tick] = Key.parse(message.key)
    elif message.type == "track_name" and message.name.strip("\0 "):
        found.names.setdefault(track, _text(message.name))


def _text(latin: str) -> str:
    """Text as its writer meant it: UTF-8 where it is, Latin-1 where not."""
    try:
        return latin.encode("latin-1").decode("utf-8").strip("\0 ")
    except UnicodeDecodeError:
        return latin.strip("\0 ")


def _parts(found: _Collected, per_quarter: int) -> Iterator[Part]:
    """Silent ones, too: a part that rests in this take keeps its channel."""
    voices = list(found.notes)
    per_track = Counter(voice.track for voice in voices)
    heard = {(voice.port, voice.channel) for voice in voices}
    silent = [v for v in found.programs.values() if (v.port, v.channel) not in heard]
    for voice in sorted([*voices, *silent], key=lambda v: (v.track, v.port, v.channel, v.program)):
        is_drums = voice.channel == DRUM_CHANNEL
        generic = program_name(voice.program, is_drums=is_drums)
        name = found.names.get(voice.track, generic)
        yield Part(
            name=name if per_track[voice.track] < 2 else f"{name} ({generic})",
            program=voice.program,
            is_drums=is_drums,
            family=family_of_program(voice.program, is_drums=is_drums),
            notes=tuple(
                Note(
                    Fraction(start, per_quarter),
                    Fraction(end - start, per_quarter),
                    pitch,
                    velocity,
                )
                for start, end, pitch, velocity in sorted(found.notes.get(voice, ()))
            ),
            controls=tuple(
                ControlChange(Fraction(tick, per_quarter), controller, value)
                for tick, controller, value in found.controls[voice.port, voice.channel]
            ),
        )


def _anchors(tempos: dict[int, int], end: int, per_quarter: int) -> tuple[TempoAnchor, ...]:
    anchors = [TempoAnchor(Fraction(0), Fraction(0))]
    tempo, last = tempos.get(0, DEFAULT_US_PER_QUARTER), 0
    time_s = Fraction(0)
    changes = [(tick, tempos[tick]) for tick in sorted(tempos) if 0 < tick < end]
    for tick, following in [*changes, (end, tempo)]:
        time_s += Fraction((tick - last) * tempo, per_quarter * 1_000_000)
        anchors.append(TempoAnchor(Fraction(tick, per_quarter), time_s))
        tempo, last = following, tick
    return tuple(anchors)


def _meters(meters: dict[int, tuple[int, int]], per_quarter: int) -> tuple[Meter, ...]:
    changes = {0: (4, 4), **meters}
    return tuple(Meter(Fraction(tick, per_quarter), *changes[tick]) for tick in sorted(changes))
