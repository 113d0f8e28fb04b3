"""Stems with the gain under the dialogue applied, for editors that cannot automate a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import soundfile

from emsync.stem import StemSet
from emsync_server.outputs import translated_os_errors, working_folder
from emsync_server.rendering.ducking import gain_factors

__all__ = ["write_ducked_stems"]

DUCKED_FOLDER = "stems-ducked"
BLOCK_SAMPLES = 2**16


def write_ducked_stems(folder: Path, stems: StemSet) -> Sequence[Path]:
    """A ducked copy of each stem in a stem set's folder, in its order: same length, same format.

    What lies there already is left; their sum is the mix but for rounding.
    """
    paths = [folder / DUCKED_FOLDER / Path(stem.path).name for stem in stems.stems]
    if all(path.is_file() for path in paths):
        return paths
    with translated_os_errors(folder), working_folder(folder) as working:
        for stem in stems.stems:
            _duck(folder / stem.path, working / Path(stem.path).name, stems)
        (folder / DUCKED_FOLDER).mkdir(exist_ok=True)
        for path in paths:
            (working / path.name).replace(path)
    return paths


def _duck(stem: Path, written: Path, stems: StemSet) -> None:
    with (
        soundfile.SoundFile(stem) as source,
        soundfile.SoundFile(
            written, "w", source.samplerate, source.channels, source.subtype, format="WAV"
        ) as target,
    ):
        at = 0
        for block in source.blocks(BLOCK_SAMPLES, dtype="float64", always_2d=True):
            gain = gain_factors(stems.ducking, at, len(block), source.samplerate)
            target.write(block * gain[:, None])
            at += len(block)
