"""How the music makes room for the production sound: a gain curve that follows its level.

Where somebody speaks (`rendering/speech.py`), in two steps, both of which the music's level takes
from the sound beside it; elsewhere a fifth of it, since effects and music may well sound together:

- *Scenes.* Where something goes on in a quiet scene, the music sinks with the scene. A film's own
  loudness is that of its loud parts: measured against it alone, music lay above every talk that is
  8 dB softer than the rest, or stands beside a battle. What tells a quiet talk from room tone is
  that it rises and falls; over an even tone, and over silence, the music stays up and carries.
- *Phrases.* Where the momentary loudness rises from KNEE_LOW_LU to KNEE_HIGH_LU around the scene's,
  the music goes down by up to PHRASE_DB more: ahead of the sound (LOOKAHEAD_S), at ATTACK_DB_PER_S,
  and comes back at RELEASE_DB_PER_S after HOLD_S.

Measured: BENCHMARKS.md, 'Music under talk'. The curve is delivered as automation and applied in
the mix alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emsync.stem import GainCurve, GainPoint
from emsync_server.rendering.loudness import HOP_S, Loudness

__all__ = ["QUIET_SOUND_LUFS", "ducking_curve", "gain_factors"]

QUIET_SOUND_LUFS = -50.0
"""Production sound below this is room tone or hiss: nothing to make room for."""
KNEE_LOW_LU, KNEE_HIGH_LU = -10.0, -2.0
PHRASE_DB = 8.0
SCENE_DB = 20.0
"""The most that the music sinks with a scene."""
SCENE_S = 4.0
SCENE_LOUD, SCENE_SOFT = 90, 10
"""Percentiles of momentary loudness: the level of what sounds, and of what is beneath it. A word of
half a second in four reaches the first."""
LOUD_OVER_SCENE_LU = 2.0
"""By how much the loud percentile lies above a scene's integrated loudness."""
EVEN_LU, UNEVEN_LU = 3.0, 6.0
"""A scene whose level moves by less is room tone, hum or rain; by more, something happens in it."""
FAINT_LUFS, PLAIN_LUFS = -58.0, -48.0
"""What is fainter is not heard; what is louder than the second, is."""
WITHOUT_SPEECH = 0.2
"""Of the ducking that the level asks for, where nobody speaks."""
LOOKAHEAD_S = 0.2
HOLD_S = 0.6
ATTACK_DB_PER_S = 40.0
RELEASE_DB_PER_S = 9.0
TOLERANCE_DB = 0.4
"""By how much the curve may be off between two points."""

MEASURED_AGO_S = 0.2
"""Momentary loudness speaks of the middle of its 400 ms window."""


def ducking_curve(
    sound: Loudness,
    *,
    depth_db: float,
    length_s: float,
    spoken: NDArray[np.bool_] | None = None,
) -> GainCurve:
    """The music's gain under a production sound; empty where there is nothing to duck under.

    depth_db: the most that the music goes down in all ·
    spoken: whether somebody speaks at each hop; None where nobody knows
    """
    if sound.integrated_lufs <= QUIET_SOUND_LUFS or not sound.momentary_lufs or depth_db <= 0.0:
        return GainCurve()
    momentary = np.array(sound.momentary_lufs)
    scene_db = _scene_depth(momentary, sound.integrated_lufs)
    above = momentary - (sound.integrated_lufs - scene_db)
    share = np.clip((above - KNEE_LOW_LU) / (KNEE_HIGH_LU - KNEE_LOW_LU), 0.0, 1.0)
    wanted_db = -np.minimum(scene_db + PHRASE_DB * share, depth_db)
    if spoken is not None:
        heard = np.pad(spoken, (0, max(len(wanted_db) - len(spoken), 0)))[: len(wanted_db)]
        wanted_db *= np.where(heard, 1.0, WITHOUT_SPEECH)
    early = round((MEASURED_AGO_S + LOOKAHEAD_S) / HOP_S)
    wanted_db = np.pad(wanted_db, (0, early), mode="edge")[early:]  # the end goes on as it ends
    smooth_db = _smoothed(_held(wanted_db, round(HOLD_S / HOP_S)))
    if smooth_db.min() > -TOLERANCE_DB:
        return GainCurve()
    times_s = np.minimum((np.arange(len(smooth_db)) + 1) * HOP_S, length_s).round(3)
    times_s, first = np.unique(times_s, return_index=True)  # the meter's last window overhangs
    return GainCurve(_simplified(times_s.tolist(), smooth_db[first].tolist()))


def gain_factors(
    curve: GainCurve, first_sample: int, count: int, rate_hz: int
) -> NDArray[np.float64]:
    """What to multiply each sample by, (count,): linear in dB between points, flat outside
    them."""
    if not curve.points:
        return np.ones(count)
    times_s = (first_sample + np.arange(count)) / rate_hz
    gains_db = np.interp(
        times_s,
        [point.time_s for point in curve.points],
        [point.gain_db for point in curve.points],
    )
    return np.asarray(10.0 ** (gains_db / 20.0), np.float64)


def _scene_depth(
    momentary_lufs: NDArray[np.float64], integrated_lufs: float
) -> NDArray[np.float64]:
    """How far the scene around each hop lies below the film, where something goes on in it.

    The seconds before and those after are asked apart, and the quieter answer counts: a battle does
    not hide the whisper that follows it.
    """
    hops = min(round(SCENE_S / HOP_S), len(momentary_lufs))
    windows = np.lib.stride_tricks.sliding_window_view(momentary_lufs, hops)
    loud, soft = np.percentile(windows, (SCENE_LOUD, SCENE_SOFT), axis=1, method="nearest")
    uneven = np.clip((loud - soft - EVEN_LU) / (UNEVEN_LU - EVEN_LU), 0.0, 1.0)
    heard = np.clip((loud - FAINT_LUFS) / (PLAIN_LUFS - FAINT_LUFS), 0.0, 1.0)
    below = np.clip(integrated_lufs - (loud - LOUD_OVER_SCENE_LU), 0.0, SCENE_DB)
    depth = uneven * heard * below  # of the window that begins at each hop
    after = np.pad(depth, (0, hops - 1), mode="edge")
    before = np.pad(depth, (hops - 1, 0), mode="edge")
    return np.asarray(np.maximum(before, after))


def _held(gain_db: NDArray[np.float64], hops: int) -> NDArray[np.float64]:
    """The least gain of the last few hops."""
    padded = np.concatenate([np.zeros(hops), gain_db])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, hops + 1).min(axis=1))


def _smoothed(gain_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """At or below the wanted gain, falling and rising no faster than attack and release."""
    hop = np.arange(len(gain_db)) * HOP_S
    rising = np.minimum.accumulate(gain_db - RELEASE_DB_PER_S * hop) + RELEASE_DB_PER_S * hop
    falling = np.minimum.accumulate((rising + ATTACK_DB_PER_S * hop)[::-1])[::-1]
    return np.asarray(np.minimum(falling - ATTACK_DB_PER_S * hop, 0.0))


def _simplified(times_s: Sequence[float], gains_db: Sequence[float]) -> tuple[GainPoint, ...]:
    """As few points as keep the curve within tolerance: each straight run as long as it can be."""
    kept, last = [0], 0
    low, high = -np.inf, np.inf  # slopes that pass every point since the last kept one
    for index in range(1, len(times_s)):
        span = times_s[index] - times_s[kept[-1]]
        rise = gains_db[index] - gains_db[kept[-1]]
        if not low <= rise / span <= high:
            kept.append(index - 1)
            span = times_s[index] - times_s[index - 1]
            rise = gains_db[index] - gains_db[index - 1]
            low, high = -np.inf, np.inf
        low = max(low, (rise - TOLERANCE_DB) / span)
        high = min(high, (rise + TOLERANCE_DB) / span)
        last = index
    if kept[-1] != last:
        kept.append(last)
    return tuple(GainPoint(times_s[index], round(gains_db[index], 2)) for index in kept)
