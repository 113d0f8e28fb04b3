"""One pass over a film's picture: every frame is decoded once, made small once, and shown to all
who look."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np
from numpy.typing import NDArray

from emsync.picture import Boundary, BoundaryKind
from emsync.timecode import RationalTime
from emsync_server.media import Film, Shrinker, SmallPicture, shrink
from emsync_server.progress import Progress
from emsync_server.spotting.appearance import Appearance, AppearanceSampler
from emsync_server.spotting.changes import SeenChange
from emsync_server.spotting.drafts import drafted_cuts

__all__ = ["ChangeFinder", "Seen", "draft_film", "look_at_film"]

FRAMES_PER_REPORT = 24
HELD_FRAMES, HELD_PIXELS = 8, 2_000_000
"""Frames that are handed on together, or one that is as large as all of them."""
MOST_WAITING_PIXELS = 24_000_000
"""In frames that wait, 36 MB or more: the shot finder works in bursts. Larger ones do not wait."""
GRADUAL_STRENGTH = 0.75
"""A gradual change is softer than a cut as sure as it."""
DRAFT_STRENGTH = 0.5
"""Nobody has looked."""


class ChangeFinder(Protocol):
    """Finds where the picture changes: emsync's own, or one of PySceneDetect's detectors."""

    def look(self, frame: av.VideoFrame) -> None:
        """The next frame, as decoded."""

    def see(self, small: SmallPicture) -> None:
        """The next frame, small; some frames after it was looked at."""

    def finish(self) -> Sequence[SeenChange]:
        """No more frames: all changes, in order."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one pass over the picture gave."""

    boundaries: tuple[Boundary, ...]
    appearance: Appearance
    end: RationalTime


def look_at_film(
    film: Film,
    finder: ChangeFinder,
    progress: Progress,
    *,
    watch: Callable[[av.VideoFrame, float], None] | None = None,
) -> Seen:
    """Read a film through. Memory: a few seconds of small pictures, and some bytes a frame. `watch`
    is shown every frame and its time in seconds, too."""
    appearance = AppearanceSampler(film.probe.rate)
    ticks = array("q")
    tick_s = float(film.tick_s)
    stated_s = float(film.probe.stated_duration_s or 0)
    shrinker, seen = Shrinker(), 0

    def see(pictures: list[SmallPicture]) -> None:
        nonlocal seen
        for small in pictures:
            finder.see(small)
            appearance.see(small, ticks[seen] * tick_s)
            seen += 1

    def look(frames: list[av.VideoFrame]) -> None:
        for frame in frames:
            finder.look(frame)
            see(shrinker.add(frame))

    # Pictures are made small, and looked at, on another core, while the next ones are decoded.
    with ThreadPoolExecutor(1, "finding-changes") as worker:
        held: list[av.VideoFrame] = []
        waiting: deque[tuple[Future[None], int]] = deque()
        waiting_pixels = 0
        for frame in film.frames():
            time_s = frame.tick * tick_s
            if len(ticks) % FRAMES_PER_REPORT == 0:
                progress.report(time_s / stated_s if stated_s else 0.5, "looking at the picture")
            ticks.append(frame.tick)
            if watch is not None:
                watch(frame.picture, time_s)  # first: two threads must not convert one frame
            held.append(frame.picture)
            pixels = frame.picture.width * frame.picture.height
            if len(held) >= min(HELD_FRAMES, HELD_PIXELS / pixels):
                waiting.append((worker.submit(look, held), len(held) * pixels))
                waiting_pixels += len(held) * pixels
                held = []
                while waiting_pixels > MOST_WAITING_PIXELS:
                    done, its_pixels = waiting.popleft()
                    done.result()
                    waiting_pixels -= its_pixels
        last = [worker.submit(look, held), worker.submit(lambda: see(shrinker.finish()))]
        for each in (*(future for future, _ in waiting), *last):
            each.result()
    boundaries = tuple(
        Boundary(film.clock.time(ticks[change.frame]), change.kind, _strength(change))
        for change in finder.finish()
    )
    starts_s = [float(each.time.seconds) for each in boundaries]
    return Seen(boundaries, appearance.finish(starts_s), film.duration)


def draft_film(film: Film, progress: Progress) -> Seen:
    """Look at the keyframes of a film that was opened as a draft, and at the sizes of its
    packets."""
    appearance = AppearanceSampler(film.probe.rate, apart=True)
    keyframes: dict[int, NDArray[np.uint8]] = {}
    tick_s = float(film.tick_s)
    stated_s = float(film.probe.stated_duration_s or 0)
    for frame in film.frames():
        time_s = frame.tick * tick_s
        progress.report(time_s / stated_s if stated_s else 0.5, "looking at the keyframes")
        small = shrink(frame.picture)
        appearance.see(small, time_s)
        keyframes[frame.tick] = small.luma
    ticks = drafted_cuts(film.packets, film.first_pts, keyframes)
    times = [film.clock.time(tick) for tick in ticks]
    end = film.duration  # packets behind a clock that starts anew seem to come later
    boundaries = tuple(
        Boundary(time, BoundaryKind.CUT, DRAFT_STRENGTH) for time in times if time < end
    )
    return Seen(boundaries, appearance.finish([]), end)


def _strength(change: SeenChange) -> float:
    share = 1.0 if change.kind is BoundaryKind.CUT else GRADUAL_STRENGTH
    return min(1.0, share * change.probability)
