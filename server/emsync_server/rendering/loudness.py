"""Loudness and true peak as ITU-R BS.1770 and EBU R128 define them, measured as the sound goes
by.

FFmpeg's `ebur128` filter does the measuring, through PyAV; a test holds it to pyloudnorm within
0.1 LU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

from emsync_server.rendering.synthesizer import Audio

__all__ = ["SILENCE_DB", "SILENCE_LUFS", "Loudness", "LoudnessMeter", "decibels", "factor"]

SILENCE_LUFS = -70.0
"""BS.1770's absolute gate: quieter sound has no loudness."""
SILENCE_DB = -144.0
"""What we call the level of nothing: the floor of 24 bits."""
HOP_S = 0.1
"""Momentary loudness (400 ms) comes once per hop."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """What a meter has seen."""

    integrated_lufs: float
    """Gated; SILENCE_LUFS where nothing passed the gate."""
    true_peak_db: float
    """Oversampled four times, dBTP."""
    momentary_lufs: tuple[float, ...]
    """Of the 400 ms that end with each hop of HOP_S."""

    @property
    def is_silent(self) -> bool:
        """Whether nothing passed the gate."""
        return self.integrated_lufs <= SILENCE_LUFS


class LoudnessMeter:
    """Takes stereo blocks one after another. Memory grows by 8 bytes a hop."""

    def __init__(self, rate_hz: int, *, measures_peak: bool = True) -> None:
        """Without the peak it takes a third of the time."""
        self._rate_hz = rate_hz
        self._position = 0
        self._momentary: list[float] = []
        self._integrated = SILENCE_LUFS
        self._peak = 0.0
        self._graph = Graph()
        self._source = self._graph.add_abuffer(
            format="flt", sample_rate=rate_hz, layout="stereo", time_base=Fraction(1, rate_hz)
        )
        options = "metadata=1:framelog=quiet" + (":peak=true" if measures_peak else "")
        meter = self._graph.add("ebur128", options)
        self._sink = self._graph.add("abuffersink")
        self._source.link_to(meter)
        meter.link_to(self._sink)
        self._graph.configure()

    def add(self, block: Audio) -> None:
        """Measure the next block, (N, 2)."""
        if len(block) == 0:
            return
        samples = np.ascontiguousarray(block, dtype=np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="stereo")
        frame.sample_rate = self._rate_hz
        frame.pts = self._position
        self._position += len(block)
        self._source.push(frame)
        self._drain()

    def result(self) -> Loudness:
        """The measurement; nothing can be added afterwards."""
        if self._position:
            padding = -self._position % round(self._rate_hz * HOP_S)
            self.add(np.zeros((padding, 2), np.float32))  # the meter speaks once a whole hop
            self._source.push(None)
            self._drain()
        return Loudness(self._integrated, decibels(self._peak), tuple(self._momentary))

    def _drain(self) -> None:
        while True:
            try:
                frame = self._sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            said = frame.metadata
            self._momentary.append(_lufs(said.get("lavfi.r128.M")))
            self._integrated = _lufs(said.get("lavfi.r128.I"))
            self._peak = max(self._peak, float(said.get("lavfi.r128.true_peak", 0.0)))


def _lufs(said: str | None) -> float:
    """The filter says "nan" of digital silence, and far less than the gate of near silence."""
    value = float(said) if said is not None else SILENCE_LUFS
    return value if value > SILENCE_LUFS else SILENCE_LUFS


def decibels(amplitude: float) -> float:
    """An amplitude in dB re full scale; SILENCE_DB for nothing."""
    return max(20.0 * math.log10(amplitude), SILENCE_DB) if amplitude > 0.0 else SILENCE_DB


def factor(gain_db: float) -> float:
    """What to multiply by for a gain in dB."""
    return float(10.0 ** (gain_db / 20.0))
