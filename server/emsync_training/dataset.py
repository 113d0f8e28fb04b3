"""Training crops: a piece of music re-orchestrated, transposed and retimed, with the condition it
would be asked by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.representation import (
    BAR,
    CONDITION,
    CONDITION_SIZE,
    END,
    LENGTH_STEPS,
    MAX_OFFSET_S,
    NONE,
    PAD_ROW,
    STEPS_PER_QUARTER,
    VELOCITY_BINS,
    Brief,
    write_brief,
)
from emsync_training.boundaries import hit_times
from emsync_training.corpus import GROUPS, Corpus, piece_weights
from emsync_training.labels import key_correlations
from emsync_training.orchestration import reorchestrate, style_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Random = np.random.Generator

CROP_EVENTS = 768  # events a crop predicts; its rows are one more
NEIGHBOURHOOD_EVENTS = 384  # rows on either side searched for hits
SPARE_EVENTS = 64  # read in addition, to replace notes that become doubles

AT_START, AT_END, MID_BAR = (
    0.25,
    0.20,
    0.15,
)  # shares of crops that begin, end, and begin inside a bar
TRANSPOSITIONS = (-6, 6)  # semitones, stop excluded
TEMPO_FACTORS = (0.85, 1.2)
GUESSED_TEMPO_BPM = (50.0, 160.0)
NO_EMOTION, NO_VALENCE, NO_AROUSAL, NO_BOUNDARIES, NO_BRIEF = 0.10, 0.05, 0.05, 0.15, 0.40

_STEPS = np.array([*LENGTH_STEPS, 0])


@dataclass(frozen=True, slots=True)
class Batch:
    """B crops. The row after each input row is its target."""

    events: Ints
    """(B, T + 1, 5)"""
    condition: Floats
    """(B, T, C)"""


class CropSampler:
    """Draws crops from one side of the hold-out."""

    def __init__(self, corpus: Corpus, *, held_out: bool, events: int = CROP_EVENTS) -> None:
        """Crops of `events` predictions from the training or the held-out pieces."""
        self.corpus = corpus
        self.events = events
        self._cumulative = np.cumsum(piece_weights(corpus.pieces, held_out=held_out))

    def batch(self, rng: Random, crops: int) -> Batch:
        """Independent crops."""
        drawn = [self.crop(rng) for _ in range(crops)]
        return Batch(np.stack([e for e, _ in drawn]), np.stack([c for _, c in drawn]))

    def crop(self, rng: Random) -> tuple[Ints, Floats]:
        """One crop: events (T + 1, 5), condition (T, C)."""
        last = len(self._cumulative) - 1
        piece = min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), last)
        return build_crop(rng, self.corpus, piece, self.events)


def build_crop(rng: Random, corpus: Corpus, piece: int, length: int) -> tuple[Ints, Floats]:
    """A random crop of one piece: events (length + 1, 5), condition (length, C)."""
    table = {name: int(column[piece]) for name, column in corpus.pieces.items()}
    bars = slice(table["bar_start"], table["bar_stop"])
    bar_row = corpus.bar_event[bars] - table["event_start"]
    rows = table["event_stop"] - table["event_start"]
    tempo = _retimed(rng, np.array(corpus.bar_tempo[bars]), guessed=bool(table["guessed_tempo"]))
    seconds_per_step = 60 / tempo / STEPS_PER_QUARTER
    bar_steps = corpus.bar_steps[bars].astype(np.int64)
    bar_s = np.concatenate([[0], np.cumsum(bar_steps * seconds_per_step)])
    end_s = float(bar_s[-2] + table["tail_steps"] * seconds_per_step[-1])

    start = _crop_start(rng, bar_row, rows, length + 1)
    near = slice(
        max(start - NEIGHBOURHOOD_EVENTS, 0), min(start + length + NEIGHBOURHOOD_EVENTS, rows)
    )
    first = table["event_start"]
    around = corpus.events[first + near.start : first + near.stop].astype(np.int64)
    around_bar = np.searchsorted(bar_row, np.arange(near.start, near.stop), side="right") - 1
    step = np.where(around[:, 0] < BAR, around[:, 0], 0)
    step = np.where(around[:, 0] == END, bar_steps[-1], step)
    time_s = bar_s[around_bar] + step * seconds_per_step[around_bar]
    hits = hit_times(rng, around, time_s)

    crop = slice(start - near.start, start - near.start + length + 1 + SPARE_EVENTS)
    events, bar, time_s = around[crop, :5], around_bar[crop], time_s[crop]
    group = list(GROUPS)[table["group"]]
    transposition = int(rng.integers(*TRANSPOSITIONS))
    order = _transform(rng, events, (bar, around[crop, 5]), group, transposition)[: length + 1]
    events, bar, time_s = events[order], bar[order], time_s[order]
    if table["flat_velocity"]:
        events[:, 4] = VELOCITY_BINS  # 'none': neither read nor learned

    features = np.array(
        corpus.bar_features[table["bar_start"] + bar[0] : table["bar_start"] + bar[-1] + 1]
    )
    valence = corpus.scale.valence(features, transposition)
    arousal = corpus.scale.arousal(
        features, tempo[bar[0] : bar[-1] + 1], flat_velocity=bool(table["flat_velocity"])
    )
    condition = np.zeros((len(events), CONDITION_SIZE), np.float32)
    condition[:, CONDITION["tempo"]] = np.log2(tempo[bar] / 100)[:, None]
    condition[:, CONDITION["bar_length"]] = (bar_steps[bar] / STEPS_PER_QUARTER / 4)[:, None]
    _write_emotion(rng, condition, valence[bar - bar[0]], arousal[bar - bar[0]])
    _write_boundaries(rng, condition, time_s, hits, end_s)
    write_brief(condition, _brief(rng, events, time_s, group))

    padded = np.tile(np.array(PAD_ROW, dtype=np.int64), (length + 1, 1))
    padded[: len(events)] = events
    out = np.zeros((length, CONDITION_SIZE), np.float32)
    out[: len(events)] = condition[:length]
    return padded, out


def _retimed(rng: Random, tempo: Floats, *, guessed: bool) -> Floats:
    if guessed:  # one tempo for the whole piece, log-uniform
        low, high = np.log(GUESSED_TEMPO_BPM)
        return np.full_like(tempo, np.exp(rng.uniform(low, high)))
    return tempo * np.float32(np.exp(rng.uniform(*np.log(TEMPO_FACTORS))))


def _crop_start(rng: Random, bar_row: Ints, rows: int, wanted: int) -> int:
    draw = rng.random()
    if draw < AT_START or (rows <= wanted and draw < 0.8):
        return 0
    if draw < AT_START + AT_END:
        return int(bar_row[np.searchsorted(bar_row, max(rows - wanted, 0))]) if rows > wanted else 0
    latest = max(int(np.searchsorted(bar_row, rows - wanted // 2)), 1)
    start = int(bar_row[rng.integers(latest)])
    if draw > 1 - MID_BAR:
        start = min(start + int(rng.integers(1, 16)), max(rows - wanted // 2, 0))
    return start


def _transform(
    rng: Random, events: Ints, place: tuple[Ints, Ints], group: str, transposition: int
) -> Ints:
    """Transpose and re-orchestrate the notes in place; returns the rows in their new order,
    without doubles.
    """
    bar, track = place
    note = events[:, 0] < BAR
    if note.any():
        events[note, 1] = reorchestrate(rng, group, (events[note, 1], events[note, 2], track[note]))
        pitched = note & (events[:, 1] != DRUM_KIT)
        moved = events[pitched, 2] + transposition
        moved = np.where(moved > 127, moved - 12, np.where(moved < 0, moved + 12, moved))
        events[pitched, 2] = moved
        shift = int(rng.choice((-1, 0, 0, 0, 1)))
        events[note, 4] = np.clip(events[note, 4] + shift, 0, VELOCITY_BINS - 1)
    position = np.where(note, events[:, 0] + 1, np.where(events[:, 0] == END, 127, 0))
    key = ((bar * 128 + position) * 64 + events[:, 1]) * 256 + events[:, 2]
    order = np.lexsort((-events[:, 3], key))
    keep = np.concatenate([[True], np.diff(key[order]) != 0])
    return np.asarray(order[keep])


def _write_emotion(rng: Random, condition: Floats, valence: Floats, arousal: Floats) -> None:
    draw = rng.random()
    if draw < NO_EMOTION:
        return
    if draw >= NO_EMOTION + NO_VALENCE:
        condition[:, CONDITION["valence"]] = valence[:, None]
        condition[:, CONDITION["valence_present"]] = 1
    if not NO_EMOTION + NO_VALENCE <= draw < NO_EMOTION + NO_VALENCE + NO_AROUSAL:
        condition[:, CONDITION["arousal"]] = arousal[:, None]
        condition[:, CONDITION["arousal_present"]] = 1


def _write_boundaries(
    rng: Random,
    condition: Floats,
    time_s: NDArray[np.float64],
    hits: NDArray[np.float64],
    end_s: float,
) -> None:
    if rng.random() < NO_BOUNDARIES:
        return
    edged = np.concatenate([[-np.inf, 0.0], hits[hits > 0], [np.inf]])  # a piece's start is a hit
    after = np.searchsorted(edged, time_s - 1e-6)
    before = np.searchsorted(edged, time_s + 1e-6, side="right") - 1
    offsets = {
        "next_hit": edged[after] - time_s,
        "last_hit": time_s - edged[before],
        "end": end_s - time_s,
    }
    for name, offset in offsets.items():
        condition[:, CONDITION[f"{name}_s"]] = np.clip(offset, 0, MAX_OFFSET_S)[:, None]
        condition[:, CONDITION[f"{name}_present"]] = 1


def _brief(rng: Random, events: Ints, time_s: NDArray[np.float64], group: str) -> Brief:
    notes = events[events[:, 0] < BAR]
    if not len(notes):
        return Brief()
    style, key, density, instruments = rng.random(4) >= NO_BRIEF
    pitched = notes[notes[:, 1] != DRUM_KIT]
    weights = _STEPS[pitched[:, 3]]
    histogram = np.bincount(pitched[:, 2] % 12, weights, minlength=12).astype(np.float64)
    duration_s = max(float(time_s[-1] - time_s[0]), 1.0)
    return Brief(
        style=style_of(group, notes[:, 1]) if style else None,
        key=int(key_correlations(histogram).argmax()) if key and len(pitched) else None,
        density=len(notes) / duration_s if density else None,
        instruments=frozenset(np.unique(notes[:, 1]).tolist()) if instruments else None,
    )


assert NONE[4] == VELOCITY_BINS
