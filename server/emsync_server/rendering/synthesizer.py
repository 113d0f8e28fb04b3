"""What every synthesiser can do, and how notes meet its block grid.

Both synthesisers start notes only at the start of an internal block of 64 samples (measured: a
note asked for at sample n is first heard at the next multiple of 64). Left alone, each onset
would be up to 63 samples late. So the notes of a performance are shared out over four voices of
the synthesiser ("phases"), whose outputs are delayed by 0, 16, 32 and 48 samples: each note goes
to the phase and block whose start is nearest. An onset then lies within ±8 samples (0.17 ms) of
its place at 48 kHz, plus the synthesiser's own rise (measured with a square lead, to 2 % of its
level): +0.3 samples for midirenderer, +6 (0.13 ms) for FluidSynth, at 96 kHz +75 (0.78 ms). The
phases are linear, so their sum is what one synthesiser with finer blocks would give. A silent
phase costs 0.1 % (FluidSynth) to 0.6 % (midirenderer) of real time.

A note that begins on time may still be noticed late: to within 20 dB of its level a piano takes
5 ms, a drum 3 ms, a violin 20 ms, a flute 26 ms (FluidR3). Starting slow instruments earlier was
tried and left out: their first, soft sound then lies before the cut, up to half a frame at 60
frames a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emsync_server.rendering.performance import (
    Instrument,
    Performance,
    PlayedControl,
    PlayedNote,
)

__all__ = [
    "BLOCK_SAMPLES",
    "PHASES",
    "PHASE_SAMPLES",
    "Audio",
    "Phase",
    "Synthesizer",
    "controllers",
    "delayed_sum",
    "phases_of",
]

Audio: TypeAlias = NDArray[np.float32]
"""(N, 2): N samples, left and right, full scale at ±1."""

BLOCK_SAMPLES = 64
PHASES = 4
PHASE_SAMPLES = BLOCK_SAMPLES // PHASES

SILENT_BLOCK_SAMPLES = 1024 * BLOCK_SAMPLES
CHOKING_DRUMS = frozenset((42, 44, 46))
"""Hi-hats cut one another off, which they can only do inside one synthesiser."""

CC_VOLUME, CC_PAN, CC_REVERB, CC_CHORUS = 7, 10, 91, 93


class Synthesizer(Protocol):
    """Turns notes into sound, block by block, in constant memory."""

    @property
    def name(self) -> str:
        """The synthesiser and its soundfont, for people."""

    def render(
        self, performance: Performance, *, length_samples: int, rate_hz: int
    ) -> Iterator[Audio]:
        """Blocks of a second or so, `length_samples` in all. Closing the iterator frees all."""


@dataclass(frozen=True, slots=True)
class Phase:
    """The part of a performance that one voice of the synthesiser plays; times are in blocks."""

    delay_samples: int
    notes: tuple[PlayedNote, ...]
    """`start_samples` and `end_samples` are multiples of BLOCK_SAMPLES here, before the delay."""
    controls: tuple[PlayedControl, ...] = ()
    """So are their times; each phase has all of them."""


def phases_of(performance: Performance) -> tuple[Phase, ...]:
    """Share the notes out so that each begins as near to its place as the phases allow."""
    shares: list[list[PlayedNote]] = [[] for _ in range(PHASES)]
    for note in performance.notes:
        is_choking = (
            performance.instruments[note.instrument].is_drums and note.pitch in CHOKING_DRUMS
        )
        step = PHASES if is_choking else 1
        slot = step * round(note.start_samples / (PHASE_SAMPLES * step))
        block, phase = divmod(slot, PHASES)
        length = max(round((note.end_samples - note.start_samples) / BLOCK_SAMPLES), 1)
        shares[phase].append(
            PlayedNote(
                block * BLOCK_SAMPLES,
                (block + length) * BLOCK_SAMPLES,
                note.instrument,
                note.pitch,
                note.velocity,
            )
        )
    return tuple(
        Phase(
            index * PHASE_SAMPLES,
            tuple(sorted(share, key=lambda note: note.start_samples)),
            _on_blocks(performance.controls, index * PHASE_SAMPLES),
        )
        for index, share in enumerate(shares)
        if share
    )


def _on_blocks(controls: Sequence[PlayedControl], delay_samples: int) -> tuple[PlayedControl, ...]:
    """Controllers at the last block that begins before them, so that none comes after the note it
    is meant for.
    """
    return tuple(
        replace(
            one,
            time_samples=max(one.time_samples - delay_samples, 0) // BLOCK_SAMPLES * BLOCK_SAMPLES,
        )
        for one in controls
    )


def delayed_sum(
    phases: Sequence[Phase], voices: Sequence[Iterator[Audio]], length_samples: int
) -> Iterator[Audio]:
    """The sum of the phases' voices, each delayed by its phase's samples; blocks as they come.

    Without any phase: silence of that length.
    """
    if not phases:
        for start in range(0, length_samples, SILENT_BLOCK_SAMPLES):
            yield np.zeros((min(SILENT_BLOCK_SAMPLES, length_samples - start), 2), np.float32)
    carried = [np.zeros((phase.delay_samples, 2), np.float32) for phase in phases]
    for blocks in zip(*voices, strict=True):
        total = np.zeros_like(blocks[0])
        for index, block in enumerate(blocks):
            line = np.concatenate([carried[index], block])
            total += line[: len(block)]
            carried[index] = line[len(block) :]
        yield total


def controllers(instrument: Instrument) -> tuple[tuple[int, int], ...]:
    """Controller numbers and values that seat an instrument. Chorus is off: an orchestra has
    none."""
    return (
        (CC_VOLUME, 100),
        (CC_PAN, round(64 + 63 * instrument.pan)),
        (CC_REVERB, round(127 * instrument.reverb)),
        (CC_CHORUS, 0),
    )
