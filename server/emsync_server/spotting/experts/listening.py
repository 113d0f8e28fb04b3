"""The production sound, decoded once and heard by all who listen, each at its own rate and in the
windows that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
import soxr

from emsync_server.access import ANY_FILE, Access
from emsync_server.media import FilmProbe, read_sound
from emsync_server.progress import Progress
from emsync_server.spotting.experts.expert import SoundWindow, WindowPlan
from emsync_server.spotting.experts.readings import Floats

__all__ = ["Ear", "Windows", "listen_once"]

BLOCK_S = 20


class Ear(Protocol):
    """One who listens."""

    @property
    def rate_hz(self) -> int:
        """What it hears."""

    def hear(self, samples: Floats) -> None:
        """The next samples, (N,) mono, full scale 1; right after those before."""

    def end(self) -> None:
        """There is no more."""


def listen_once(
    ears: Sequence[Ear],
    probe: FilmProbe,
    duration_s: Fraction,
    progress: Progress,
    *,
    start_s: Fraction = Fraction(0),
    access: Access = ANY_FILE,
) -> None:
    """Let all ears hear a stretch of a film's sound. Raises MediaError where it is damaged."""
    if not ears or not probe.has_sound:
        return
    rates = sorted({ear.rate_hz for ear in ears})
    source_hz = rates[-1]
    resamplers = {rate: soxr.ResampleStream(source_hz, rate, 1, quality="HQ")
                  for rate in rates if rate != source_hz}  # fmt: skip
    total, done = round(duration_s * source_hz), 0
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
        progress.report(min(1.0, done / max(1, total)), "listening")
        done += len(block)
        mono = np.ascontiguousarray(block[:, 0])
        heard = {rate: each.resample_chunk(mono, last=done >= total)
                 for rate, each in resamplers.items()}  # fmt: skip
        heard[source_hz] = mono
        for ear in ears:
            ear.hear(heard[ear.rate_hz])
    for ear in ears:
        ear.end()


@dataclass
class Windows:
    """Cuts what it hears into one plan's windows. Keeps one window and one block."""

    plan: WindowPlan
    take: Callable[[SoundWindow], None]
    begin_s: float = 0.0
    """Picture time of the first sample."""
    _kept: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    _start: int = 0
    """Where the kept samples begin, on the stream's own count; below 0: silence before it."""

    def __post_init__(self) -> None:
        lead = round(self.plan.lead_s * self.plan.rate_hz)
        self._kept, self._start = np.zeros(lead, np.float32), -lead
        self._length = round(self.plan.length_s * self.plan.rate_hz)
        self._hop = round(self.plan.hop_s * self.plan.rate_hz)

    @property
    def rate_hz(self) -> int:
        """As the plan says."""
        return self.plan.rate_hz

    def hear(self, samples: Floats) -> None:
        """The next samples; windows that are complete now are handed on."""
        for window in self._cut(samples):
            self.take(window)

    def end(self) -> None:
        """Hand on what is left, if it is as much as the plan wants, filled up with silence."""
        least_s = self.plan.length_s / 2 if self.plan.least_s is None else self.plan.least_s
        if len(self._kept) >= least_s * self.plan.rate_hz:
            missing = max(0, self._length - len(self._kept))
            self.take(self._window(np.pad(self._kept[: self._length], (0, missing))))

    def _cut(self, samples: Floats) -> Iterator[SoundWindow]:
        self._kept = np.concatenate((self._kept, samples))
        while len(self._kept) >= max(self._length, self._hop):
            yield self._window(self._kept[: self._length].copy())
            self._kept = self._kept[self._hop :]
            self._start += self._hop

    def _window(self, samples: Floats) -> SoundWindow:
        return SoundWindow(
            self.begin_s + self._start / self.plan.rate_hz, samples, self.plan.rate_hz
        )
