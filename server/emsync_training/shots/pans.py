"""How a pan is told from a push: by what a seam shows (`emsync_server.spotting.seams`), weighed on
pans over photographs, and on slides from one photograph, or shot of a film, to another.

Only those count of which the shot finder says that an edge moves over the picture. It is fitted on
one half of photographs and films, and measured on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync.picture import BoundaryKind
from emsync_server.media.small_picture import HEIGHT, WIDTH, SmallPicture
from emsync_server.spotting.evidence import Stretch
from emsync_server.spotting.judging import Judge, Sum
from emsync_server.spotting.seams import of_seam
from emsync_server.spotting.shots import ShotFinder
from emsync_training.shots.footage import Pictures, ycc
from emsync_training.shots.joins import slide
from emsync_training.shots.judging import ALWAYS, fit_sum

__all__ = ["SeamFigures", "Seams", "fit_seam", "measure_seam", "seams_of"]

Floats = NDArray[np.float32]

LOST = 0.01
"""Share of the slides that are fitted on that may be taken for pans."""
DECAY = 0.02
RATE = Fraction(24)
REST = 64
"""Frames, at least, before and after what happens."""
LONGEST_REST = 104
PAN_FRAMES, SLIDE_FRAMES = (8, 60), (5, 40)
VIEW = (120, 220)
"""Pixels across of a photograph's, which is 400 or 500 wide."""
GRAIN = 0.4  # 8-bit levels of the small pictures
DRIFT = 0.25  # pixels of the photograph a frame


@dataclass(frozen=True, slots=True)
class Seams:
    """What was measured where an edge was seen. N times."""

    evidence: NDArray[np.float64]
    """(N, M)"""
    is_slide: NDArray[np.bool_]
    """(N,)"""


@dataclass(frozen=True, slots=True)
class SeamFigures:
    """Of pans that were told as wipes, and of slides that were, where it could be measured."""

    pans: int
    pans_left: int
    slides: int
    slides_lost: int


def fit_seam(seams: Seams) -> Sum:
    """Below 0 is a pan; a hundredth of the slides lie there."""
    both = 0 < seams.is_slide.sum() < len(seams.is_slide)
    if not both:
        raise SystemExit("No pan or no slide was told as a wipe: there is nothing to learn from.")
    fitted = fit_sum(seams.evidence, seams.is_slide, DECAY, balanced=True)
    scores = np.array([fitted.of(tuple(row)) for row in seams.evidence[seams.is_slide].tolist()])
    return replace(fitted, bias=fitted.bias - float(np.quantile(scores, LOST)))


def measure_seam(weighs: Sum, seams: Seams) -> SeamFigures:
    """How many of each it tells apart."""
    is_pan = np.array([weighs.of(tuple(row)) < 0 for row in seams.evidence.tolist()])
    pans, slides = ~seams.is_slide, seams.is_slide
    return SeamFigures(int(pans.sum()), int((pans & ~is_pan).sum()), int(slides.sum()),
                       int((slides & is_pan).sum()))  # fmt: skip


def seams_of(
    stills: Sequence[Path], shots: Sequence[Pictures], judge: Judge, *, count: int, seed: int
) -> Seams:
    """`count` pans, as many slides between photographs, and as many between shots."""
    rng = np.random.default_rng(seed)
    evidence: list[list[float]] = []
    is_slide: list[bool] = []
    long = [shot for shot in shots if len(shot) > REST]
    for _ in range(count):
        one, other = (_still(stills[at]) for at in rng.choice(len(stills), 2, replace=False))
        made = [(_pan(one, rng), False), (_slide(_rested_on((one, other), rng), rng), True)]
        if len(long) > 1:
            pair = [long[at][:LONGEST_REST] for at in rng.choice(len(long), 2, replace=False)]
            made.append((_slide([each.astype(np.float32) for each in pair], rng), True))
        for pictures, slides in made:
            found = _where_told(pictures, judge)
            evidence += found
            is_slide += [slides] * len(found)
    return Seams(np.array(evidence, float).reshape(len(is_slide), -1), np.array(is_slide, bool))


def _where_told(pictures: NDArray[np.uint8], judge: Judge) -> list[list[float]]:
    """What is measured of the wipes that are told where none is taken for a pan."""
    finder = ShotFinder(judge=replace(judge, seam=ALWAYS), rate=RATE)
    for picture in pictures:
        finder.see(SmallPicture(picture))
    film = Stretch(pictures, np.empty((0, 0), np.float32))
    told = [each for each in finder.finish() if each.kind is BoundaryKind.WIPE]
    measured = [of_seam(film, each.first, each.last) for each in told]
    return [each for each in measured if each is not None]


def _pan(still: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A camera that rests, goes over to another part, and rests; blurred by it, or not."""
    view = _view(rng)
    room = np.array(still.shape[1::-1]) - view
    is_across = rng.random() < 0.75
    frames = int(rng.integers(*PAN_FRAMES))
    rests = rng.integers(REST, LONGEST_REST, 2)
    way = np.concatenate((np.zeros(rests[0]), _share(frames, rng), np.ones(rests[1])))
    way = (1 - way if rng.random() < 0.5 else way) * rng.uniform(0.6, 1)
    places = rng.random(2)[None] * room * np.ones((len(way), 2))
    places[:, 0 if is_across else 1] = way * room[0 if is_across else 1]
    paces = np.abs(np.gradient(places, axis=0)) / 2 * (rng.random() < 0.5)
    seen = [
        cv2.blur(_seen(still, place, view), tuple(int(max(1.0, each)) for each in pace))
        for place, pace in zip(places, paces, strict=True)
    ]
    return _made_small(np.stack(seen), rng)


def _rested_on(stills: Sequence[Floats], rng: np.random.Generator) -> list[Floats]:
    """A camera that rests, or drifts a little, over each of two photographs."""
    view = _view(rng)
    out = []
    for still in stills:
        room = np.array(still.shape[1::-1]) - view
        drift = rng.normal(0, DRIFT, 2) * (rng.random() < 0.6)
        places = rng.uniform(0.1, 0.9, 2) * room + np.arange(LONGEST_REST)[:, None] * drift
        out.append(np.stack([_seen(still, place, view) for place in places.clip(0, room)]))
    return out


def _slide(shots: Sequence[Floats], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The second of two shots, (N, H, W, 3) each, pushes the first out, or covers it."""
    before, after = shots
    most = min(len(before), len(after)) // 2
    frames = min(most, int(rng.integers(*SLIDE_FRAMES)))
    share = _share(frames, rng).astype(np.float32)
    between = slide(before[-frames:], after[:frames], share, rng)
    return _made_small(np.concatenate((before[:-frames], between, after[frames:])), rng)


def _share(frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Of the way, at each frame; evenly or eased."""
    share = np.arange(1, frames + 1) / (frames + 1)
    return share if rng.random() < 0.5 else share * share * (3 - 2 * share)


def _view(rng: np.random.Generator) -> NDArray[np.int64]:
    across = int(rng.integers(*VIEW))
    return np.array((across, across * 9 // 16))


def _still(path: Path) -> Floats:
    return ycc(np.asarray(cv2.imread(str(path)), np.uint8)).astype(np.float32)


def _seen(still: Floats, place: NDArray[np.float64], view: NDArray[np.int64]) -> Floats:
    """What a view shows whose corner lies at a place."""
    move = np.array([[1, 0, -place[0]], [0, 1, -place[1]]], np.float32)
    size = (int(view[0]), int(view[1]))
    return np.asarray(
        cv2.warpAffine(still, move, size, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _made_small(pictures: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(N, H, W, 3), any size, to (N, 3, HEIGHT, WIDTH), with a little grain."""
    small = np.stack([cv2.resize(each, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
                      for each in pictures])  # fmt: skip
    grainy = (small + rng.normal(0, GRAIN, small.shape)).clip(0, 255)
    return np.ascontiguousarray(np.moveaxis(grainy, -1, 1)).astype(np.uint8)
