"""Sounds whose onsets are known, for the tests of the measures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE_HZ = 48_000
RELEASE_S = 0.15


def clicks(times_s: Sequence[float], length_s: float) -> NDArray[np.float64]:
    """Bursts of noise that begin at once and die away within 50 ms."""
    rng = np.random.default_rng(1)
    sound = np.zeros(round(length_s * RATE_HZ))
    burst = rng.standard_normal(4800) * np.exp(-np.arange(4800) / 800) * 0.2
    for time in times_s:
        start = round(time * RATE_HZ)
        sound[start : start + len(burst)] += burst[: len(sound) - start]
    return sound


def chord(pitches: Sequence[int], length_s: float, *, attack_s: float) -> NDArray[np.float64]:
    """Eight partials a note, swelling linearly over `attack_s`, then held."""
    time = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    rng = np.random.default_rng(sum(pitches))
    sound = sum(
        np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * partial * time + rng.uniform(0, 6.3))
        / partial
        for pitch in pitches
        for partial in range(1, 9)
    )
    return np.asarray(0.05 * sound * np.minimum(time / max(attack_s, 1e-4), 1.0))


def held_chords(
    times_s: Sequence[float], length_s: float, *, attack_s: float
) -> NDArray[np.float64]:
    """One chord after the other, each swelling while the one before it is let go."""
    sound = np.zeros(round(length_s * RATE_HZ))
    ends = [*times_s[1:], length_s]
    for index, (start_s, end_s) in enumerate(zip(times_s, ends, strict=True)):
        root = 48 + (5 * index) % 12
        length = end_s - start_s + RELEASE_S
        tone = chord((root, root + 4, root + 7), length, attack_s=attack_s)
        fade = round(RELEASE_S * RATE_HZ)
        tone[len(tone) - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
        start = round(start_s * RATE_HZ)
        tone = tone[: len(sound) - start]
        sound[start : start + len(tone)] += tone
    return sound


def write_sound(path: Path, sound: NDArray[np.float64]) -> Path:
    """A stereo file of 24 bit."""
    soundfile.write(path, np.stack((sound, sound), axis=1), RATE_HZ, subtype="PCM_24")
    return path
