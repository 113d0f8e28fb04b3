"""Slow instruments start early, so that what is heard of them lands where the score says.

A bowed string or a pad begins to sound on time and is noticed late: in FluidR3 a violin needs 20
ms and a flute 26 ms to come within 20 dB of its level, a piano 5 ms. Composers know this as
negative track delay. Each instrument's rise is measured with the synthesiser and soundfont at
hand, once, and its notes begin earlier by what the rise has beyond that of a struck instrument,
MAX_LEAD_S at most: what sounds before the beat is softer than -20 dB, and the rest of a pad's
swell is its character.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from emsync_server.rendering.performance import Instrument, Performance, PlayedNote
from emsync_server.rendering.synthesizer import Synthesizer

__all__ = ["lead_s", "with_leads"]

MAX_LEAD_S = 0.030
STRUCK_RISE_S = 0.005
"""How long a piano takes; no instrument is asked to be faster."""
NOTICED_DB = -20.0
PROBE_RATE_HZ = 48_000
PROBE_LENGTH_S = 0.6
PROBE_PITCH, PROBE_VELOCITY = 60, 100
WINDOW_S = 0.002


def with_leads(performance: Performance, synthesizer: Synthesizer, rate_hz: int) -> Performance:
    """The performance with each instrument's notes early by its lead; none before sample 0."""
    leads = [
        round(lead_s(synthesizer, instrument) * rate_hz) for instrument in performance.instruments
    ]
    notes = tuple(
        replace(
            note,
            start_samples=max(note.start_samples - leads[note.instrument], 0),
            end_samples=note.end_samples - leads[note.instrument],
        )
        if note.end_samples > 2 * leads[note.instrument]
        else note
        for note in performance.notes
    )
    ordered = sorted(notes, key=lambda note: (note.start_samples, note.instrument, note.pitch))
    return Performance(performance.instruments, tuple(ordered))


@functools.lru_cache(maxsize=256)
def lead_s(synthesizer: Synthesizer, instrument: Instrument) -> float:
    """How much earlier an instrument must begin; drums never, each of their keys is another
    one."""
    if instrument.is_drums:
        return 0.0
    length = round(PROBE_LENGTH_S * PROBE_RATE_HZ)
    probe = Performance(
        (replace(instrument, reverb=0.0),),
        (PlayedNote(0, length, 0, PROBE_PITCH, PROBE_VELOCITY),),
    )
    blocks = list(synthesizer.render(probe, length_samples=length, rate_hz=PROBE_RATE_HZ))
    power = np.square(np.concatenate(blocks)).sum(axis=1)
    window = round(WINDOW_S * PROBE_RATE_HZ)
    level = np.convolve(power, np.ones(window))[: len(power)]
    noticed = int(np.argmax(level > level.max() * 10.0 ** (NOTICED_DB / 10.0)))
    return min(max(noticed / PROBE_RATE_HZ - STRUCK_RISE_S, 0.0), MAX_LEAD_S)
