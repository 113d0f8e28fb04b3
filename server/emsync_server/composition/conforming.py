"""A take laid over a picture that was edited since: bars over unchanged picture keep every note.

What lies between them is planned anew, so that its hits fall on the grid and the bars behind it
begin where their picture now is; `rewrite_bars` then writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from emsync.cue import Cue, Hit
from emsync.score import Bar, Meter, Score, TempoAnchor, TempoMap
from emsync.timecode import RationalTime
from emsync_server.composition.requesting import asked_tempo
from emsync_server.composition.time_plan import (
    LEAST_SEPARATION_S,
    PlannedHit,
    TimePlanSettings,
    plan_time,
)

__all__ = ["Conformed", "KeptPicture", "conform"]

LEAST_WINDOW_S = Fraction(2)
"""What is written anew is at least so long: two bars of a fast piece."""


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A stretch of unchanged picture, in seconds from the start of the cue, then and now."""

    old_start_s: Fraction
    new_start_s: Fraction
    length_s: Fraction


@dataclass(frozen=True, slots=True)
class Conformed:
    """A take over the new picture, with nothing written where the picture changed."""

    cue: Cue
    """Its hits are those of the kept bars as they were, and the new ones between them."""
    score: Score
    windows: tuple[tuple[int, int], ...]
    """Bars to write, counted from 1; the second of each pair is not included."""
    kept_bars: int


@dataclass(frozen=True, slots=True)
class _Run:
    """Whole bars of the old take that are kept."""

    bars: tuple[Bar, ...]
    times_s: tuple[Fraction, ...]
    """When each bar begins in the old take, and when the last one ends."""
    shift_s: Fraction
    """By how much later they play now."""

    @property
    def old_s(self) -> Fraction:
        """When they began."""
        return self.times_s[0]

    @property
    def new_s(self) -> Fraction:
        """When they begin now."""
        return self.times_s[0] + self.shift_s

    @property
    def length_s(self) -> Fraction:
        """How long they last."""
        return self.times_s[-1] - self.times_s[0]

    def shortened(self, *, at_head: bool) -> list[_Run]:
        """Without its first or last bar; nothing where that was all."""
        if len(self.bars) == 1:
            return []
        cut = slice(1, None) if at_head else slice(None, -1)
        return [_Run(self.bars[cut], self.times_s[cut], self.shift_s)]


def conform(
    score: Score, old: Cue, new: Cue, kept: Sequence[KeptPicture], seed: int
) -> Conformed | None:
    """The take's score over the cue's new picture; None where no bar can be kept.

    old: the cue that the score was composed for; new: the same cue as it was spotted now.
    """
    runs = _with_room(_runs(score.tempo_map, kept), new.range.duration.seconds)
    if not runs:
        return None
    hits = _hits(old, new, runs)
    cue = replace(new, hits=hits)
    laid = _Laid(score, cue, seed)
    for run in runs:
        laid.plan_until(run.new_s)
        laid.keep(run)
    laid.plan_until(new.range.duration.seconds)
    return laid.finish()


class _Laid:
    """Grows from the cue's start: kept bars as they were, and windows between them."""

    def __init__(self, score: Score, cue: Cue, seed: int) -> None:
        self._score = score
        self._cue = cue
        self._asked = asked_tempo(cue, np.random.default_rng([seed, 0]))
        self._anchors = [TempoAnchor(Fraction(0), Fraction(0))]
        self._meters: list[Meter] = []
        self._shifts: list[tuple[_Run, Fraction]] = []
        self._windows: list[tuple[Fraction, Fraction]] = []

    def plan_until(self, end_s: Fraction) -> None:
        """Plan bars for the window from here to `end_s`."""
        here = self._anchors[-1]
        if end_s <= here.time_s:
            return
        start_s = self._cue.range.start.seconds
        inside = [
            PlannedHit(at, hit.weight)
            for hit in self._cue.hits
            if hit.locked and here.time_s <= (at := hit.time.seconds - start_s) < end_s
        ]
        hits = [PlannedHit(hit.time_s - here.time_s, hit.weight) for hit in inside]
        brief = self._cue.brief
        settings = TimePlanSettings(
            tempo_bpm=brief.tempo_bpm or TimePlanSettings().tempo_bpm,
            max_rubato=brief.max_rubato,
        )
        plan = plan_time(end_s - here.time_s, hits, _later(self._asked, here.time_s), settings)
        self._append(plan.tempo_map.anchors, plan.tempo_map.meters, (Fraction(0), Fraction(0)))
        self._windows.append((here.time_q, self._anchors[-1].time_q))

    def keep(self, run: _Run) -> None:
        """Go on with bars of the old take."""
        old = self._score.tempo_map
        first_q = run.bars[0].start_q
        last_q = run.bars[-1].start_q + run.bars[-1].length_q
        inside = [anchor for anchor in old.anchors if first_q < anchor.time_q < last_q]
        edges = [TempoAnchor(each, old.seconds_at(each)) for each in (first_q, last_q)]
        meters = []
        for bar in run.bars:
            meter = next(m for m in reversed(old.meters) if m.start_q <= bar.start_q)
            meters.append(Meter(bar.start_q, meter.numerator, meter.denominator))
        self._shifts.append((run, self._anchors[-1].time_q - first_q))
        self._append([edges[0], *inside, edges[1]], meters, (first_q, run.old_s))

    def finish(self) -> Conformed:
        """The whole, with the notes of the kept bars."""
        tempo_map = TempoMap(tuple(self._anchors), _without_repeats(self._meters))
        parts = []
        for part in self._score.parts:
            notes = [
                replace(note, start_q=note.start_q + shift)
                for run, shift in self._shifts
                for note in part.notes
                if _lies_in(note.start_q, run)
            ]
            controls = [
                replace(change, time_q=change.time_q + shift)
                for run, shift in self._shifts
                for change in part.controls
                if _lies_in(change.time_q, run)
            ]
            if notes:
                parts.append(replace(part, notes=tuple(notes), controls=tuple(controls)))
        bars = tempo_map.bars()
        windows = []
        for begin_q, end_q in self._windows:
            inside = [bar.index for bar in bars if begin_q <= bar.start_q < end_q]
            windows.append((inside[0] + 1, inside[-1] + 2))
        kept = sum(len(run.bars) for run, _ in self._shifts)
        return Conformed(self._cue, Score(tuple(parts), tempo_map), tuple(windows), kept)

    def _append(
        self,
        anchors: Sequence[TempoAnchor],
        meters: Sequence[Meter],
        zero: tuple[Fraction, Fraction],
    ) -> None:
        here = self._anchors[-1]
        for anchor in anchors[1:]:
            time_q = here.time_q + anchor.time_q - zero[0]
            self._anchors.append(TempoAnchor(time_q, here.time_s + anchor.time_s - zero[1]))
        for meter in meters:
            self._meters.append(replace(meter, start_q=here.time_q + meter.start_q - zero[0]))


def _runs(tempo_map: TempoMap, kept: Sequence[KeptPicture]) -> list[_Run]:
    """The whole bars inside each stretch of unchanged picture."""
    runs = []
    bars = tempo_map.bars()
    for span in kept:
        end_s = span.old_start_s + span.length_s
        inside = tuple(
            bar
            for bar in bars
            if span.old_start_s <= tempo_map.seconds_at(bar.start_q)
            and tempo_map.seconds_at(bar.start_q + bar.length_q) <= end_s
        )
        if inside:
            starts = [bar.start_q for bar in inside] + [inside[-1].start_q + inside[-1].length_q]
            times = tuple(tempo_map.seconds_at(each) for each in starts)
            runs.append(_Run(inside, times, span.new_start_s - span.old_start_s))
    return runs


def _with_room(runs: list[_Run], length_s: Fraction) -> list[_Run]:
    """Runs with nothing between them, or room for a bar at least; bars give way to make it."""
    runs = [run for run in runs if run.new_s >= 0 and run.new_s + run.length_s <= length_s]
    while True:
        edges = [Fraction(0), *(x for run in runs for x in (run.new_s, run.new_s + run.length_s))]
        gaps = list(pairwise([*edges, length_s]))[::2]
        tight = next(
            (i for i, (left, right) in enumerate(gaps) if not _is_fit(right - left, i, runs)), None
        )
        if tight is None:
            return runs
        # The shorter neighbour loses the bar beside the gap.
        sides = [i for i in (tight - 1, tight) if 0 <= i < len(runs)]
        index = max(sides, key=lambda i: len(runs[i].bars))
        runs[index : index + 1] = runs[index].shortened(at_head=index == tight)


def _is_fit(gap_s: Fraction, index: int, runs: list[_Run]) -> bool:
    """Whether a gap can be planned: none where the old bars simply go on, else some seconds."""
    if gap_s != 0:
        return gap_s >= LEAST_WINDOW_S
    if index in (0, len(runs)):
        return True
    before, after = runs[index - 1], runs[index]
    return before.bars[-1].index + 1 == after.bars[0].index


def _hits(old: Cue, new: Cue, runs: Sequence[_Run]) -> tuple[Hit, ...]:
    """In kept bars the hits that they were written for, between them those that were spotted now.

    The end of the cue stays a hit where spotting made it one.
    """
    old_start, new_start = old.range.start.seconds, new.range.start.seconds
    rate = new.range.start.rate
    hits: list[Hit] = []
    for run in runs:
        for hit in old.hits:
            at = hit.time.seconds - old_start - run.old_s
            if 0 <= at < run.length_s:
                time = RationalTime.from_seconds(new_start + run.new_s + at, rate)
                hits.append(replace(hit, time=time))
    for hit in new.hits:
        at = hit.time.seconds - new_start
        if not any(run.new_s <= at < run.new_s + run.length_s for run in runs):
            hits.append(hit)
    ordered = sorted(hits, key=lambda hit: hit.time.seconds)
    apart = ordered[:1]
    for hit in ordered[1:]:
        if hit.time.seconds - apart[-1].time.seconds >= LEAST_SEPARATION_S:
            apart.append(hit)
    return tuple(apart)


def _lies_in(time_q: Fraction, run: _Run) -> bool:
    last = run.bars[-1]
    return run.bars[0].start_q <= time_q < last.start_q + last.length_q


def _without_repeats(meters: list[Meter]) -> tuple[Meter, ...]:
    """Signatures where they change, or where a bar begins that is not a bar after the last one."""
    kept: list[Meter] = []
    for meter in meters:
        last = kept[-1] if kept else None
        if last is not None and (last.numerator, last.denominator) == (
            meter.numerator,
            meter.denominator,
        ):
            bars = (meter.start_q - last.start_q) / last.bar_q
            if bars.denominator == 1:
                continue
        kept.append(meter)
    return tuple(kept)


def _later(asked: Callable[[float], float], start_s: Fraction) -> Callable[[float], float]:
    return lambda time_s: asked(time_s + float(start_s))
