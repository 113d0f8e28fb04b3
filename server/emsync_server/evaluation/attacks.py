"""Where exactly an attack begins near a given moment: the check of locked hits in rendered sound.

A chord that replaces a sustained one hardly changes the level, so level and spectrum alone find it
late or not at all. What a new note does change at once is predictability: a linear predictor,
fitted on the sound before the moment, goes on predicting what was already sounding and misses
everything that is new. The error of that prediction rises where the new notes begin, slow attacks
included (Bello et al., *A Tutorial on Onset Detection in Music Signals*, IEEE Trans. Speech and
Audio Processing 2005, §III-C).

Measured on 47 General MIDI instruments, chords of known time, each chord struck as the one before
it stops (`emsync benchmark attacks`; table in BENCHMARKS.md): see there for the
bias of each back end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import soxr
from numpy.typing import NDArray

__all__ = ["ATTACK_BIAS_S", "SEARCH_S", "Attack", "attack_near", "attack_window_s"]

RATE_HZ = 8000  # measured: 12 and 16 kHz miss more of the chords between bowed strings
PREDICTOR = 256  # samples of past, 32 ms: longer than a period of the lowest string
FIT_S = 0.4
SEARCH_S = 0.1
"""An attack is looked for this far before and after the moment."""
LEAST_REACH_S = 0.005
SMOOTHING_S = 0.003
AFTER_S, BEFORE_S = 0.010, 0.020  # a rise: the mean level after a moment over that before it
PEAK_WITHIN_S = 0.030
LEAD_S = 0.050  # an attack begins at most this long before its steepest rise
LOUD_PERCENTILE = 95
DEPTH_DB = 30.0  # what is softer than the peak by more belongs to filters that ring ahead
STEP = 4  # samples; the start is found to 0.5 ms
DITHER = 1e-6  # -120 dBFS: digital silence would make the predictor's equations singular


ATTACK_BIAS_S = 0.002
"""Median lateness over instruments and back ends (BENCHMARKS.md, 'Attacks'); one number for all of
them.
"""


@dataclass(frozen=True, slots=True)
class Attack:
    """The strongest attack near a moment."""

    offset_s: float
    """Start of the attack minus the moment; the detector's bias is not taken off."""
    rise_db: float
    """By how much the unpredicted power rises."""


def attack_window_s() -> tuple[float, float]:
    """How much sound `attack_near` wants before and after the moment, in seconds."""
    return FIT_S + SEARCH_S, SEARCH_S + AFTER_S + PEAK_WITHIN_S


def attack_near(
    sound: NDArray[np.float64],
    sample_rate_hz: int,
    *,
    reach_s: tuple[float, float] = (SEARCH_S, SEARCH_S),
) -> Attack:
    """The strongest attack around the moment that lies `attack_window_s()[0]` into `sound`.

    reach_s: how far before and after the moment, up to SEARCH_S each.
    sound: (samples,) mono, as long as `attack_window_s` says; silence where the file has none.
    """
    before_s, after_s = attack_window_s()
    wanted = round((before_s + after_s) * sample_rate_hz)
    if abs(len(sound) - wanted) > 1:
        raise ValueError(f"{len(sound)} samples are not the {wanted} of an attack's window")
    level = _surprise_db(np.asarray(soxr.resample(sound, sample_rate_hz, RATE_HZ)))
    # Entry i of `level` covers the samples from PREDICTOR + i on, SMOOTHING_S long.
    rises, first = _rises(level, reach_s)
    best = int(np.argmax(rises))
    start = _start(level, first + best)
    offset_s = (PREDICTOR + start + SMOOTHING_S * RATE_HZ) / RATE_HZ - before_s
    return Attack(offset_s, float(rises[best]))


def _surprise_db(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power that the fitted predictor misses, in dB, smoothed over SMOOTHING_S."""
    noise = np.random.default_rng(0).standard_normal(len(sound)) * DITHER
    windows = np.lib.stride_tricks.sliding_window_view(sound + noise, PREDICTOR + 1)
    # A copy: overlapping rows would keep the products below from the linear algebra library.
    past, present = np.ascontiguousarray(windows[:, :PREDICTOR]), windows[:, PREDICTOR]
    fit = round(FIT_S * RATE_HZ) - PREDICTOR
    normal = past[:fit].T @ past[:fit]
    normal[np.diag_indices(PREDICTOR)] += 1e-7 * np.trace(normal) / PREDICTOR
    weights = scipy.linalg.solve(normal, past[:fit].T @ present[:fit], assume_a="pos")
    missed = (present - past @ weights) ** 2
    width = round(SMOOTHING_S * RATE_HZ)
    power = np.convolve(missed, np.full(width, 1 / width), mode="valid")
    return np.asarray(10 * np.log10(power + DITHER**2))


def _rises(
    level: NDArray[np.float64], reach_s: tuple[float, float]
) -> tuple[NDArray[np.float64], int]:
    """Mean level after each candidate minus the mean before it, and the index of the first."""
    after, before = round(AFTER_S * RATE_HZ), round(BEFORE_S * RATE_HZ)
    moment = round((FIT_S + SEARCH_S) * RATE_HZ) - PREDICTOR
    left, right = (round(min(max(one, LEAST_REACH_S), SEARCH_S) * RATE_HZ) for one in reach_s)
    first, last = moment - left, min(moment + right, len(level) - after)
    total = np.concatenate(([0.0], np.cumsum(level)))
    at = np.arange(first, last)
    rises = (total[at + after] - total[at]) / after - (total[at] - total[at - before]) / before
    return rises, first


def _start(level: NDArray[np.float64], rise: int) -> int:
    """Where the level leaves what it was before, on its way to the peak after a rise.

    The best fit of "flat, then rising like a square root": going back from the peak to the last
    quiet sample instead measured 5 to 13 ms later on bowed strings and flutes, whose rise wavers.
    A sudden rise fits best a little early; the attack begins where the level is first above nearly
    all that was before.
    """
    peak = rise + int(np.argmax(level[rise : rise + round(PEAK_WITHIN_S * RATE_HZ)]))
    first = max(0, rise - round(LEAD_S * RATE_HZ))
    before = level[max(0, first - round(BEFORE_S * RATE_HZ)) : rise - round(AFTER_S * RATE_HZ)]
    rising = level[first : peak + 1] - np.median(before)
    flat_misfit = np.concatenate(([0.0], np.cumsum(rising**2)))
    misfits = [
        flat_misfit[start]
        + float(np.sum((rising[start:] - rising[-1] * _ramp(len(rising) - start)) ** 2))
        for start in range(0, len(rising) - 1, STEP)
    ]
    fitted = first + STEP * int(np.argmin(misfits)) if misfits else peak
    audible = max(float(np.percentile(before, LOUD_PERCENTILE)), level[peak] - DEPTH_DB)
    louder = np.flatnonzero(level[fitted : peak + 1] > audible)
    return fitted + int(louder[0]) if len(louder) else peak


def _ramp(length: int) -> NDArray[np.float64]:
    """From 0 to 1 like a square root."""
    return np.sqrt(np.linspace(0.0, 1.0, length))
