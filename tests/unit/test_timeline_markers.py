"""Which of an editor's markers the music lands on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from tests.timelines import clip, marker, timeline, track

from emsync.settings import MarkerRule, MarkerUse
from emsync_otio.reading import edit_of

HERE = Path("cut.otio")
R24 = Fraction(24)


def test_markers_become_locked_hits_with_their_names():
    first = clip("a", 40, R24, start=100)
    first.markers.append(marker("in clip", 110, R24))
    first.markers.append(marker("trimmed away", 99, R24))
    row = track(first, clip("b", 40, R24))
    row.markers.append(marker("on track", 50, R24))
    made = timeline(row)
    made.tracks.markers.extend(
        [marker("on timeline", 5, R24), marker("", 79, R24), marker("late", 80, R24)]
    )
    edit = edit_of(made, HERE)
    assert [(hit.time.value, hit.label) for hit in edit.hits] == [
        (5, "on timeline"),
        (10, "in clip"),
        (50, "on track"),
        (79, ""),
    ]
    assert all(hit.locked and hit.weight == 1.0 for hit in edit.hits)
    outside, trimmed = edit.picture.warnings[-2:]
    assert "1 marker lies outside the picture" in outside
    assert "1 marker lies on a part of its clip that the cut does not show" in trimmed


def test_a_rule_that_leaves_a_trimmed_marker_out_says_nothing_of_it():
    first = clip("a", 40, R24, start=100)
    first.markers.append(marker("fix colour", 99, R24))
    edit = edit_of(timeline(track(first)), HERE, MarkerRule())
    assert not any("marker" in warning for warning in edit.picture.warnings)


NOTED = (
    (5, "fix colour here", "RED"),
    (10, "", "GREEN"),
    (15, "Marker 3", "GREEN"),
    (20, "HIT: door slams", "BLUE"),
    (25, "door slams", "BLUE"),
    (30, "VFX-001", "RED"),
    (35, "Hitchhiker enters", "RED"),
    (38, "mx_in", "RED"),
)


@pytest.mark.parametrize(
    ("rule", "frames"),
    [
        pytest.param(MarkerRule(), [10, 15, 20, 38], id="meant"),
        pytest.param(MarkerRule(MarkerUse.ALL), [5, 10, 15, 20, 25, 30, 35, 38], id="all"),
        pytest.param(MarkerRule(MarkerUse.NONE), [], id="none"),
        pytest.param(MarkerRule(MarkerUse.COLORED, "blue"), [20, 25], id="a colour"),
        pytest.param(MarkerRule(MarkerUse.NAMED, "Door*"), [25], id="a name"),
        pytest.param(MarkerRule(MarkerUse.NAMED, "*door*"), [20, 25], id="part of a name"),
    ],
)
def test_notes_to_colleagues_are_no_hits_unless_asked_for(rule: MarkerRule, frames: list[int]):
    made = timeline(track(clip("a", 40, R24)))
    for at, name, colour in NOTED:
        made.tracks.markers.append(marker(name, at, R24))
        made.tracks.markers[-1].color = colour
    edit = edit_of(made, HERE, rule)
    assert [hit.time.value for hit in edit.hits] == frames
    said = [warning for warning in edit.picture.warnings if "read like notes" in warning]
    assert len(said) == (rule.use is MarkerUse.MEANT)
    assert all("'fix colour here'" in warning and "--markers all" in warning for warning in said)


def test_a_to_do_marker_and_one_with_a_comment_are_notes():
    made = timeline(track(clip("a", 40, R24)))
    made.tracks.markers.extend([marker("Marker 1", 5, R24), marker("", 8, R24)])
    made.tracks.markers[0].metadata["fcpxml"] = {"completed": "0"}
    made.tracks.markers[1].comment = "grade this"
    assert edit_of(made, HERE, MarkerRule()).hits == ()


def test_two_markers_on_one_frame_are_one_hit():
    made = timeline(track(clip("a", 40, R24)))
    made.tracks.markers.extend([marker("door", 5, R24), marker("shot", 5, R24)])
    (hit,) = edit_of(made, HERE).hits
    assert hit.label == "door / shot"


def test_markers_counted_in_record_timecode_are_brought_back():
    made = timeline(track(clip("a", 40, R24)), rate=R24, start=86_400)
    made.tracks.markers.append(marker("hit", 86_410, R24))
    assert [hit.time.value for hit in edit_of(made, HERE).hits] == [10]


def test_what_emsync_wrote_is_no_hit():
    made = timeline(track(clip("a", 40, R24)))
    own = marker("Hit 1", 5, R24)
    own.metadata["emsync"] = {"kind": "hit"}
    made.tracks.markers.append(own)
    assert edit_of(made, HERE).hits == ()
