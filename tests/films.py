"""Films that tests draw themselves, with cuts at known frames."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

PALETTE = (
    (200, 40, 30),
    (30, 90, 200),
    (240, 230, 120),
    (20, 30, 25),
    (120, 200, 90),
    (150, 60, 170),
)


def draw_film(
    path: Path,
    *,
    seconds: float = 10.0,
    cuts_s: Sequence[float] = (2.5, 5.0, 7.5),
    rate: Fraction = Fraction(24),
    size: tuple[int, int] = (192, 108),
    codec: str = "mpeg4",
    pix_fmt: str = "yuv420p",
    sound: bool = True,
    talk: np.ndarray | None = None,
    palette: Sequence[tuple[int, int, int]] = PALETTE,
) -> tuple[int, ...]:
    """A film of coloured shots with a moving block; returns the first frame of each new shot. Its
    sound is a tone, or `talk`: mono at 44.1 kHz, as long as the picture. `palette`: the shots'
    colours, in turn."""
    frames = round(seconds * rate)
    cuts = tuple(round(cut * rate) for cut in cuts_s)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.bit_rate = 400_000
        audio = container.add_stream("aac", rate=44_100) if sound else None
        for index in range(frames):
            shot = sum(index >= cut for cut in cuts)
            picture = np.empty((size[1], size[0], 3), np.uint8)
            picture[:] = palette[shot % len(palette)]
            left = abs((index * (1 + shot)) % (2 * (size[0] - 24)) - (size[0] - 24))  # to and fro
            picture[30:60, left : left + 24] = 255 - picture[30:60, left : left + 24]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            samples = np.arange(round(seconds * 44_100))
            tone = 0.1 * np.sin(2 * np.pi * 220 * samples / 44_100, dtype=np.float64)
            tone = tone if talk is None else talk
            for start in range(0, len(tone), 1024):
                block = tone[start : start + 1024].astype(np.float32)
                piece = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
                piece.sample_rate = 44_100
                piece.pts = start
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))
    return cuts
