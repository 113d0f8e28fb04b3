"""Which colour means what in the pictures. Red is for hits alone, dark grey for cuts."""

from __future__ import annotations

from emsync.family import Family
from emsync_server.evaluation.canvas import Colour

__all__ = [
    "AROUSAL",
    "ATTACK",
    "BAR",
    "BY_HAND",
    "CUT",
    "FAMILY_COLOURS",
    "FRAME",
    "GRID",
    "HIT",
    "INK",
    "MISSED",
    "PALE_INK",
    "SOUND",
    "VALENCE",
]

INK = Colour(32, 36, 42)
PALE_INK = Colour(118, 126, 136)
GRID = Colour(233, 236, 240)
BAR = Colour(206, 211, 218)
CUT = Colour(50, 56, 64)
HIT = Colour(211, 47, 47)
FRAME = Colour(129, 199, 132)
ATTACK = Colour(25, 103, 210)
MISSED = Colour(142, 36, 170)
SOUND = Colour(144, 164, 174)
BY_HAND = Colour(255, 112, 67)
VALENCE = Colour(0, 137, 123)
AROUSAL = Colour(106, 27, 154)

FAMILY_COLOURS: dict[Family, Colour] = {
    Family.STRINGS: Colour(30, 101, 204),
    Family.WOODWINDS: Colour(56, 142, 60),
    Family.BRASS: Colour(214, 158, 0),
    Family.CHOIR: Colour(126, 87, 194),
    Family.KEYS: Colour(245, 124, 0),
    Family.PLUCKED: Colour(0, 151, 167),
    Family.BASS: Colour(109, 76, 65),
    Family.SYNTH: Colour(208, 67, 150),
    Family.PERCUSSION: Colour(84, 97, 110),
}

assert set(FAMILY_COLOURS) == set(Family), "a colour for each family"
