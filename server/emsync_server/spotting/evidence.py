"""What can be measured of a change that the shot network proposes, whatever it has learned from.

A dissolve mixes its two ends in equal measure all over the picture, a fade passes through an even
picture, a wipe takes each place once from one end to the other. What moves does none of that: a car
that drives through leaves other traces in each block. Measured on the few frames in question only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media.small_picture import HEIGHT, WIDTH
from emsync_server.spotting.changes import CUT, FIRST_KIND, INSIDE, MIDDLE
from emsync_server.spotting.novelty import Novelty, novelties

__all__ = ["CUT_EVIDENCE", "GRADUAL_EVIDENCE", "Stretch", "of_cut", "of_gradual"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

CUT_EVIDENCE = (
    "answer", "newness", "spread", "shape_jump", "look_jump", "newness_later", "stood_still",
    "comes_back",
)  # fmt: skip
GRADUAL_EVIDENCE = (
    "answer", "mean_answer", "middle_answer", "length", "dissolve", "fade", "wipe", "cut_answer",
    "newness", "spread", "newness_before", "newness_after", "distance", "lighter", "evenness",
    "contrast_kept", "displaced", "unmixed", "backward", "apart", "one_plane", "mixed_range",
    "beyond", "unlike_both", "unlike_each", "times_apart",
)  # fmt: skip
"""What `of_cut` and `of_gradual` measure, in order."""

LEAST_ANSWER, MOST_ANSWER = -6.0, 4.0
"""Logits. A network that is surer than this may only be sure of what it has seen before."""
FLASHES = 3
"""A whip pan, or light that flickers, lasts as long as so many flashes."""
ASIDE = 2
"""Frames: so far before and after a gradual change its two ends are looked at."""
MOST_BEFORE = 24
"""Frames. How new the picture becomes without a change is measured over no longer a time."""
MOST_LOOKED_AT = 12
"""Frames of a change."""
BLOCK = 4
DOWN, ACROSS = HEIGHT // BLOCK, WIDTH // BLOCK
_ROWS, _COLUMNS = (
    (place - (place.max() / 2)) / (place.max() / 2)
    for place in (each.ravel().astype(np.float32) for each in np.mgrid[0:DOWN, 0:ACROSS])
)
PLACES = np.stack([np.ones_like(_ROWS), _COLUMNS, _ROWS, _ROWS**2 + _COLUMNS**2], axis=1)
"""(B, 4): straight edges and circles move over the blocks in the order of these."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some frames of a film: pictures and what the network says of them."""

    pictures: Bytes
    """(M, 3, H, W); at least the N answered ones."""
    answers: Floats
    """(N, 6) logits."""

    def at(self, frame: int) -> Bytes:
        """A picture; before and after these ones nothing moves."""
        return np.asarray(self.pictures[min(max(frame, 0), len(self.pictures) - 1)])

    def novelties(self, *pairs: tuple[int, int]) -> list[Novelty]:
        """How much of the second frame of each pair is not in the first."""
        before, after = (
            np.stack([self.at(frame) for frame in side]) for side in zip(*pairs, strict=True)
        )
        return novelties(before, after)


def of_cut(film: Stretch, frame: int, flash_frames: int, *, stood_still: bool) -> list[float]:
    """Of a cut to this frame. `flash_frames`: the longest flash; `stood_still`: both pictures
    do."""
    far = (frame - 3, frame + flash_frames + 2)
    jump, before, after, later, sooner = film.novelties(
        (frame - 1, frame), (frame - 2, frame - 1), (frame, frame + 1), far, far[::-1]
    )
    said = film.answers[max(0, frame - 1) : frame + 2, CUT].max()
    return [
        float(np.clip(said, LEAST_ANSWER, MOST_ANSWER)),
        jump.look,
        jump.spread,
        jump.shape - max(before.shape, after.shape),
        jump.look - max(before.look, after.look),
        min(later.look, sooner.look),
        float(stood_still),
        _comes_back(film, frame, FLASHES * flash_frames),
    ]


def _comes_back(film: Stretch, frame: int, reach: int) -> float:
    """How near the picture soon comes to what it was before a cut, or was a moment before it to
    what it is after; in shares of the cut's own difference."""
    before, after = film.at(frame - 1), film.at(frame)
    jump = cv2.norm(before, after, cv2.NORM_L1) + 1.0
    returns = [
        cv2.norm(one, film.at(other), cv2.NORM_L1)
        for step in range(1, reach + 1)
        for one, other in ((before, frame + step), (after, frame - 1 - step))
        if 0 <= other < len(film.pictures)
    ]
    return float(min(1.0, min(returns, default=jump) / jump))


def of_gradual(film: Stretch, first: int, last: int) -> list[float]:
    """Of a gradual change that these frames show, both inclusive."""
    said = film.answers[first : last + 1]
    near_cut = film.answers[max(0, first - 1) : last + 2, CUT].max()
    count = last - first + 1
    start, end = first - ASIDE, last + ASIDE
    beside = min(count + 3, MOST_BEFORE)
    middle, step = (first + last) // 2, max(1, count // 6)
    ends, earlier, later = (start, end), (start - beside, start), (end, end + beside)
    seen = film.novelties(
        *(ends, ends[::-1], earlier, earlier[::-1], later, later[::-1]),
        (middle - step, middle + step),
    )
    # Each seen from the other, too: dimmed pictures hide much.
    newness, newness_before, newness_after = (
        min(seen[at].look, seen[at + 1].look) for at in (0, 2, 4)
    )
    return [
        float(said[:, INSIDE].max()),
        float(said[:, INSIDE].mean()),
        float(said[:, MIDDLE].max()),
        float(np.log(count)),
        *(float(kind) for kind in said[:, FIRST_KIND:].mean(axis=0)),
        float(near_cut),
        newness,
        min(seen[0].spread, seen[1].spread),
        newness_before,
        newness_after,
        *_of_ends(film, first, last),
        _of_middle(film.at(middle - step), film.at(middle + step), seen[6].shape),
        *_of_mixture(film, first, last),
    ]


def _of_ends(film: Stretch, first: int, last: int) -> list[float]:
    """How far apart the ends lie, and how even the picture becomes between them."""
    start, end = film.at(first - ASIDE).astype(np.float32), film.at(last + ASIDE).astype(np.float32)
    distance = float(np.sqrt(((end - start) ** 2).mean()))
    between = np.stack([film.at(frame)[0] for frame in _looked_at(first, last)])
    contrasts = between.astype(np.float32).std(axis=(1, 2))
    least = min(float(start[0].std()), float(end[0].std())) + 1
    return [
        distance,
        abs(float(start[0].mean()) - float(end[0].mean())),
        min(2.0, float(contrasts.min()) / (least + 1)),
        min(2.0, float(np.median(contrasts)) / (least + 1)),
    ]


def _of_middle(before: Bytes, after: Bytes, shape: float) -> float:
    """How new the shapes are between two pictures near the middle of a change, for how different
    they are."""
    return min(5.0, shape / (float(cv2.absdiff(before, after).mean()) / 20 + 0.05))


def _of_mixture(film: Stretch, first: int, last: int) -> list[float]:
    """How well mixtures of the frames just before and after explain those between, block by block
    and as a whole. T frames, B blocks of P pixels."""
    shown = np.stack([film.at(frame) for frame in (first - 1, *_looked_at(first, last), last + 1)])
    blocks = _blocks(shown)  # (T + 2, B, P)
    start, end, between = blocks[0], blocks[-1], blocks[1:-1]
    way = end - start
    lengths = (way * way).sum(axis=1) + 16
    weights = lengths / lengths.sum()  # (B,)
    along = ((between - start) * way).sum(axis=2) / lengths  # (T, B)
    share = along.clip(0, 1)
    left = ((between - start - share[..., None] * way) ** 2).sum(axis=2)  # (T, B)
    ends = np.zeros((1, len(weights)), np.float32)
    backward = np.clip(-np.diff(np.concatenate((ends, share, ends + 1)), axis=0), 0, None)
    whole = (weights * share).sum(axis=1)
    apart = np.sqrt((weights * (share - whole[:, None]) ** 2).sum(axis=1))
    beyond = np.clip(np.maximum(-along, along - 1), 0, 2)
    order, plane = _of_order(share.mean(axis=0), weights)
    return [
        float(np.sqrt(np.median(left.sum(axis=1)) / lengths.sum())),
        float((weights * backward.sum(axis=0)).sum()),
        float(apart.mean()),
        plane,
        float(np.ptp(whole)),
        float((weights * beyond).sum(axis=1).mean()),
        *_of_regression(blocks[:, :, : BLOCK * BLOCK].mean(axis=2)),
        order,
    ]


def _of_order(times: Floats, weights: Floats) -> tuple[float, float]:
    """How different the times are at which the blocks change, and how much of that a moving edge or
    circle explains. times, weights: (B,)"""
    spread = float((weights * (times - (weights * times).sum()) ** 2).sum())
    root = np.sqrt(weights)
    fit, *_ = np.linalg.lstsq(PLACES * root[:, None], times * root, rcond=None)
    off = times - PLACES @ fit
    return float(np.sqrt(spread)), 1 - float((weights * off * off).sum()) / (spread + 1e-3)


def _of_regression(lumas: Floats) -> tuple[float, float]:
    """What no sum of the two ends and an even picture explains, and what none of one end does; in
    shares of contrast. lumas: (T + 2, B), the ends first and last."""
    centred = lumas - lumas.mean(axis=1, keepdims=True)
    start, end, between = centred[0], centred[-1], centred[1:-1]
    contrast = (between * between).sum(axis=1) + 60
    both = np.stack([start, end], axis=1)
    fit = np.linalg.solve(both.T @ both + 30 * np.eye(2), both.T @ between.T)  # (2, T)
    unlike_both = ((between.T - both @ fit) ** 2).sum(axis=0) / contrast
    unlike_each = np.minimum(
        *(
            ((between - np.outer(between @ one / (one @ one + 30), one)) ** 2).sum(axis=1)
            for one in (start, end)
        )
    )
    return (
        float(np.sqrt(unlike_both.mean())),
        float(np.sqrt((unlike_each / contrast).mean())),
    )


def _looked_at(first: int, last: int) -> list[int]:
    """Frames evenly over a change."""
    count = min(last - first + 1, MOST_LOOKED_AT)
    return sorted({round(float(frame)) for frame in np.linspace(first, last, count)})


def _blocks(pictures: Bytes) -> Floats:
    """(N, 3, H, W) · returns (N, B, 3 · BLOCK²), luma first"""
    shape = (len(pictures), 3, DOWN, BLOCK, ACROSS, BLOCK)
    turned = pictures.reshape(shape).transpose(0, 2, 4, 1, 3, 5)
    return turned.reshape(len(pictures), DOWN * ACROSS, -1).astype(np.float32)
