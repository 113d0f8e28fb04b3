"""A sound file made small enough for a page: AAC in an .m4a, which every browser plays."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from emsync_server.evaluation.sound_file import opened_sound
from emsync_server.outputs import replacing_file
from emsync_server.progress import Progress

__all__ = ["compress"]

BITS_PER_S = 112_000
BLOCK_SAMPLES = 1 << 16


def compress(source: Path, target: Path, progress: Progress) -> None:
    """Encode a stereo sound file."""
    with (
        opened_sound(source) as file,
        replacing_file(target) as working,
        av.open(str(working), "w") as container,
    ):
        stream = container.add_stream("aac", rate=file.samplerate)
        stream.bit_rate = BITS_PER_S
        at = 0
        while len(block := file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)):
            progress.report(at / max(file.frames, 1), "compressing the sound")
            planes = np.ascontiguousarray(block.T)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
            frame.sample_rate = file.samplerate
            frame.pts = at
            for packet in stream.encode(frame):
                container.mux(packet)
            at += len(block)
        for packet in stream.encode(None):
            container.mux(packet)
