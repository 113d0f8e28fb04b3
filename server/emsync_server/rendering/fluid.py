"""FluidSynth, where its library is on the machine (pyfluidsynth finds it)."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import io
import threading
from collections.abc import Generator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from emsync.errors import InputError, MissingPartError
from emsync_server.rendering.performance import Instrument, Performance
from emsync_server.rendering.soundfonts import Soundfont
from emsync_server.rendering.synthesizer import (
    BLOCK_SAMPLES,
    Audio,
    Phase,
    controllers,
    delayed_sum,
    phases_of,
)

__all__ = ["FluidSynthesizer", "fluidsynth_version"]

_Synth: TypeAlias = Any  # fluidsynth.Synth, of a package without types

OUTPUT_BLOCK_SAMPLES = 512 * BLOCK_SAMPLES  # 0.7 s at 48 kHz
DRUM_BANK = 128
SETTINGS: dict[str, int | float] = {
    "synth.cpu-cores": 1,  # 2 makes it slower; the stems share the processors instead
    "synth.dynamic-sample-loading": 1,  # only the samples of the programmes that play
    "synth.polyphony": 512,
    "synth.chorus.active": 0,
    "synth.reverb.active": 1,
    "synth.reverb.room-size": 0.62,  # a hall of about two seconds
    "synth.reverb.damp": 0.35,
    "synth.reverb.width": 0.8,
    "synth.reverb.level": 0.6,
}
CONTROL, OFF, ON = range(3)
_OPENING = threading.Lock()
GAIN = 0.4  # output is float: this only sets where measuring begins


@dataclass(frozen=True)
class FluidSynthesizer:
    """FluidSynth with one soundfont; each render call has synthesisers of its own."""

    soundfont: Soundfont

    @property
    def name(self) -> str:
        """The version and the soundfont."""
        return f"FluidSynth {fluidsynth_version()} with {self.soundfont.name}"

    def render(
        self, performance: Performance, *, length_samples: int, rate_hz: int
    ) -> Generator[Audio]:
        """Blocks of sound, `length_samples` in all. Raises InputError for a broken soundfont."""
        phases = phases_of(performance)
        with contextlib.ExitStack() as open_voices:
            voices = []
            for phase in phases:
                voice = _play(
                    self.soundfont, phase, performance.instruments, length_samples, rate_hz
                )
                open_voices.callback(voice.close)
                voices.append(voice)
            yield from delayed_sum(phases, voices, length_samples)


def fluidsynth_version() -> str | None:
    """FluidSynth's version, or None where its library is not on the machine."""
    library = _library()
    if library is None:
        return None
    numbers = [ctypes.c_int() for _ in range(3)]
    library._fl.fluid_version(*(ctypes.byref(number) for number in numbers))
    return ".".join(str(number.value) for number in numbers)


def _play(
    soundfont: Soundfont,
    phase: Phase,
    instruments: tuple[Instrument, ...],
    length_samples: int,
    rate_hz: int,
) -> Generator[Audio]:
    """One phase's sound. Everything starts and ends on the synthesiser's own blocks."""
    library = _library()
    if library is None:
        raise MissingPartError(
            "FluidSynth's library is not on this machine. Install it (Debian: 'apt install "
            "libfluidsynth3'), or let emsync use the synthesiser that it brings."
        )
    synth = library.Synth(
        gain=GAIN, samplerate=float(rate_hz), channels=_channels(len(instruments)), **SETTINGS
    )
    try:
        _set_up(synth, soundfont, instruments)
        switches = _switches(phase)
        next_switch = 0
        for start in range(0, length_samples, OUTPUT_BLOCK_SAMPLES):
            block = np.zeros((min(OUTPUT_BLOCK_SAMPLES, length_samples - start), 2), np.float32)
            position = start
            while next_switch < len(switches) and switches[next_switch][0] < start + len(block):
                time, kind, channel, which, value = switches[next_switch]
                _write(library, synth, block[position - start : time - start])
                position = time
                if kind == CONTROL:
                    synth.cc(channel, which, value)
                elif kind == ON:
                    synth.noteon(channel, which, value)
                else:
                    synth.noteoff(channel, which)
                next_switch += 1
            _write(library, synth, block[position - start :])
            yield block
    finally:
        synth.delete()


def _switches(phase: Phase) -> list[tuple[int, int, int, int, int]]:
    """Time in samples, kind, channel, pitch or controller, velocity or value; controllers come
    first, offs before ons.
    """
    switches = [
        (one.time_samples, CONTROL, one.instrument, one.controller.value, one.value)
        for one in phase.controls
    ]
    for note in phase.notes:
        switches.append((note.start_samples, ON, note.instrument, note.pitch, note.velocity))
        switches.append((note.end_samples, OFF, note.instrument, note.pitch, 0))
    return sorted(switches, key=lambda switch: switch[:2])


def _set_up(synth: _Synth, soundfont: Soundfont, instruments: tuple[Instrument, ...]) -> None:
    font = synth.sfload(str(soundfont.path))
    if font < 0:
        raise InputError(
            f"FluidSynth cannot read the soundfont '{soundfont.path}'. Name another one with "
            "--soundfont."
        )
    for channel, instrument in enumerate(instruments):
        bank = DRUM_BANK if instrument.is_drums else 0
        if synth.program_select(channel, font, bank, instrument.program) < 0:
            synth.program_select(channel, font, bank, 0)  # a kit or programme that the set lacks
        for controller, value in controllers(instrument):
            synth.cc(channel, controller, value)


def _write(library: ModuleType, synth: _Synth, block: Audio) -> None:
    """Fill a block with the synthesiser's next samples, as float: pyfluidsynth knows 16 bit
    only."""
    if len(block):
        address = ctypes.c_void_p(block.ctypes.data)
        library._fl.fluid_synth_write_float(
            ctypes.c_void_p(synth.synth), len(block), address, 0, 2, address, 1, 2
        )


def _channels(instruments: int) -> int:
    """FluidSynth takes channels by sixteens."""
    return max(-(-instruments // 16) * 16, 16)


def _library() -> ModuleType | None:
    """The pyfluidsynth module, ready for several threads; None where the library is missing."""
    with _OPENING:
        return _opened()


@functools.cache
def _opened() -> ModuleType | None:
    """Importing the module fails where the library is missing, and may print.

    FluidSynth fills its tables when the first synthesiser is made, and a second one that is made at
    that moment does not wait for them (2.3.1: its part then ignored controllers, one rendering in
    eight). So one is made here, alone, and thrown away.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            library = importlib.import_module("fluidsynth")
    except (ImportError, OSError, AttributeError):  # not there, or of another machine's kind
        return None
    if not hasattr(getattr(library, "_fl", None), "fluid_synth_write_float"):
        return None
    for level in range(5):  # its log goes to stderr; what matters comes back as a number
        library._fl.fluid_set_log_function(level, None, None)
    library.Synth().delete()
    return library
