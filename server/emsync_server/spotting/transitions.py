"""Gradual changes: dissolves and fades, each told once, at its middle.

In a dissolve every frame is a mixture of its first and last frame, so that the film walks a
straight line through the space of tiny pictures; camera and subject motion walk crooked ones.
PySceneDetect has no detector for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from emsync.picture import BoundaryKind
from emsync_server.media import SmallPicture
from emsync_server.spotting.novelty import novelty

__all__ = ["SeenTransition", "TransitionFinder"]

TINY_WIDTH, TINY_HEIGHT = 20, 12
LENGTHS_S = (0.13, 0.25, 0.45, 0.8, 1.3)
"""Lengths that are tried; half of all real ones are 8 to 23 frames long (ClipShots test
annotation)."""
LEAST_FRAMES = 4
BATCH_FRAMES = 64
LEAST_CHANGE = 8.0
"""Root mean square in 8-bit levels between first and last tiny picture."""
LEAST_STRAIGHTNESS = 0.8
"""Distance between the ends over the length of the way."""
GREATEST_STEP = 0.45
"""No single frame makes more of the change than this: that would be a cut ..."""
FEWEST_EQUAL_STEPS = 2.2
"""... but in a short window every step is large: this many equal ones make the whole."""
GREATEST_BEND = 0.25
"""How far the middle frame lies from the mixture of both ends, over their distance."""
CALM_RATIO = 1.3
"""The picture moves this many times faster from mixture to mixture than before and after: else it
is motion."""
LEAST_NOVELTY = 0.33
"""The last picture is not the first one in motion or in another light."""
BLANK_STD = 10.0
"""Contrast, in 8-bit levels, below which a picture is an even black, white or colour."""
DIMMED_SHARE = 0.45
"""A picture that has lost more than half of its light may be the same shot, dimmed."""
LONGEST_BLANK_S = 2.0
"""A fade-out and a fade-in that lie nearer are one boundary, in the middle."""
SAME_SHOT_NOVELTY = 0.33
"""After dimming and brightening: less than this, and it is the shot from before."""


@dataclass(frozen=True, slots=True)
class SeenTransition:
    """A gradual change; indices of the frames before and after it."""

    first: int
    last: int
    strength: float
    kind: BoundaryKind
    calm_before: bool
    """Whether the shot before moves less than the transition does."""
    calm_after: bool

    @property
    def middle(self) -> int:
        """The frame that an editor would call the change."""
        return (self.first + self.last + 1) // 2


@dataclass(frozen=True, slots=True)
class _Window:
    """A straight stretch of tiny pictures; indices into those kept."""

    first: int
    last: int
    quality: float
    calm_before: bool
    calm_after: bool


@dataclass(frozen=True, slots=True)
class _Ramp:
    """A straight stretch of the film, from one picture to another."""

    first: int
    last: int
    quality: float
    novelty: float
    calm_before: bool
    calm_after: bool
    before: SmallPicture
    after: SmallPicture

    @property
    def dims(self) -> bool:
        """Towards an even picture, or towards the dark."""
        return _is_blank(self.after) or _light(self.after) < DIMMED_SHARE * _light(self.before)

    @property
    def brightens(self) -> bool:
        """Out of an even picture, or out of the dark."""
        return _is_blank(self.before) or _light(self.before) < DIMMED_SHARE * _light(self.after)


class TransitionFinder:
    """Fed frame by frame; keeps the pictures of a few seconds, and those beside each ramp."""

    def __init__(self, rate: Fraction) -> None:
        """`rate`: nominal frames per second."""
        frames = {max(LEAST_FRAMES, round(length * float(rate))) for length in LENGTHS_S}
        self._lengths = sorted({count + count % 2 for count in frames})
        self._longest_blank = LONGEST_BLANK_S * float(rate)
        self._pictures: list[SmallPicture] = []
        self._tiny: list[NDArray[np.float32]] = []
        self._kept = 3 * self._lengths[-1]  # a window, and as much before and after it
        self._first = 0  # index of the first picture kept
        self._examined = 0  # windows that end before this frame have been looked at
        self._ramps: list[_Ramp] = []

    def see(self, picture: SmallPicture) -> None:
        """The next frame."""
        self._pictures.append(picture)
        self._tiny.append(_tiny_picture(picture))
        if len(self._pictures) >= self._kept + BATCH_FRAMES:
            self._examine(len(self._pictures) - self._lengths[-1])
            del self._pictures[:BATCH_FRAMES], self._tiny[:BATCH_FRAMES]
            self._first += BATCH_FRAMES

    def finish(self) -> tuple[SeenTransition, ...]:
        """No more frames: all transitions, in order."""
        self._examine(len(self._pictures))
        last = self._first + len(self._pictures) - 1
        return tuple(_joined(_apart(self._ramps), self._longest_blank, last))

    def _examine(self, until: int) -> None:
        """Look at the windows that end before picture `until` and were not looked at yet; keep the
        straight ones."""
        if len(self._tiny) < 2:
            return
        tiny = np.stack(self._tiny)
        steps = _distance(tiny[1:], tiny[:-1])
        found = [
            window
            for length in self._lengths
            if len(tiny) > length
            for window in _straight_windows(tiny, steps, length)
            if self._examined - self._first <= window.last < until
        ]
        for window in _apart_windows(found):
            before, after = self._pictures[window.first], self._pictures[window.last]
            # Both ways: dimmed pictures hide much.
            new = min(novelty(before, after).whole, novelty(after, before).whole)
            if new >= LEAST_NOVELTY:
                self._ramps.append(
                    _Ramp(
                        self._first + window.first,
                        self._first + window.last,
                        window.quality,
                        new,
                        window.calm_before,
                        window.calm_after,
                        before,
                        after,
                    )
                )
        self._examined = self._first + until


def _tiny_picture(picture: SmallPicture) -> NDArray[np.float32]:
    """(T,) float32: the three planes at 20×12."""
    return picture.shrunk(TINY_WIDTH, TINY_HEIGHT).ravel().astype(np.float32)


def _distance(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root mean square difference. left, right: (N, T) · returns (N,)"""
    return np.asarray(np.sqrt(np.mean((left - right) ** 2, axis=1)), np.float32)


def _straight_windows(
    tiny: NDArray[np.float32], steps: NDArray[np.float32], length: int
) -> list[_Window]:
    """All windows of one length that look like a mixture, calm on a side. tiny: (N, T)"""
    start, end, middle = tiny[:-length], tiny[length:], tiny[length // 2 : -(length // 2)]
    change = _distance(start, end)
    safe = np.maximum(change, 1e-3)
    within = sliding_window_view(steps, length)
    straightness = change / np.maximum(within.sum(axis=1), 1e-3)
    largest = within.max(axis=1) / safe
    bend = _distance(middle, (start + end) / np.float32(2)) / safe
    calm_before, calm_after = (
        change / length > CALM_RATIO * pace for pace in _pace_around(steps, length)
    )
    good = (
        (change > LEAST_CHANGE)
        & (calm_before | calm_after)
        & (straightness > LEAST_STRAIGHTNESS)
        & (largest < max(GREATEST_STEP, FEWEST_EQUAL_STEPS / length))
        & (bend < GREATEST_BEND)
    )
    quality = change * straightness * (1 - bend)
    return [
        _Window(
            int(at),
            int(at) + length,
            float(quality[at]),
            bool(calm_before[at]),
            bool(calm_after[at]),
        )
        for at in np.flatnonzero(good)
    ]


def _pace_around(
    steps: NDArray[np.float32], length: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The usual step before and after each window: medians, so that a cut there does not count. Two
    (N - length,)"""
    windows = len(steps) - length + 1
    beyond = np.full(length, np.nan, np.float32)
    beside = sliding_window_view(np.concatenate((beyond, steps, beyond)), length)[1:-1]
    inside = np.nanmedian(beside, axis=1)
    medians = np.concatenate(([np.inf], inside, [np.inf])).astype(np.float32)
    return medians[:windows], medians[2 * length :][:windows]


def _apart_windows(windows: list[_Window]) -> list[_Window]:
    """The best windows that do not overlap."""
    kept: list[_Window] = []
    for window in sorted(windows, key=lambda each: (-each.quality, each.first)):
        if all(window.last <= other.first or window.first >= other.last for other in kept):
            kept.append(window)
    return sorted(kept, key=lambda each: each.first)


def _apart(ramps: list[_Ramp]) -> list[_Ramp]:
    """The best ramps that do not overlap, in order: batches may have found one twice."""
    kept: list[_Ramp] = []
    for ramp in sorted(ramps, key=lambda each: each.first):
        if kept and ramp.first < kept[-1].last:
            if ramp.quality > kept[-1].quality:
                kept[-1] = ramp
        else:
            kept.append(ramp)
    return kept


def _joined(ramps: list[_Ramp], longest_blank: float, last_frame: int) -> list[SeenTransition]:
    """Fades out and in become one; a shot that dims and comes back is none."""
    seen: list[SeenTransition] = []
    index = 0
    while index < len(ramps):
        ramp = ramps[index]
        index += 1
        following = ramps[index] if index < len(ramps) else None
        if (
            ramp.dims
            and following is not None
            and following.brightens
            and following.first - ramp.last <= longest_blank
        ):
            index += 1
            if novelty(ramp.before, following.after).whole >= SAME_SHOT_NOVELTY:
                seen.append(_told(ramp, following, BoundaryKind.FADE))
        elif _is_blank(ramp.after):
            if ramp.last < last_frame - longest_blank:  # else it is the film's own end
                seen.append(_told(ramp, ramp, BoundaryKind.FADE))
        elif _is_blank(ramp.before):
            if ramp.first > longest_blank:  # else it is the film's own beginning
                seen.append(_told(ramp, ramp, BoundaryKind.FADE))
        else:
            seen.append(_told(ramp, ramp, BoundaryKind.DISSOLVE))
    return seen


def _told(first: _Ramp, last: _Ramp, kind: BoundaryKind) -> SeenTransition:
    """A transition of one ramp or two; softer than a cut of the same novelty."""
    strength = 0.75 * min(1.0, float(np.sqrt(first.novelty)))
    return SeenTransition(
        first.first, last.last, strength, kind, first.calm_before, last.calm_after
    )


def _is_blank(picture: SmallPicture) -> bool:
    return float(picture.luma.std()) < BLANK_STD


def _light(picture: SmallPicture) -> float:
    return float(picture.luma.mean()) + 1.0
