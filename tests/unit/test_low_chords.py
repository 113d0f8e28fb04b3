"""Low chords are open: no thirds and seconds in the bass of a piano."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
from tests.cues import sheet_of
from tests.tiny_composer import TinyNetwork

from emsync.cue import Brief, Style
from emsync_server.composition.composing import planned
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.requesting import request_for
from emsync_server.progress import silent_progress

C3, MAJOR_THIRD = 48, 4
MOST_CLOSED = 0.05  # of a network that knows no music, which leans nowhere


def neighbours_below(seed):
    """Intervals of neighbouring notes that a piano strikes together, the lower below C3."""
    brief = Brief(style=Style.PIANO)
    emotion = [(0, -0.6, 0.3), (24 * 15, -0.3, 0.6)]
    cue = sheet_of(24 * 30, [24 * 9, 24 * 19], emotion=emotion, brief=brief).cues[0]
    plan, landings = planned(cue, seed)
    rng = np.random.default_rng(seed)
    writer = Writer(request_for(cue, plan.tempo_map, landings, rng), rng)
    write_takes(TinyNetwork(sharpness=0.3), [writer], DecoderSettings(), silent_progress())
    for _, struck in groupby(writer.piece.notes, key=lambda note: note.step):
        pitches = sorted({note.pitch for note in struck})
        yield from (high - low for low, high in pairwise(pitches) if low < C3)


def test_low_thirds_are_opened():
    intervals = [interval for seed in range(4) for interval in neighbours_below(seed)]
    assert len(intervals) > 100
    assert sum(interval <= MAJOR_THIRD for interval in intervals) / len(intervals) < MOST_CLOSED
