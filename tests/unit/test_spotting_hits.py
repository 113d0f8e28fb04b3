"""The weightiest hits that fit, markers above all."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.cue import Hit, HitSource
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.picture import Boundary, BoundaryKind
from emsync.timecode import RationalTime
from emsync_server.spotting.hits import EDGE_S, _heaviest, select_hits, spacing_s

RATE = Fraction(25)


def at(time_s: float) -> RationalTime:
    return RationalTime.from_seconds(time_s, RATE)


def cut(time_s: float, strength: float = 0.8) -> Boundary:
    return Boundary(at(time_s), BoundaryKind.CUT, strength)


def marker(time_s: float) -> Hit:
    return Hit(at(time_s), 1.0, True, HitSource.MARKER)


def feeling(arousal: float) -> EmotionCurve:
    sure = ValenceArousal(0.2, 0.2)
    return EmotionCurve((EmotionPoint(at(0), ValenceArousal(0.0, arousal), sure),))


def hit_times(boundaries, markers=(), arousal=0.0, seconds=60.0, spacing=4.0) -> list[float]:
    hits = select_hits(boundaries, markers, feeling(arousal), at(seconds), spacing)
    assert all(hit.locked for hit in hits)
    return [float(hit.time.seconds) for hit in hits]


weighted = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 9)), max_size=9)


@given(weighted, st.integers(1, 40))
def test_no_other_set_is_heavier(elements, gap):
    elements = sorted(dict(elements).items())
    times, weights = [t for t, _ in elements], [w for _, w in elements]
    chosen = _heaviest(times, [gap] * len(times), weights)
    assert all(times[b] - times[a] >= gap for a, b in pairwise(chosen))
    best = max(
        sum(weights[i] for i in some)
        for size in range(len(times) + 1)
        for some in combinations(range(len(times)), size)
        if all(times[b] - times[a] >= gap for a, b in pairwise(some))
    )
    assert sum(weights[i] for i in chosen) == best


@given(
    st.lists(st.floats(0, 60), max_size=40),
    st.lists(st.floats(0, 59.9), max_size=5),
    st.floats(-1, 1),
    st.floats(0.5, 10),
)
def test_hits_follow_one_another_with_room_between(cuts, markers, arousal, spacing):
    boundaries = [cut(time) for time in sorted({round(t * 25) / 25 for t in cuts})]
    wanted = [marker(time) for time in markers]
    times = hit_times(boundaries, wanted, arousal, spacing=spacing)
    marked = {float(hit.time.seconds) for hit in wanted}
    assert marked <= set(times)
    assert all(later > earlier for earlier, later in pairwise(times))
    chosen = [time for time in times if time not in marked]
    assert all(EDGE_S <= time <= 60 - EDGE_S for time in chosen)
    least = spacing_s(arousal, spacing) - 1e-6
    assert all(later - earlier >= least for earlier, later in pairwise(chosen))


def test_the_stronger_of_two_near_cuts_wins():
    assert hit_times([cut(20.0, 0.3), cut(21.0, 0.9), cut(40.0)]) == [21.0, 40.0]


def test_two_light_cuts_may_outweigh_a_heavy_one_between_them():
    assert hit_times([cut(10.0, 0.7), cut(13.0, 0.9), cut(16.0, 0.7)]) == [10.0, 16.0]


def test_cuts_at_the_edges_are_left_alone():
    assert hit_times([cut(1.0), cut(59.0)]) == []


def test_excitement_lets_hits_lie_nearer():
    cuts = [cut(float(time)) for time in range(10, 30, 2)]
    assert len(hit_times(cuts, arousal=1.0)) > len(hit_times(cuts, arousal=0.0))
    assert len(hit_times(cuts, arousal=-1.0)) == len(hit_times(cuts, arousal=0.0))


def test_a_marker_pushes_near_cuts_away_and_is_never_pushed():
    assert hit_times([cut(10.0), cut(20.0)], [marker(10.4), marker(11.0)]) == [10.4, 11.0, 20.0]


def test_two_markers_at_one_moment_are_one_hit():
    assert hit_times([], [marker(5.0), marker(5.0)]) == [5.0]


def test_a_barely_visible_change_is_no_hit():
    even = [cut(15.0, 0.1), cut(30.0, 0.1), cut(45.0, 0.1)]
    assert hit_times(even) == []


def test_weights_are_written_rounded():
    (hit,) = select_hits([cut(20.0, 0.777777)], (), feeling(0.0), at(40.0), 4.0)
    assert hit.weight == pytest.approx(0.5 * 0.777777, abs=1e-3)
