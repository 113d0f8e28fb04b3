"""What the rendered files hold: levels, clipping, silence, and whether the stems make the mix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from emsync.stem import GainCurve, StemSet
from emsync_server.evaluation.sound_file import BLOCK_SAMPLES, opened_sound

__all__ = ["FileLevels", "StemLevels", "measure_levels", "mix_gain"]

SILENCE_DBFS = -60.0
"""Below this peak, 50 ms of sound count as silence."""
STRETCH_S = 0.05
CLIPPED = 1.0 - 2.0**-15
"""Samples at or above this share of full scale are clipped: the last bit of 16."""
LSB_24 = 2.0**-23


@dataclass(frozen=True, slots=True)
class FileLevels:
    """Levels of one sound file."""

    name: str
    length_samples: int
    peak_dbfs: float
    """-inf for digital silence."""
    rms_dbfs: float
    clipped_samples: int
    silence_share: float
    """Of the file, in stretches of 50 ms whose peak is below -60 dBFS."""
    dead_air_s: float
    """The longest silence."""


@dataclass(frozen=True, slots=True)
class StemLevels:
    """Levels of a stem set, and how well its parts fit."""

    mix: FileLevels
    stems: tuple[FileLevels, ...]
    equal_lengths: bool
    length_error_samples: int
    """Length of the files, less the tail, minus the length of the cue."""
    sum_error_lsb: float
    """Largest difference between mix and ducked sum of stems, in steps of 24 bit."""


@dataclass(slots=True)
class _Meter:
    """Collects the levels of a file, block by block."""

    rate_hz: int
    peak: float = 0.0
    power: float = 0.0
    samples: int = 0
    clipped: int = 0
    loud: list[NDArray[np.bool_]] = field(default_factory=list)
    """One flag per stretch: 20 bytes a second of film."""

    def take(self, block: NDArray[np.float64]) -> None:
        """block: (samples, channels); all but the last must hold whole stretches."""
        size = abs(block)
        self.peak = max(self.peak, float(size.max(initial=0.0)))
        self.power += float(np.square(block).sum()) / block.shape[1]
        self.clipped += int(np.count_nonzero(size >= CLIPPED))
        self.samples += len(block)
        starts = np.arange(0, len(block), round(STRETCH_S * self.rate_hz))
        if len(starts):
            peaks = np.maximum.reduceat(size.max(axis=1), starts)
            self.loud.append(peaks >= 10 ** (SILENCE_DBFS / 20))

    def levels(self, name: str) -> FileLevels:
        """What was collected."""
        loud = np.concatenate(self.loud) if self.loud else np.zeros(0, dtype=bool)
        return FileLevels(
            name,
            self.samples,
            _db(self.peak),
            _db(math.sqrt(self.power / self.samples)) if self.samples else -math.inf,
            self.clipped,
            float(1 - loud.mean()) if len(loud) else 1.0,
            _longest_false(loud) * STRETCH_S,
        )


def measure_levels(folder: Path, stem_set: StemSet, cue_samples: int) -> StemLevels:
    """Read mix and stems once, side by side; `cue_samples` is how long the music is to be."""
    names = [stem_set.mix, *(stem.path for stem in stem_set.stems)]
    with ExitStack() as stack:
        files = [stack.enter_context(opened_sound(folder / name)) for name in names]
        meters = [_Meter(file.samplerate) for file in files]
        lengths = {file.frames for file in files}
        worst, position = 0.0, 0
        for blocks in _side_by_side(files):
            for meter, block in zip(meters, blocks, strict=True):
                meter.take(block)
            if len({block.shape for block in blocks}) == 1:
                gain = mix_gain(stem_set.ducking, position, len(blocks[0]), files[0].samplerate)
                total = np.sum(blocks[1:], axis=0) if len(blocks) > 1 else blocks[0] * 0.0
                worst = max(worst, float(abs(total * gain[:, None] - blocks[0]).max(initial=0.0)))
            else:
                worst = math.inf  # files of other lengths or channels have no sum
            position += len(blocks[0])
    levels = [meter.levels(name) for meter, name in zip(meters, names, strict=True)]
    music_samples = levels[0].length_samples - stem_set.tail_samples
    return StemLevels(
        levels[0],
        tuple(levels[1:]),
        len(lengths) == 1,
        music_samples - cue_samples,
        worst / LSB_24,
    )


def mix_gain(
    ducking: GainCurve, first_sample: int, count: int, rate_hz: int
) -> NDArray[np.float64]:
    """The gain that ducking gives each sample of the mix, linear in decibels between points."""
    if not ducking.points:
        return np.ones(count)
    times_s = (first_sample + np.arange(count)) / rate_hz
    points_s = [point.time_s for point in ducking.points]
    gain_db = np.interp(times_s, points_s, [point.gain_db for point in ducking.points])
    return np.asarray(10 ** (gain_db / 20))


def _side_by_side(files: list[soundfile.SoundFile]) -> Iterator[list[NDArray[np.float64]]]:
    """A block of each file at a time, as long as any has one."""
    stretch = round(STRETCH_S * files[0].samplerate)
    count = max(1, BLOCK_SAMPLES // len(files) // stretch) * stretch
    while True:
        blocks = [file.read(count, dtype="float64", always_2d=True) for file in files]
        if not any(len(block) for block in blocks):
            return
        yield blocks


def _longest_false(flags: NDArray[np.bool_]) -> int:
    """Length of the longest run of False."""
    edges = np.flatnonzero(np.concatenate(([True], flags, [True])))
    return int(np.diff(edges).max()) - 1


def _db(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf
