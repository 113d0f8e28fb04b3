"""Readings of moments and windows, gathered into the shots that they fall in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from emsync.emotion import ValenceArousal
from emsync_server.spotting.experts.expert import Expert, ExpertRow, ShotReadings
from emsync_server.spotting.experts.readings import (
    Ekman,
    EkmanProbabilities,
    Estimate,
    Floats,
    Reading,
    Tag,
)

__all__ = ["gather", "grouped", "with_heads"]

LEAST_SHARE = 0.25
"""A window counts in a shot if so much of the window, or of the shot, lies in both."""
MOST_TAGS = 8
MOST_AT_ONCE = 256
"""Shots that a head is shown at once: two hours of a shot each second took 100 MB at once."""


def gather(readings: Iterable[Reading], edges_s: Sequence[float]) -> list[ShotReadings]:
    """One value for each stretch between two edges (N + 1 of them, rising), with the mean of what
    each expert read there; an expert that read nothing there is not in it.
    """
    found = grouped(readings, edges_s)
    return [
        ShotReadings(start_s, end_s, {name: _joined(pairs) for name, pairs in by_expert.items()})
        for (start_s, end_s), by_expert in zip(pairwise(edges_s), found, strict=True)
    ]


def grouped(
    readings: Iterable[Reading], edges_s: Sequence[float]
) -> list[dict[str, list[tuple[float, Reading]]]]:
    """What each expert read in each stretch, in order, with each reading's weight there."""
    found: list[dict[str, list[tuple[float, Reading]]]] = [
        defaultdict(list) for _ in range(len(edges_s) - 1)
    ]
    edges = np.asarray(edges_s, np.float64)
    for reading in readings:
        for shot, weight in _shots_of(reading, edges):
            found[shot][reading.expert].append((weight, reading))
    return found


def with_heads(
    shots: Sequence[ShotReadings], heads: Sequence[tuple[ExpertRow, Expert[ShotReadings]]]
) -> list[ShotReadings]:
    """The shots with what heads make of the readings in them."""
    joined = [dict(shot.by_expert) for shot in shots]
    for row, head in heads:
        able = [at for at, shot in enumerate(shots) if set(row.sources) & shot.by_expert.keys()]
        for first in range(0, len(able), MOST_AT_ONCE):
            piece = able[first : first + MOST_AT_ONCE]
            answers = head.read([replace(shots[at], by_expert=joined[at]) for at in piece])
            for at, answer in zip(piece, answers, strict=True):
                if answer is not None:
                    joined[at][row.name] = answer
    return [
        replace(shot, by_expert=by_expert) for shot, by_expert in zip(shots, joined, strict=True)
    ]


def _shots_of(reading: Reading, edges: np.ndarray) -> list[tuple[int, float]]:
    """The shots that a reading tells about, and its weight in each."""
    last = len(edges) - 2
    length = reading.end_s - reading.start_s
    first = int(np.clip(np.searchsorted(edges, reading.start_s, "right") - 1, 0, last))
    if length == 0:
        return [(first, 1.0)]
    end = int(np.clip(np.searchsorted(edges, reading.end_s, "left") - 1, 0, last))
    shots = []
    for shot in range(first, end + 1):
        inside = min(reading.end_s, edges[shot + 1]) - max(reading.start_s, edges[shot])
        least = LEAST_SHARE * min(length, edges[shot + 1] - edges[shot])
        if inside >= least and inside > 0:
            shots.append((shot, float(inside / length)))
    return shots


def _joined(pairs: Sequence[tuple[float, Reading]]) -> Reading:
    """The weighted mean of one expert's readings in one shot."""
    readings = [reading for _, reading in pairs]
    shares = np.array([weight * max(each.certainty, 1e-3) for weight, each in pairs])
    texts = [each.text for each in readings if each.text]
    return Reading(
        readings[0].expert,
        min(each.start_s for each in readings),
        max(each.end_s for each in readings),
        embedding=_mean_embedding(readings, shares),
        estimate=_mean_estimate(readings, shares),
        ekman=_mean_ekman(readings, shares),
        tags=_joined_tags(readings, shares),
        text=" ".join(dict.fromkeys(texts)),
        language=next((each.language for each in readings if each.language), None),
        certainty=float(np.average([each.certainty for each in readings],
                                   weights=[weight for weight, _ in pairs])),
    )  # fmt: skip


def _mean_embedding(readings: Sequence[Reading], shares: np.ndarray) -> Floats | None:
    there = [(each.embedding, share) for each, share in zip(readings, shares, strict=True)
             if each.embedding is not None]  # fmt: skip
    if not there:
        return None
    return np.asarray(np.average([row for row, _ in there], axis=0,
                                 weights=[share for _, share in there]), np.float32)  # fmt: skip


def _mean_estimate(readings: Sequence[Reading], shares: np.ndarray) -> Estimate | None:
    """One expert errs in the same way all through a shot: more of its readings make it no surer."""
    there = [(each.estimate, share) for each, share in zip(readings, shares, strict=True)
             if each.estimate is not None]  # fmt: skip
    if not there:
        return None
    weights = [share for _, share in there]
    rows = [(each.mean.valence, each.mean.arousal, *each.variance) for each, _ in there]
    valence, arousal, *variance = np.average(rows, axis=0, weights=weights).tolist()
    return Estimate(ValenceArousal(valence, arousal), (variance[0], variance[1]))


def _mean_ekman(readings: Sequence[Reading], shares: np.ndarray) -> EkmanProbabilities | None:
    there = [(each.ekman, share) for each, share in zip(readings, shares, strict=True)
             if each.ekman is not None]  # fmt: skip
    if not there:
        return None
    weights = [share for _, share in there]
    six = np.average([each.six() for each, _ in there], axis=0, weights=weights)
    named = {each.value: float(value) for each, value in zip(Ekman, six, strict=True)}
    return EkmanProbabilities(**named, neutral=max(0.0, 1.0 - float(six.sum())))


def _joined_tags(readings: Sequence[Reading], shares: np.ndarray) -> tuple[Tag, ...]:
    """Each tag's mean probability over all readings, the likeliest first."""
    total: dict[str, float] = defaultdict(float)
    for reading, share in zip(readings, shares, strict=True):
        for name in {tag.name for tag in reading.tags}:
            best = max(tag.probability for tag in reading.tags if tag.name == name)
            total[name] += best * float(share / shares.sum())
    best_first = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Tag(name, min(1.0, value)) for name, value in best_first[:MOST_TAGS])
