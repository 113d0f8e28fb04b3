"""Drums that keep their groove: within a phrase, a bar plays what the bar before it played, until
the fill. Leanings only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.piece import Piece
from emsync_server.composition.representation import (
    CLASSES,
    DRUM_PITCH_OFFSET,
    INSTRUMENT,
    PITCH,
    POSITION,
)
from emsync_server.composition.request import CueRequest

Leaning = NDArray[np.float64]

LEAST_STROKES = 3  # of a bar that makes a groove
PLACE_LEANING = 0.8
STROKE_LEANING, OFF_GROOVE_LEANING = 2.0, -1.8
KEY_LEANING, OTHER_KEY_LEANING = 4.0, -1.5


class Groove:
    """What the drums go on with in the running bar."""

    def __init__(self, piece: Piece, request: CueRequest) -> None:
        bar = request.bars[piece.bar]
        before = request.bars[piece.bar - 1] if piece.bar else None
        goes_on = before is not None and before.phrase == bar.phrase and piece.recent
        heard = [
            (step, pitch)
            for step, instrument, pitch in (piece.recent[-1] if goes_on else ())
            if instrument == DRUM_KIT and step < bar.steps
        ]
        self.strokes = heard if len(heard) >= LEAST_STROKES else []
        self.steps = {step for step, _ in self.strokes}
        following = piece.bar + 1
        closes = following == len(request.bars) or request.bars[following].phrase != bar.phrase
        self.free_from = bar.steps // 2 if closes else bar.steps
        """The step of the bar from which a fill may come."""

    def positions(self, here: int) -> Leaning:
        """(K,) to the places of the strokes that are still to come."""
        leaning = np.zeros(CLASSES[POSITION])
        for step in self.steps:
            if step >= here:
                leaning[step] = PLACE_LEANING
        return leaning

    def instruments(self, piece: Piece, step: int) -> Leaning:
        """(K,) to the drums where they have a stroke left, away from them elsewhere."""
        leaning = np.zeros(CLASSES[INSTRUMENT])
        place = step - piece.bar_start
        if self.strokes and place < self.free_from:
            leaning[DRUM_KIT] = STROKE_LEANING if self._left(piece, step) else OFF_GROOVE_LEANING
        return leaning

    def keys(self, piece: Piece, step: int) -> Leaning:
        """(K,) to the drums that the groove has here."""
        leaning = np.zeros(CLASSES[PITCH])
        left = self._left(piece, step)
        if left and step - piece.bar_start < self.free_from:
            leaning[:] = OTHER_KEY_LEANING
            leaning[[key + DRUM_PITCH_OFFSET for key in left]] = KEY_LEANING
        return leaning

    def _left(self, piece: Piece, step: int) -> list[int]:
        struck = {n.pitch for n in piece.onset if n.is_drum} if step == piece.step else set()
        place = step - piece.bar_start
        return [key for at, key in self.strokes if at == place and key not in struck]
