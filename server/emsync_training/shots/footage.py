"""Real shots to make montages of, held small: (N, 72, 128, 3), luma and colour differences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media import open_film

WIDTH, HEIGHT = 128, 72
SHORTEST_FRAMES = 12
LONGEST_FRAMES = 900
STILL = "still "
"""How the names of stills begin, among those of films."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Footage:
    """Shots by the film they come from."""

    shots: dict[str, list[Pictures]]
    """Stills are shots of one picture: a camera is moved over them."""

    def of(self, films: Sequence[str] | None = None) -> list[tuple[str, Pictures]]:
        """(film, shot) of some films and the stills, or of all."""
        return [
            (film, shot)
            for film, shots in self.shots.items()
            if not films or film in films or film.startswith(STILL)
            for shot in shots
        ]


def read_footage(clips: Path, stills: Path | None, cache: Path) -> Footage:
    """All shots of a folder of films with `truth.json`, which lists the cuts of some; the others
    are single shots. Decoded once, then read from the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    told = json.loads((clips / "truth.json").read_text(encoding="utf-8"))["clips"]
    shots: dict[str, list[Pictures]] = {}
    for film in sorted(path for path in clips.iterdir() if path.suffix != ".json"):
        kept = cache / f"{film.name}.npy"
        if not kept.exists():
            np.save(kept, _read_film(film))
        pictures = np.load(kept, mmap_mode="r")
        ranges = (
            _ranges(told[film.name], len(pictures)) if film.name in told else [(0, len(pictures))]
        )
        shots[film.name] = [
            pictures[first : min(last, first + LONGEST_FRAMES)]
            for first, last in ranges
            if last - first >= SHORTEST_FRAMES
        ]
    for image in sorted(stills.iterdir()) if stills else []:
        if (bgr := cv2.imread(str(image))) is not None:
            shots[f"{STILL}{image.name}"] = [_from_bgr(np.asarray(bgr, np.uint8))[None]]
    return Footage(shots)


def _read_film(film: Path) -> Pictures:
    with open_film(film) as opened:
        return np.stack([_small(frame.picture) for frame in opened.frames()])


def _small(picture: av.VideoFrame) -> Pictures:
    bgr = picture.to_ndarray(format="bgr24", width=WIDTH, height=HEIGHT, interpolation="AREA")
    return ycc(np.asarray(bgr, np.uint8))


def _from_bgr(bgr: NDArray[np.uint8]) -> Pictures:
    """A still at twice the size of a frame, cropped to its shape."""
    height, width = bgr.shape[:2]
    keep = min(height, width * HEIGHT // WIDTH)
    top = (height - keep) // 2
    wide = min(width, keep * WIDTH // HEIGHT)
    left = (width - wide) // 2
    inside = bgr[top : top + keep, left : left + wide]
    small = cv2.resize(inside, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_AREA)
    return ycc(np.asarray(small, np.uint8))


def ycc(bgr: NDArray[np.uint8]) -> Pictures:
    """Luma, blue and red difference."""
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YCrCb)[..., [0, 2, 1]], np.uint8)


def _ranges(told: dict[str, Any], frames: int) -> list[tuple[int, int]]:
    """The stretches between cuts, gradual changes and what the annotator left open."""
    stops: list[tuple[int, int]] = [(0, 0), (frames, frames)]
    stops += [(cut, cut) for cut in told["cuts"]]
    stops += [(first, last + 1) for first, last, *_ in (*told["gradual"], *told["ignore"])]
    stops.sort()
    return [(end, start) for (_, end), (start, _) in pairwise(stops)]
