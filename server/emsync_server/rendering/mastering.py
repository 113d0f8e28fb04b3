"""From raw stems to delivered ones: one gain and, where needed, one limiter curve for all of
them.

`plan_master` reads the raw stems once (twice to four times where peaks must be limited) and
decides gain and curve so that the sum reaches the target; `write_master` reads them once more,
rounds each stem to its format and adds up the *rounded* stems. So, with whole-number formats,
the mix without ducking is the sum of the stems exactly, and with ducking it is that sum times
the gain curve, within 1 LSB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync.family import Family
from emsync.stem import GainCurve, SampleFormat
from emsync_server.progress import Progress
from emsync_server.rendering.ducking import gain_factors
from emsync_server.rendering.limiter import (
    HOP_SAMPLES,
    PeakWatch,
    limiting_curve,
    limiting_factors,
)
from emsync_server.rendering.loudness import Loudness, LoudnessMeter, decibels, factor
from emsync_server.rendering.synthesizer import Audio
from emsync_server.rendering.wave_file import FloatFile, Written, writing_wave

__all__ = ["Master", "Mastered", "RawStems", "plan_master", "write_master"]

CEILING_DBTP = -1.0
SAFETY_DB = 0.3
"""The limiter aims this far below the ceiling: rounding, and gain that moves between samples."""
BLOCK_SAMPLES = 1024 * HOP_SAMPLES
MAX_LIMITER_ROUNDS = 4
CLOSE_ENOUGH_LU = 0.1
MAX_LIMITING_DB = 9.0
"""Beyond this the limiter would be heard; the music stays below its target instead."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A stretch of all stems."""

    start: int
    count: int
    stems: list[Audio]

    @property
    def mix(self) -> Audio:
        """The stems' sum, (count, 2)."""
        total: Audio = np.sum(
            [np.zeros((self.count, 2), np.float32), *self.stems], axis=0, dtype=np.float32
        )
        return total


@dataclass(frozen=True, slots=True)
class RawStems:
    """What the synthesisers made: as long as each other, at their families' gain."""

    files: Mapping[Family, FloatFile]
    cue_samples: int
    length_samples: int
    """The cue and its tail."""
    fade_samples: int
    """Before the last sample, each stem fades to silence."""
    rate_hz: int

    def blocks(self) -> Iterator[_Block]:
        """The stems, block by block, faded."""
        with ExitStack() as stack:
            opened = [
                (raw, stack.enter_context(raw.path.open("rb"))) for raw in self.files.values()
            ]
            for start in range(0, self.length_samples, BLOCK_SAMPLES):
                count = min(BLOCK_SAMPLES, self.length_samples - start)
                fade = self._fade(start, count)
                yield _Block(
                    start, count, [raw.read(start, count, file) * fade for raw, file in opened]
                )

    def _fade(self, start: int, count: int) -> Audio:
        """Half a cosine down to zero at the last sample, (count, 1)."""
        left = self.length_samples - 1 - (start + np.arange(count))
        share = np.clip(left / max(self.fade_samples, 1), 0.0, 1.0)
        return np.asarray(np.sin(share * np.pi / 2)[:, None] ** 2, np.float32)


@dataclass(frozen=True, slots=True)
class Master:
    """What every stem is multiplied by."""

    gain_db: float
    limiter_db: NDArray[np.float64] | None
    """At the edges of hops; None where no peak needs it."""

    def factors(self, start: int, count: int) -> NDArray[np.float64]:
        """Per sample, (count, 1)."""
        gain = np.full(count, factor(self.gain_db))
        if self.limiter_db is not None:
            gain *= limiting_factors(self.limiter_db, start, count)
        return gain[:, None]


@dataclass(frozen=True, slots=True)
class Mastered:
    """What was written."""

    loudness: Loudness
    """Of the sum of the stems, before ducking."""
    peaks_db: Mapping[Family, float]


def plan_master(raw: RawStems, target_lufs: float, progress: Progress) -> Master:
    """Gain and limiter curve that bring the sum of the stems to its target under the ceiling."""
    meter = LoudnessMeter(raw.rate_hz)
    loudest = 0.0
    for block in raw.blocks():
        progress.report(block.start / raw.length_samples, "measuring loudness")
        meter.add(block.mix)
        loudest = max([loudest, *(float(np.abs(stem).max()) for stem in block.stems)])
    measured = meter.result()
    if measured.is_silent:
        return Master(0.0, None)
    gain_db = target_lufs - measured.integrated_lufs
    peak_db = max(measured.true_peak_db, decibels(loudest))
    if peak_db + gain_db <= CEILING_DBTP - SAFETY_DB:
        return Master(gain_db, None)
    return _limited(raw, gain_db, target_lufs, progress)


def write_master(
    raw: RawStems,
    master: Master,
    ducking: GainCurve,
    *,
    paths: Mapping[Family, Path],
    mix_path: Path,
    sample_format: SampleFormat,
    progress: Progress,
) -> Mastered:
    """Write all stems and their mix in one pass; measures what it writes."""
    meter = LoudnessMeter(raw.rate_hz)
    peaks = dict.fromkeys(paths, 0.0)
    rounding = _Rounding(sample_format)
    with ExitStack() as stack:

        def opened(path: Path) -> Callable[[Written], None]:
            writing = writing_wave(
                path,
                rate_hz=raw.rate_hz,
                sample_format=sample_format,
                length_samples=raw.length_samples,
            )
            return stack.enter_context(writing)

        writers = {family: opened(path) for family, path in paths.items()}
        write_mix = opened(mix_path)
        for block in raw.blocks():
            progress.report(block.start / raw.length_samples, "writing stems")
            gain = master.factors(block.start, block.count)
            total = np.zeros((block.count, 2))
            for (family, write), stem in zip(writers.items(), block.stems, strict=True):
                written = rounding.rounded(stem * gain)
                write(written)
                total += written
                peaks[family] = max(peaks[family], float(np.abs(written).max()) / rounding.scale)
            meter.add((total / rounding.scale).astype(np.float32))
            gains = gain_factors(ducking, block.start, block.count, raw.rate_hz)
            write_mix(rounding.plain(total * gains[:, None]))
    return Mastered(meter.result(), {family: decibels(peak) for family, peak in peaks.items()})


def _limited(raw: RawStems, gain_db: float, target_lufs: float, progress: Progress) -> Master:
    """Find the peaks, then push the gain until the limited sum reaches the target."""
    watch = PeakWatch()
    for block in raw.blocks():
        progress.report(block.start / raw.length_samples, "finding peaks")
        watch.add(block.mix, block.stems)
    peaks = watch.peaks()
    for _ in range(MAX_LIMITER_ROUNDS):
        curve = limiting_curve(
            peaks, gain_db=gain_db, ceiling_db=CEILING_DBTP - SAFETY_DB, rate_hz=raw.rate_hz
        )
        master = Master(gain_db, curve)
        excess_db = -MAX_LIMITING_DB - float(curve.min())
        if excess_db > 0.0:  # back off; what is missing shows in the stem set's loudness
            gain_db -= excess_db
            target_lufs = -np.inf
            continue
        missing_lu = target_lufs - _loudness_of(raw, master, progress)
        if abs(missing_lu) < CLOSE_ENOUGH_LU or np.isinf(missing_lu):
            break
        gain_db += missing_lu
    return master


def _loudness_of(raw: RawStems, master: Master, progress: Progress) -> float:
    meter = LoudnessMeter(raw.rate_hz, measures_peak=False)
    for block in raw.blocks():
        progress.report(block.start / raw.length_samples, "limiting peaks")
        gain = master.factors(block.start, block.count)
        meter.add((block.mix * gain).astype(np.float32))
    return meter.result().integrated_lufs


class _Rounding:
    """Samples in a file's format. 16-bit stems are dithered (TPDF, always the same), the mix is
    not."""

    def __init__(self, sample_format: SampleFormat) -> None:
        self.scale = {
            SampleFormat.PCM_16: 2.0**15,
            SampleFormat.PCM_24: 2.0**23,
            SampleFormat.FLOAT_32: 1.0,
        }[sample_format]
        self._format = sample_format
        self._random = np.random.default_rng(0)

    def rounded(self, block: NDArray[np.float64]) -> Written:
        """A stem's samples as they are written."""
        if self._format is SampleFormat.PCM_16:
            noise = self._random.random((2, *block.shape))
            return self.plain(block * self.scale + noise[0] - noise[1])
        return self.plain(block * self.scale)

    def plain(self, scaled: NDArray[np.float64]) -> Written:
        """Already scaled samples, rounded and kept inside the format's range."""
        if self._format is SampleFormat.FLOAT_32:
            return scaled.astype(np.float32)
        return np.clip(np.rint(scaled), -self.scale, self.scale - 1).astype(np.int32)
