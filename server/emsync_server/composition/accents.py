"""Where the music must land, and where it holds its breath so that a landing reads as one."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

from emsync_server.composition.force import Force, forces_of
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.request import BarRequest, CueRequest

HUSH_BEFORE_S, HUSH_AFTER_S = 0.15, 0.15  # no strong onset shortly before and after a landing
STILL_S = 0.105
"""No onset at all so shortly before and after: a landing that has room is one (and the check of the
sound looks this far for the strongest attack).
"""
RUN_S = 0.25
"""Landings closer than this are a run: struck and short, each damped before the next."""
SOFT_APART_S = 1.0
"""A hit that is not locked is heard only so far from a landing."""
OFF_DOWNBEAT_S = 0.2
"""It lies on another beat only where a downbeat is farther by more than this."""
CHORD_NOTES = 3
"""Distinct pitches that make an accent (DESIGN §9)."""


@dataclass(frozen=True, slots=True)
class Landing:
    """A step at which an accented chord must begin."""

    step: int
    time_s: float
    hush_from: int
    """The first step of the hush before it."""
    still_from: int
    """The first step of the stillness right before it."""
    still_to: int
    """The first step after the stillness that follows it."""
    hush_to: int
    """The first step after the hush that follows it."""
    is_final: bool
    """Whether the piece closes here."""
    run_from: int | None
    """The landing before it, where that lies closer than RUN_S."""
    run_to: int | None
    """The landing after it, where that lies closer than RUN_S."""
    force: Force
    """How hard it is struck."""

    @property
    def in_run(self) -> bool:
        """Whether it belongs to a run of landings."""
        return (self.run_from, self.run_to) != (None, None)


class AccentPlan:
    """All landings of a cue, in order."""

    def __init__(self, request: CueRequest) -> None:
        steps = sorted({*request.landings, request.final_step})
        forces = forces_of(request)
        self._landings = [
            _landing(request, step, (before, after), forces[step])
            for before, step, after in zip(
                [None, *steps[:-1]], steps, [*steps[1:], None], strict=True
            )
        ]
        self._steps = steps
        self._soft = _soft_steps(request, [one.time_s for one in self._landings])
        self._by_step = dict(zip(steps, self._landings, strict=True))

    def after(self, step: int) -> Landing | None:
        """The first landing at or after a step."""
        index = bisect_left(self._steps, step)
        return self._landings[index] if index < len(self._landings) else None

    def before(self, step: int) -> Landing | None:
        """The last landing before a step."""
        index = bisect_left(self._steps, step)
        return self._landings[index - 1] if index else None

    def at(self, step: int) -> Landing | None:
        """The landing exactly here."""
        return self._by_step.get(step)

    @property
    def soft(self) -> tuple[int, ...]:
        """Steps of the beats nearest to the hits that are not locked, in order."""
        return self._soft

    def soft_after(self, step: int) -> int | None:
        """The first of them at or after a step."""
        index = bisect_left(self._soft, step)
        return self._soft[index] if index < len(self._soft) else None

    def number(self, step: int) -> int:
        """How many landings lie before a step."""
        return bisect_left(self._steps, step)

    def within(self, start: int, end: int) -> list[Landing]:
        """Landings whose hush touches the steps from `start` to before `end`."""
        first = max(bisect_left(self._steps, start) - 1, 0)
        found: list[Landing] = []
        for landing in self._landings[first:]:
            if landing.hush_from >= end:
                break
            if landing.hush_to > start:
                found.append(landing)
        return found

    def hushed(self, step: int) -> bool:
        """Whether a step lies in a landing's hush, and is no landing itself."""
        if self.at(step):
            return False
        return any(one.hush_from <= step < one.hush_to for one in self.within(step, step + 1))


def _soft_steps(request: CueRequest, landed_s: list[float]) -> tuple[int, ...]:
    """The music leans to hits that are not locked where no landing lies near."""
    steps: set[int] = set()
    for hit_s in request.hits_s:
        if hit_s <= 0 or any(abs(hit_s - time_s) < SOFT_APART_S for time_s in landed_s):
            continue
        index = request.bar_index_at(math.floor(request.step_at(hit_s)))
        bar = request.bars[index]
        beats = range(bar.start_step, bar.end_step + 1, STEPS_PER_QUARTER)

        def distance_s(step: int, hit_s: float = hit_s, bar: BarRequest = bar) -> float:
            off = OFF_DOWNBEAT_S * (step not in (bar.start_step, bar.end_step))
            return abs(request.seconds_at(step) - hit_s) + off

        nearest = min(beats, key=distance_s)
        if 0 < nearest < request.final_step:
            steps.add(nearest)
    return tuple(sorted(steps))


def _landing(
    request: CueRequest, step: int, neighbours: tuple[int | None, int | None], force: Force
) -> Landing:
    time_s = request.seconds_at(step)
    before = request.step_at(max(time_s - HUSH_BEFORE_S, 0.0))
    after = request.step_at(time_s + HUSH_AFTER_S)
    still = request.step_at(max(time_s - STILL_S, 0.0))
    still_after = request.step_at(time_s + STILL_S)
    near = [
        other if other is not None and abs(request.seconds_at(other) - time_s) < RUN_S else None
        for other in neighbours
    ]
    return Landing(
        step,
        time_s,
        hush_from=max(min(math.ceil(before), step - 1), 0),
        still_from=max(min(math.ceil(still), step - 1), 0),  # a note has a step at least
        still_to=math.floor(still_after) + 1,
        hush_to=math.floor(after) + 1,
        is_final=step == request.final_step,
        run_from=near[0],
        run_to=near[1],
        force=force,
    )
