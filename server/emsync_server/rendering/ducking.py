"""How the music makes room for the production sound: a gain curve that follows its level.

Speech-blind: whatever is loud for this film counts as worth hearing. Where the production
sound's momentary loudness rises from KNEE_LOW_LU to KNEE_HIGH_LU around its own integrated
loudness, the music goes down by up to the full depth: ahead of the sound (LOOKAHEAD_S), at
ATTACK_DB_PER_S, and comes back at RELEASE_DB_PER_S after HOLD_S. The curve is delivered as
automation and applied in the mix alone.
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
KNEE_LOW_LU, KNEE_HIGH_LU = -6.0, 2.0
LOOKAHEAD_S = 0.2
HOLD_S = 0.6
ATTACK_DB_PER_S = 40.0
RELEASE_DB_PER_S = 9.0
TOLERANCE_DB = 0.4
"""By how much the curve may be off between two points."""

MEASURED_AGO_S = 0.2
"""Momentary loudness speaks of the middle of its 400 ms window."""


def ducking_curve(sound: Loudness, *, depth_db: float, length_s: float) -> GainCurve:
    """The music's gain under a production sound; empty where there is nothing to duck under."""
    if sound.integrated_lufs <= QUIET_SOUND_LUFS or not sound.momentary_lufs or depth_db <= 0.0:
        return GainCurve()
    above = np.array(sound.momentary_lufs) - sound.integrated_lufs
    share = np.clip((above - KNEE_LOW_LU) / (KNEE_HIGH_LU - KNEE_LOW_LU), 0.0, 1.0)
    wanted_db = -depth_db * share
    early = round((MEASURED_AGO_S + LOOKAHEAD_S) / HOP_S)
    wanted_db = np.pad(wanted_db, (0, early), mode="edge")[early:]  # the end goes on as it ends
    smooth_db = _smoothed(_held(wanted_db, round(HOLD_S / HOP_S)))
    times_s = np.minimum((np.arange(len(smooth_db)) + 1) * HOP_S, length_s).round(3)
    if smooth_db.min() > -TOLERANCE_DB:
        return GainCurve()
    return GainCurve(_simplified(times_s.tolist(), smooth_db.tolist()))


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
        if span <= 0.0:
            break
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
