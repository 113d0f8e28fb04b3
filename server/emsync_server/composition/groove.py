"""Drums that keep a groove: a pattern of ours that fits the phrase's meter, tempo, style and
arousal; where none does, what the bar before played. Until the fill. Leanings only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.patterns import FEEL_BAR_STEPS, Pattern, patterns
from emsync_server.composition.piece import Piece
from emsync_server.composition.representation import (
    BAR,
    CLASSES,
    DRUM_PITCH_OFFSET,
    INSTRUMENT,
    PITCH,
    POSITION,
    STEPS_PER_QUARTER,
    Style,
)
from emsync_server.composition.request import BarRequest, CueRequest

Leaning = NDArray[np.float64]

_FEELS = {name: FEEL_BAR_STEPS[name] for name in ("four", "three", "five")}
_IDIOMS: dict[Style | None, frozenset[str]] = {
    Style.HYBRID: frozenset({"trailer", "action", "pulse"}),
    Style.BAND: frozenset({"band", "electronic"}),
    None: frozenset({"soft", "band"}),
}
_OTHER_IDIOMS = frozenset({"march", "trailer"})
CHOICES = 3  # patterns a phrase chooses among
PHRASES_OF_A_GROOVE = 2

LEAST_STROKES = 3  # of a bar that makes a groove
PLACE_LEANING, PASSED_LEANING = 0.6, -6.0
STROKE_LEANING, OFF_GROOVE_LEANING = 3.0, -7.0
KEY_LEANING, OTHER_KEY_LEANING = 6.0, -6.0


class Groove:
    """What the drums go on with in the running bar."""

    def __init__(self, piece: Piece, request: CueRequest) -> None:
        bar = request.bars[piece.bar]
        self.strokes = _of_pattern(request, piece.bar) or _of_bar_before(piece, request)
        self._density_q = bar.density * STEPS_PER_QUARTER * bar.seconds_per_step
        """Pitched notes a quarter that are asked for."""
        self.steps = {step for step, _ in self.strokes}
        following = piece.bar + 1
        closes = following == len(request.bars) or request.bars[following].phrase != bar.phrase
        self.free_from = bar.steps // 2 if closes else bar.steps
        """The step of the bar from which a fill may come."""

    def positions(self, piece: Piece) -> Leaning:
        """(K,) to the places of the strokes that are still to come, away from passing one by."""
        leaning = np.zeros(CLASSES[POSITION])
        here = piece.step - piece.bar_start
        awaited = sorted(step for step in self.steps if here < step < self.free_from)
        leaning[awaited] = PLACE_LEANING
        if here < self.free_from and self._left(piece, piece.step):
            awaited.insert(0, here)
        if awaited:
            leaning[awaited[0] + 1 : BAR + 1] += PASSED_LEANING
        return leaning

    def instruments(self, piece: Piece, step: int) -> Leaning:
        """(K,) to the drums where they have a stroke left, away from them elsewhere."""
        leaning = np.zeros(CLASSES[INSTRUMENT])
        place = step - piece.bar_start
        if self.strokes and place < self.free_from:
            leaning[DRUM_KIT] = OFF_GROOVE_LEANING
            if self._left(piece, step):
                leaning[DRUM_KIT] = STROKE_LEANING * self._voiced(piece, place)
        return leaning

    def keys(self, piece: Piece, step: int) -> Leaning:
        """(K,) to the next drum that the groove has here."""
        leaning = np.zeros(CLASSES[PITCH])
        left = self._left(piece, step)
        if left and step - piece.bar_start < self.free_from:
            leaning[:] = OTHER_KEY_LEANING
            leaning[left[0] + DRUM_PITCH_OFFSET] = KEY_LEANING
        return leaning

    def _voiced(self, piece: Piece, place: int) -> float:
        """From -1 to 1: whether the pitched players have written what is asked of them by now. At
        one step they come before the drums, and who plays after the drums has missed it.
        """
        quarters = place / STEPS_PER_QUARTER + 1
        expected = self._density_q * quarters
        return min(max(2 * piece.pitched_notes / expected - 1, -1.0), 1.0)

    def _left(self, piece: Piece, step: int) -> list[int]:
        """Keys of the groove that can still be struck at a step: drums are written upwards."""
        struck = [n.pitch for n in piece.onset if n.is_drum] if step == piece.step else []
        place, last = step - piece.bar_start, max(struck, default=-1)
        return sorted(key for at, key in self.strokes if at == place and key > last)


def _of_pattern(request: CueRequest, index: int) -> list[tuple[int, int]]:
    """(step, drum key) of the pattern that the bar's phrase has, where the bar stands in it."""
    bar = request.bars[index]
    first = index
    while first and request.bars[first - 1].phrase == bar.phrase:
        first -= 1
    opening = request.bars[first]
    pattern = _pattern_for(request, opening)
    if pattern is None or bar.steps != FEEL_BAR_STEPS[pattern.feel]:
        return []
    start = (bar.start_step - opening.start_step) % pattern.period
    return [
        (step - start, tone - DRUM_PITCH_OFFSET)
        for step, tone in zip(pattern.step.tolist(), pattern.tone.tolist(), strict=True)
        if start <= step < start + bar.steps
    ]


def _pattern_for(request: CueRequest, opening: BarRequest) -> Pattern | None:
    """The pattern of a phrase that opens with this bar: near its arousal, another now and then."""
    feel = next((name for name, steps in _FEELS.items() if steps == opening.steps), None)
    if feel is None:
        return None
    idioms = _IDIOMS.get(request.style, _OTHER_IDIOMS)
    energy = 0.5 + 0.45 * opening.arousal
    fitting = [
        pattern
        for pattern in patterns("drums", feel)
        if pattern.idioms & idioms
        and pattern.tempo_bpm[0] <= opening.tempo_bpm <= pattern.tempo_bpm[1]
    ]
    nearest = sorted(fitting, key=lambda pattern: abs(pattern.energy - energy))[:CHOICES]
    turn = opening.phrase // PHRASES_OF_A_GROOVE + request.bars[0].key
    return nearest[turn % len(nearest)] if nearest else None


def _of_bar_before(piece: Piece, request: CueRequest) -> list[tuple[int, int]]:
    bar, before = request.bars[piece.bar], request.bars[piece.bar - 1]
    if not piece.bar or not piece.recent or before.phrase != bar.phrase:
        return []
    heard = [
        (step, pitch)
        for step, instrument, pitch in piece.recent[-1]
        if instrument == DRUM_KIT and step < bar.steps
    ]
    return heard if len(heard) >= LEAST_STROKES else []
