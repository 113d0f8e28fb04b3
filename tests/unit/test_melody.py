"""The line: whoever takes it over goes on from where it was."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from tests.cues import sheet_of
from tests.tiny_composer import TinyNetwork

from emsync.cue import Brief, Style
from emsync_server.composition.composing import planned
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.melody import going_on, taking_over
from emsync_server.composition.requesting import request_for
from emsync_server.progress import silent_progress

OCTAVE = 12


def sung(seed):
    """The request of an orchestra's cue, and its line as (step, pitch)."""
    brief = Brief(style=Style.ORCHESTRAL)
    cue = sheet_of(24 * 40, [], emotion=[(0, 0.1, 0.2)], brief=brief).cues[0]
    plan, landings = planned(cue, seed)
    rng = np.random.default_rng(seed)
    request = request_for(cue, plan.tempo_map, landings, rng)
    writer = Writer(request, rng)
    write_takes(TinyNetwork(sharpness=0.3), [writer], DecoderSettings(), silent_progress())
    return request, sorted(writer.piece.line.items())


def test_a_line_goes_on_near_where_it_was_from_phrase_to_phrase():
    leaps = []
    for seed in range(8):
        request, line = sung(seed)
        leaps.extend(
            abs(there - here)
            for (step, here), (later, there) in pairwise(line)
            if request.bars[request.bar_index_at(step)].phrase
            != request.bars[request.bar_index_at(later)].phrase
        )
    assert len(leaps) >= 16
    assert max(leaps) <= OCTAVE
    assert np.mean(leaps) < 3.4  # 3.7 where nothing brings them together


def test_a_line_has_room_towards_the_note_it_goes_on_from():
    assert taking_over((48, 66), 76) == (48, 68)
    assert taking_over((67, 85), 66) == (66, 85)
    assert taking_over((67, 85), 70) == (67, 85)
    assert going_on(76)[69] == 0.0 > going_on(76)[66] > going_on(76)[54]
