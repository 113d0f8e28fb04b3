"""Plain cuts between pictures that hardly move: cards, titles, slides, screens, drawings.

The shot network has learned from films of things that move; where one slide follows another, most
of the picture stays as it is, and it may see nothing. There a plain rule is enough: the pictures
are alike before and alike after, what was drawn is gone at once, and does not come back. What only
joins the picture (a line of a list, a window, a caption) or leaves it takes nothing else away, and
is no cut. Nor is a step of a slow camera over a still (a pan in whole pixels, FFmpeg's zoompan): a
shift and a zoom by less than a pixel of the small pictures explain what has changed.
"""

from __future__ import annotations

from fractions import Fraction
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media.small_picture import HEIGHT, WIDTH

__all__ = ["StepFinder"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

BACK_S = 0.5
"""What comes back within this time was a flash, or something that passed."""
MOST_BACK = 64
"""Frames. The same, for films of very many frames a second."""
ALIKE_S, FEWEST_ALIKE, MOST_ALIKE = 0.12, 3, 8
"""Before and after, this long and so many frames, the pictures are alike."""
LEAST_STEP = 0.5
"""8-bit levels, mean of the whole picture: less is coding."""
FAR_ABOVE = 5.0
"""Times the difference of neighbouring frames before and after."""
ALONE = 2.0
"""Times any difference within BACK_S: drawings that move in leaps leap again and again."""
CHANGED_LEVELS = 4
"""A pixel that differs by more, and by more than twice what it does on either side, has changed."""
CAME_BACK = 0.4
"""The picture has come back when it differs by less than this share of the step."""
DRAWN_LEVELS = 10
"""Where neighbouring pixels differ by more, something is drawn."""
LEAST_DRAWN = 12
"""Pixels. Fewer: nothing is drawn."""
EVEN = 0.1
"""A picture of which less is drawn is even: a card, with a few words on it perhaps."""
MOST_CHANGED = 0.5
"""Share of the picture: all of it is another."""
GONE = 0.5
"""Share of what was drawn before, and of what is drawn after, that has changed."""
LEAST_GONE = 0.02
"""Share of the picture. Less is a number that counts, a pointer, an eye that shuts."""
SAME_SHAPES = 0.6
"""Pictures whose luma goes together so well are one place in other light."""

SAME_DRAWING = 0.8
"""Answer of the phase correlation (1: all of one picture lies elsewhere in the other)."""
LEAST_SHIFT = 0.05
"""Pixels of these small pictures. Slides and cards of one layout stay where they are."""
MOST_MOVE = 1.0
"""Pixels of these small pictures, of a zoom at the upper border. Further, brightness is no straight
line from one to the next."""
EVEN_OUT = 1.2
"""Pixels, standard deviation: finer detail is not where a move would bring it, since only some
rows of the film are looked at."""
MOST_UNEXPLAINED = 0.85
"""Share of what has changed (squares). What a small move leaves over is 0.1 to 0.5 in pans and
mostly less than 0.85 in zooms over photographs; where one picture follows another 0.93 at least."""
LITTLE_MOVE, MOST_OF_LITTLE = 0.4, 0.96
"""Pixels, and the share that a lesser move may leave over: of detail finer than the small pictures
are zooms leave up to 0.93 (grass). Where one picture follows another, and so little a move explains
most of it, that leaves 0.98 at least (84 steps of films and drawings)."""
_DOWN, _ACROSS = np.mgrid[1 : HEIGHT - 1, 1 : WIDTH - 1].astype(np.float32)
DOWN, ACROSS = ((each - each.mean()) / (HEIGHT / 2) for each in (_DOWN, _ACROSS))
"""Of each pixel but those at the border, from the middle, in half heights."""

SQUARE = np.ones((2, 2), np.uint8)


class StepFinder:
    """Fed pictures in batches; keeps those of the last second or so."""

    def __init__(self, rate: Fraction) -> None:
        """`rate`: nominal frames per second."""
        self._back = min(MOST_BACK, max(FEWEST_ALIKE + 1, round(rate * Fraction(BACK_S))))
        self._alike = min(MOST_ALIKE, max(FEWEST_ALIKE, round(float(rate) * ALIKE_S)))
        self._kept = np.empty((0, 3, HEIGHT, WIDTH), np.uint8)
        self._first = 0  # which frame is the first that is kept
        self._judged = 0
        self._found: dict[int, bool] = {}

    def see(self, pictures: Bytes) -> None:
        """The next pictures: (N, 3, H, W)."""
        self._kept = np.concatenate((self._kept, pictures))
        self._judge(self._first + len(self._kept) - self._back)
        unneeded = self._judged - self._back - self._first
        if unneeded > 0:
            self._kept, self._first = self._kept[unneeded:], self._first + unneeded

    def told(self, first: int, end: int) -> list[tuple[int, bool]]:
        """From frame `first` on and before `end`: where one picture that hardly moves follows
        another, and whether it surely is another."""
        self._judge(end)
        return [pair for pair in sorted(self._found.items()) if first <= pair[0] < end]

    def _judge(self, end: int) -> None:
        """Frames up to `end` that have not been judged."""
        if end <= self._judged or len(self._kept) < 2:
            return
        kept = self._kept
        steps = np.zeros(len(kept), np.float32)
        flat = kept.reshape(len(kept), -1)
        for at in range(1, len(kept)):
            steps[at] = cv2.norm(flat[at], flat[at - 1], cv2.NORM_L1) / flat.shape[1]
        first, last = self._judged - self._first, end - self._first
        for at in (np.flatnonzero(steps[first:last] > LEAST_STEP) + first).tolist():
            if self._stands_out(steps, at) and not is_small_move(kept, at, self._alike):
                new = is_new_picture(kept, at, self._alike, self._back)
                self._found[self._first + at] = new
        self._judged = end

    def _stands_out(self, steps: Floats, at: int) -> bool:
        """Whether nothing near changes nearly as much, and nothing else does for a while."""
        before = steps[max(1, at - self._alike + 1) : at]
        after = steps[at + 1 : at + self._alike]
        if len(before) < FEWEST_ALIKE - 1 or len(after) < FEWEST_ALIKE - 1:
            return False
        if steps[at] <= FAR_ABOVE * max(before.max(), after.max()):
            return False
        around = np.concatenate(
            (steps[max(1, at - self._back) : at], steps[at + 1 :][: self._back])
        )
        return bool(steps[at] > ALONE * around.max())


def is_small_move(pictures: Bytes, at: int, alike: int) -> bool:
    """Whether the camera moves or zooms a little at a frame, and nothing else does anything.
    pictures: (N, 3, H, W)

    Least squares over all pixels of the change on the slopes of the picture half-way (Lucas and
    Kanade 1981).
    """
    old, new = _before_and_after(pictures, at, alike)
    half_way = (old + new) / 2
    across = (half_way[:, 1:-1, 2:] - half_way[:, 1:-1, :-2]) / 2
    down = (half_way[:, 2:, 1:-1] - half_way[:, :-2, 1:-1]) / 2
    outwards = ACROSS * across + DOWN * down
    slopes = np.stack([each.ravel() for each in (across, down, outwards)], axis=1)
    changed = (new - old)[:, 1:-1, 1:-1].ravel()
    move = np.linalg.lstsq(slopes, changed, rcond=None)[0]
    unexplained = float(np.square(changed - slopes @ move).sum())
    farthest = max(hypot(*move[:2]), abs(float(move[2])))
    share = MOST_OF_LITTLE if farthest < LITTLE_MOVE else MOST_UNEXPLAINED
    return farthest < MOST_MOVE and unexplained < share * float(np.square(changed).sum())


def _before_and_after(pictures: Bytes, at: int, alike: int) -> list[Floats]:
    """What is shown before a frame and from it on, without its finest detail: (3, H, W) each."""
    sides = (pictures[max(0, at - alike) : at], pictures[at : at + alike])
    means = (np.moveaxis(side.mean(axis=0, dtype=np.float32), 0, -1) for side in sides)
    return [np.moveaxis(cv2.GaussianBlur(mean, (0, 0), EVEN_OUT), -1, 0) for mean in means]


def is_new_picture(pictures: Bytes, at: int, alike: int, back: int) -> bool:
    """Whether the picture becomes another at a frame, and stays so. pictures: (N, 3, H, W)"""
    before, after = pictures[max(0, at - alike) : at], pictures[at : at + alike]
    old, new = (side.mean(axis=0, dtype=np.float32) for side in (before, after))
    if _came_back(pictures[at : at + back], old, new) or _came_back(
        pictures[max(0, at - back) : at], new, old
    ):
        return False
    if _is_moved(old[0], new[0]):
        return False
    unrest = np.maximum(np.ptp(before, axis=0), np.ptp(after, axis=0))
    apart = np.abs(new - old)
    changed = ((apart > CHANGED_LEVELS) & (apart > 2 * unrest)).any(axis=0)
    drawn_before, drawn_after = _drawn(old), _drawn(new)
    few = min(int(drawn_before.sum()), int(drawn_after.sum()))
    if changed.mean() > MOST_CHANGED:
        return few < EVEN * changed.size or _likeness(old[0], new[0]) < SAME_SHAPES
    beside = cv2.dilate(changed.astype(np.uint8), SQUARE) > 0  # an edge lies between two pixels
    return (
        few >= LEAST_DRAWN
        and bool(changed.mean() > LEAST_GONE)
        and bool(beside[drawn_before].mean() > GONE)
        and bool(beside[drawn_after].mean() > GONE)
    )


def _came_back(shown: Bytes, gone: Floats, there: Floats) -> bool:
    """Whether one of the pictures shown is like the one that should be gone."""
    step = float(np.abs(there - gone).mean())
    return any(float(np.abs(each - gone).mean()) < CAME_BACK * step for each in shown)


def _is_moved(old: Floats, new: Floats) -> bool:
    """Whether the camera moved a step: a slow pan in whole pixels stands still in between."""
    (across, down), answer = cv2.phaseCorrelate(old, new)
    return answer > SAME_DRAWING and hypot(across, down) > LEAST_SHIFT


def _drawn(picture: Floats) -> Mask:
    """Where something is drawn: (H, W)."""
    edges = [cv2.morphologyEx(plane, cv2.MORPH_GRADIENT, SQUARE) for plane in picture]
    return np.asarray(np.max(edges, axis=0) > DRAWN_LEVELS)


def _likeness(one: Floats, other: Floats) -> float:
    """-1 to 1: how the lumas go together."""
    one, other = one - one.mean(), other - other.mean()
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / lengths if lengths else 0.0
