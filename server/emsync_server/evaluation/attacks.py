"""Where exactly an attack begins near a given moment: the check of locked hits in rendered sound.

A chord that replaces a sustained one hardly changes the level, so level and spectrum alone find it
late or not at all. What a new note does change at once is predictability: a linear predictor,
fitted on the sound before the moment, goes on predicting what was already sounding and misses
everything that is new. The error of that prediction rises where the new notes begin, slow attacks
included (Bello et al., *A Tutorial on Onset Detection in Music Signals*, IEEE Trans. Speech and
Audio Processing 2005, §III-C).

Between moments that lie closer than the search reaches, what stands just before is the attack of
the moment before. There the fit ends where the search begins, so that it has heard that one too;
the predictor is shorter, so that it is over that attack by the time of the next; and the start is
not sought outside what is searched.

Measured on 47 General MIDI instruments, chords of known time, each chord struck as the one before
it stops (`emsync benchmark attacks`; table in BENCHMARKS.md): see there for the
bias of each back end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

__all__ = ["ATTACK_BIAS_S", "SEARCH_S", "Attack", "attack_near", "attack_window_s"]

RATE_HZ = 8000  # measured: 12 and 16 kHz miss more of the chords between bowed strings
PREDICTOR = 256  # samples of past, 32 ms: longer than a period of the lowest string
CLOSE_PREDICTOR = 64  # 8 ms: where another attack lies closer than the search reaches
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
HOLD = 12  # samples, 1.5 ms: so long a clear beginning stays above what was before
MOST_MOMENTARY = 40  # samples, 5 ms; what wavers longer is a slow beginning
SOON, SUDDEN_SHARE = 32, 0.6  # samples, 4 ms, in which a sudden one covers so much of the rise
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
    left, right = (min(max(one, LEAST_REACH_S), SEARCH_S) for one in reach_s)
    order = PREDICTOR if min(left, right) == SEARCH_S else CLOSE_PREDICTOR
    resampled = np.asarray(soxr.resample(sound, sample_rate_hz, RATE_HZ))
    moment = round(before_s * RATE_HZ)
    first = moment - round(left * RATE_HZ)
    level = _surprise_db(resampled, order, first)
    # Entry i of `level` covers the samples from `order` + i on, SMOOTHING_S long.
    rises = _rises(level, first - order, moment + round(right * RATE_HZ) - order)
    start, rise_db = _strongest(level, rises, first - order, is_close=order != PREDICTOR)
    return Attack((order + start + SMOOTHING_S * RATE_HZ) / RATE_HZ - before_s, rise_db)


def _strongest(
    level: NDArray[np.float64], rises: NDArray[np.float64], first: int, *, is_close: bool
) -> tuple[int, float]:
    """Start and rise of the strongest attack that begins no earlier than `first`, if any does.

    One that began before it can still be rising there; it belongs to whoever looks there.
    """
    skipped = 0
    while True:
        best = skipped + int(np.argmax(rises[skipped:]))
        start = _start(level, first + best, first if is_close else None)
        later = best + round(PEAK_WITHIN_S * RATE_HZ)
        if start >= first or best >= round(LEAD_S * RATE_HZ) or later >= len(rises):
            return start, float(rises[best])
        skipped = later


def _surprise_db(sound: NDArray[np.float64], order: int, fitted_to: int) -> NDArray[np.float64]:
    """Power that a predictor fitted on the FIT_S before a sample misses, in dB, smoothed over
    SMOOTHING_S.
    """
    noise = np.random.default_rng(0).standard_normal(len(sound)) * DITHER
    windows = np.lib.stride_tricks.sliding_window_view(sound + noise, order + 1)
    # A copy: overlapping rows would keep the products below from the linear algebra library.
    past, present = np.ascontiguousarray(windows[:, :order]), windows[:, order]
    fit = slice(max(fitted_to - round(FIT_S * RATE_HZ), 0), fitted_to - order)
    normal = past[fit].T @ past[fit]
    normal[np.diag_indices(order)] += 1e-7 * np.trace(normal) / order
    weights = np.linalg.solve(normal, past[fit].T @ present[fit])
    missed = (present - past @ weights) ** 2
    width = round(SMOOTHING_S * RATE_HZ)
    power = np.convolve(missed, np.full(width, 1 / width), mode="valid")
    return np.asarray(10 * np.log10(power + DITHER**2))


def _rises(level: NDArray[np.float64], first: int, last: int) -> NDArray[np.float64]:
    """Mean level after each candidate minus the mean before it."""
    after, before = round(AFTER_S * RATE_HZ), round(BEFORE_S * RATE_HZ)
    at = np.arange(first, min(last, len(level) - after))
    total = np.concatenate(([0.0], np.cumsum(level)))
    return np.asarray(
        (total[at + after] - total[at]) / after - (total[at] - total[at - before]) / before
    )


def _start(level: NDArray[np.float64], rise: int, earliest: int | None) -> int:
    """Where the level leaves what it was before, on its way to the peak after a rise.

    The best fit of "flat, then rising like a square root": going back from the peak to the last
    quiet sample instead measured 5 to 13 ms later on bowed strings and flutes, whose rise wavers.
    A sudden rise fits best a little early; the attack begins where the level is first above nearly
    all that was before.

    earliest: where another attack lies before this one, the first place to look at.
    """
    peak = rise + int(np.argmax(level[rise : rise + round(PEAK_WITHIN_S * RATE_HZ)]))
    first = max(0, rise - round(LEAD_S * RATE_HZ))
    quiet_to = rise - round(AFTER_S * RATE_HZ)
    if earliest is not None:
        first = max(first, min(earliest, rise - 1))
        quiet_to = first + 1
    before = level[max(0, first - round(BEFORE_S * RATE_HZ)) : quiet_to]
    rising = level[first : peak + 1] - np.median(before)
    flat_misfit = np.concatenate(([0.0], np.cumsum(rising**2)))
    misfits = [
        flat_misfit[start]
        + float(np.sum((rising[start:] - rising[-1] * _ramp(len(rising) - start)) ** 2))
        for start in range(0, len(rising) - 1, STEP)
    ]
    fitted = first + STEP * int(np.argmin(misfits)) if misfits else peak
    audible = max(float(np.percentile(before, LOUD_PERCENTILE)), level[peak] - DEPTH_DB)
    louder = level[fitted : peak + HOLD] > audible
    crossings = np.flatnonzero(louder[: peak + 1 - fitted])
    if not len(crossings):
        return peak
    # What was before crosses its own 95th percentile now and then, for a moment.
    held = crossings[0] + np.flatnonzero(
        np.convolve(louder[crossings[0] :], np.ones(HOLD), mode="valid") == HOLD
    )
    if not len(held) or held[0] - crossings[0] > MOST_MOMENTARY:
        return fitted + int(crossings[0])
    soon = float(level[fitted + held[0] : fitted + held[0] + SOON].max()) - np.median(before)
    is_sudden = soon > SUDDEN_SHARE * rising[-1]
    return fitted + int(held[0] if is_sudden else crossings[0])


def _ramp(length: int) -> NDArray[np.float64]:
    """From 0 to 1 like a square root."""
    return np.sqrt(np.linspace(0.0, 1.0, length))
