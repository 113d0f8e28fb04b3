"""Who marks a landing besides the chord that everybody holds, and with which notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emsync_server.composition.force import Force
from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.orchestration import HEAVY, PERCUSSION, SOLOS, STRIKERS
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.request import BarRequest
from emsync_server.composition.roles import Band, Casting, Role, singing_band, within

ACCENT_BANDS, ACCENT_TOP = ((-24, -14), (-15, -7), (-7, 0)), (67, 79)
"""Where the strikers' chord at a landing lies, below its top, which is the line's or near it."""
ACCENT_STEPS, DRUM_STEPS = 2 * STEPS_PER_QUARTER, 3
LEFT_HAND_FLOOR = 45
"""Of a figure under the melody of the same player."""
HAND_BELOW = ((-12, -8), (-7, -3))
"""Where a melody's own hand adds notes to it, below its band's middle."""
KICK, CYMBAL = 36, 49
TUNED_BAND = (36, 57)


@dataclass(frozen=True, slots=True)
class Mark:
    """A note that marks a landing."""

    player: int
    role: Role
    band: Band
    steps: int
    tone: int | None = None
    pitch: int | None = None
    """The drum key."""


def marks(bar: BarRequest, casting: Casting, force: Force, turn: int) -> Iterator[Mark]:
    """A struck or plucked chord, timpani, drums. Where not everybody strikes, one of them, another
    one each time.

    turn: how many landings came before
    """
    reach = singing_band(casting.lead, bar.valence) if casting.lead is not None else (60, 84)
    top = min(max(sum(reach) // 2, ACCENT_TOP[0]), ACCENT_TOP[1])
    marking = _marking(bar, casting)
    if force < Force.FULL and marking:
        plucked = bar.ensemble & STRIKERS - PERCUSSION - SOLOS - {casting.bass, casting.lead}
        marking = sorted({*marking, *plucked})
        marking = [marking[turn % len(marking)]]
    for player in marking:
        bands = ACCENT_BANDS[1:] if player in SOLOS else ACCENT_BANDS
        for low, high in bands[-2:] if force is Force.LIGHT else bands:
            band = within(player, (top + low, top + high))
            yield Mark(player, Role.ACCENT, band, ACCENT_STEPS)
    if force is Force.FULL or (force is Force.PLAIN and turn % 2 == 0) or not marking:
        for player in sorted(bar.ensemble & HEAVY - {DRUM_KIT}):
            yield Mark(player, Role.STROKE, within(player, TUNED_BAND), ACCENT_STEPS, tone=0)
    if DRUM_KIT in bar.ensemble and force > Force.LIGHT:
        for key in (KICK, CYMBAL) if force is Force.FULL else (KICK,):
            yield Mark(DRUM_KIT, Role.DRUMS, (key, key), DRUM_STEPS, pitch=key)


def both_hands(player: int, valence: float) -> Iterator[Band]:
    """Where who plays alone strikes a chord, between bass and line."""
    middle = sum(singing_band(player, valence)) // 2
    yield within(player, (LEFT_HAND_FLOOR + 4, LEFT_HAND_FLOOR + 11))
    for low, high in HAND_BELOW:
        yield within(player, (middle + low, middle + high))


def _marking(bar: BarRequest, casting: Casting) -> list[int]:
    strikers = bar.markers & bar.ensemble or {casting.figure} - {None, casting.lead}
    return sorted(p for p in strikers if p is not None and p != casting.bass)
