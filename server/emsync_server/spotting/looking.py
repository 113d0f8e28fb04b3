"""One pass over a film's picture: every frame is decoded once, made small once, and shown to all
who look."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass

import av

from emsync.picture import Boundary, BoundaryKind
from emsync.timecode import RationalTime
from emsync_server.media import Film, Shrinker
from emsync_server.progress import Progress
from emsync_server.spotting.appearance import Appearance, AppearanceSampler
from emsync_server.spotting.cuts import CutFinder, SeenCut
from emsync_server.spotting.transitions import SeenTransition, TransitionFinder

__all__ = ["Seen", "look_at_film"]

FRAMES_PER_REPORT = 24
EDGE = 3
"""Frames. Nearer to a cut, a transition may be the new shot's own motion."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one pass over the picture gave."""

    boundaries: tuple[Boundary, ...]
    appearance: Appearance
    end: RationalTime


def look_at_film(
    film: Film, progress: Progress, *, watch: Callable[[av.VideoFrame, float], None] | None = None
) -> Seen:
    """Read a film through. Memory: a few seconds of small pictures, and 8 bytes a frame for its
    time. `watch` is shown every frame and its time in seconds, too."""
    rate = film.probe.rate
    cuts, transitions, appearance = CutFinder(rate), TransitionFinder(rate), AppearanceSampler(rate)
    shrinker: Shrinker | None = None
    ticks = array("q")
    tick_s = float(film.tick_s)
    stated_s = float(film.probe.stated_duration_s or 0)
    for frame in film.frames():
        shrinker = shrinker or Shrinker(frame.picture.width, frame.picture.height)
        small = shrinker.shrink(frame.picture)
        time_s = frame.tick * tick_s
        if len(ticks) % FRAMES_PER_REPORT == 0:
            progress.report(time_s / stated_s if stated_s else 0.5, "looking at the picture")
        ticks.append(frame.tick)
        cuts.see(small)
        transitions.see(small)
        appearance.see(small, time_s)
        if watch is not None:
            watch(frame.picture, time_s)
    cuts.finish()
    boundaries = _boundaries(film, ticks, cuts.cuts, transitions.finish())
    starts_s = [float(each.time.seconds) for each in boundaries]
    return Seen(boundaries, appearance.finish(starts_s), film.duration)


def _boundaries(
    film: Film,
    ticks: array[int],
    cuts: list[SeenCut],
    transitions: tuple[SeenTransition, ...],
) -> tuple[Boundary, ...]:
    """Cuts and transitions as times, in order."""
    indices = [cut.index for cut in cuts]
    found = {cut.index: (BoundaryKind.CUT, cut.strength) for cut in cuts}
    for each in transitions:
        if _stands_beside(each, indices):
            found.setdefault(min(each.middle, len(ticks) - 1), (each.kind, each.strength))
    return tuple(Boundary(film.clock.time(ticks[index]), *found[index]) for index in sorted(found))


def _stands_beside(transition: SeenTransition, cuts: list[int]) -> bool:
    """Whether a transition is one beside these cuts: none inside it, and none at its edge that
    explains it."""
    first, last = transition.first, transition.last
    near = [cut for cut in cuts if first - EDGE < cut <= last + EDGE]
    if any(first < cut <= last + 1 for cut in near):
        return False
    after_cut, before_cut = any(cut <= first for cut in near), any(cut > last for cut in near)
    return (transition.calm_after or not after_cut) and (transition.calm_before or not before_cut)
