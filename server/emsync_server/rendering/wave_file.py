"""Sound on disk: stems while they are made (bare floats), and the WAV files that are delivered.

WAV files are written by hand, since their length is known beforehand, and since a full disk must
be an OSError with its number: libsndfile reports neither. Above 4 GiB the header is RF64 (EBU
Tech 3306), which editors read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emsync.stem import SampleFormat
from emsync_server.rendering.synthesizer import Audio

__all__ = ["FRAME_BYTES", "FloatFile", "Written", "bytes_per_sample", "writing_wave"]

Written: TypeAlias = NDArray[np.int32] | NDArray[np.float32]
"""(N, 2) samples as a file holds them."""

CHANNELS = 2
FRAME_BYTES = 4 * CHANNELS
"""Of one stereo float sample, as FloatFile keeps it."""
FORMAT_PCM, FORMAT_FLOAT = 1, 3
MAX_RIFF_BYTES = 2**32 - 1


def bytes_per_sample(sample_format: SampleFormat) -> int:
    """Of one channel."""
    return {SampleFormat.PCM_16: 2, SampleFormat.PCM_24: 3, SampleFormat.FLOAT_32: 4}[sample_format]


class FloatFile:
    """Stereo float32 samples without a header, written once from the start and read in blocks."""

    def __init__(self, path: Path) -> None:
        """Nothing is touched until something is written."""
        self.path = path
        self.length_samples = 0
        self.peak = 0.0
        self.last_loud_sample = -1
        """The last sample within LOUD_SHARE of the peak so far."""

    LOUD_SHARE = 10.0 ** (-70.0 / 20.0)

    def write(self, blocks: Iterator[Audio]) -> Iterator[int]:
        """Append blocks to the file; yields the length so far after each."""
        with self.path.open("wb") as file:
            for block in blocks:
                file.write(np.ascontiguousarray(block, "<f4").data)
                self._notice(block)
                yield self.length_samples

    def read(self, start: int, count: int, file: BinaryIO) -> Audio:
        """(count, 2) samples from the open file; what lies after the end is silence."""
        file.seek(start * FRAME_BYTES)
        found = np.frombuffer(file.read(count * FRAME_BYTES), "<f4").reshape(-1, CHANNELS)
        return np.pad(found, ((0, count - len(found)), (0, 0)))

    def _notice(self, block: Audio) -> None:
        level = np.abs(block).max(axis=1, initial=0.0)
        self.peak = max(self.peak, float(level.max(initial=0.0)))
        loud = np.flatnonzero(level > self.peak * self.LOUD_SHARE)
        if len(loud):
            self.last_loud_sample = self.length_samples + int(loud[-1])
        self.length_samples += len(block)


@contextmanager
def writing_wave(
    path: Path, *, rate_hz: int, sample_format: SampleFormat, length_samples: int
) -> Iterator[Callable[[Written], None]]:
    """A stereo WAV file of known length: a function that appends (N, 2) samples.

    They are whole numbers at the format's scale, or floats for FLOAT_32.
    """
    with path.open("wb") as file:
        file.write(_header(rate_hz, sample_format, length_samples))
        before = file.tell()

        def append(block: Written) -> None:
            file.write(_encoded(block, sample_format))

        yield append
        frame_bytes = bytes_per_sample(sample_format) * CHANNELS
        assert file.tell() - before == length_samples * frame_bytes


def _encoded(block: Written, sample_format: SampleFormat) -> bytes:
    if sample_format is SampleFormat.FLOAT_32:
        return block.astype("<f4").tobytes()
    if sample_format is SampleFormat.PCM_16:
        return block.astype("<i2").tobytes()
    four = np.ascontiguousarray(block, "<i4").view(np.uint8).reshape(-1, 4)
    return four[:, :3].tobytes()


def _header(rate_hz: int, sample_format: SampleFormat, length_samples: int) -> bytes:
    width = bytes_per_sample(sample_format)
    tag = FORMAT_FLOAT if sample_format is SampleFormat.FLOAT_32 else FORMAT_PCM
    frame = width * CHANNELS
    data_bytes = frame * length_samples
    fmt = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, tag, CHANNELS, rate_hz, rate_hz * frame, frame, width * 8
    )
    fact = struct.pack("<4sII", b"fact", 4, min(length_samples, MAX_RIFF_BYTES))
    chunks = fmt + (fact if tag == FORMAT_FLOAT else b"")
    riff_bytes = 4 + len(chunks) + 8 + data_bytes
    if riff_bytes <= MAX_RIFF_BYTES:
        return (
            struct.pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE")
            + chunks
            + struct.pack("<4sI", b"data", data_bytes)
        )
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, riff_bytes + 36, data_bytes, length_samples, 0)
    return (
        struct.pack("<4sI4s", b"RF64", MAX_RIFF_BYTES, b"WAVE")
        + sizes
        + chunks
        + struct.pack("<4sI", b"data", MAX_RIFF_BYTES)
    )
