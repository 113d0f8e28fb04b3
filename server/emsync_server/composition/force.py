"""How hard a landing is struck: by what the hit weighs and how excited the scene is.

A score that gives every cut the whole orchestra with a cymbal has nothing left for the one that
matters. So a cut in a calm scene is a new chord with one struck player; most hits are struck by a
part of the band, another one each time; everybody strikes at the strongest, never twice running.
"""

from __future__ import annotations

from enum import IntEnum

from emsync_server.composition.request import CueRequest

__all__ = ["Force", "forces_of"]

OF_WEIGHT, OF_AROUSAL = 0.5, 0.5
LIGHT_BELOW, FULL_FROM, FULL_AROUSAL = 0.52, 0.62, 0.15
FULL_APART_S = 7.0
"""Between two landings that everybody strikes, where the hits between them are weaker."""
USUAL_WEIGHT = 0.7
OPENS_PHRASE = 0.03  # more, where a landing opens a phrase
LIGHT_END, FULL_END = -0.2, 0.5  # arousals of the last chord


class Force(IntEnum):
    """Who strikes at a landing."""

    LIGHT = 0
    """A new chord, and one player who is struck or plucked."""
    PLAIN = 1
    """A part of the band."""
    FULL = 2
    """Everybody, with cymbal and timpani."""


def forces_of(request: CueRequest) -> dict[int, Force]:
    """The force of each landing and of the last chord, by its step."""
    strength = {step: _strength(request, number) for number, step in enumerate(request.landings)}
    forces = {
        step: Force.LIGHT if value < LIGHT_BELOW else Force.PLAIN
        for step, value in strength.items()
    }
    full: list[int] = []
    for step in sorted(strength, key=lambda step: (-strength[step], step)):
        excited = request.bars[request.bar_index_at(step)].arousal >= FULL_AROUSAL
        apart = all(
            abs(request.seconds_at(step) - request.seconds_at(other)) >= FULL_APART_S
            for other in full
        )
        if strength[step] >= FULL_FROM and excited and apart:
            full.append(step)
            forces[step] = Force.FULL
    last = request.bars[request.bar_index_at(request.final_step)].arousal
    ends = Force.LIGHT if last < LIGHT_END else Force.FULL if last > FULL_END else Force.PLAIN
    forces[request.final_step] = max(ends, forces.get(request.final_step, ends))
    return forces


def _strength(request: CueRequest, number: int) -> float:
    step = request.landings[number]
    index = request.bar_index_at(step)
    bar = request.bars[index]
    weight = request.weights[number] if request.weights else USUAL_WEIGHT
    opens = step == bar.start_step and index > 0 and request.bars[index - 1].phrase != bar.phrase
    return OF_WEIGHT * weight + OF_AROUSAL * (bar.arousal + 1) / 2 + OPENS_PHRASE * opens
