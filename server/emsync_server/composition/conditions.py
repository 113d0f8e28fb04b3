"""The condition vector of each event, as the network was trained to read it."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

import numpy as np

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.representation import (
    CONDITION,
    OFFSETS,
    Brief,
    Condition,
    condition_vector,
    write_chords,
    write_join,
    write_recall,
)
from emsync_server.composition.request import BarRequest, CueRequest

SAME_MOMENT_S = 1e-6
DRUMS_DENSITY = 1.9  # notes a second of a band with drums, over those of its pitched players
_OFFSET_COLUMNS = tuple(f"{name}_{end}" for name in OFFSETS for end in ("s", "present"))


class ConditionTrack:
    """Conditions along a cue; one plain vector a bar is kept, offsets are written per event."""

    def __init__(self, request: CueRequest) -> None:
        self._request = request
        final_s = request.seconds_at(request.final_step)
        self._edges = sorted({0.0, *request.hits_s, final_s})  # start and last chord are accents
        self._end_s = request.seconds_at(request.end_step)
        self.recalls = False
        """Whether a theme stands for reference; only then recall means something."""
        self.join_step: int | None = None
        """Where the bars that follow a gap stand for reference: the step at which they begin."""
        self._bar = -1
        self._plain: Condition | None = None
        self._moment: tuple[int, int, bool, int | None] | None = None
        self._latest: Condition | None = None

    def at(self, bar: int, step: int) -> Condition:
        """The condition (C,) of an event in a bar, at a grid step of the cue: the same array for
        all events of an onset, not to be changed.
        """
        moment = (bar, step, self.recalls, self.join_step)
        if self._latest is None or moment != self._moment:
            self._moment, self._latest = moment, self._vector(bar, step)
        return self._latest

    def _vector(self, bar: int, step: int) -> Condition:
        time_s = self._request.seconds_at(step)
        after = bisect_left(self._edges, time_s - SAME_MOMENT_S)
        before = bisect_right(self._edges, time_s + SAME_MOMENT_S) - 1
        next_s = self._edges[after] - time_s if after < len(self._edges) else math.inf
        vector = self._plain_vector(bar).copy()
        offsets = (next_s, time_s - self._edges[before], self._end_s - time_s)
        for name, offset in zip(OFFSETS, offsets, strict=True):
            vector[CONDITION[f"{name}_s"]] = min(max(offset, 0.0), 8.0)
            vector[CONDITION[f"{name}_present"]] = 1
        if self.recalls:
            write_recall(vector, self._request.bars[bar].recall)
        if self.join_step is not None:
            write_join(vector, self._request.seconds_at(self.join_step) - time_s)
        return vector

    def _plain_vector(self, bar: int) -> Condition:
        """Everything but the offsets."""
        if self._plain is None or bar != self._bar:
            asked = self._request.bars[bar]
            plain = condition_vector(
                tempo_bpm=asked.tempo_bpm,
                bar_quarters=asked.steps / 12,
                valence=asked.valence,
                arousal=asked.arousal,
                brief=Brief(self._request.style, asked.key, _told_density(asked), asked.players),
            )
            self._plain = write_chords(plain, *asked.chords)
            self._bar = bar
        return self._plain


def _told_density(bar: BarRequest) -> float:
    """What the network hears of the density: it was taught to count drums too."""
    return bar.density * (DRUMS_DENSITY if DRUM_KIT in bar.players else 1)


def for_reference(conditions: Condition, role: str) -> Condition:
    """Conditions (…, C) of rows that stand for reference, as `is_theme` or `is_after`: they say
    nothing of hits, recall and joins.
    """
    kept = np.array(conditions)
    for name in (*_OFFSET_COLUMNS, "recall", "recall_present", "join", "join_present"):
        kept[..., CONDITION[name]] = 0
    kept[..., CONDITION[role]] = 1
    return kept


def without_emotion(condition: Condition) -> Condition:
    """The same conditions (…, C) with valence and arousal absent: what guidance strengthens
    against.
    """
    plain = np.array(condition)
    for name in ("valence", "arousal"):
        plain[..., CONDITION[name]] = 0
        plain[..., CONDITION[f"{name}_present"]] = 0
    return plain


def without_offsets(condition: Condition) -> Condition:
    """The same conditions (…, C) with all three boundary offsets absent, as in training."""
    plain = np.array(condition)
    for name in _OFFSET_COLUMNS:
        plain[..., CONDITION[name]] = 0
    return plain
