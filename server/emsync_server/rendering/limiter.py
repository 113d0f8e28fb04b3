"""A look-ahead limiter as one gain curve for all stems, so that their sum stays the mix.

The curve is found before any stem is written, from the peaks of each hop of HOP_SAMPLES: the
mix's true peak (four times oversampled) and each stem's sample peak. It is linear in dB within a
hop and at or below what every hop needs: 750 numbers a second at 48 kHz, 3 kB, the only thing
that grows with the film.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emsync_server.rendering.synthesizer import Audio

__all__ = ["HOP_SAMPLES", "PeakWatch", "limiting_curve", "limiting_factors"]

HOP_SAMPLES = 64
ATTACK_S = 0.005
RELEASE_DB_PER_S = 60.0
OVERSAMPLING = 4
EDGE_SAMPLES = HOP_SAMPLES
"""Where a block is cut, the oversampling filter sees a false step; it spans 10 samples each
way."""


class PeakWatch:
    """Collects the greatest level of each hop over blocks; all but the last are whole hops."""

    def __init__(self, *, quiet_below: float = 0.0) -> None:
        """Blocks whose samples stay below an amplitude are not looked at between the samples."""
        self._quiet_below = quiet_below
        self._stems: list[NDArray[np.float32]] = []
        self._mix: list[NDArray[np.float32]] = []
        self._carried = np.zeros((2 * EDGE_SAMPLES, 2), np.float32)

    def add(self, mix: Audio, stems: Sequence[Audio]) -> None:
        """Look at the next block of the mix and of all stems, each (N, 2)."""
        self._stems.append(np.max([_hop_peaks(stem) for stem in stems], axis=0))
        self._oversample(_whole_hops(mix))

    def peaks(self) -> NDArray[np.float32]:
        """Amplitude of each hop, (H,); nothing can be added afterwards."""
        self._oversample(np.zeros((EDGE_SAMPLES, 2), np.float32))
        mix = np.concatenate(self._mix)[1:]  # the first hop lies before the first sample
        return np.maximum(np.concatenate(self._stems), mix)

    def _oversample(self, mix: Audio) -> None:
        """Peaks between the samples, up to one edge before the block's end."""
        line = np.concatenate([self._carried, mix])
        if np.abs(line).max() < self._quiet_below:
            self._mix.append(_hop_peaks(line[EDGE_SAMPLES:-EDGE_SAMPLES]))
        else:
            from scipy.signal import resample_poly  # takes half a second, and few films need it

            finer = np.asarray(resample_poly(line, OVERSAMPLING, 1, axis=0), np.float32)
            inner = finer[EDGE_SAMPLES * OVERSAMPLING : -EDGE_SAMPLES * OVERSAMPLING]
            hops = np.abs(inner).reshape(-1, HOP_SAMPLES * OVERSAMPLING * 2)
            self._mix.append(hops.max(axis=1))
        self._carried = line[-2 * EDGE_SAMPLES :]


def limiting_curve(
    peaks: NDArray[np.float32], *, gain_db: float, ceiling_db: float, rate_hz: int
) -> NDArray[np.float64]:
    """Gain in dB at the edges of the hops, (H + 1,): zero, or as far below as the peaks need.

    Within each hop, between two edges, the gain is at or below what keeps its peak under the
    ceiling.
    """
    level_db = 20.0 * np.log10(np.maximum(peaks.astype(np.float64), 1e-9)) + gain_db
    needed_db = np.minimum(ceiling_db - level_db, 0.0)
    edges_db = np.minimum(np.append(needed_db, 0.0), np.insert(needed_db, 0, 0.0))
    hop_s = np.arange(len(edges_db)) * (HOP_SAMPLES / rate_hz)
    release = RELEASE_DB_PER_S * hop_s
    edges_db = np.minimum.accumulate(edges_db - release) + release
    attack = -min(edges_db.min(initial=0.0), -1.0) / ATTACK_S * hop_s
    edges_db = np.minimum.accumulate((edges_db + attack)[::-1])[::-1] - attack
    return np.asarray(np.minimum(edges_db, 0.0))


def limiting_factors(
    edges_db: NDArray[np.float64], first_sample: int, count: int
) -> NDArray[np.float64]:
    """What to multiply each sample by, (count,)."""
    position = (first_sample + np.arange(count)) / HOP_SAMPLES
    first, last = int(position[0]), int(np.ceil(position[-1])) + 1
    gains_db = np.interp(position, np.arange(first, last), edges_db[first:last])
    return np.asarray(10.0 ** (gains_db / 20.0), np.float64)


def _hop_peaks(block: Audio) -> NDArray[np.float32]:
    return np.asarray(np.abs(_whole_hops(block)).reshape(-1, HOP_SAMPLES * 2).max(axis=1))


def _whole_hops(block: Audio) -> Audio:
    """The block, followed by silence up to a whole hop."""
    return np.pad(block, ((0, -len(block) % HOP_SAMPLES), (0, 0)))
