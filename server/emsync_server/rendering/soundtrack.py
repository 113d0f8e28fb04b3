"""The film's new sound: production sound and music together, limited where their sum would
clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emsync.errors import InputError, NotFoundError
from emsync.timecode import RationalTime
from emsync_server.media import FilmProbe, read_sound
from emsync_server.rendering.limiter import (
    HOP_SAMPLES,
    PeakWatch,
    limiting_curve,
    limiting_factors,
)
from emsync_server.rendering.synthesizer import Audio

__all__ = ["RATE_HZ", "PlacedMix", "Soundtrack"]

RATE_HZ = 48_000
BLOCK_SAMPLES = 512 * HOP_SAMPLES
CEILING_DBTP = -1.5
"""Half a decibel under the promised -1 dBTP: lossy coding moves peaks."""
SURELY_QUIET = 0.4
"""Samples below this amplitude have no peaks between them that reach the ceiling, 6.4 dB above."""


@dataclass(frozen=True, slots=True)
class PlacedMix:
    """A mix and where it plays."""

    path: Path
    start: RationalTime
    """In picture time."""


class Soundtrack:
    """Production sound (as loud as it was) plus all mixes, `length_samples` in all at 48 kHz."""

    def __init__(self, probe: FilmProbe, placed: Sequence[PlacedMix], length_samples: int) -> None:
        """Nothing is read before `find_peaks` or `blocks`."""
        self._probe = probe
        self._placed = placed
        self.length_samples = length_samples
        self._limiter_db: NDArray[np.float64] | None = None

    def find_peaks(self, report: Callable[[float], None]) -> None:
        """Go through the sum once and decide where it must be limited."""
        watch = PeakWatch(quiet_below=SURELY_QUIET)
        done = 0
        for block in self._sums():
            report(done / self.length_samples)
            watch.add(block, [block])
            done += len(block)
        curve = limiting_curve(watch.peaks(), gain_db=0.0, ceiling_db=CEILING_DBTP, rate_hz=RATE_HZ)
        self._limiter_db = curve if curve.min() < 0.0 else None

    def blocks(self) -> Iterator[Audio]:
        """The finished sound, (N, 2) each, inside ±1."""
        done = 0
        for block in self._sums():
            if self._limiter_db is not None:
                factors = limiting_factors(self._limiter_db, done, len(block))
                block = (block * factors[:, None]).astype(np.float32)
            done += len(block)
            yield np.clip(block, -1.0, 1.0)

    def _sums(self) -> Iterator[Audio]:
        duration_s = Fraction(self.length_samples, RATE_HZ)
        with ExitStack() as stack:
            mixes = [stack.enter_context(_MixReader(placed)) for placed in self._placed]
            sound = read_sound(
                self._probe, rate_hz=RATE_HZ, duration_s=duration_s, block_samples=BLOCK_SAMPLES
            )
            done = 0
            for block in sound:
                total = block.copy()
                for mix in mixes:
                    mix.add_to(total, done)
                done += len(block)
                yield total


class _MixReader:
    """Reads one mix from its start to its end, resampled where it must be."""

    def __init__(self, placed: PlacedMix) -> None:
        self._first_sample = round(placed.start.seconds * RATE_HZ)
        try:
            self._file = soundfile.SoundFile(placed.path)
        except soundfile.LibsndfileError as err:
            if not placed.path.exists():
                raise NotFoundError(f"There is no mix at '{placed.path}'. Render first.") from err
            raise InputError(
                f"The mix '{placed.path}' cannot be read ({err}). Render it again."
            ) from err
        rate_hz = self._file.samplerate
        self._resampler = (
            soxr.ResampleStream(rate_hz, RATE_HZ, 2, dtype="float32")
            if rate_hz != RATE_HZ
            else None
        )
        self._waiting = np.zeros((0, 2), np.float32)
        self._has_ended = False

    def __enter__(self) -> _MixReader:
        return self

    def __exit__(self, *reason: object) -> None:
        self._file.close()

    def add_to(self, block: Audio, position: int) -> None:
        """Change `block`, whose first sample is `position`: add what the mix has there."""
        skipped = max(self._first_sample - position, 0)
        if skipped >= len(block):
            return
        found = self._read(len(block) - skipped)
        block[skipped : skipped + len(found)] += found

    def _read(self, count: int) -> Audio:
        """The next samples; fewer at the end."""
        while len(self._waiting) < count and not self._has_ended:
            fresh = self._file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
            self._has_ended = len(fresh) < BLOCK_SAMPLES
            if self._resampler is not None:
                fresh = self._resampler.resample_chunk(fresh, last=self._has_ended)
            self._waiting = np.concatenate([self._waiting, fresh])
        found, self._waiting = self._waiting[:count], self._waiting[count:]
        return found
