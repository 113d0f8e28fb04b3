"""What the production sound is like from moment to moment: how loud, how bright."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

__all__ = ["LONG_TAIL_S", "Hearing", "HearingSampler"]

RATE_HZ = 16_000
SAMPLES_PER_S = 10
HOP = RATE_HZ // SAMPLES_PER_S  # 1600 samples
SILENCE_DB = -70.0
"""Quieter than any room: nothing was recorded."""
NOTHING_DB = -99.0
"""Zeros: there is no sound there, which is not the same as a quiet one."""
LONG_TAIL_S = 2.0
LOWEST_HZ, HIGHEST_HZ = 60.0, 7_500.0

HZ = np.fft.rfftfreq(HOP, 1 / RATE_HZ)
HEARD = slice(*np.searchsorted(HZ, (LOWEST_HZ, np.nextafter(HIGHEST_HZ, np.inf))))
WINDOW = np.hanning(HOP).astype(np.float32)

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Hearing:
    """Ten samples a second. S samples; all arrays (S,) float32."""

    time_s: Samples
    """Middle of each sample."""
    level_db: Samples
    """Root mean square, dB below full scale; never below -100."""
    brightness_hz: Samples
    """Spectral centroid; NaN in silence."""

    @property
    def ended_s(self) -> float | None:
        """When the sound ended for good, where it ended long before the picture: nothing at all,
        not even a hiss, comes after. None: it goes on, or there never was any."""
        sounding = np.flatnonzero(self.level_db > NOTHING_DB)
        if not len(sounding):
            return None
        tail_s = (len(self.level_db) - int(sounding[-1]) - 1) / SAMPLES_PER_S
        end_s = float(self.time_s[sounding[-1]]) + 0.5 / SAMPLES_PER_S
        return end_s if tail_s >= LONG_TAIL_S else None

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing in it at all."""
        return not bool(np.any(self.level_db > SILENCE_DB))


class HearingSampler:
    """Listens to a stretch of picture time. Keeps 80 bytes a second."""

    rate_hz = RATE_HZ

    def __init__(self, duration_s: Fraction, start_s: Fraction = Fraction(0)) -> None:
        """How long the stretch is, and where in the picture it begins."""
        self._start_s = float(start_s)
        self._left = round(duration_s * RATE_HZ)
        self._rest: Samples = np.zeros(0, np.float32)
        self._levels: list[Samples] = []
        self._centroids: list[Samples] = []

    def hear(self, samples: Samples) -> None:
        """The next samples; what a resampler gives beyond the stretch's end is left out."""
        samples = np.concatenate((self._rest, samples[: self._left]))
        self._left -= len(samples) - len(self._rest)
        whole = len(samples) // HOP * HOP
        self._measure(samples[:whole])
        self._rest = samples[whole:]

    def end(self) -> None:
        """The last, shorter sample is filled up with silence."""
        if len(self._rest):
            self._measure(np.pad(self._rest, (0, HOP - len(self._rest))))
            self._rest = self._rest[:0]

    def finish(self) -> Hearing:
        """All that was heard."""
        level_db, centroid = (
            np.concatenate([np.zeros(0, np.float32), *parts])
            for parts in (self._levels, self._centroids)
        )
        middles = (np.arange(len(level_db)) + 0.5) / SAMPLES_PER_S + self._start_s
        return Hearing(middles.astype(np.float32), level_db, centroid)

    def _measure(self, samples: Samples) -> None:
        """Level and centroid of each tenth of a second. samples: (S × HOP,)"""
        frames = samples.reshape(-1, HOP)  # (S, HOP)
        power = np.mean(np.square(frames, dtype=np.float64), axis=1)
        level_db = np.maximum(10 * np.log10(power + 1e-12), -100.0).astype(np.float32)
        spectrum = np.abs(np.fft.rfft(frames * WINDOW, axis=1)[:, HEARD])  # (S, F)
        # No matrix product: OpenBLAS would wake all cores for it, and let them spin.
        weighted = np.einsum("sf,f->s", spectrum, HZ[HEARD].astype(spectrum.dtype))
        centroid = weighted / np.maximum(spectrum.sum(axis=1), 1e-9)
        centroid[level_db <= SILENCE_DB] = np.nan
        self._levels.append(level_db)
        self._centroids.append(centroid.astype(np.float32))
