"""What the eight shots sound like: wind, birds, steps, an engine, rain and thunder, a roar, waves,
a feast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["SOUND_RATE_HZ", "sound_of_scene"]

SOUND_RATE_HZ = 48_000
FADE_S = 0.02
"""Each scene begins and ends within this, so that cuts do not click."""

Wave = NDArray[np.float64]


def sound_of_scene(number: int, samples: int) -> NDArray[np.float32]:
    """Stereo sound of one scene, (2, N) float32; the same at each call."""
    random = np.random.default_rng(100 + number)
    both = np.stack([SCENE_SOUNDS[number](samples, random) for _ in range(2)])
    fade = np.minimum(1.0, np.arange(samples) / (FADE_S * SOUND_RATE_HZ))
    return np.clip(both * fade * fade[::-1], -0.8, 0.8).astype(np.float32)


def _wind(samples: int, random: np.random.Generator) -> Wave:
    return 0.035 * _noise(samples, random, 120, 700) * _swell(samples, 0.31)


def _birds(samples: int, random: np.random.Generator) -> Wave:
    sound = 0.012 * _noise(samples, random, 400, 5_000)
    for start in random.uniform(0.1, samples / SOUND_RATE_HZ - 0.3, 14):
        sweep = random.uniform(2_600, 4_200) + 900 * np.sin(np.linspace(0, 9, 6_000))
        chirp = np.sin(2 * np.pi * np.cumsum(sweep) / SOUND_RATE_HZ) * np.hanning(6_000)
        _put(sound, start, 0.05 * chirp)
    return sound


def _steps(samples: int, random: np.random.Generator) -> Wave:
    sound = 0.02 * _noise(samples, random, 80, 500)
    for start in np.arange(0.2, samples / SOUND_RATE_HZ, 0.55):
        thud = _noise(7_000, random, 40, 260) * np.exp(-np.arange(7_000) / 1_300)
        crunch = _noise(7_000, random, 1_500, 5_000) * np.exp(-np.arange(7_000) / 900)
        _put(sound, start, 0.16 * thud + 0.03 * crunch)
    return sound


def _engine(samples: int, random: np.random.Generator) -> Wave:
    pitch = 62 + 34 * np.linspace(0, 1, samples) + 2 * np.sin(np.arange(samples) / 3_000)
    phase = np.cumsum(pitch) / SOUND_RATE_HZ
    saw = 2 * (phase % 1) - 1
    return 0.13 * saw + 0.10 * _noise(samples, random, 60, 2_500)


def _storm(samples: int, random: np.random.Generator) -> Wave:
    sound = 0.06 * _noise(samples, random, 900, 9_000)
    for start in (22 / 24 + 0.12, 61 / 24 + 0.1):
        tail = np.exp(-np.arange(70_000) / 22_000)
        _put(sound, start, 0.2 * _noise(70_000, random, 28, 240) * tail)
    return sound


def _roar(samples: int, random: np.random.Generator) -> Wave:
    rise = np.linspace(0.35, 1.0, samples) ** 2
    tone = np.sin(2 * np.pi * np.cumsum(90 * 2 ** np.linspace(0, 2, samples)) / SOUND_RATE_HZ)
    return rise * (0.22 * _noise(samples, random, 50, 4_000) + 0.12 * tone)


def _waves(samples: int, random: np.random.Generator) -> Wave:
    return 0.028 * _noise(samples, random, 200, 1_600) * _swell(samples, 0.4)


def _feast(samples: int, random: np.random.Generator) -> Wave:
    sound = 0.05 * _noise(samples, random, 500, 3_500) * _swell(samples, 1.3)
    for start in np.arange(0.1, samples / SOUND_RATE_HZ - 0.3, 0.37):
        time_s = np.arange(24_000) / SOUND_RATE_HZ
        bell = sum(
            np.sin(2 * np.pi * random.uniform(0.99, 1.01) * hz * time_s)
            for hz in (1_568, 2_637, 4_186)
        )
        _put(sound, start, 0.02 * np.asarray(bell) * np.exp(-time_s * 9))
    return sound


SCENE_SOUNDS: tuple[Callable[[int, np.random.Generator], Wave], ...] = (
    _wind,
    _birds,
    _steps,
    _engine,
    _storm,
    _roar,
    _waves,
    _feast,
)


def _noise(samples: int, random: np.random.Generator, low_hz: float, high_hz: float) -> Wave:
    """Noise between two frequencies, root mean square 1."""
    spectrum = np.fft.rfft(random.standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1 / SOUND_RATE_HZ)
    spectrum *= 1 / (1 + (low_hz / np.maximum(hz, 1)) ** 4) / (1 + (hz / high_hz) ** 4)
    wave = np.fft.irfft(spectrum, samples)
    return np.asarray(wave / np.sqrt(np.mean(wave**2)))


def _swell(samples: int, speed_hz: float) -> Wave:
    """A slow coming and going, 0.4 to 1."""
    return np.asarray(0.7 + 0.3 * np.sin(2 * np.pi * speed_hz * np.arange(samples) / SOUND_RATE_HZ))


def _put(sound: Wave, start_s: float, piece: Wave) -> None:
    """Add a piece into a sound; what lies past its end is lost."""
    start = int(start_s * SOUND_RATE_HZ)
    room = sound[start : start + len(piece)]
    room += piece[: len(room)]
