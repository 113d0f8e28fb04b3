"""Films with chosen timestamps and sounds at chosen times, for the tests of media and spotting."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = (96, 64)


def write_film(
    path: Path,
    ticks: Sequence[int],
    *,
    time_base: Fraction = Fraction(1, 24),
    rate: Fraction = Fraction(24),
    codec: str = "mpeg4",
    timecode: str = "",
    images: Sequence[np.ndarray] | None = None,
) -> None:
    """Frames at the given ticks, each of another grey unless images (RGB) are given."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        if images is not None:
            stream.height, stream.width = images[0].shape[:2]
        stream.codec_context.time_base = time_base
        stream.bit_rate = 2_000_000
        if timecode:
            stream.metadata["timecode"] = timecode
        for number, tick in enumerate(ticks):
            grey = np.full((SIZE[1], SIZE[0], 3), 16 + (number * 37) % 200, np.uint8)
            image = grey if images is None else images[number]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_sounding_film(
    path: Path,
    blocks: Sequence[tuple[Fraction, np.ndarray]],
    *,
    seconds: int = 3,
    picture_start: Fraction = Fraction(0),
    rate_hz: int = 48_000,
) -> None:
    """A film of `seconds` with PCM sound: mono blocks (N,) at the given container times."""
    tick = Fraction(1, 1000)
    with av.open(str(path), "w", format="matroska") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = *SIZE, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=rate_hz, layout="mono")
        for index in range(25 * seconds):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round((picture_start + Fraction(index, 25)) / tick), tick
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for start, block in blocks:
            piece = av.AudioFrame.from_ndarray(
                (block * 32767).astype(np.int16)[None], format="s16", layout="mono"
            )
            piece.sample_rate = rate_hz
            piece.pts, piece.time_base = round(start * rate_hz), Fraction(1, rate_hz)
            container.mux(sound.encode(piece))
        container.mux(sound.encode(None))
