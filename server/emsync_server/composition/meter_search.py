"""Where bars and beats go between moments that must fall on the grid: dynamic programming over
those moments.

A state is the place within the running bar and the tempo of the stretch just ended. From each state
a few step counts
are tried for the next stretch: those that reach a barline, a beat, a half-beat or any step near the
asked tempo. States
are pruned to the best few at each moment, so the work is linear in the number of moments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from emsync_server.composition.representation import STEPS_PER_QUARTER

Q = STEPS_PER_QUARTER
BAR_UNIT_STEPS = (
    Q // 4
)  # every bar is a whole number of semiquavers, so that a time signature can say it
STATES_KEPT = 16


JUMP_WEIGHT = 0.25  # glides soften most jumps
RUBATO_WEIGHT = 0.15  # less than a jump: a steady tempo beside the asked one serves better
LIMP_COST = 20.0  # two bars of another length in a row: where no beat is left to land on
STRAIN_COST = 60.0  # more than any landing inside the limits costs
LEAST_RUBATO = 0.005  # the scale of tempo costs where no rubato is allowed


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time between two moments that must fall on the grid."""

    asked_steps: float
    """Steps that the asked tempo plays in it."""
    least_factor: float
    """Tempo over asked tempo, at the least."""
    greatest_factor: float
    weight: float
    """How much the moment at its end matters, 0 to 1."""
    tempo_bpm: tuple[float, float] = (0.0, math.inf)
    """The least and the greatest tempo inside it."""


@dataclass(frozen=True, slots=True)
class Laid:
    """How one stretch was laid out."""

    steps: int
    bars: tuple[int, ...]
    """Steps of the bars that ended within the stretch or at its end."""


@dataclass(frozen=True, slots=True)
class _State:
    cost: float
    position: int
    log_factor: float
    laid: Laid | None
    before: _State | None
    breaks: bool = False
    """Whether the last bar that ended was of another length."""


def lay_bars(stretches: Sequence[Stretch], *, bar_steps: int, max_rubato: float) -> list[Laid]:
    """The cheapest layout; the last stretch ends on a barline. Always finds one."""
    scale = math.log1p(max(max_rubato, LEAST_RUBATO))
    states = [_State(0.0, 0, 0.0, None, None)]
    for number, stretch in enumerate(stretches):
        is_end = number == len(stretches) - 1
        best: dict[tuple[int, int, bool], _State] = {}
        for state in states:
            for reached in _reached(state, stretch, (bar_steps, scale, is_end, number == 0)):
                assert reached.laid is not None
                key = (reached.position, reached.laid.steps, reached.breaks)
                if key not in best or reached.cost < best[key].cost:
                    best[key] = reached
        states = _pruned(list(best.values()))
    return _traced(min(states, key=_order))


def _reached(
    state: _State, stretch: Stretch, how: tuple[int, float, bool, bool]
) -> Iterator[_State]:
    bar_steps, scale, is_end, is_first = how
    for steps in _step_counts(state.position, stretch, bar_steps, is_end):
        factor = steps / stretch.asked_steps
        log_factor = math.log(factor)
        cost = state.cost + RUBATO_WEIGHT * (log_factor / scale) ** 2
        excess = math.log(max(stretch.least_factor / factor, factor / stretch.greatest_factor, 1.0))
        if excess > 1e-9:
            cost += STRAIN_COST * (1 + excess / scale)
        if not is_first:
            cost += JUMP_WEIGHT * ((log_factor - state.log_factor) / scale) ** 2
        for bars, position, landing in _landings(state.position + steps, bar_steps, is_end):
            total = cost + landing * (0.5 + 0.5 * stretch.weight)
            if state.breaks and bars and bars[0] != bar_steps and not is_end:
                total += LIMP_COST
            breaks = bars[-1] != bar_steps if bars else state.breaks
            yield _State(total, position, log_factor, Laid(steps, bars), state, breaks)


def _step_counts(position: int, stretch: Stretch, bar_steps: int, is_end: bool) -> list[int]:
    """Step counts worth trying, near the asked one."""
    asked = stretch.asked_steps
    units = [(bar_steps, 4), (Q, 8), (Q // 2, 3), (BAR_UNIT_STEPS, 3)]
    if not is_end:
        units.append((1, 4))
    counts: set[int] = set()
    for unit, how_many in units:
        nearest = round((asked + position) / unit) - how_many // 2
        counts.update((nearest + i) * unit - position for i in range(how_many + 1))
        counts.add((position // unit + 1) * unit - position)  # the least that is left
    return sorted(count for count in counts if count >= 1)


def _landings(
    reach: int, bar_steps: int, is_end: bool
) -> Iterator[tuple[tuple[int, ...], int, float]]:
    """Ways to end a stretch `reach` steps after the last barline: bars ended, place in the new bar,
    cost.
    """
    whole, rest = divmod(reach, bar_steps)
    if rest == 0:
        yield (bar_steps,) * whole, 0, 0.0
        return
    if not is_end:
        yield (bar_steps,) * whole, rest, _place_cost(rest, bar_steps)
    if rest % BAR_UNIT_STEPS == 0:
        yield _with_odd_bar(whole, rest, bar_steps), 0, _odd_bar_cost(rest, is_end=is_end)


def _with_odd_bar(whole: int, rest: int, bar_steps: int) -> tuple[int, ...]:
    """Whole bars and the odd one last; less than two quarters join the bar before them."""
    if rest < 2 * Q and whole:
        return (*((bar_steps,) * (whole - 1)), bar_steps + rest)
    return (*((bar_steps,) * whole), rest)


def _odd_bar_cost(rest: int, *, is_end: bool) -> float:
    """What it costs to break the meter; at the end the last chord hides it."""
    if is_end:
        return 0.3 if rest % Q == 0 else 1.0
    if rest % Q == 0:
        return {2 * Q: 2.05, 3 * Q: 2.6}.get(rest, 3.3)
    return 9.0 if rest % (Q // 2) == 0 else 12.0


def _place_cost(position: int, bar_steps: int) -> float:
    """What it costs a hit to fall here instead of on a downbeat."""
    if 2 * position == bar_steps and position % Q == 0:
        return 1.3
    if position % Q == 0:
        return 3.7
    if position % (Q // 2) == 0:
        return 12.0
    return 14.0 if position % (Q // 4) == 0 or position % (Q // 3) == 0 else 17.0


def _pruned(states: list[_State]) -> list[_State]:
    return sorted(states, key=_order)[:STATES_KEPT]


def _order(state: _State) -> tuple[float, int, int]:
    assert state.laid is not None
    return state.cost, state.position, state.laid.steps  # ties break the same way everywhere


def _traced(state: _State | None) -> list[Laid]:
    laid: list[Laid] = []
    while state is not None and state.laid is not None:
        laid.append(state.laid)
        state = state.before
    return laid[::-1]
