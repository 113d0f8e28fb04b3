"""How alike two bars are in their upper line: rhythm and melodic steps, wherever they are
transposed to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.harmony import Notes

SLOT_STEPS = 3  # semiquavers
WIDEST_STEP = 12  # semitones; wider ones count as this
_MIX = np.uint64(0x9E3779B97F4A7C15)

Fingerprints = NDArray[np.uint64]


def bar_fingerprints(notes: Notes, bars: int) -> Fingerprints:
    """(bars,) sets of (place, step from the line's last note) of the highest notes, as 64 bits."""
    out = np.zeros(bars, np.uint64)
    pitched = np.flatnonzero(~notes.is_drum)
    if not len(pitched):
        return out
    moment = notes.bar[pitched] * 256 + notes.step[pitched]
    order = np.lexsort((-notes.pitch[pitched], moment))
    top = order[np.concatenate([[True], np.diff(moment[order]) != 0])]
    bar, step = notes.bar[pitched][top], notes.step[pitched][top]
    pitch = notes.pitch[pitched][top]
    opens = np.concatenate([[True], np.diff(bar) != 0])
    move = np.clip(np.diff(pitch, prepend=pitch[:1]), -WIDEST_STEP, WIDEST_STEP)
    move = np.where(opens, 0, np.round(move * 7 / 12)).astype(np.int64)  # scale steps, about
    token = (step // SLOT_STEPS * 64 + move + 32).astype(np.uint64)
    with np.errstate(over="ignore"):
        bit = (token * _MIX) >> np.uint64(58)
    np.bitwise_or.at(out, bar, np.uint64(1) << bit)
    return out


def likeness(a: Fingerprints, b: Fingerprints) -> NDArray[np.float32]:
    """(…) share of what two bars have in common, 0 to 1; broadcasts. Empty bars are like none."""
    shared = np.bitwise_count(a & b).astype(np.float32)
    larger = np.maximum(np.bitwise_count(a), np.bitwise_count(b))
    return np.asarray(shared / np.maximum(larger, 1), dtype=np.float32)
