"""The synthesiser that pip brings: midirenderer (rustysynth) with a SoundFont 2 file.

It renders a whole MIDI file in memory, at 48 kHz and 16 bit. So a long performance is cut into
chunks of notes by where they begin, each chunk is rendered with its tail and the overlaps are
added. Chunks begin at multiples of 2.5 s, one period of the synthesiser's chorus oscillator, so
that chunked and whole renderings are the same but for the rounding of its 16 bits (a test holds
this). Memory is that of one chunk and the longest note.

Measured: a note asked for at time t starts with the first block of 64 samples that begins at t
or later, give or take the rounding of its clock; so notes are asked for half a block early.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import midirenderer
import mido
import numpy as np
import soxr

from emsync.errors import InputError
from emsync_server.rendering.performance import (
    Instrument,
    Performance,
    PlayedControl,
    PlayedNote,
)
from emsync_server.rendering.soundfonts import Soundfont
from emsync_server.rendering.synthesizer import (
    BLOCK_SAMPLES,
    Audio,
    Phase,
    controllers,
    delayed_sum,
    phases_of,
)

__all__ = ["EmbeddedSynthesizer"]

NATIVE_RATE_HZ = 48_000
TICKS_PER_BEAT = 24_000  # with the tempo of 0.5 s a beat: one tick is one sample
TEMPO_US = 500_000
CHORUS_PERIOD_SAMPLES = 120_000  # 0.4 Hz; a multiple of BLOCK_SAMPLES too
CHUNK_SAMPLES = 8 * CHORUS_PERIOD_SAMPLES  # 20 s
TAIL_SAMPLES = 4 * NATIVE_RATE_HZ
MAX_TAIL_SAMPLES = 32 * NATIVE_RATE_HZ
MELODIC_CHANNELS = tuple(channel for channel in range(16) if channel != 9)
DRUM_CHANNEL = 9
ORDER = ("control_change", "note_off", "note_on")  # of messages at one time
FULL_SCALE = 32_768
CC_VOLUME = 7
QUIETER_VOLUME = 50  # a quarter of the default 100: volume acts as a square


@dataclass(frozen=True)
class EmbeddedSynthesizer:
    """midirenderer with one soundfont."""

    soundfont: Soundfont

    @property
    def name(self) -> str:
        """The synthesiser and its soundfont."""
        return f"midirenderer with {self.soundfont.name}"

    def render(
        self, performance: Performance, *, length_samples: int, rate_hz: int
    ) -> Generator[Audio]:
        """Blocks of sound, `length_samples` in all. Raises InputError for a broken soundfont."""
        if rate_hz == NATIVE_RATE_HZ:
            yield from self._native(performance, length_samples)
            return
        ratio = NATIVE_RATE_HZ / rate_hz
        notes = tuple(
            replace(
                note,
                start_samples=round(note.start_samples * ratio),
                end_samples=round(note.end_samples * ratio),
            )
            for note in performance.notes
        )
        controls = tuple(
            replace(one, time_samples=round(one.time_samples * ratio))
            for one in performance.controls
        )
        native = self._native(
            replace(performance, notes=notes, controls=controls),
            round(length_samples * ratio) + NATIVE_RATE_HZ,
        )
        yield from _exactly(length_samples, _resampled(native, rate_hz))

    def _native(self, performance: Performance, length_samples: int) -> Generator[Audio]:
        """The sound at 48 kHz: phases and groups of at most one drum kit and 15 instruments."""
        phases: list[Phase] = []
        voices: list[Iterator[Audio]] = []
        for group in _groups(performance):
            for phase in phases_of(group):
                phases.append(phase)
                voices.append(
                    _chunked(self.soundfont.path, phase, group.instruments, length_samples)
                )
        yield from delayed_sum(phases, voices, length_samples)


def _chunked(
    soundfont: Path, phase: Phase, instruments: Sequence[Instrument], length_samples: int
) -> Generator[Audio]:
    """One phase, chunk by chunk; what rings on is carried into the next ones."""
    ringing = np.zeros((0, 2), np.float32)
    for start in range(0, length_samples, CHUNK_SAMPLES):
        notes = [
            note for note in phase.notes if start <= note.start_samples < start + CHUNK_SAMPLES
        ]
        chunk = _Chunk(notes, phase.controls, instruments, start)
        fresh = _sounded(soundfont, chunk) if notes else ringing[:0]
        total = np.zeros((max(len(ringing), len(fresh), CHUNK_SAMPLES), 2), np.float32)
        total[: len(ringing)] += ringing
        total[: len(fresh)] += fresh
        ringing = total[CHUNK_SAMPLES:]
        yield total[: min(CHUNK_SAMPLES, length_samples - start)]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Notes that begin in a stretch of a phase, and all that its players move."""

    notes: Sequence[PlayedNote]
    controls: Sequence[PlayedControl]
    instruments: Sequence[Instrument]
    start: int
    """In samples of the phase."""


def _sounded(soundfont: Path, chunk: _Chunk) -> Audio:
    """A chunk's notes until they have died away, from its start on, without clipping."""
    last = max(note.end_samples for note in chunk.notes) - chunk.start
    tail = TAIL_SAMPLES
    volume = None
    while True:
        sound = _rendered(soundfont, _midi(chunk, last + tail, volume))
        if np.abs(sound).max(initial=0) >= FULL_SCALE - 1 and volume is None:
            volume = QUIETER_VOLUME
        elif tail < MAX_TAIL_SAMPLES and np.any(sound[-NATIVE_RATE_HZ // 10 :]):
            tail *= 2
        else:
            break
    scale = (100 / volume) ** 2 if volume else 1.0
    return (sound * np.float32(scale / FULL_SCALE)).astype(np.float32)


def _midi(chunk: _Chunk, length_samples: int, volume: int | None) -> bytes:
    """A MIDI file whose tick is a sample and whose end is the rendering's."""
    channels = _channels(chunk.instruments)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO_US)])
    for instrument, channel in zip(chunk.instruments, channels, strict=True):
        track.append(mido.Message("program_change", channel=channel, program=instrument.program))
        for control, value in controllers(instrument):
            wanted = volume if volume and control == CC_VOLUME else value
            track.append(
                mido.Message("control_change", channel=channel, control=control, value=wanted)
            )
    now = 0
    for time, kind, channel, which, value in _switches(chunk, channels, length_samples):
        tick = max(time - BLOCK_SAMPLES // 2, 0)
        names = ("control", "value") if kind == "control_change" else ("note", "velocity")
        values = dict(zip(names, (which, value), strict=True))
        track.append(mido.Message(kind, channel=channel, time=tick - now, **values))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=length_samples - now))
    file = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track]).save(file=file)
    return file.getvalue()


def _switches(
    chunk: _Chunk, channels: Sequence[int], length_samples: int
) -> list[tuple[int, str, int, int, int]]:
    """Time since the chunk's start, message, channel, pitch or controller, velocity or value:
    controllers first, offs before ons. What was set before the chunk is set at its start.
    """
    standing: dict[tuple[int, int], int] = {}
    switches: list[tuple[int, str, int, int, int]] = []
    for one in chunk.controls:
        channel, time = channels[one.instrument], one.time_samples - chunk.start
        if time <= 0:
            standing[channel, one.controller.value] = one.value
        elif time < length_samples:
            switches.append((time, "control_change", channel, one.controller.value, one.value))
    switches[:0] = [
        (0, "control_change", channel, controller, value)
        for (channel, controller), value in standing.items()
    ]
    for note in chunk.notes:
        channel = channels[note.instrument]
        start, end = (t - chunk.start for t in (note.start_samples, note.end_samples))
        switches.append((start, "note_on", channel, note.pitch, note.velocity))
        switches.append((end, "note_off", channel, note.pitch, 0))
    return sorted(switches, key=lambda switch: (switch[0], ORDER.index(switch[1])))


def _rendered(soundfont: Path, midi: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """(N, 2) int16, full scale 32768."""
    try:
        wave = midirenderer.render_wave_from(_soundfont_bytes(soundfont), midi)
    except (ValueError, RuntimeError) as err:
        raise InputError(
            f"The soundfont '{soundfont}' cannot be read ({err}). "
            "Name another one with --soundfont."
        ) from err
    samples = np.frombuffer(wave, "<i2", offset=wave.index(b"data") + 8)
    return samples.reshape(-1, 2)


@functools.lru_cache(maxsize=1)
def _soundfont_bytes(path: Path) -> bytes:
    return path.read_bytes()


def _groups(performance: Performance) -> Iterator[Performance]:
    """Performances of at most 15 melodic instruments and one drum kit: MIDI's sixteen channels."""
    drums = [i for i, instrument in enumerate(performance.instruments) if instrument.is_drums]
    melodic = [i for i, instrument in enumerate(performance.instruments) if not instrument.is_drums]
    size = len(MELODIC_CHANNELS)
    groups = [melodic[first : first + size] for first in range(0, len(melodic), size)]
    for chosen in [*groups, *([drum] for drum in drums)]:
        place = {instrument: position for position, instrument in enumerate(chosen)}
        yield Performance(
            tuple(performance.instruments[i] for i in chosen),
            tuple(
                replace(note, instrument=place[note.instrument])
                for note in performance.notes
                if note.instrument in place
            ),
            tuple(
                replace(one, instrument=place[one.instrument])
                for one in performance.controls
                if one.instrument in place
            ),
        )


def _channels(instruments: Sequence[Instrument]) -> list[int]:
    free = iter(MELODIC_CHANNELS)
    return [DRUM_CHANNEL if instrument.is_drums else next(free) for instrument in instruments]


def _resampled(blocks: Iterable[Audio], rate_hz: int) -> Iterator[Audio]:
    """Blocks at another rate; soxr's delay is taken out by soxr."""
    stream = soxr.ResampleStream(NATIVE_RATE_HZ, rate_hz, 2, dtype="float32", quality="VHQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.zeros((0, 2), np.float32), last=True)


def _exactly(length_samples: int, blocks: Iterable[Audio]) -> Iterator[Audio]:
    """The first `length_samples` of the blocks."""
    left = length_samples
    for block in blocks:
        if left <= 0:
            return
        yield block[:left]
        left -= min(len(block), left)
