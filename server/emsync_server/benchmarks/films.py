"""Films for timing, drawn here: full HD, real cuts, moving grain, sound that swells and fades."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_minute", "repeat_film"]

WIDTH, HEIGHT = 1920, 1080
RATE = Fraction(25)
MINUTE_S = 60
SOUND_HZ = 48_000
SOUND_SAMPLES = 1024
SHOT_LENGTHS_S = (4.2, 2.6, 5.8, 3.4, 1.8, 6.6, 2.2, 4.8, 3.0, 7.2, 2.4, 5.0, 4.0, 3.6, 3.4)

assert abs(sum(SHOT_LENGTHS_S) - MINUTE_S) < 1e-9


def draw_minute(path: Path) -> None:
    """A minute of fifteen shots, H.264 and AAC."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = 8_000_000
        video.options = {"preset": "ultrafast"}
        audio = container.add_stream("aac", rate=SOUND_HZ, layout="stereo")
        sound = _sound()
        position = 0
        for count, picture in enumerate(_pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            container.mux(video.encode(frame))
            while position < sound.shape[1] and position / SOUND_HZ <= count / RATE:
                block = np.ascontiguousarray(sound[:, position : position + SOUND_SAMPLES])
                heard = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
                heard.sample_rate, heard.pts = SOUND_HZ, position
                container.mux(audio.encode(heard))
                position += SOUND_SAMPLES
        container.mux(video.encode())
        container.mux(audio.encode())


def repeat_film(film: Path, times: int, path: Path, *, length_s: int = MINUTE_S) -> None:
    """The same film of `length_s` several times in a row, its packets copied."""
    with av.open(str(path), "w") as out:
        streams: dict[int, av.stream.Stream] = {}
        reached: dict[int, int] = {}
        for turn in range(times):
            with av.open(str(film)) as container:
                for stream in container.streams:
                    if turn == 0:
                        streams[stream.index] = out.add_stream_from_template(stream)
                for packet in container.demux():
                    if packet.dts is None or packet.pts is None:
                        continue
                    shift = round(turn * length_s / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    index = packet.stream_index
                    if packet.dts <= reached.get(index, packet.dts - 1):
                        continue  # sound of the turn before lasts into this one
                    reached[index] = packet.dts
                    packet.stream = streams[index]
                    out.mux(packet)


def _pictures() -> Iterator[NDArray[np.uint8]]:
    """Frames as planes of 4:2:0, (HEIGHT · 3 / 2, WIDTH): each shot has its own light and grain."""
    rng = np.random.default_rng(12)
    for length_s in SHOT_LENGTHS_S:
        light, slope = rng.uniform(50, 190), rng.uniform(-40, 40)
        coarse = rng.normal(0, 22, (HEIGHT // 40, WIDTH // 40 * 2))
        fine = rng.normal(0, 9, (HEIGHT // 2, WIDTH))
        grain = np.kron(coarse, np.ones((40, 40))) + np.kron(fine, np.ones((2, 2)))
        slant = slope * np.linspace(-1, 1, HEIGHT)[:, None]
        luma = (light + grain + slant).clip(16, 235).astype(np.uint8)
        chroma = np.concatenate(
            [np.full((HEIGHT // 4, WIDTH), rng.integers(90, 166), np.uint8) for _ in range(2)]
        )
        speed = int(rng.integers(1, 12))
        for count in range(round(length_s * RATE)):
            left = (speed * count) % WIDTH
            yield np.concatenate((luma[:, left : left + WIDTH], chroma))


def _sound() -> NDArray[np.float32]:
    """A minute of noise and tone that swell and fade, (2, samples)."""
    rng = np.random.default_rng(13)
    time = np.arange(MINUTE_S * SOUND_HZ) / SOUND_HZ
    swell = 0.1 * (1 + np.sin(2 * np.pi * time / 11)) ** 2 / 4
    tone = np.sin(2 * np.pi * 180 * time)
    mono = swell * (0.5 * tone + 0.3 * rng.standard_normal(len(time)))
    return np.stack((mono, mono)).astype(np.float32)
