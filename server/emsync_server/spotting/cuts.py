"""Hard cuts: PySceneDetect proposes, block matching decides.

PySceneDetect's AdaptiveDetector with low thresholds finds every cut and three times as many
things that are none (camera flashes, whip pans, titles, explosions). Each proposal is therefore
looked at: is the new picture really not in the old one, and does the old one stay away?
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from emsync_server.media import SmallPicture
from emsync_server.spotting.novelty import (
    EVERYTHING,
    NOTHING,
    WIDESPREAD,
    Novelty,
    novelty,
)

__all__ = ["CutFinder", "SeenCut"]

PROPOSAL_STEP = 2
"""The detector compares averages: every fourth pixel gives the same ones."""
PROPOSAL_RATIO = 1.5
"""A frame is proposed where it differs this many times more than the frames around it
(PySceneDetect's default: 3)."""
PROPOSAL_DIFFERENCE = 3.0
"""... and by at least this much in 8-bit HSV levels (PySceneDetect's default: 15)."""
LEAST_NOVELTY = 0.1
LEAST_SPREAD = 0.3
"""Less of the picture changes when a title, an inset or a person comes up."""
LEAST_JUMP = 0.15
"""By how much a cut is newer than the frame steps around it: motion is as new before and after."""
CLEAR_RATIO = 1.5
"""The same as a ratio ..."""
ONE_SIDED_RATIO = 1.2
"""... which may be lower where one side is still: a cut into or out of fast motion."""
STILL_SHARE = 0.15
RETURN_SHARE = 0.4
"""When this little of the novelty is left a moment later, the old shot came back: a flash."""
FLASH_S = Fraction(13, 100)
"""Longest flash: 3 frames of film. A shot as short as that would be seen as a flash, too."""


@dataclass(frozen=True, slots=True)
class SeenCut:
    """A cut, by the index of the new shot's first frame."""

    index: int
    strength: float


class CutFinder:
    """Fed frame by frame, in order. Keeps a few small pictures, whatever the film's length."""

    def __init__(self, rate: Fraction) -> None:
        """`rate`: nominal frames per second."""
        self.cuts: list[SeenCut] = []
        self._rate = float(rate)
        self._flash_frames = max(3, round(FLASH_S * rate))
        self._detector = _Proposer(
            adaptive_threshold=PROPOSAL_RATIO,
            min_content_val=PROPOSAL_DIFFERENCE,
            min_scene_len=1,
        )
        self._lag = self._detector.window_width
        reach = 2 * self._flash_frames + 2 * self._lag + 4
        self._recent: deque[SmallPicture] = deque(maxlen=reach)
        self._pending: deque[int] = deque()
        self._seen = 0
        self._last_bgr: NDArray[np.uint8] | None = None

    def see(self, picture: SmallPicture) -> None:
        """The next frame."""
        self._recent.append(picture)
        self._last_bgr = picture.bgr(PROPOSAL_STEP)
        self._propose(self._seen, self._last_bgr)
        self._seen += 1
        while self._pending and self._pending[0] + self._flash_frames < self._seen:
            self._decide(self._pending.popleft())

    def finish(self) -> None:
        """No more frames: decide what was still waiting for them."""
        if self._last_bgr is not None:
            for extra in range(self._lag):  # the detector looks this far ahead
                self._propose(self._seen + extra, self._last_bgr)
        while self._pending:
            self._decide(self._pending.popleft())

    def _propose(self, index: int, bgr: NDArray[np.uint8]) -> None:
        for moment in self._detector.process_frame(FrameTimecode(index, fps=self._rate), bgr):
            self._pending.append(moment.frame_num)

    def _decide(self, index: int) -> None:
        """Keep a proposal that is a cut."""
        if not 1 <= index < self._seen:
            return
        jump = self._novelty(index - 1, index)
        if jump.look < LEAST_NOVELTY or jump.spread < LEAST_SPREAD:
            return
        earlier, later = self._novelty(index - 2, index - 1), self._novelty(index, index + 1)
        by_shape = _stands_out(jump.shape, earlier.shape, later.shape)
        by_look = jump.look >= WIDESPREAD and _stands_out(jump.look, earlier.look, later.look)
        if (by_shape or by_look) and not self._is_flash(index, jump.whole):
            self.cuts.append(SeenCut(index, min(1.0, math.sqrt(jump.whole))))

    def _is_flash(self, index: int, jump: float) -> bool:
        """Whether the shot before comes back at once, or the new one was there just before."""
        limit = RETURN_SHARE * jump
        steps = range(1, self._flash_frames + 1)
        return any(
            self._novelty(index - 1, index + step, EVERYTHING).whole < limit for step in steps
        ) or any(self._novelty(index - 1 - step, index, EVERYTHING).whole < limit for step in steps)

    def _novelty(self, before: int, after: int, unknown: Novelty = NOTHING) -> Novelty:
        """Between two recent frames; `unknown` where one lies outside the film."""
        oldest = self._seen - len(self._recent)
        if before < oldest or after >= self._seen:
            return unknown
        return novelty(self._recent[before - oldest], self._recent[after - oldest])


class _Proposer(AdaptiveDetector):  # type: ignore[misc]  # scenedetect has no types
    """PySceneDetect's detector with its score in two calls of OpenCV in place of a dozen of NumPy:
    the same number, at a third of the cost. Should the method's name change in a later version, its
    own is used again."""

    _last_hsv: NDArray[np.uint8] | None = None

    def _calculate_frame_score(
        self, timecode: FrameTimecode, frame_img: NDArray[np.uint8]
    ) -> float:
        """Mean difference of hue, saturation and value to the frame before; 0 for the first."""
        hsv = np.asarray(cv2.cvtColor(frame_img, cv2.COLOR_BGR2HSV), np.uint8)
        last, self._last_hsv = self._last_hsv, hsv
        return 0.0 if last is None else float(cv2.norm(hsv, last, cv2.NORM_L1)) / hsv.size


def _stands_out(jump: float, earlier: float, later: float) -> bool:
    """Whether one frame step is a jump among its neighbours."""
    if jump - (earlier + later) / 2 < LEAST_JUMP:
        return False
    busiest, stillest = max(earlier, later), min(earlier, later)
    return jump >= CLEAR_RATIO * busiest or (
        jump >= ONE_SIDED_RATIO * busiest and stillest <= STILL_SHARE * jump
    )
