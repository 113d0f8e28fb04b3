"""What an n-gram may look at before each field of an event: earlier events, the same instrument's
earlier notes, the same moment of the bar before, and what followed last time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENTS
from emsync_server.composition.representation import (
    BAR,
    CONDITION,
    FIELDS,
    LENGTH_STEPS,
    NONE,
    PAD,
    VELOCITY,
)
from emsync_training.dataset import Batch

Ints = NDArray[np.int64]
Contexts = dict[str, Ints]
"""Columns by name, (N,) each, one row an event of the crops."""

START = 511  # before the crop's first event
FAR = 200  # an interval that is none
GENERAL = 4  # events back

CHAINS: dict[str, dict[str, str]] = {
    "position": {
        "fields": "velocity1 length1 pitch1 instrument1",
        "events": "position1 position2 position3 position4 meter",
        "onsets": "position1 chord_size onset2 onset3 meter",
        "note": "position1 instrument1 length1 pitch1",
        "bar before": "before_position position1 chord_size before_size",
        "rhythm": "position1 onset2 onset3 before_position",
    },
    "instrument": {
        "fields": "position velocity1 length1 pitch1",
        "events": "instrument1 same instrument2 instrument3 instrument4",
        "followed": "followed_instrument same instrument1 followed_twice position",
        "bar before": "before_instrument same instrument1 followed_instrument",
        "register": "instrument1 same pitch1 instrument2 pitch2",
    },
    "pitch": {
        "fields": "instrument position velocity1 length1",
        "voice": "instrument voice_pitch voice_pitch2 voice_pitch3 pitch1",
        "chord": "instrument under same pitch_class1 pitch_class2 pitch_class3",
        "bar before": "before_pitch voice_pitch instrument",
        "followed": "followed_pitch voice_pitch instrument",
        "tonal": "instrument voice_pitch pitch_class1 pitch_class2",
    },
    "interval": {
        "voice": "is_drum voice_interval voice_interval2 same",
        "figure": "is_drum voice_interval voice_interval2 voice_interval3 voice_length",
        "before": "is_drum before_interval voice_interval same",
        "chord": "instrument chord_interval chord_interval2 same",
    },
    "length": {
        "fields": "pitch instrument position velocity1",
        "events": "instrument length1 same length2 length3",
        "voice": "instrument voice_length voice_gap voice_length2 position",
        "chord": "same length1 same_instrument voice_length length2",
        "bar before": "before_length voice_length position instrument",
        "place": "instrument position meter voice_length",
    },
    "velocity": {
        "fields": "length pitch instrument position",
        "events": "velocity1 same velocity2 velocity3 velocity4",
        "voice": "voice_velocity velocity1 same instrument voice_velocity2",
        "bar before": "before_velocity voice_velocity velocity1 same",
        "place": "voice_velocity instrument position pitch",
    },
}
"""For each field, chains of context columns, the nearest first. `interval` is pitch by its distance
to the instrument's note before or, in `chord`, to the event before."""

_STEPS = np.array([*LENGTH_STEPS, 0])


def contexts(batch: Batch) -> Contexts:
    """Every column of CHAINS for the crops of a batch, with `learned` and the fields themselves."""
    events = batch.events
    crops, rows = events.shape[:2]
    flat = events.reshape(-1, len(FIELDS))
    crop = np.repeat(np.arange(crops), rows)
    out: Contexts = {name: flat[:, field] for field, name in enumerate(FIELDS)}
    meter = np.round(8 * batch.condition[..., CONDITION["bar_length"].start]).astype(np.int64)
    out["meter"] = np.concatenate([meter[:, :1], meter], axis=1).reshape(-1)
    learned = np.concatenate([np.zeros((crops, 1), bool), batch.learned], axis=1).reshape(-1)
    out["learned"] = (learned & (flat[:, 0] != PAD)).astype(np.int64)
    out["note"] = (flat[:, 0] < BAR).astype(np.int64)
    for back in range(1, GENERAL + 1):
        for field, name in enumerate(FIELDS):
            out[f"{name}{back}"] = _shifted(flat[:, field], crop, back)
        out[f"pitch_class{back}"] = np.where(
            out[f"pitch{back}"] < 128, out[f"pitch{back}"] % 12, out[f"pitch{back}"]
        )
    out["same"] = (out["position"] == out["position1"]).astype(np.int64)
    out["same_instrument"] = (out["instrument"] == out["instrument1"]).astype(np.int64)
    out["is_drum"] = (out["instrument"] == DRUM_KIT).astype(np.int64)
    bar = crop * 1024 + _counted(flat[:, 0] == BAR, crop)
    _write_onsets(out, bar)
    _write_voices(out, crop, bar)
    _write_bar_before(out, bar)
    return out


def _write_onsets(out: Contexts, bar: Ints) -> None:
    """How many notes the last onset has so far, and the two onsets before it."""
    index = np.arange(len(bar))
    new = (out["position"] != out["position1"]) | (out["position"] >= BAR)
    start = np.maximum.accumulate(np.where(new, index, 0))  # first row of each row's onset
    before = np.maximum(index - 1, 0)
    out["chord_size"] = np.minimum(index - start[before], 7)
    second = start[before]
    out["onset2"] = out["position1"][second]
    out["onset3"] = out["position1"][start[np.maximum(second - 1, 0)]]


def _write_voices(out: Contexts, crop: Ints, bar: Ints) -> None:
    """The instrument's own last notes, and what followed the last time."""
    note = out["note"] > 0
    last = _last(crop * 64 + out["instrument"], note)
    second = np.where(last >= 0, last[last], -1)
    third = np.where(second >= 0, last[second], -1)
    for name in ("pitch", "length", "velocity"):
        for ending, row in (("", last), ("2", second), ("3", third)):
            out[f"voice_{name}{ending}"] = _at(out[name], row)
    pitches = [out["pitch"], *(out[f"voice_pitch{ending}"] for ending in ("", "2", "3"))]
    steps = [_interval(a, b) for a, b in pairwise(pitches)]
    out["interval"], out["voice_interval"], out["voice_interval2"] = steps
    out["voice_interval3"] = _interval(out["voice_pitch3"], _at(out["voice_pitch"], third))
    out["chord_step"] = _interval(out["pitch"], out["pitch1"])
    out["chord_interval"] = _interval(out["pitch1"], out["pitch2"])
    out["chord_interval2"] = _interval(out["pitch2"], out["pitch3"])
    gap = np.where(_at(bar, last) == bar, out["position"] - _at(out["position"], last), -1)
    out["voice_gap"] = np.maximum(gap, -1) - _STEPS[np.minimum(out["voice_length"], 25)] + 256
    out["under"] = np.where(out["same"] > 0, out["pitch1"], START)
    place = (crop * 64 + np.minimum(out["instrument1"], 63)) * 2 + out["same"]
    followed = _last(place, note)
    out["followed_instrument"] = _at(out["instrument"], followed)
    twice = np.where(followed >= 0, followed[followed], -1)
    out["followed_twice"] = _at(out["instrument"], twice)
    figure = (crop * 64 + out["instrument"]) * 512 + out["voice_pitch"]
    out["followed_pitch"] = _at(out["pitch"], _last(figure, note))


def _write_bar_before(out: Contexts, bar: Ints) -> None:
    """What stood at this moment a bar ago: where the next onset was, who played, what."""
    place = np.where(out["position"] < BAR, out["position"] + 1, 0)
    place = np.where(out["position"] == PAD, 127, place)
    keys = _key(bar, place, out["instrument"] * (place > 0), out["pitch"] * (place > 0))
    keys = np.maximum.accumulate(keys)  # reference bars may end in the middle of one
    reached = np.concatenate([[0], keys[:-1]])  # the event before, a bar ago
    ago = _key(1, 0, 0, 0)

    def next_of(key: Ints) -> Ints:
        return np.minimum(np.searchsorted(keys, key - ago, side="right"), len(keys) - 1)

    row = next_of(reached)
    out["before_position"] = np.where(bar[row] >= bar - 1, out["position"][row], START)
    out["before_size"] = np.where(out["same"][row] > 0, 1, 0) + 2 * (bar[row] == bar - 1)
    same = out["same"] > 0
    here = _key(bar, place, 0, 0)
    row = next_of(np.where(same, reached, here - 1))
    fits = (bar[row] == bar - 1) & (out["position"][row] == out["position"])
    out["before_instrument"] = np.where(fits, out["instrument"][row], START)
    chosen = _key(bar, place, out["instrument"], 0)
    row = next_of(np.maximum(chosen - 1, np.where(same, reached, 0)))
    fits = (bar[row] == bar - 1) & (out["position"][row] == out["position"])
    fits &= out["instrument"][row] == out["instrument"]
    for name in ("pitch", "length", "velocity"):
        out[f"before_{name}"] = np.where(fits, out[name][row], START)
    out["before_interval"] = _interval(out["before_pitch"], out["voice_pitch"])


def _key(bar: Ints | int, place: Ints | int, instrument: Ints | int, pitch: Ints | int) -> Ints:
    return np.asarray(((bar * 128 + np.asarray(place)) * 64 + instrument) * 256 + pitch)


def _shifted(column: Ints, crop: Ints, back: int) -> Ints:
    out = np.full_like(column, START)
    inside = crop[back:] == crop[:-back]
    out[back:][inside] = column[:-back][inside]
    return out


def _last(key: Ints, counted: NDArray[np.bool_]) -> Ints:
    """The row where each row's key last stood among the counted rows before it, or -1."""
    rows = np.flatnonzero(counted)
    order = rows[np.argsort(key[rows], kind="stable")]
    out = np.full(len(key), -1)
    alike = key[order[1:]] == key[order[:-1]]
    out[order[1:][alike]] = order[:-1][alike]
    return out


def _at(column: Ints, row: Ints) -> Ints:
    return np.where(row >= 0, column[row], START)


def _interval(pitch: Ints, reference: Ints) -> Ints:
    known = (pitch < NONE[2]) & (reference < NONE[2])
    return np.where(known, pitch - reference + FAR, START)


def _counted(flag: NDArray[np.bool_], crop: Ints) -> Ints:
    total = np.cumsum(flag)
    first = np.searchsorted(crop, crop, side="left")
    return np.asarray(total - total[first] + flag[first])


assert len(INSTRUMENTS) < 64
assert VELOCITY == 4
