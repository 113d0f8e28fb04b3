"""The key that a cue draws where the brief names none."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.cues import sheet_of

from emsync.cue import Brief, Style
from emsync_server.composition.composing import planned
from emsync_server.composition.requesting import TONICS, request_for

HALF_A_MINUTE = 24 * 30


def minor_tonic(style, seed, start=0):
    """Of the minor key with the notes of a cue that begins at a frame."""
    cue = sheet_of(
        HALF_A_MINUTE, emotion=[(0, -0.5, 0.2)], brief=Brief(style=style), start=start
    ).cues[0]
    plan, landings = planned(cue, seed)
    request = request_for(cue, plan.tempo_map, landings, np.random.default_rng([seed, 1, 0]))
    return request.bars[0].key % 12


@pytest.mark.parametrize("style", [Style.ORCHESTRAL, Style.BAND, Style.FOLK])
def test_keys_vary_with_the_seed_and_lie_well(style):
    drawn = Counter(minor_tonic(style, seed) for seed in range(24))
    assert set(drawn) <= set(TONICS[style])
    assert len(drawn) >= 7
    assert max(drawn.values()) <= 24 / 3


def test_the_cues_of_a_film_are_not_all_in_one_key():
    drawn = {minor_tonic(Style.ORCHESTRAL, 0, start) for start in range(0, 24 * 600, 24 * 67)}
    assert len(drawn) >= 5
