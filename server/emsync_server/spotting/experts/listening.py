"""The production sound, cut into the windows that each expert asks for, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import soxr

from emsync_server.access import ANY_FILE, Access
from emsync_server.media import FilmProbe, read_sound
from emsync_server.progress import Progress
from emsync_server.spotting.experts.bench import Bench
from emsync_server.spotting.experts.expert import ExpertRow, SoundWindow, WindowPlan
from emsync_server.spotting.experts.readings import Floats

__all__ = ["listen_for_experts"]

BLOCK_S = 20


def listen_for_experts(
    bench: Bench,
    rows: Sequence[ExpertRow],
    probe: FilmProbe,
    duration_s: Fraction,
    progress: Progress,
    *,
    start_s: Fraction = Fraction(0),
    access: Access = ANY_FILE,
) -> None:
    """Show a stretch of a film's sound to the experts of a bench. Raises MediaError where it is
    damaged."""
    plans = [(row.name, row.windows) for row in rows if row.windows is not None]
    if not plans or not probe.has_sound:
        return
    rates = sorted({plan.rate_hz for _, plan in plans})
    source_hz = rates[-1]
    resamplers = {rate: soxr.ResampleStream(source_hz, rate, 1, quality="HQ")
                  for rate in rates if rate != source_hz}  # fmt: skip
    cutters = [_Cutter(name, plan, float(start_s)) for name, plan in plans]
    total, done = float(duration_s) * source_hz, 0
    blocks = read_sound(
        probe,
        rate_hz=source_hz,
        channels=1,
        start_s=start_s,
        duration_s=duration_s,
        block_samples=BLOCK_S * source_hz,
        access=access,
    )
    for block in blocks:
        progress.report(min(1.0, done / max(1.0, total)), "listening")
        done += len(block)
        mono = np.ascontiguousarray(block[:, 0])
        heard = {rate: each.resample_chunk(mono, last=done >= total)
                 for rate, each in resamplers.items()}  # fmt: skip
        heard[source_hz] = mono
        _cut(bench, cutters, heard)
    for cutter in cutters:
        for window in cutter.rest():
            bench.show(window, only=cutter.name)


def _cut(bench: Bench, cutters: Sequence[_Cutter], heard: dict[int, Floats]) -> None:
    for cutter in cutters:
        for window in cutter.cut(heard[cutter.plan.rate_hz]):
            bench.show(window, only=cutter.name)


@dataclass
class _Cutter:
    """Cuts a stream into one plan's windows. Keeps one window and one block."""

    name: str
    plan: WindowPlan
    begin_s: float = 0.0
    """Picture time of the stream's first sample."""
    _kept: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    _start: int = 0
    """Where the kept samples begin, on the stream's own count; below 0: silence before it."""

    def __post_init__(self) -> None:
        lead = round(self.plan.lead_s * self.plan.rate_hz)
        self._kept, self._start = np.zeros(lead, np.float32), -lead
        self._length = round(self.plan.length_s * self.plan.rate_hz)
        self._hop = round(self.plan.hop_s * self.plan.rate_hz)

    def cut(self, samples: Floats) -> Iterator[SoundWindow]:
        """The windows that are complete now."""
        self._kept = np.concatenate((self._kept, samples))
        while len(self._kept) >= max(self._length, self._hop):
            yield self._window(self._kept[: self._length].copy())
            self._kept = self._kept[self._hop :]
            self._start += self._hop

    def rest(self) -> Iterator[SoundWindow]:
        """What is left at the end, if it is half a window or more, filled up with silence."""
        if len(self._kept) >= self._length / 2:
            missing = max(0, self._length - len(self._kept))
            yield self._window(np.pad(self._kept[: self._length], (0, missing)))

    def _window(self, samples: Floats) -> SoundWindow:
        return SoundWindow(
            self.begin_s + self._start / self.plan.rate_hz, samples, self.plan.rate_hz
        )
