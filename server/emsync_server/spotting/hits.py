"""Which boundaries the music should land on: the weightiest set with enough room between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from emsync.cue import Hit, HitSource
from emsync.emotion import EmotionCurve
from emsync.picture import Boundary
from emsync.timecode import RationalTime

__all__ = ["select_hits"]

EDGE_S = 1.5
"""Nearer to the start or end there is no room to lead to a hit; the end is known to the composer
anyway."""
LEAST_WEIGHT = 0.2
"""Boundaries lighter than this are not worth bending the music for."""
STRENGTH_SHARE, RHYTHM_SHARE, EMOTION_SHARE = 0.5, 0.25, 0.25
"""What a boundary weighs: how strong the change is, how the rhythm of cutting changes, how the
emotion does."""
EMOTION_REACH_S = 1.5
"""The emotion is compared this long before and after a boundary."""
EMOTION_SCALE = 0.8
"""A change of emotion by this much (distance on the circumplex) counts in full."""
RHYTHM_RATIO = 4.0
"""One shot this many times longer than its neighbour counts in full."""
EXCITED_SPACING = 0.5
"""At arousal 1 hits may lie this share of the spacing apart; at 0 and below the whole of it."""
SMALLEST_GAP = 0.5
"""Beside an editor's marker a boundary keeps this share of the spacing."""


def select_hits(
    boundaries: Sequence[Boundary],
    markers: Sequence[Hit],
    emotion: EmotionCurve,
    duration: RationalTime,
    min_spacing_s: float,
    *,
    lock: bool = True,
) -> tuple[Hit, ...]:
    """Markers, all of them, and the boundaries of greatest total weight that fit between, in order.

    Dynamic programming over the boundaries, n log n. Markers are locked; boundaries are, if `lock`
    says so: a person may change that in the cue sheet.
    """
    end_s = float(duration.seconds)
    fixed = _distinct(markers, duration)
    fixed_s = [float(hit.time.seconds) for hit in fixed]
    weighed = [
        (boundary, weight)
        for boundary, weight in zip(boundaries, weights(boundaries, emotion, end_s), strict=True)
        if weight >= LEAST_WEIGHT
        and EDGE_S <= float(boundary.time.seconds) <= end_s - EDGE_S
        and _clear_of(fixed_s, float(boundary.time.seconds), SMALLEST_GAP * min_spacing_s)
    ]
    times = [float(boundary.time.seconds) for boundary, _ in weighed]
    gaps = [spacing_s(emotion.at(time).arousal, min_spacing_s) for time in times]
    chosen = _heaviest(times, gaps, [weight for _, weight in weighed])
    hits = [
        Hit(weighed[at][0].time, round(weighed[at][1], 4), lock, HitSource.BOUNDARY)
        for at in chosen
    ]
    return tuple(sorted((*fixed, *hits), key=lambda hit: hit.time.seconds))


def spacing_s(arousal: float, min_spacing_s: float) -> float:
    """The least time before a hit: shorter where the film is excited."""
    return min_spacing_s * (1 - (1 - EXCITED_SPACING) * max(0.0, arousal))


def weights(boundaries: Sequence[Boundary], emotion: EmotionCurve, end_s: float) -> list[float]:
    """How much each boundary asks for music, 0 to 1."""
    edges = [0.0, *(float(each.time.seconds) for each in boundaries), end_s]
    lengths = [max(after - before, 1e-3) for before, after in pairwise(edges)]
    result = []
    for at, boundary in enumerate(boundaries):
        ratio = max(lengths[at], lengths[at + 1]) / min(lengths[at], lengths[at + 1])
        rhythm = min(1.0, (ratio - 1) / (RHYTHM_RATIO - 1))
        before = emotion.at(edges[at + 1] - EMOTION_REACH_S)
        after = emotion.at(edges[at + 1] + EMOTION_REACH_S)
        moved = (
            (after.valence - before.valence) ** 2 + (after.arousal - before.arousal) ** 2
        ) ** 0.5
        weight = (
            STRENGTH_SHARE * boundary.strength
            + RHYTHM_SHARE * rhythm
            + EMOTION_SHARE * min(1.0, moved / EMOTION_SCALE)
        )
        result.append(min(1.0, weight))
    return result


def _distinct(markers: Sequence[Hit], duration: RationalTime) -> list[Hit]:
    """Markers inside the picture, one at a moment, in order."""
    kept: list[Hit] = []
    for hit in sorted(markers, key=lambda each: each.time.seconds):
        inside = hit.time.seconds < duration.seconds
        if inside and (not kept or hit.time.seconds > kept[-1].time.seconds):
            kept.append(hit)
    return kept


def _clear_of(fixed_s: Sequence[float], time_s: float, gap_s: float) -> bool:
    """Whether no marker lies nearer than a gap."""
    after = bisect_right(fixed_s, time_s)
    near = fixed_s[max(0, after - 1) : after + 1]
    return all(abs(time_s - other) >= gap_s for other in near)


def _heaviest(times: Sequence[float], gaps: Sequence[float], weight: Sequence[float]) -> list[int]:
    """The indices of the heaviest set in which each lies its own gap after the one before."""
    best = [0.0]  # best[i]: the heaviest set among the first i
    choices: list[int | None] = [None]  # the set that a last element joins; None: it is left out
    for at, time in enumerate(times):
        joins = bisect_right(times, time - gaps[at] + 1e-9, hi=at)
        with_it = best[joins] + weight[at]
        takes = with_it > best[-1]
        best.append(with_it if takes else best[-1])
        choices.append(joins if takes else None)
    chosen: list[int] = []
    at = len(times)
    while at > 0:
        joined = choices[at]
        if joined is None:
            at -= 1
        else:
            chosen.append(at - 1)
            at = joined
    return chosen[::-1]
