"""What a training crop tells the network about itself, and how much of it is withheld."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.keys import key_fits
from emsync_server.composition.representation import (
    BAR,
    CONDITION,
    LENGTH_STEPS,
    MAX_OFFSET_S,
    NO_CHORD,
    Brief,
)
from emsync_training.orchestration import style_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Random = np.random.Generator

NO_EMOTION, NO_VALENCE, NO_AROUSAL = 0.10, 0.05, 0.05  # shares of crops, so that each axis is
# unknown in 15 %: together, or alone
NO_BOUNDARIES = 0.15
NO_CHORDS = 0.25
NO_RECALL = 0.15
NO_BRIEF = 0.40  # for each part of the brief on its own

_STEPS = np.array([*LENGTH_STEPS, 0])


def write_emotion(rng: Random, condition: Floats, valence: Floats, arousal: Floats) -> None:
    """Write valence and arousal (N,) into the condition (N, C), or leave them unknown."""
    draw = rng.random()
    if draw < NO_EMOTION:
        return
    if draw >= NO_EMOTION + NO_VALENCE:
        condition[:, CONDITION["valence"]] = valence[:, None]
        condition[:, CONDITION["valence_present"]] = 1
    if not NO_EMOTION + NO_VALENCE <= draw < NO_EMOTION + NO_VALENCE + NO_AROUSAL:
        condition[:, CONDITION["arousal"]] = arousal[:, None]
        condition[:, CONDITION["arousal_present"]] = 1


def write_boundaries(
    rng: Random,
    condition: Floats,
    time_s: NDArray[np.float64],
    hits: NDArray[np.float64],
    end_s: float,
    *,
    told: NDArray[np.bool_],
) -> None:
    """Write the offsets of events at `time_s` (N,) to hits and to the end, or leave all unknown;
    always unknown where not `told` (N,).
    """
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
        known = np.where(told, np.clip(offset, 0, MAX_OFFSET_S), 0)
        condition[:, CONDITION[f"{name}_s"]] = known[:, None]
        condition[:, CONDITION[f"{name}_present"]] = told[:, None]


def write_bar_chords(
    rng: Random, condition: Floats, chords: NDArray[np.uint8], transposition: int
) -> None:
    """Write the transposed chords (N, 2) of each row's bar, or leave all unknown."""
    if rng.random() < NO_CHORDS:
        return
    for half, name in enumerate(("chord_first", "chord_second")):
        chord = chords[:, half].astype(np.int64)
        known = np.flatnonzero(chord != NO_CHORD)
        start = CONDITION[name].start
        condition[known, start + (chord[known] + transposition) % 12] = 1
        condition[known, start + 12 + chord[known] // 12] = 1


def write_references(
    rng: Random,
    condition: Floats,
    roles: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    recall: Floats | None,
    join_s: NDArray[np.float64] | None,
) -> None:
    """Write what rows stand for reference (theme, after), how much the others recall the theme,
    and when they must join what follows.
    """
    theme, after = roles
    condition[:, CONDITION["is_theme"]] = theme[:, None]
    condition[:, CONDITION["is_after"]] = after[:, None]
    main = ~(theme | after)
    if recall is not None and rng.random() >= NO_RECALL:
        condition[:, CONDITION["recall"]] = np.where(main, recall, 0)[:, None]
        condition[:, CONDITION["recall_present"]] = main[:, None]
    if join_s is not None:
        join = np.where(main, np.clip(join_s, 0, MAX_OFFSET_S) / MAX_OFFSET_S, 0)
        condition[:, CONDITION["join"]] = join[:, None]
        condition[:, CONDITION["join_present"]] = main[:, None]


def drawn_brief(
    rng: Random, events: Ints, time_s: NDArray[np.float64], main: NDArray[np.bool_], group: str
) -> Brief:
    """What a brief would have said of this crop, each part with its own chance to be missing.
    Density is that of the `main` rows (N,).
    """
    notes = events[events[:, 0] < BAR]
    if not len(notes):
        return Brief()
    style, key, density, instruments = rng.random(4) >= NO_BRIEF
    pitched = notes[notes[:, 1] != DRUM_KIT]
    weights = _STEPS[pitched[:, 3]]
    histogram = np.bincount(pitched[:, 2] % 12, weights, minlength=12).astype(np.float64)
    played_s = time_s[main]
    duration_s = max(float(played_s[-1] - played_s[0]), 1.0)
    count = int((events[main, 0] < BAR).sum())
    return Brief(
        style=style_of(group, notes[:, 1]) if style else None,
        key=int(key_fits(histogram).argmax()) if key and len(pitched) else None,
        density=count / duration_s if density else None,
        instruments=frozenset(np.unique(notes[:, 1]).tolist()) if instruments else None,
    )
