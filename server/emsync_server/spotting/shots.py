"""Where the picture changes: cuts, dissolves, fades and wipes.

A small network (`models/shots.onnx`, trained by `emsync_training.shots`) reads differences between
frames (`traces.py`) and proposes changes; a plain rule proposes cuts between pictures that stand
still (`steps.py`). Each proposal is then measured (`evidence.py`) and judged (`judging.py`). This
file feeds them in stretches and keeps what they need.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

import av
import numpy as np
from numpy.typing import NDArray

from emsync.picture import BoundaryKind
from emsync_server.inference.network import Network
from emsync_server.media.small_picture import HEIGHT, WIDTH, SmallPicture
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.changes import ANSWERS, INSIDE, SeenChange, probability, runs
from emsync_server.spotting.evidence import Stretch
from emsync_server.spotting.judging import (
    CUT_APART,
    LEAST_CUT,
    LEAST_INSIDE,
    Judge,
    Proposal,
    parts_of,
    proposed,
    shipped_judge,
)
from emsync_server.spotting.seams import of_seam
from emsync_server.spotting.second_look import SecondLook
from emsync_server.spotting.steps import StepFinder
from emsync_server.spotting.traces import CHANNELS, Tracer

__all__ = ["CONTEXT", "ShotFinder"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

CONTEXT = 64
"""Frames before and after its own that an answer of the network rests on."""
STRETCH = 256
"""Frames that are looked at together."""
LONGEST = 384
"""Frames. What the network takes for a longer gradual change is judged in parts."""
FLASH_S = Fraction(13, 100)
"""Longest flash: 3 frames of film."""
FEWEST_FLASH_FRAMES = 3
BLANK_CONTRAST = 0.02
"""Share of full scale: of an even picture, black or white."""
REST, FALLS = 24, 0.95
"""Frames, and the share of its contrast that a picture keeps at most after so many while it fades
out, in a quarter of a minute or less."""


@cache
def shot_network() -> Network:
    """The network that emsync brings, loaded once."""
    return Network.load(
        MODELS_FOLDER / "shots.onnx",
        inputs={"traces": (1, None, CHANNELS)},
        outputs={"answers": (1, None, ANSWERS)},
        threads=1,  # the decoder has the others
    )


class ShotFinder:
    """Fed frame by frame, in order. Keeps four bytes a frame, and pictures of some seconds."""

    def __init__(
        self,
        network: Network | None = None,
        judge: Judge | None = None,
        *,
        rate: Fraction = Fraction(25),
        least_cut: float = LEAST_CUT,
        second: SecondLook | None = None,
    ) -> None:
        """With the network and the judge that emsync brings, unless others are given. `rate`:
        nominal frames per second. `least_cut`: how sure of a cut the network must be to propose
        it. `second`: what looks again where the judge is in doubt; where left out, nothing does."""
        self._network = network or shot_network()
        self._judge = judge or shipped_judge()
        self._second = second
        self._least_cut = least_cut
        self._flash_frames = max(FEWEST_FLASH_FRAMES, round(FLASH_S * rate))
        self._tracer, self._steps = Tracer(), StepFinder(rate)
        self._waiting = np.empty((STRETCH, 3, HEIGHT, WIDTH), np.uint8)
        self._filled = 0
        self._seen = 0
        self._traces = np.empty((0, CHANNELS), np.float32)
        self._first = 0  # the first frame that is kept
        self._pictures = np.empty((0, 3, HEIGHT, WIDTH), np.uint8)
        self._answers = np.empty((0, ANSWERS), np.float32)
        self._settled = 0  # changes that begin before this frame have been proposed
        self._proposals: list[Proposal] = []
        self._contrasts: list[Floats] = []

    def look(self, frame: av.VideoFrame) -> None:
        """Small pictures are enough."""

    def see(self, small: SmallPicture) -> None:
        """The next frame."""
        self._waiting[self._filled] = small.planes
        self._filled += 1
        self._seen += 1
        if self._filled == STRETCH:
            self._look()
            self._settle(self._undecided())

    def finish(self) -> tuple[SeenChange, ...]:
        """No more frames: every change, in order. The film is thought to stand still around it."""
        contrasts = self._finished()
        told = self._judge.told(self._proposals)
        return tuple(change for change in told if not _ends_the_film(change, contrasts))

    def proposals(self) -> list[Proposal]:
        """No more frames: every change that may be one, whether or not it would be told."""
        self._finished()
        return self._proposals

    def _finished(self) -> Floats:
        """The contrast of each frame."""
        if not self._seen:
            return np.empty(0, np.float32)
        last = (self._waiting[:1] if self._filled else self._pictures[-1:]).copy()
        if self._filled:
            last[0] = self._waiting[self._filled - 1]
        for _ in range(CONTEXT):
            self._waiting[self._filled] = last[0]
            self._filled += 1
            if self._filled == STRETCH:
                self._look()
        if self._filled:
            self._look()
        self._answers = self._answers[: self._seen - self._first]
        self._settle(self._seen)
        return np.concatenate(self._contrasts)[: self._seen]

    def _look(self) -> None:
        """Trace the pictures at hand, and ask the network about all frames whose context is
        known."""
        pictures = self._waiting[: self._filled]
        self._contrasts.append(_contrasts(pictures))
        self._steps.see(pictures)
        traces = self._tracer.trace(pictures)
        self._pictures = np.concatenate((self._pictures, pictures))
        self._filled = 0
        if not len(self._traces):
            self._traces = np.repeat(traces[:1], CONTEXT, axis=0)
        self._traces = np.concatenate((self._traces, traces))
        if len(self._traces) > 2 * CONTEXT:
            said = self._network.run({"traces": self._traces[None]})["answers"]
            answers = np.asarray(said[0, CONTEXT:-CONTEXT], np.float32)
            self._answers = np.concatenate((self._answers, answers))
            self._traces = self._traces[-2 * CONTEXT :]

    def _undecided(self) -> int:
        """Up to which frame every change can be told from what is at hand."""
        answered = self._first + len(self._answers)
        until = answered - CUT_APART
        within = runs(probability(self._answers[:, INSIDE]) > LEAST_INSIDE)
        if within and within[-1][1] == len(self._answers):
            begun = self._first + within[-1][0]
            if answered - begun < LONGEST:
                until = min(until, begun)
        return max(until, self._settled)

    def _settle(self, until: int) -> None:
        """Propose what changes before a frame, and forget what is not needed any more."""
        at = self._first
        still = {frame - at: new for frame, new in self._steps.told(self._settled, until)}
        film = Stretch(self._pictures, self._answers)
        found = proposed(
            film, self._settled - at, until - at, still, self._flash_frames,
            least_cut=self._least_cut,
        )  # fmt: skip
        for each in found:
            seen = self._looked_at_again(each, film)
            for told in (seen, *self._likelier_part(seen, film)):
                self._proposals.append(replace(told, first=at + told.first, last=at + told.last))
        self._settled = until
        unneeded = until - CONTEXT - at
        if unneeded > 0:
            self._pictures, self._answers = self._pictures[unneeded:], self._answers[unneeded:]
            self._first += unneeded

    def _looked_at_again(self, proposal: Proposal, film: Stretch) -> Proposal:
        """With what is measured, or a second look tells, of some only."""
        if self._judge.may_be_pan(proposal):
            seam = of_seam(film, proposal.first, proposal.last)
            return replace(proposal, seam=None if seam is None else tuple(seam))
        if self._second is None or not self._judge.is_in_doubt(proposal):
            return proposal
        return replace(proposal, second=self._second.of(film, proposal.first, proposal.last))

    def _likelier_part(self, whole: Proposal, film: Stretch) -> list[Proposal]:
        """Of what is not told as a whole: its likelier part, if it has parts; a fade last, since
        whatever grows dark is like one."""
        if self._judge.score(whole) > 0:
            return []
        parts = parts_of(film, whole)
        scores = [self._judge.score(each) for each in parts]
        order = [
            (score > 0 and each.kind is not BoundaryKind.FADE, score)
            for each, score in zip(parts, scores, strict=True)
        ]
        return [parts[order.index(max(order))]] if parts else []


def _ends_the_film(change: SeenChange, contrasts: Floats) -> bool:
    """Whether it only brings the picture up out of the black before the film, or takes it away."""
    if change.kind is BoundaryKind.CUT:
        return False
    # From the change to the end of the film, and back to its beginning.
    return _dies_away(contrasts, change.last) or _dies_away(
        contrasts[::-1], len(contrasts) - 1 - change.first
    )


def _dies_away(contrasts: Floats, last: int) -> bool:
    """Whether a change that ends with frame `last` makes the picture even for good, or is part of a
    way there on which it never rests: dark shots are nearly even, too, but stay as they are."""
    even = contrasts < BLANK_CONTRAST
    end = len(even) - int(np.argmin(np.append(even[::-1], False)))  # from here on it is even
    if end <= last + 1:
        return True
    way = contrasts[last : end + 1]
    return end < len(even) and bool((way[REST:] < FALLS * way[:-REST]).all())


def _contrasts(pictures: Bytes) -> Floats:
    """Of (N, 3, H, W), by a quarter of their pixels: shares of full scale."""
    return np.asarray(pictures[:, 0, ::2, ::2].std(axis=(1, 2)) / 255, np.float32)
