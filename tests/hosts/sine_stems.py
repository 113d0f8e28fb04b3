"""A score whose stems are sines, so that what a program plays tells each stem's level and place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from tests.timelines import score_of

from emsync.family import Family
from emsync_otio import place, read_edit

SINES = {Family.STRINGS: (440, 0.1), Family.BRASS: (660, 0.05), Family.KEYS: (880, 0.2)}
"""Hertz and amplitude of each stem."""


def placed_with_sines(source: Path, out: Path) -> Path:
    """The timeline with three sine stems from its second 1 (25 frames a second), as `out`."""
    folder = out.parent
    sheet, placed = score_of(read_edit(source), folder, first=25, hits=(75,), families=tuple(SINES))
    time_s = np.arange(placed[0].stems.length_samples) / 48_000
    for family, (hertz, amplitude) in SINES.items():
        sine = amplitude * np.sin(2 * np.pi * hertz * time_s)
        stereo = np.repeat(sine[:, None], 2, axis=1)
        soundfile.write(folder / f"stems/{family.value}.wav", stereo, 48_000, subtype="PCM_24")
    place(source, sheet, placed, out)
    return out


def levels_of(sound: NDArray[np.floating], rate_hz: int) -> list[tuple[float, float]]:
    """Amplitude of each sine in one channel: before the cue, and in it."""

    def level(hertz: int, begin_s: float, end_s: float) -> float:
        part = sound[int(begin_s * rate_hz) : int(end_s * rate_hz)]
        turn = np.exp(-2j * np.pi * hertz * np.arange(len(part)) / rate_hz)
        return round(float(2 * abs(np.mean(part * turn))), 3)

    return [(level(hertz, 0.1, 0.9), level(hertz, 2, 5)) for hertz, _ in SINES.values()]
