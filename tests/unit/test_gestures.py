"""Gestures: landings are led to and left in different ways, and stay landings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cues import sheet_of

from emsync.cue import Brief, Style
from emsync_server.composition.accents import AccentPlan
from emsync_server.composition.composing import planned
from emsync_server.composition.gestures import Gesture, gestures_of, led_to, rolls
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX
from emsync_server.composition.requesting import request_for
from emsync_server.composition.rhythm import Stroke
from emsync_server.composition.roles import Role
from emsync_server.composition.slots import Slot

VIOLIN = INSTRUMENT_INDEX["violin"]
HITS = [24 * at for at in (6, 11, 16, 22, 28, 33)]


def accented(*, seed=0, hits=HITS, arousal=0.5, style=Style.ORCHESTRAL):
    cue = sheet_of(24 * 40, list(hits), emotion=[(0, 0.2, arousal)], brief=Brief(style=style)).cues[
        0
    ]
    plan, landings = planned(cue, seed)
    request = request_for(cue, plan.tempo_map, landings, np.random.default_rng(seed))
    return request, AccentPlan(request)


def slot_of(bar, stroke, player, role, band):
    return Slot(stroke.step, player, band, role, stroke.steps, 70)


def due_in(bar):
    """Something of each role on every eighth."""
    return [
        slot_of(bar, Stroke(step, 12), VIOLIN, role, (60, 72))
        for step in range(0, bar.steps, 6)
        for role in (Role.LEAD, Role.FIGURE, Role.PAD)
    ]


def places(request, landing, gesture):
    """(steps from the landing, role) of all that is due in its bar and the one before."""
    index = request.bar_index_at(landing.step)
    found = []
    for bar in request.bars[max(index - 1, 0) : index + 1]:
        led = led_to(bar, due_in(bar), (gesture, landing), VIOLIN, slot_of)
        found.extend((bar.start_step + slot.step - landing.step, slot.role) for slot in led)
    return found


@given(
    st.integers(0, 40),
    st.sets(st.integers(0, 959), max_size=12).map(sorted),
    st.floats(-1, 1),
    st.sampled_from(Style),
)
@settings(max_examples=40, deadline=None)
def test_neighbours_differ_where_they_have_a_gesture(seed, hits, arousal, style):
    request, accents = accented(seed=seed, hits=hits, arousal=arousal, style=style)
    gestures = gestures_of(np.random.default_rng(seed), request, accents)
    assert set(gestures) <= set(request.landings) - {request.final_step}
    for one, other in pairwise(gestures[step] for step in sorted(gestures)):
        assert one is not other or one is Gesture.PLAIN


def test_a_cue_has_several_gestures():
    found = set()
    for seed in range(6):
        request, accents = accented(seed=seed)
        found |= set(gestures_of(np.random.default_rng(seed), request, accents).values())
    assert len(found) >= 4


@pytest.mark.parametrize("gesture", [Gesture.RUN, Gesture.ROLL], ids=lambda one: one.name)
def test_what_leads_to_a_landing_keeps_out_of_its_hush(gesture):
    request, accents = accented()
    for landing in (accents.at(step) for step in request.landings):
        plain = places(request, landing, Gesture.PLAIN)
        led = places(request, landing, gesture)
        added = [place for place, role in led if (place, role) not in plain]
        assert added
        assert all(place < landing.hush_from - landing.step for place in added)


def test_all_but_the_held_chord_rest_for_a_beat_before():
    request, accents = accented()
    landing = accents.at(request.landings[1])
    near = {role for place, role in places(request, landing, Gesture.REST) if -12 <= place < 0}
    assert near == {Role.PAD}


def test_nothing_moves_after_a_stop():
    request, accents = accented()
    landing = accents.at(request.landings[1])
    bar = request.bars[request.bar_index_at(landing.step)]
    soon = int(0.5 / bar.seconds_per_step)
    after = {role for place, role in places(request, landing, Gesture.STOP) if 0 < place < soon}
    assert after <= {Role.PAD}


def test_a_roll_grows():
    request, accents = accented(style=Style.GAME)
    landing = accents.at(request.landings[2])
    index = request.bar_index_at(landing.step - 1)
    loud = [roll.velocity for roll in rolls(request.bars[index], landing)]
    assert len(loud) > 3
    assert loud == sorted(loud)
    assert all(roll.player != DRUM_KIT or roll.key for roll in rolls(request.bars[index], landing))
