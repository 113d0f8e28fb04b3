"""Who rests where: a cue opens with a few before all play, drums come and go, a bass makes way.

What plays all the time is no longer heard; scores are made of entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from emsync_server.composition.form import THEME
from emsync_server.composition.request import BarRequest
from emsync_server.composition.roles import Casting, Role
from emsync_server.composition.slots import Slot

Random = np.random.Generator

OPENING_S = 25.0
"""Cues longer than this open with a few."""
EARLY_SHARE = 0.6  # of openings, in which the line enters after one bar and not two
BASSLESS_OPENING, BASSLESS_DEPARTURE, BASSLESS_CLOSE = 0.4, 0.35, 0.3
DRUMLESS_DEPARTURE = 0.4
SOLO_DEPARTURE, BARE_DEPARTURE, CALM_AROUSAL = 0.35, 0.2, 0.35
"""Where it is calm, a line over held chords alone; or all but the held chords."""
INTERLUDE = 0.25  # the line waits for half a phrase
"""How often each rests, where it may."""


@dataclass(frozen=True, slots=True)
class Resting:
    """The bars of a phrase, counted from 0, in which a role rests."""

    bars: dict[Role, frozenset[int]] = field(default_factory=dict)

    def kept(self, role: Role, layer: Sequence[list[Slot]]) -> list[list[Slot]]:
        """What a role plays, bar by bar, without where it rests."""
        rests = self.bars.get(role, frozenset())
        return [[] if index in rests else due for index, due in enumerate(layer)]


def resting(
    rng: Random, bars: Sequence[BarRequest], casting: Casting, place: tuple[int, int], *, long: bool
) -> Resting:
    """Who rests in a phrase.

    place: its number, and how many there are · long: whether the cue is longer than OPENING_S
    """
    number, count = place
    whole = frozenset(range(len(bars)))
    half = frozenset(range((len(bars) + 1) // 2))
    opens = number == 0 and count > 1 and long and len(bars) > 2
    departs = 0 < number < count - 1 and bars[0].letter != THEME
    if opens:
        return _opening(rng, whole, casting)
    rests: dict[Role, frozenset[int]] = {}
    bassless, drumless, closes_alone, thin, interlude = rng.random(5)
    calm = float(np.mean([bar.arousal for bar in bars])) < CALM_AROUSAL
    if departs and casting.pads and calm and thin < SOLO_DEPARTURE + BARE_DEPARTURE:
        alone = (Role.FIGURE, Role.BASS, Role.DRUMS) if thin < SOLO_DEPARTURE else (Role.PAD,)
        return Resting(dict.fromkeys(alone, whole))
    if departs and interlude < INTERLUDE:
        rests[Role.LEAD] = half
    if departs and drumless < DRUMLESS_DEPARTURE:
        rests[Role.DRUMS] = whole - {len(bars) - 1}  # a fill leads over
    if departs and casting.pads and bassless < BASSLESS_DEPARTURE:
        rests[Role.BASS] = half
    elif number < count - 1 and casting.pads and closes_alone < BASSLESS_CLOSE:
        rests[Role.BASS] = frozenset({len(bars) - 1})
    return Resting(rests)


def _opening(rng: Random, whole: frozenset[int], casting: Casting) -> Resting:
    """A bar or two of two roles; then the line, without drums until the last bar's fill."""
    until = 1 if len(whole) < 4 or rng.random() < EARLY_SHARE else 2
    empty = frozenset(range(until))
    rests = {Role.LEAD: empty, Role.DRUMS: whole - {len(whole) - 1}}
    if casting.pads and rng.random() < BASSLESS_OPENING:
        rests[Role.BASS] = empty
    elif casting.pads and rng.random() < 0.5:
        rests[Role.FIGURE] = empty
    else:
        rests[Role.PAD] = empty
    return Resting(rests)


def thinned(
    bars: Sequence[BarRequest], planned: Sequence[list[Slot]], until: int
) -> list[list[Slot]]:
    """A phrase whose last beats, from a step of the cue on, are left to one low held voice and to
    the line's last note; as it is where nobody holds a chord.
    """
    pads = [slot.band[0] for due in planned for slot in due if slot.role is Role.PAD]
    if not pads:
        return [*planned]
    staying = min(pads)
    left = []
    for bar, due in zip(bars, planned, strict=True):
        kept = []
        for slot in due:
            start = bar.start_step + slot.step
            held = slot.role is Role.PAD and slot.band[0] > staying
            steps = min(slot.steps, until - start) if held else slot.steps
            gone = slot.role in (Role.BASS, Role.STROKE, Role.FIGURE) and start >= until
            if steps > 0 and not gone:
                kept.append(replace(slot, steps=steps))
        left.append(kept)
    return left
