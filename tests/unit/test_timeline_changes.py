"""What two versions of an edit have in common."""

from __future__ import annotations

from fractions import Fraction

import opentimelineio as otio
import pytest
from tests.timelines import R24, clip, dissolve, gap, timeline, track

from emsync_otio.changes import KeptSpan, kept_spans

Shot = tuple[str, int, int]
"""File, first frame, length."""
SHOTS: list[Shot] = [("a", 0, 96), ("b", 240, 48), ("c", 24, 120), ("d", 0, 96)]


def edit(shots: list[Shot], folder: str = "/films", **kinds: otio.schema.Transition):
    items: list[otio.core.Composable] = []
    for name, first, length in shots:
        if name in kinds:
            items.append(kinds[name].deepcopy())
        if name == "black":
            items.append(gap(length, R24))
        else:
            items.append(clip(name, length, R24, start=first, media=f"{folder}/{name}.mov"))
    return timeline(track(*items), rate=R24)


def spans(old: list[Shot], new: list[Shot]) -> list[tuple[int, int, int]]:
    """(old start, new start, length) in frames."""
    found = kept_spans(edit(old), edit(new))
    return [tuple(int(x * 24) for x in (s.old_start, s.new_start, s.length)) for s in found]


@pytest.mark.parametrize(
    ("new", "kept"),
    [
        (SHOTS, [(0, 0, 360)]),
        ([*SHOTS[:1], ("n", 0, 50), *SHOTS[1:]], [(0, 0, 96), (96, 146, 264)]),
        ([*SHOTS[:1], *SHOTS[2:]], [(0, 0, 96), (144, 96, 216)]),
        ([*SHOTS[:2], ("c", 24, 90), SHOTS[3]], [(0, 0, 234), (264, 234, 96)]),
        ([*SHOTS[:2], ("c", 54, 90), SHOTS[3]], [(0, 0, 144), (174, 144, 186)]),
        ([*SHOTS[:2], ("x", 0, 120), SHOTS[3]], [(0, 0, 144), (264, 264, 96)]),
        ([SHOTS[1], SHOTS[0], *SHOTS[2:]], [(0, 48, 96), (144, 144, 216)]),
        ([("b", 240, 20), ("b", 260, 28)], [(96, 0, 48)]),
        ([("z", 0, 300)], []),
        ([*SHOTS[:2], ("black", 0, 30), *SHOTS[2:]], [(0, 0, 144), (144, 174, 216)]),
    ],
    ids=[
        *("same", "inserted", "removed", "tail-trimmed", "head-trimmed"),
        *("replaced", "swapped", "split", "other", "gap"),
    ],
)
def test_the_same_picture_is_found_where_it_is_now(new: list[Shot], kept: list[object]):
    assert spans(SHOTS, new) == kept


def test_black_between_shots_is_the_same_picture():
    shots = [SHOTS[0], ("black", 0, 24), SHOTS[1]]
    assert spans(shots, shots) == [(0, 0, 168)]


def test_files_that_moved_are_the_same_files():
    moved = kept_spans(edit(SHOTS), edit(SHOTS, folder="D:\\Cut Room"))
    assert moved == (KeptSpan(Fraction(0), Fraction(0), Fraction(15)),)


def test_a_dissolve_instead_of_a_cut_changes_the_picture_as_long_as_it_lasts():
    found = kept_spans(edit(SHOTS), edit(SHOTS, c=dissolve(12, 12, R24)))
    assert [(int(s.old_start * 24), int(s.old_end * 24)) for s in found] == [(0, 132), (156, 360)]


def test_a_new_speed_is_another_picture():
    fast = edit(SHOTS)
    fast.tracks[0][2].effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    found = kept_spans(edit(SHOTS), fast)
    assert [(int(s.old_start * 24), int(s.old_end * 24)) for s in found] == [(0, 144), (264, 360)]


def test_a_thousand_shots_of_one_film_are_compared_at_once():
    shots = [("film", at * 30, 24) for at in range(1000)]
    found = kept_spans(edit(shots), edit([*shots[:500], ("n", 0, 24), *shots[500:]]))
    assert [float(s.length) for s in found] == [500.0, 500.0]


def test_a_picture_that_comes_back_hundreds_of_times_is_found_again_quickly():
    shots = [clip("loop", 24, R24, media="loop.mov") for _ in range(400)]
    old = timeline(track(*shots))
    new = timeline(track(clip("new", 48, R24, media="new.mov"), *(s.deepcopy() for s in shots)))
    (span,) = kept_spans(old, new)
    assert (span.old_start, span.new_start, span.length) == (0, 2, 400)
