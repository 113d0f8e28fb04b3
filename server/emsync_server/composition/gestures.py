"""How a landing is led to and left: as it comes, after a rest, by a run, by a roll, or into a stop.

The same dip before each hit is heard as a mannerism after the third. So each landing has a gesture
that fits its force, and no two neighbours the same. None touches the hush around a landing: that is
what makes it one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

import numpy as np

from emsync_server.composition.accents import AccentPlan, Landing
from emsync_server.composition.force import Force
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.request import BarRequest, CueRequest
from emsync_server.composition.rhythm import Stroke
from emsync_server.composition.roles import Band, Role, singing_band
from emsync_server.composition.slots import Slot

__all__ = ["TIMPANI", "TIMPANI_BAND", "Gesture", "Roll", "gestures_of", "led_to", "rolls"]

Random = np.random.Generator

Written = Callable[[BarRequest, Stroke, int, Role, Band], Slot]

TIMPANI, TIMPANI_BAND = INSTRUMENT_INDEX["timpani"], (36, 57)
SNARE, LOW_TOM = 38, 41
LEAST_ROOM_S = 1.6
"""A gesture needs so long since the landing before, and a stop until the next one."""
REST_STEPS = RUN_STEPS = STEPS_PER_QUARTER
ROLL_STEPS = 2 * STEPS_PER_QUARTER
LEAST_STROKE_S = 0.11
"""Notes of a run or a roll follow each other no faster."""
LEAST_RUN_NOTES = 3
SOFTEST_STROKE, LOUDEST_STROKE = 38, 78
NOTES_PER_STOP, STOP_S = 6.0, (0.5, 1.8)
"""A stop lasts as long as so many notes of the asked density, between these."""


class Gesture(Enum):
    """What happens around a landing."""

    PLAIN = "as it comes"
    REST = "all but the held chord rest for the beat before"
    RUN = "the line runs into it"
    ROLL = "timpani or drums grow into it"
    STOP = "nothing moves after it"


_FITTING = {
    Force.LIGHT: (Gesture.PLAIN, Gesture.REST, Gesture.RUN),
    Force.PLAIN: (Gesture.RUN, Gesture.PLAIN, Gesture.STOP, Gesture.REST),
    Force.FULL: (Gesture.ROLL, Gesture.RUN, Gesture.STOP, Gesture.REST),
}


@dataclass(frozen=True, slots=True)
class Roll:
    """A stroke of a roll."""

    step: int
    """Since the bar began."""
    player: int
    key: int | None
    """The drum key; None of timpani."""
    velocity: int


def gestures_of(rng: Random, request: CueRequest, accents: AccentPlan) -> dict[int, Gesture]:
    """The gesture of each landing by its step; the last chord and runs of landings have none."""
    gestures: dict[int, Gesture] = {}
    latest = None
    for step in request.landings:
        landing = accents.at(step)
        if landing is None or landing.is_final or landing.in_run:
            continue
        options = [
            gesture
            for gesture in _FITTING[landing.force]
            if gesture is not latest and _has_room(gesture, landing, request, accents)
        ]
        latest = options[int(rng.integers(len(options)))] if options else Gesture.PLAIN
        gestures[step] = latest
    return gestures


def led_to(
    bar: BarRequest,
    due: Sequence[Slot],
    landed: tuple[Gesture, Landing],
    lead: int | None,
    written: Written,
) -> Iterator[Slot]:
    """What is due in a bar around a landing, as its gesture has it.

    lead: who runs · written: makes a slot of a stroke
    """
    gesture, landing = landed
    yield from (s for s in due if not _left_out(s, bar, landed))
    if gesture is Gesture.RUN and lead is not None:
        band = singing_band(lead, bar.valence)
        steps = run_steps(bar, landing)
        for number, (step, after) in enumerate(pairwise([*steps, landing.hush_from])):
            run = written(bar, Stroke(step, max(after - step, 1)), lead, Role.LEAD, band)
            yield replace(run, height=(number + 1) / len(steps))
    for roll in rolls(bar, landing) if gesture is Gesture.ROLL else ():
        role, band = (
            (Role.STROKE, TIMPANI_BAND) if roll.key is None else (Role.DRUMS, (roll.key,) * 2)
        )
        stroke = written(bar, Stroke(roll.step, 3), roll.player, role, band)
        tone = 0 if roll.key is None else None
        yield replace(stroke, pitch=roll.key, velocity=roll.velocity, tone=tone)


def _left_out(slot: Slot, bar: BarRequest, landed: tuple[Gesture, Landing]) -> bool:
    """Whether a gesture leaves out what is due in a bar."""
    gesture, landing = landed
    before = landing.step - bar.start_step - slot.step
    if gesture is Gesture.REST:
        return 0 < before <= REST_STEPS and slot.role is not Role.PAD
    if gesture is Gesture.RUN:
        return 0 < before <= RUN_STEPS and slot.role in (Role.LEAD, Role.DOUBLE)
    if gesture is Gesture.STOP:
        stop_s = min(max(NOTES_PER_STOP / bar.density, STOP_S[0]), STOP_S[1])
        return 0 < -before * bar.seconds_per_step < stop_s and slot.role is not Role.PAD
    return False


def run_steps(bar: BarRequest, landing: Landing) -> list[int]:
    """Where a run to a landing has its notes, in steps since the bar began; empty where the bar has
    no room for one.
    """
    steps = _strokes(bar, landing, RUN_STEPS)
    return steps if len(steps) >= LEAST_RUN_NOTES else []


def rolls(bar: BarRequest, landing: Landing) -> Iterator[Roll]:
    """The strokes of a roll to a landing that lie in a bar: timpani's, else the drum kit's."""
    player = next((one for one in (TIMPANI, DRUM_KIT) if one in bar.players), None)
    if player is None:
        return
    key = None if player == TIMPANI else (SNARE if bar.arousal > 0 else LOW_TOM)
    for step in _strokes(bar, landing, ROLL_STEPS):
        share = 1 - (landing.step - bar.start_step - step) / ROLL_STEPS
        loud = SOFTEST_STROKE + share * (LOUDEST_STROKE - SOFTEST_STROKE)
        yield Roll(step, player, key, round(loud))


def _strokes(bar: BarRequest, landing: Landing, steps: int) -> list[int]:
    """Even strokes from so many steps before a landing to its hush, inside the bar."""
    apart = next(
        (one for one in (3, 4, 6) if one * bar.seconds_per_step >= LEAST_STROKE_S),
        STEPS_PER_QUARTER,
    )
    first, stop = landing.step - steps - bar.start_step, landing.hush_from - bar.start_step
    return [step for step in range(first, stop, apart) if 0 <= step < bar.steps]


def _has_room(gesture: Gesture, landing: Landing, request: CueRequest, accents: AccentPlan) -> bool:
    bar = request.bars[request.bar_index_at(landing.step - 1)]
    before, after = accents.before(landing.step), accents.after(landing.step + 1)
    since_s = landing.time_s - (before.time_s if before is not None else 0.0)
    left_s = after.time_s - landing.time_s if after is not None else LEAST_ROOM_S
    if gesture is Gesture.STOP:
        return left_s >= LEAST_ROOM_S
    if gesture is Gesture.PLAIN:
        return True
    if since_s < LEAST_ROOM_S:
        return False
    if gesture is Gesture.RUN:
        return bool(run_steps(bar, landing))
    return gesture is Gesture.REST or any(True for _ in rolls(bar, landing))
