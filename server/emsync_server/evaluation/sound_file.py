"""Sound files opened for measuring: what is wrong with one is said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from emsync.errors import InputError, NotFoundError

__all__ = ["BLOCK_SAMPLES", "mono_around", "opened_sound"]

BLOCK_SAMPLES = 1 << 18  # 5.5 s at 48 kHz: 4 MB of stereo doubles


@contextmanager
def opened_sound(path: Path) -> Iterator[soundfile.SoundFile]:
    """A sound file for reading; raises NotFoundError or InputError."""
    if not path.is_file():
        raise NotFoundError(f"There is no sound at '{path}'. Render the take again.")
    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except soundfile.LibsndfileError as err:
        raise InputError(
            f"'{path}' cannot be read as sound ({err.error_string.strip()}). Render the take again."
        ) from err


def mono_around(
    file: soundfile.SoundFile, moment_s: float, before_s: float, after_s: float
) -> NDArray[np.float64]:
    """The sum of all channels around a moment, (samples,); silence where the file has none."""
    count = round((before_s + after_s) * file.samplerate)
    start = round((moment_s - before_s) * file.samplerate)
    sound = np.zeros(count)
    begin, end = max(start, 0), min(start + count, file.frames)
    if begin < end:
        file.seek(begin)
        sound[begin - start : end - start] = file.read(
            end - begin, dtype="float64", always_2d=True
        ).sum(axis=1)
    return sound
