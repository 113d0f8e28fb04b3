"""Onsets of a rendered sound and how strong they are, read in blocks: memory stays the same
however long the film is.

The power in 24 bands from 90 Hz to 16 kHz, in dB over a floor, every 2 ms; its rise over 10 ms,
averaged over bands, is the onset curve. A peak of that curve is an onset; it begins where the
curve is halfway up. Bias, measured: chords of plucked, struck, blown and bowed instruments -1 to
+2 ms (medians); clicks out of digital silence -4.5 ms, since windows are centred. Nothing is
taken off. A held chord that replaces another of the same instrument is often not found here:
for single moments `attacks` looks closer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from emsync_server.evaluation.accents import Accents, strongest
from emsync_server.evaluation.sound_file import opened_sound

__all__ = ["Onsets", "accents_of_sound", "find_onsets"]

HOP_S = 0.002
WINDOW_S = 0.011
BANDS = 24
LOWEST_HZ, HIGHEST_HZ = 90.0, 16_000.0
FLOOR_DB = -75.0  # of full scale, per band: what is softer counts as silence
RISE_FRAMES = 5  # 10 ms
LEAST_RISE_DB = 3.0  # mean over bands
OVER_SURROUNDINGS = 2.0  # times the mean of the curve around it
NEIGHBOURS = 15  # a peak is the largest within 30 ms on each side
CONTEXT = 100  # frames of the curve that a decision looks at, on each side
HALFWAY = 0.5
BLOCK_FRAMES = 4096


@dataclass(frozen=True, slots=True)
class Onsets:
    """Onsets in order of time. K onsets."""

    time_s: NDArray[np.float64]
    """(K,) from the start of the file."""
    strength_db: NDArray[np.float64]
    """(K,) rise of the level, mean over bands."""


def accents_of_sound(path: Path) -> Accents:
    """Every onset of a sound file, and the top quarter of them by strength."""
    onsets = find_onsets(path)
    return Accents(onsets.time_s, strongest(onsets.time_s, onsets.strength_db))


def find_onsets(path: Path) -> Onsets:
    """All onsets of a sound file. Raises InputError where it cannot be read."""
    times: list[float] = []
    strengths: list[float] = []
    with opened_sound(path) as file:
        hop_s = _hop_samples(file.samplerate) / file.samplerate
        for frame, strength in _peaks(_curve(file)):
            times.append(frame * hop_s)
            strengths.append(strength)
    return Onsets(np.array(times), np.array(strengths))


def _hop_samples(sample_rate_hz: int) -> int:
    return round(HOP_S * sample_rate_hz)


def _curve(file: soundfile.SoundFile) -> Iterator[NDArray[np.float64]]:
    """The onset curve in stretches; frame k is centred on sample k · hop."""
    hop, size = _hop_samples(file.samplerate), round(WINDOW_S * file.samplerate)
    bands = _bands(size, file.samplerate)
    window = np.hanning(size)
    scale = 1.0 / (window.sum() / 2) ** 2  # a full-scale sine has power 1
    tail = np.zeros((size // 2, file.channels))
    history = np.full((RISE_FRAMES, BANDS), FLOOR_DB)
    ended = False
    while not ended:
        block = file.read(BLOCK_FRAMES * hop, dtype="float64", always_2d=True)
        ended = len(block) < BLOCK_FRAMES * hop
        end = np.zeros((size, file.channels)) if ended else np.zeros((0, file.channels))
        sound = np.concatenate((tail, block, end))
        frames = (len(sound) - size) // hop + 1
        if frames <= 0:
            tail = sound
            continue
        power = sum(
            _power(sound[:, channel], frames, hop, window) for channel in range(file.channels)
        )
        level = 10 * np.log10(power @ bands * scale + 10 ** (FLOOR_DB / 10))
        level = np.concatenate((history, level))
        yield np.maximum(level[RISE_FRAMES:] - level[:-RISE_FRAMES], 0.0).mean(axis=1)
        history, tail = level[-RISE_FRAMES:], sound[frames * hop :]


def _power(
    sound: NDArray[np.float64], frames: int, hop: int, window: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Power spectra of one channel, (frames, bins)."""
    views = np.lib.stride_tricks.sliding_window_view(sound, len(window))[::hop][:frames]
    spectrum = np.fft.rfft(views * window, axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def _bands(size: int, sample_rate_hz: int) -> NDArray[np.float64]:
    """Which bins make up each band, (bins, BANDS); narrow low bands share a bin."""
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS + 1) * size / sample_rate_hz
    bands = np.zeros((size // 2 + 1, BANDS))
    for band in range(BANDS):
        low = round(edges[band])
        bands[low : max(low + 1, round(edges[band + 1])), band] = 1.0
    return bands


def _peaks(curve: Iterator[NDArray[np.float64]]) -> Iterator[tuple[int, float]]:
    """(frame at which the rise begins, height) of each peak."""
    kept = np.zeros(CONTEXT)
    first = -CONTEXT  # frame number of kept[0]
    for stretch in curve:
        kept = np.concatenate((kept, stretch))
        yield from _decided(kept, first)
        first += max(0, len(kept) - 2 * CONTEXT)
        kept = kept[-2 * CONTEXT :]
    yield from _decided(np.concatenate((kept, np.zeros(CONTEXT))), first)


def _decided(kept: NDArray[np.float64], first: int) -> Iterator[tuple[int, float]]:
    """The peaks of the frames that have their context on both sides."""
    for index in range(CONTEXT, len(kept) - CONTEXT):
        height = kept[index]
        if height < LEAST_RISE_DB:
            continue
        near = kept[index - NEIGHBOURS : index + NEIGHBOURS + 1]
        is_first_largest = height == near.max() and height > kept[index - NEIGHBOURS : index].max()
        around = kept[index - CONTEXT : index + CONTEXT].mean()
        if is_first_largest and height > OVER_SURROUNDINGS * around:
            below = np.flatnonzero(kept[index - CONTEXT : index] <= HALFWAY * height)
            start = index - CONTEXT + int(below[-1]) if len(below) else index
            yield first + start, float(height)
