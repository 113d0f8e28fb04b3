"""Textures of cues to look at, and what sounds in them."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from emsync.cue import Brief
from emsync_server.composition.composing import planned
from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.requesting import request_for
from emsync_server.composition.roles import Role
from emsync_server.composition.texture import plan_texture
from tests.cues import sheet_of

HITS = [24 * 10, 24 * 17, 24 * 31]


def textured(emotion=((0, 0.3, 0.1),), hits=(), *, seconds=40, seed=0, **brief):
    """The request of a cue, and its texture."""
    cue = sheet_of(24 * seconds, list(hits), emotion=emotion, brief=Brief(**brief)).cues[0]
    plan, landings = planned(cue, seed)
    rng = np.random.default_rng(seed)
    request = request_for(cue, plan.tempo_map, landings, rng)
    return request, plan_texture(rng, request)


def lines_of(request, texture):
    """The line's slots of each bar, phrase by phrase."""
    pairs = zip(request.bars, texture, strict=True)
    for _, phrase in groupby(pairs, key=lambda pair: pair[0].phrase):
        yield [(bar, [s for s in slots if s.role is Role.LEAD]) for bar, slots in phrase]


def phrases_of(request, texture):
    """(bar, slots) of each phrase."""
    pairs = zip(request.bars, texture, strict=True)
    return [list(phrase) for _, phrase in groupby(pairs, key=lambda pair: pair[0].phrase)]


def struck_at(request, texture, step):
    index = request.bar_index_at(step)
    return [s for s in texture[index] if s.step == step - request.bars[index].start_step]


def sounding(request, texture, step):
    return sum(
        bar.start_step + s.step <= step < bar.start_step + s.step + s.steps
        for bar, slots in zip(request.bars, texture, strict=True)
        for s in slots
        if s.instrument != DRUM_KIT
    )
