"""Drums play through bars that are odd, and at any tempo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.cues import sheet_of

from emsync.cue import Brief, Style
from emsync_server.composition.composing import planned
from emsync_server.composition.groove import strokes_of
from emsync_server.composition.requesting import request_for

FOUR = 48


def request_of(style=Style.GAME, *, steps=(), tempo_bpm=None):
    """A cue with drums whose first bars have so many steps, all in one phrase."""
    brief = Brief(style=style, tempo_bpm=tempo_bpm)
    cue = sheet_of(24 * 40, [], emotion=[(0, 0.5, 0.5)], brief=brief).cues[0]
    plan, landings = planned(cue, 0)
    request = request_for(cue, plan.tempo_map, landings, np.random.default_rng(0))
    starts = np.cumsum([0, *steps]).tolist()
    bars = [
        replace(request.bars[0], start_step=start, steps=length)
        for start, length in zip(starts, steps, strict=False)
    ]
    return replace(request, bars=tuple(bars) or request.bars)


@pytest.mark.parametrize("odd", [18, 27, 30, 42, 54, 60, 66])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_groove_goes_through_an_odd_bar_and_is_on_the_downbeat_after_it(odd, place):
    steps = [FOUR] * 6
    plain = request_of(steps=steps)
    steps[place] = odd
    request = request_of(steps=steps)
    for index, length in enumerate(steps):
        strokes = [*strokes_of(request, index, closes=False)]
        usual = [*strokes_of(plain, index, closes=False)]
        assert [one for one in strokes if one[0] < FOUR] == [s for s in usual if s[0] < length]
        assert all(step < length for step, _, _ in strokes)
        assert length <= FOUR or any(step >= FOUR for step, _, _ in strokes)


@pytest.mark.parametrize("style", [Style.GAME, Style.BAND, Style.FOLK], ids=lambda one: one.value)
@pytest.mark.parametrize("tempo_bpm", [(45.0, 50.0), (185.0, 200.0)])
def test_no_tempo_leaves_the_drums_without_a_groove(style, tempo_bpm):
    request = request_of(style, tempo_bpm=tempo_bpm)
    assert all([*strokes_of(request, index, closes=False)] for index in range(len(request.bars)))
