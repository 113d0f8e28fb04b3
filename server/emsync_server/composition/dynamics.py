"""How loud a note should be: by its role, the arousal, its place in the bar, and what is coming."""

from __future__ import annotations

from emsync_server.composition.accents import AccentPlan
from emsync_server.composition.force import Force
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.request import BarRequest
from emsync_server.composition.roles import Role

MIDDLE_VELOCITY, OF_AROUSAL, OF_LEVEL = 66, 22, 3
OF_ROLE = {
    Role.LEAD: 13, Role.DOUBLE: 4, Role.BASS: 0, Role.PAD: -12, Role.FIGURE: -9, Role.STROKE: 4,
    Role.DRUMS: 2, Role.ACCENT: 10,
}  # fmt: skip
ON_ONE, ON_STRONG, OFF_BEAT = 5, 2, -4
SWELL, SWELL_S = 16, 5.0
"""It grows so much in the last seconds before a landing,"""
EBB, EBB_S = 8, 2.5
"""and comes back so softly after one."""
SOFT_SWELL, SOFT_SWELL_S, SOFT_MARK = 9, 3.0, 7
"""Before a hit that is not locked it grows less, and the hit is marked by so much."""
ACCENT_VELOCITY = (92, 112)
"""At arousal -1 and 1,"""
OF_FORCE = {Force.LIGHT: (6, 24), Force.PLAIN: (2, 8), Force.FULL: (0, 0)}
"""softer by so much where not everybody strikes: those who mark the landing, and the others."""


THIN, LIGHT, FULL, TUTTI = range(4)
"""Levels of a texture."""
LEVEL_AROUSAL = (-0.3, 0.15, 0.55)


def loudness(accents: AccentPlan, bar: BarRequest, what: tuple[int, Role], level: int) -> int:
    """The MIDI velocity of a note: `what` is its step in the bar and its role."""
    place, role = what
    step = bar.start_step + place
    landing = accents.at(step)
    if landing:
        low, high = ACCENT_VELOCITY
        struck = round(low + (high - low) * (bar.arousal + 1) / 2) + min(OF_ROLE[role], 0) // 2
        softer = OF_FORCE[landing.force]
        return struck - softer[0 if role in (Role.ACCENT, Role.STROKE) else 1]
    value = MIDDLE_VELOCITY + OF_AROUSAL * bar.arousal + OF_LEVEL * (level - 1) + OF_ROLE[role]
    value += _metric(place, bar)
    time_s = bar.start_s + place * bar.seconds_per_step
    coming = accents.after(step)
    if coming is not None:
        left_s = coming.time_s - time_s
        value += SWELL * max(1 - left_s / SWELL_S, 0.0)
    soft = accents.soft_after(step)
    if soft is not None:
        left_s = (soft - step) * bar.seconds_per_step
        value += SOFT_MARK if soft == step else SOFT_SWELL * max(1 - left_s / SOFT_SWELL_S, 0.0)
    gone = accents.before(step)
    if gone is not None:
        since_s = time_s - gone.time_s
        value -= EBB * max(1 - since_s / EBB_S, 0.0)
    return min(max(round(value), 33), 111)


def _metric(place: int, bar: BarRequest) -> int:
    if place == 0:
        return ON_ONE
    if place % STEPS_PER_QUARTER:
        return OFF_BEAT
    return ON_STRONG if bar.halves and place == bar.steps // 2 else 0


def level_of(arousal: float, opening: BarRequest, place: tuple[int, int]) -> int:
    """Thin to tutti, by the arousal; a beginning is thinner, every departure breathes, the last
    return is the fullest.
    """
    number, count = place
    level = sum(arousal > edge for edge in LEVEL_AROUSAL)
    if count > 2:
        grows = number == 0 or (opening.letter not in "AB" and number % 2 == 0)
        level += int(opening.letter == "A" and number >= count - 2 and level < FULL) - int(grows)
    return min(max(level, THIN), TUTTI)


def articulation(valence: float) -> float:
    """The share of its length that a note of a bass or a figure is held: the brighter the lighter
    (Gabrielsson & Lindström 2010: staccato is heard as happier).
    """
    return min(1.0 - 0.55 * valence, 1.0) if valence > 0 else 1.0
