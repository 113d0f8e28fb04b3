"""The emotion curve of a film from all that its experts said, and the notes that say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync.emotion import EmotionCurve, EmotionPoint, EmotionVote, ShotNotes, ValenceArousal
from emsync.picture import Boundary
from emsync.timecode import RationalTime, TimeRange
from emsync_server.spotting.experts import ShotReadings
from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE, Given, Vote, joined
from emsync_server.spotting.fusion.on_film import FILM_LIKENESS, on_film
from emsync_server.spotting.fusion.smoothing import likeness, smoothed
from emsync_server.spotting.fusion.votes import ekman_of, votes_of

__all__ = ["Fused", "fused"]

Floats = NDArray[np.float64]

AT_ONE_BOUNDARY_S = 0.05
MOST_TAGS = 5
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Fused:
    """What the fusion gives."""

    curve: EmotionCurve
    shots: tuple[ShotNotes, ...]


def fused(
    ranges: Sequence[TimeRange],
    readings: Sequence[ShotReadings],
    measured: EmotionCurve | None,
    boundaries: Sequence[Boundary],
) -> Fused:
    """A curve that holds each shot's emotion up to the cut, and changes slowly inside long shots.

    ranges: shots, or parts of long ones, one after another · readings: of each · measured: what
    was measured without experts, a point for each range · boundaries: of the picture
    """
    points = [None] * len(ranges) if measured is None else list(measured.points)
    if not len(ranges) == len(readings) == len(points):
        raise ValueError(f"{len(ranges)} ranges, {len(readings)} readings, {len(points)} points")
    votes = [votes_of(*pair) for pair in zip(readings, points, strict=True)]
    given = [joined(each) for each in votes]
    middles_s = np.array([float(each.middle.seconds) for each in ranges])
    strengths = _strengths(ranges, boundaries)
    alike = likeness(np.diff(middles_s), strengths)
    gain, mean = (np.array([getattr(each, part) for each in given]) for part in ("gain", "mean"))
    axes = [
        on_film(*_inside(smoothed(gain[:, axis], mean[:, axis], alike), votes, axis), likeness)
        for axis, likeness in enumerate(FILM_LIKENESS)
    ]
    is_cut = [False, *(strengths > 0).tolist(), False]
    curve = tuple(
        EmotionPoint(time, *_emotion_and_band(axes, at))
        for at, each in enumerate(ranges)
        for time in _held(each, from_cut=is_cut[at], to_cut=is_cut[at + 1])
    )
    notes = zip(ranges, readings, votes, given, strict=True)
    return Fused(EmotionCurve(curve), tuple(_notes(*each) for each in notes))


def _held(where: TimeRange, *, from_cut: bool, to_cut: bool) -> list[RationalTime]:
    """The moments of a range at which the curve has its emotion: the middle; its first and last
    tick where a cut is, so that the curve jumps there."""
    ticks = {where.middle.value}
    if from_cut:
        ticks.add(where.start.value)
    if to_cut:
        ticks.add(where.end.value - 1)
    return [RationalTime(tick, where.start.rate) for tick in sorted(ticks)]


def _emotion_and_band(
    axes: Sequence[tuple[Floats, Floats]], at: int
) -> tuple[ValenceArousal, ValenceArousal]:
    (valence, valence_v), (arousal, arousal_v) = axes
    mean = np.clip((valence[at], arousal[at]), -1, 1).round(4).tolist()
    off = np.sqrt((valence_v[at], arousal_v[at])).round(4).tolist()
    return ValenceArousal(*mean), ValenceArousal(*off)


def _inside(
    axis: tuple[Floats, Floats], votes: Sequence[Sequence[Vote]], which: int
) -> tuple[Floats, Floats]:
    """No shot farther from the middle than anybody said of it: agreement along time makes sure,
    not bold. Where nobody spoke, what was smoothed stays."""
    means, variances = axis
    said = [
        [(0.0, 0.0), *((v.estimate.mean.valence, v.estimate.mean.arousal) for v in each)]
        for each in votes
    ]
    low = np.array([min(pair[which] for pair in each) for each in said])
    high = np.array([max(pair[which] for pair in each) for each in said])
    silent = np.array([not each for each in votes])
    return np.where(silent, means, np.clip(means, low, high)), variances


def _strengths(ranges: Sequence[TimeRange], boundaries: Sequence[Boundary]) -> Floats:
    """Of the boundary between neighbouring ranges; 0 where a long shot goes on. (S - 1,)"""
    times = np.array([float(each.time.seconds) for each in boundaries])
    strengths = np.array([each.strength for each in boundaries])
    out = np.zeros(max(0, len(ranges) - 1))
    for at in range(len(out)):
        near = np.abs(times - float(ranges[at + 1].start.seconds)) <= AT_ONE_BOUNDARY_S
        out[at] = strengths[near].max() if near.any() else 0.0
    return out


def _notes(
    where: TimeRange, readings: ShotReadings, votes: Sequence[Vote], given: Given
) -> ShotNotes:
    shares = dict(given.shares)
    tags = [tag for each in readings.by_expert.values() for tag in each.tags]
    best = sorted(tags, key=lambda tag: (-tag.probability, tag.name))[:MOST_TAGS]
    words = [each.text for each in readings.by_expert.values() if each.text]
    return ShotNotes(
        where,
        tuple(_vote(each, shares[each.expert]) for each in votes),
        ekman_of(readings),
        tuple((tag.name, round(tag.probability, 3)) for tag in best),
        " ".join(dict.fromkeys(words))[:LONGEST_TEXT],
    )


def _vote(vote: Vote, shares: Floats) -> EmotionVote:
    """What an expert is worth on film: who was measured there, says so himself."""
    said = vote.estimate.mean
    mean = np.array([said.valence, said.arousal])
    variance = np.minimum(vote.estimate.variance, PRIOR_VARIANCE)
    if not vote.is_of_film:
        mean, variance = on_film(mean, variance, np.array(FILM_LIKENESS))
    off = np.sqrt(variance).round(3).tolist()
    emotion = ValenceArousal(*mean.round(3).tolist())
    return EmotionVote(vote.expert, emotion, ValenceArousal(*off), round(float(shares.mean()), 3))
