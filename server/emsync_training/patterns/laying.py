"""Patterns of our own laid under a crop: drums, tuned drums, bass, motion, pads."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from emsync.family import Family
from emsync_server.composition.instruments import (
    DRUM_KIT,
    INSTRUMENT_INDEX,
    INSTRUMENTS,
    instruments_of,
)
from emsync_server.composition.patterns.library import (
    DRUM_KEYS,
    PLAIN,
    Idiom,
    Pattern,
    idioms,
    patterns,
)
from emsync_server.composition.representation import (
    BAR,
    DRUM_PITCH_OFFSET,
    END,
    LENGTH_STEPS,
    VELOCITY,
    VELOCITY_BINS,
)
from emsync_training.patterns.ground import Ground, PerBar, survey
from emsync_training.patterns.phrases import Phrase, phrases
from emsync_training.patterns.voicing import voiced

Ints = NDArray[np.int64]
Random = np.random.Generator
T = TypeVar("T")

KEPT_PATTERN = 0.55  # a phrase goes on with the pattern of the phrase before
LATE_ENTRY = 0.25  # a layer waits for the second phrase
LAYER_RESTS = 0.12  # a layer is out for a phrase
FILL = 0.65
CRASH_ON_CHORD, CRASH_ELSE = 0.75, 0.25
DROPPED_SOFT = 0.15  # of soft strokes, the same ones throughout a phrase
ENERGY_WIDTH = 0.22
LOUDNESS_TO_VELOCITY = 0.55  # velocity bins a step of loudness
DRUM_STEPS = 3  # how long the corpus says that a drum sounds

_LENGTHS = np.array(LENGTH_STEPS)
_IS_BASS = np.zeros(len(INSTRUMENTS), dtype=bool)
_IS_BASS[[*instruments_of(Family.BASS), INSTRUMENT_INDEX["contrabass"]]] = True
_CRASHES = (DRUM_KEYS["crash"] + DRUM_PITCH_OFFSET, DRUM_KEYS["crash 2"] + DRUM_PITCH_OFFSET)
_DEEP_KICK = DRUM_KEYS["deep kick"] + DRUM_PITCH_OFFSET
_TUNED = ("taiko", "bass", "motion", "pads")


def lay_patterns(
    rng: Random,
    events: Ints,
    bar: Ints,
    bar_steps: PerBar,
    tempo_bpm: PerBar,
) -> tuple[Ints, Ints]:
    """The crop with patterns under it: rows in written order, and the bar of each.

    events: (N, 5) rows in order, whole and partial bars · bar: (N,) bar number of each row ·
    bar_steps, tempo_bpm: grid steps and quarters a minute, indexed by bar number. The rows that
    were there stay as they are; nothing is added before the first or after the last of them.
    """
    ground = survey(events, bar, bar_steps, tempo_bpm)
    if ground is None:
        return events.copy(), bar.copy()
    parts = list(phrases(rng, ground))
    idiom = _idiom(rng, parts)
    layers = _layers(rng, idiom, ground)
    added = [_layer(rng, ground, idiom, parts, layer) for layer in layers] if parts else []
    rows = np.concatenate([np.zeros((0, 6), np.int64), *added])
    return _merged(rng, events, bar, ground, rows)


def _idiom(rng: Random, parts: list[Phrase]) -> Idiom:
    """Likelier where it has drums or bass of the music's energy."""
    weights = [
        idiom.weight
        * min(sum(sum(_weights(_pool(idiom.name, kind, part), part))
                  for kind in ("drums", "bass") for part in parts[:2]), 2.0) + 1e-9
        for idiom in idioms()
    ]  # fmt: skip
    return _drawn(rng, idioms(), weights)


def _layers(rng: Random, idiom: Idiom, ground: Ground) -> list[str]:
    present = ground.rows[:, 1]
    chosen = [kind for kind, share in idiom.layers.items() if rng.random() < share]
    if (present == DRUM_KIT).any():  # it has its own
        chosen = [kind for kind in chosen if kind not in ("drums", "taiko")]
    if _IS_BASS[present].mean() > 0.02 and rng.random() < 0.7:
        chosen = [kind for kind in chosen if kind != "bass"]
    return chosen or [next(iter(idiom.layers)) if not (present == DRUM_KIT).any() else "motion"]


def _layer(rng: Random, ground: Ground, idiom: Idiom, parts: list[Phrase], kind: str) -> Ints:
    """Rows (M, 6) of one layer: step, instrument, pitch index, steps, loudness, is drum."""
    late = len(parts) > 1 and rng.random() < LATE_ENTRY
    last: Pattern | None = None
    rows, instrument = [], -1
    for index, part in enumerate(parts):
        rests = rng.random() < LAYER_RESTS
        if (late and index == 0) or (rests and part.energy < 0.7):
            continue
        pool = _pool(idiom.name, kind, part)
        if not pool:
            continue
        if last is None or last not in pool or rng.random() > KEPT_PATTERN:
            last = _drawn(rng, pool, _weights(pool, part))
        if kind in _TUNED:
            if instrument not in last.instruments:
                instrument = _free(rng, last, ground)
            hits = _hits(rng, last, part.start, part.stop)
            rows.append(voiced(last, hits, instrument, ground))
        else:
            rows.append(_drums(rng, last, idiom, part, ground))
    return np.concatenate(rows) if rows else np.zeros((0, 6), np.int64)


def _pool(idiom: str, kind: str, part: Phrase) -> list[Pattern]:
    found = patterns(kind, part.feel, triplets=part.triplets)
    return [
        pattern
        for pattern in found
        if idiom in pattern.idioms and pattern.tempo_bpm[0] <= part.beat_bpm <= pattern.tempo_bpm[1]
    ]


def _weights(pool: Sequence[Pattern], part: Phrase) -> list[float]:
    return [
        math.exp(-(((pattern.energy - part.energy) / ENERGY_WIDTH) ** 2)) + 1e-3 for pattern in pool
    ]


def _drawn(rng: Random, choices: Sequence[T], weights: list[float]) -> T:
    point = rng.random() * sum(weights)
    return choices[min(bisect.bisect(list(accumulate(weights)), point), len(choices) - 1)]


def _free(rng: Random, pattern: Pattern, ground: Ground) -> int:
    """An instrument for a pattern, one that is not playing already where there is one."""
    there = set(ground.rows[:, 1].tolist())
    free = [one for one in pattern.instruments if one not in there] or list(pattern.instruments)
    return free[int(rng.integers(len(free)))]


def _hits(rng: Random, pattern: Pattern, start: int, stop: int) -> tuple[Ints, Ints]:
    """Steps of a pattern repeated over [start, stop), and which of its hits each is."""
    kept = np.flatnonzero((pattern.loudness > 3) | (rng.random(len(pattern.step)) > DROPPED_SOFT))
    times = -(-(stop - start) // pattern.period)
    step = (np.arange(times)[:, None] * pattern.period + pattern.step[kept]).reshape(-1) + start
    inside = step < stop
    return step[inside], np.tile(kept, times)[inside]


def _drums(rng: Random, pattern: Pattern, idiom: Idiom, part: Phrase, ground: Ground) -> Ints:
    stop = part.stop
    fills = [
        fill for fill in _pool(idiom.name, "fills", part) if fill.period * 2 <= stop - part.start
    ]
    rows = []
    if fills and not part.last and rng.random() < FILL:
        fill = _drawn(rng, fills, _weights(fills, part))
        stop -= fill.period
        rows.append(_drum_rows(fill, stop + fill.step, np.arange(len(fill.step))))
    rows.append(_drum_rows(pattern, *_hits(rng, pattern, part.start, stop)))
    here = int((ground.onset == part.start).sum())
    chance = CRASH_ON_CHORD if here >= 3 else CRASH_ELSE * (here > 0)
    if idiom.crash and part.energy > 0.3 and rng.random() < chance:
        crash = _CRASHES[int(rng.integers(2))]
        rows.append(
            np.array([[part.start, DRUM_KIT, key, DRUM_STEPS, 9, 1] for key in (crash, _DEEP_KICK)])
        )
    return np.concatenate(rows)


def _drum_rows(pattern: Pattern, step: Ints, which: Ints) -> Ints:
    rows = np.empty((len(step), 6), np.int64)
    rows[:, 0], rows[:, 2], rows[:, 4] = step, pattern.tone[which], pattern.loudness[which]
    rows[:, 1], rows[:, 3], rows[:, 5] = DRUM_KIT, DRUM_STEPS, 1
    return rows


def _merged(rng: Random, events: Ints, bar: Ints, ground: Ground, rows: Ints) -> tuple[Ints, Ints]:
    """The crop and the layers that may sound with it, in written order without doubles."""
    last = ground.onset[-1] if events[-1, 0] == END else ground.steps
    rows = rows[(rows[:, 0] < ground.steps) & (rows[:, 0] <= last)]
    window = ground.window_of(rows[:, 0])
    rows, window = rows[ground.active[window]], window[ground.active[window]]
    index = np.searchsorted(ground.bar_start, rows[:, 0], side="right") - 1
    new = np.empty((len(rows), 5), np.int64)
    new[:, 0] = rows[:, 0] - ground.bar_start[index]
    new[:, 1:3] = rows[:, 1:3]
    new[:, 3] = np.searchsorted(_LENGTHS, rows[:, 3], side="right") - 1
    level = ground.level[window] + LOUDNESS_TO_VELOCITY * (rows[:, 4] - PLAIN)
    jitter = rng.uniform(-0.6, 0.6, len(rows))
    new[:, 4] = np.clip(np.round(level + jitter), 0, VELOCITY_BINS - 1)
    if (ground.rows[:, VELOCITY] == VELOCITY_BINS).all():
        new[:, 4] = VELOCITY_BINS  # the crop does not say how loud; neither do its patterns
    old_key, new_key = _key(events, bar), _key(new, ground.bars[index])
    place = np.searchsorted(old_key, new_key)
    inside = (place > 0) & (place < len(old_key))
    fits = inside & (old_key[np.minimum(place, len(old_key) - 1)] != new_key)
    new, new_bar = new[fits], ground.bars[index][fits]
    new_key, first = np.unique(new_key[fits], return_index=True)
    order = np.argsort(np.concatenate([old_key, new_key]), kind="stable")
    merged = np.concatenate([events, new[first]])[order]
    return merged, np.concatenate([bar, new_bar[first]])[order]


def _key(rows: Ints, bar: Ints) -> Ints:
    """What rows are written in the order of."""
    place = np.where(rows[:, 0] < BAR, rows[:, 0] + 1, np.where(rows[:, 0] == END, 127, 0))
    return np.asarray(((bar * 128 + place) * 64 + rows[:, 1]) * 256 + rows[:, 2])
