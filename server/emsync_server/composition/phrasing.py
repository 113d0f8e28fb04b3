"""How a part breathes between its notes: expression that grows into hits, arches over phrases and
dies away with the last chord, and a pianist's pedal.

A sampled string or horn that is held keeps one level; players do not. So whoever sustains follows
a curve (MIDI controller 11, in decibels below the part's own loudness). It only ever takes away: at
a landing everything is given, so that the attack stands out the more.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby

from emsync.family import Family
from emsync.score import ControlChange, Controller
from emsync_server.composition.accents import AccentPlan
from emsync_server.composition.instruments import INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.piece import WrittenNote
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.request import BarRequest, CueRequest

__all__ = ["Phrasing"]

GRID_STEPS, FINE_STEPS = STEPS_PER_QUARTER // 2, STEPS_PER_QUARTER // 4
"""The curve is written this often, under the last chord oftener, and at every bar line, so that
bars can be exchanged."""
OPENS_DB, PEAKS_DB, CLOSES_DB, PEAKS_AT = -5.0, -1.5, -7.5, 0.6
"""A phrase grows to so far into it, and falls."""
SWELLS_FROM_DB, SWELL_S, SINKS_SHARE = -9.0, 4.0, 0.35
"""Before a landing it comes from here, in at most so long; in the first share of it the phrase
sinks into the swell."""
SOFT_SWELL_DB, SOFT_SWELL_S = 2.5, 3.0
"""Before a hit that is not locked it grows by so much."""
EBB_S = 1.5
"""After a landing it falls back to the phrase's level in so long."""
FADES_IN_DB, FADE_IN_S, CALM_AROUSAL = -18.0, 4.0, 0.15
"""Calm music comes from nowhere, unless it lands right there."""
DIES_TO_DB, DIES_DB_PER_S, HELD_SHARE = -16.0, 10.0, 0.2
"""The last chord is held for a share of its time, then dies away to here, in a short time less
far."""
FEWEST_STEPS = 2  # of the controller: smaller moves are not written
PEDAL_DOWN, PEDAL_UP = 127, 0
PEDAL_LEADS_S = 0.15  # before a landing the dampers are down
DRY_VALENCE, DRY_AROUSAL = 0.3, 0.3  # what is brighter and livelier is played without pedal

SUSTAINING = frozenset(
    index
    for index, player in enumerate(INSTRUMENTS)
    if player.family in (Family.STRINGS, Family.WOODWINDS, Family.BRASS, Family.CHOIR, Family.SYNTH)
    and player.name != "pizzicato_strings"
) | {INSTRUMENT_INDEX[name] for name in ("accordion", "church_organ", "rock_organ")}
PEDALLED = frozenset(INSTRUMENT_INDEX[name] for name in ("piano", "electric_piano"))


class Phrasing:
    """The controllers of a cue's parts."""

    def __init__(self, request: CueRequest) -> None:
        self._request = request
        self._accents = AccentPlan(request)
        self._phrases = [
            (bars[0].start_step, bars[-1].end_step)
            for bars in (list(b) for _, b in groupby(request.bars, key=lambda bar: bar.phrase))
        ]
        self._starts_calm = request.bars[0].arousal < CALM_AROUSAL
        self._curve = tuple(_written(self._levels()))

    def of(self, instrument: int, notes: Sequence[WrittenNote]) -> tuple[ControlChange, ...]:
        """What the player of an instrument moves under its notes."""
        if not notes:
            return ()
        if instrument in SUSTAINING:
            end_q = Fraction(max(note.end_step for note in notes), STEPS_PER_QUARTER)
            return self._curve[: bisect_right(self._curve, end_q, key=lambda one: one.time_q)]
        if instrument in PEDALLED:
            return tuple(self._pedal(notes))
        return ()

    def level_db(self, step: float) -> float:
        """How far below its loudness a sustained part lies at a step of the cue."""
        request = self._request
        if step >= request.final_step:
            return self._dying_db(step)
        time_s = self._time_s(step)
        level = self._phrase_db(step)
        soft = self._accents.soft_after(math.floor(step))
        if soft is not None:
            left_s = self._time_s(soft) - time_s
            level += SOFT_SWELL_DB * max(1 - left_s / SOFT_SWELL_S, 0.0)
        gone, coming = (
            self._accents.before(math.floor(step) + 1),
            self._accents.after(math.floor(step)),
        )
        if coming is not None and coming.step > step:
            since_s = time_s - (gone.time_s if gone is not None else 0.0)
            left_s = coming.time_s - time_s
            swell_s = min(SWELL_S, (since_s + left_s) / 2)
            if left_s < swell_s:
                gone_by = 1 - left_s / swell_s
                risen = SWELLS_FROM_DB + (PEAKS_DB - SWELLS_FROM_DB) * gone_by
                level += (risen - level) * min(gone_by / SINKS_SHARE, 1.0)
        if gone is not None:
            since_s = time_s - gone.time_s
            level *= min(since_s / EBB_S, 1.0)
        elif self._starts_calm:
            level += FADES_IN_DB * max(1 - time_s / FADE_IN_S, 0.0)
        return min(level, 0.0)

    def _time_s(self, step: float) -> float:
        """At the bars' mean tempos: near enough for loudness."""
        bar = self._request.bars[self._request.bar_index_at(math.floor(step))]
        return bar.start_s + (step - bar.start_step) * bar.seconds_per_step

    def _phrase_db(self, step: float) -> float:
        start, end = next(p for p in reversed(self._phrases) if p[0] <= step)
        share = (step - start) / (end - start)
        if share < PEAKS_AT:
            return OPENS_DB + (PEAKS_DB - OPENS_DB) * math.sin(share / PEAKS_AT * math.pi / 2)
        return PEAKS_DB + (CLOSES_DB - PEAKS_DB) * ((share - PEAKS_AT) / (1 - PEAKS_AT)) ** 2

    def _dying_db(self, step: float) -> float:
        request = self._request
        start_s, end_s = (self._time_s(s) for s in (request.final_step, request.end_step))
        held_s = HELD_SHARE * (end_s - start_s)
        share = (self._time_s(step) - start_s - held_s) / (end_s - start_s - held_s)
        depth = max(DIES_TO_DB, -DIES_DB_PER_S * (end_s - start_s))
        return depth * min(max(share, 0.0), 1.0)

    def _levels(self) -> Iterator[tuple[int, float, bool]]:
        """(step, decibels, whether it is written in any case)."""
        request = self._request
        marked = {bar.start_step for bar in request.bars}
        marked |= {*request.landings, request.final_step}
        grid = range(0, request.final_step, GRID_STEPS)
        fine = range(request.final_step, request.end_step, FINE_STEPS)
        for step in sorted({*grid, *fine, *marked}):
            yield step, self.level_db(step), step in marked

    def _pedal(self, notes: Sequence[WrittenNote]) -> Iterator[ControlChange]:
        """Down with each chord that is played, up where the next begins and before landings."""
        request = self._request
        played = {note.step for note in notes}
        for bar in request.bars:
            down = False
            for start, end in _spans(bar):
                if start == bar.start_step or down:
                    yield _change(start, Controller.PEDAL, PEDAL_UP)
                down = _is_wet(bar) and any(start <= step < end for step in played)
                landing = self._accents.after(start + 1)
                if landing is not None and landing.step <= end:
                    until_s = max(landing.time_s - PEDAL_LEADS_S, 0.0)
                    end = min(end, math.floor(request.step_at(until_s)))
                    down = down and end > start + 1 and not landing.in_run
                if down:
                    yield _change(start + 1, Controller.PEDAL, PEDAL_DOWN)
                    if landing is not None and end < landing.step <= bar.end_step:
                        yield _change(end, Controller.PEDAL, PEDAL_UP)
        yield _change(request.end_step, Controller.PEDAL, PEDAL_UP)


def _spans(bar: BarRequest) -> list[tuple[int, int]]:
    """Where one chord holds."""
    middle = bar.start_step + bar.steps // 2
    if bar.halves and bar.chords[0] != bar.chords[1]:
        return [(bar.start_step, middle), (middle, bar.end_step)]
    return [(bar.start_step, bar.end_step)]


def _is_wet(bar: BarRequest) -> bool:
    return bar.valence < DRY_VALENCE or bar.arousal < DRY_AROUSAL


def _written(levels: Iterable[tuple[int, float, bool]]) -> Iterator[ControlChange]:
    last = None
    for step, level_db, is_marked in levels:
        value = min(max(round(127 * 10 ** (level_db / 40)), 1), 127)
        if is_marked or last is None or abs(value - last) >= FEWEST_STEPS:
            yield _change(step, Controller.EXPRESSION, value)
            last = value


def _change(step: int, controller: Controller, value: int) -> ControlChange:
    return ControlChange(Fraction(step, STEPS_PER_QUARTER), controller, value)
