"""The demo film: eight shots that differ in colour, motion and mood, with a simple production
sound."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from emsync_server.demo.scenes import HEIGHT, SCENES, WIDTH
from emsync_server.demo.sounds import SOUND_RATE_HZ, sound_of_scene
from emsync_server.progress import Progress

__all__ = ["CUTS", "FRAMES", "RATE", "draw_demo_film"]

RATE = 24
FRAMES = 30 * RATE
CUTS = (120, 222, 300, 366, 462, 522, 606)
"""First frame of each new shot. Lengths differ, and lie on no common beat."""
ENCODERS = {"libx264": {"preset": "superfast", "crf": "22"}, "mpeg4": {"qscale": "3"}}
"""The first that this PyAV has; its wheels have both."""
SOUND_BLOCK = 1024
REPORT_EVERY = 24


def draw_demo_film(path: Path, progress: Progress) -> tuple[int, ...]:
    """Draw the film as an MP4; returns the first frame of each new shot. The same film at each
    call."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        picture = _picture_stream(container)
        sound = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="stereo")
        sound.bit_rate = 160_000
        blocks = _sound_blocks()
        heard = 0
        for index, image in enumerate(_images()):
            if index % REPORT_EVERY == 0:
                progress.report(index / FRAMES, "drawing the demo film")
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = index
            frame.time_base = Fraction(1, RATE)
            container.mux(picture.encode(frame))
            while heard < (index + 1) * SOUND_RATE_HZ // RATE:  # keep both streams abreast
                heard += _encode_sound(container, sound, next(blocks), heard)
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    progress.report(1.0, "drew the demo film")
    return CUTS


def _picture_stream(container: OutputContainer) -> VideoStream:
    name = next(name for name in ENCODERS if name in av.codecs_available)
    stream = container.add_stream(name, rate=RATE, options=ENCODERS[name])
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.codec_context.gop_size = 2 * RATE
    return stream


def _images() -> Iterator[NDArray[np.uint8]]:
    """Every frame, (H, W, 3) RGB."""
    for scene, (first, after) in zip(SCENES, pairwise((0, *CUTS, FRAMES)), strict=True):
        draw = scene(after - first)
        for index in range(after - first):
            yield draw(index)


def _sound_blocks() -> Iterator[NDArray[np.float32]]:
    """The whole sound in blocks of (2, 1024)."""
    edges = (0, *CUTS, FRAMES)
    scenes = [
        sound_of_scene(number, (after - first) * SOUND_RATE_HZ // RATE)
        for number, (first, after) in enumerate(pairwise(edges))
    ]
    whole = np.concatenate(scenes, axis=1)
    for start in range(0, whole.shape[1], SOUND_BLOCK):
        yield np.ascontiguousarray(whole[:, start : start + SOUND_BLOCK])


def _encode_sound(
    container: OutputContainer, stream: AudioStream, block: NDArray[np.float32], start: int
) -> int:
    frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
    frame.sample_rate = SOUND_RATE_HZ
    frame.pts = start
    frame.time_base = Fraction(1, SOUND_RATE_HZ)
    container.mux(stream.encode(frame))
    return int(block.shape[1])
