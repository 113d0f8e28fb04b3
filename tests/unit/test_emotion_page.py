"""What spotting shows of the emotion curve, and a person's values winning over it."""

import json
import re
from dataclasses import replace
from fractions import Fraction

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync import wire
from emsync.cue import Cue, CueSheet
from emsync.emotion import (
    EmotionCurve,
    EmotionOverride,
    EmotionPoint,
    EmotionVote,
    ShotNotes,
    ValenceArousal,
)
from emsync.picture import Boundary, BoundaryKind, PictureInfo
from emsync.timecode import RationalTime, TimeRange
from emsync_server.evaluation.emotion_page import emotion_lines, write_emotion_pages

RATE = Fraction(24)


def at(seconds):
    return RationalTime(round(seconds * 24), RATE)


def curve(*values):
    off = ValenceArousal(0.3, 0.2)
    return EmotionCurve(
        tuple(EmotionPoint(at(2 * k + 1), ValenceArousal(v, -v), off) for k, v in enumerate(values))
    )


def sheet_of(words="<script>alert(1)</script>"):
    ranges = [TimeRange(at(2 * k), at(2)) for k in range(3)]
    vote = EmotionVote("faces", ValenceArousal(0.5, 0.1), ValenceArousal(0.4, 0.4), 0.8)
    shots = tuple(
        ShotNotes(where, (vote,), (("joy", 0.9), ("fear", 0.1)), (("piano", 0.7),), words)
        for where in ranges
    )
    cue = Cue("cue", TimeRange(at(0), at(6)), (), curve(0.5, -0.5, 0.2))
    picture = PictureInfo("/nowhere/film.mp4", RATE, at(6), at(0))
    cut = Boundary(at(2), BoundaryKind.CUT, 1.0)
    return CueSheet(picture, (cut,), (cue,), shots)


def test_the_page_says_why_and_nothing_in_the_film_can_run_in_it(tmp_path):
    png, html = write_emotion_pages(sheet_of(), tmp_path / "cues.json")
    assert cv2.imread(str(png)).shape[1] >= 1400
    text = html.read_text(encoding="utf-8")
    assert text.count("<script") == 2
    assert "http" not in text.replace("http://www.w3.org", "")
    data = json.loads(re.search(r'application/json">(.*?)</script>', text)[1])
    assert [shot["valence"] for shot in data["shots"]] == ["+0.50 ± 0.38", "-0.50 ± 0.38",
                                                           "+0.20 ± 0.38"]  # fmt: skip
    assert data["shots"][0]["votes"][0] == ["faces", "+0.50 ± 0.51", "+0.10 ± 0.51", "80%"]
    assert data["shots"][0]["ekman"] == "joy 90%, fear 10%"
    assert data["shots"][0]["text"] == "<script>alert(1)</script>"


def test_the_terminal_gets_a_line_a_shot():
    lines = emotion_lines(sheet_of())
    assert len(lines) == 3
    assert "valence +0.50 ± 0.38" in lines[0]
    assert "faces 80%" in lines[0]


def test_notes_and_overrides_come_back_from_the_file_and_from_the_wire():
    sheet = sheet_of()
    override = EmotionOverride(at(1), ValenceArousal(-1.0, 1.0), at(3))
    cue = replace(sheet.cues[0], overrides=(override,))
    sheet = replace(sheet, cues=(cue,))
    assert wire.cue_sheet_from_dict(json.loads(wire.dumps(sheet))) == sheet
    assert wire.cue_sheet_from_dict(wire.to_dict(sheet)) == sheet


def test_an_emotion_set_for_a_shot_holds_there_and_leaves_the_rest_alone():
    estimated = curve(0.5, -0.5, 0.2)
    by_hand = estimated.overridden([EmotionOverride(at(2), ValenceArousal(0.9, 0.8), at(4))])
    for moment in (2.0, 2.5, 3.0, 3.9):
        assert by_hand.at(moment) == ValenceArousal(0.9, 0.8)
    for moment in (0.0, 1.0, 1.9, 4.0, 4.5, 5.5):
        assert by_hand.at(moment).valence == pytest.approx(estimated.at(moment).valence, abs=0.03)


def test_the_line_through_keyframes_wins_from_the_first_to_the_last():
    keyframes = [EmotionOverride(at(4), ValenceArousal(1.0, 0.0)),
                 EmotionOverride(at(0), ValenceArousal(-1.0, 0.0))]  # fmt: skip
    by_hand = curve(0.5, -0.5, 0.2).overridden(keyframes)
    assert [by_hand.at(moment).valence for moment in (0, 1, 2, 4)] == [-1, -0.5, 0, 1]
    assert by_hand.at(5.0).valence == 0.2


@given(
    st.lists(
        st.tuples(st.integers(0, 140), st.integers(1, 40), st.booleans(), st.floats(-1, 1)),
        max_size=6,
    )
)
def test_whatever_is_overridden_is_a_curve_and_the_last_word_holds(rows):
    overrides = [
        EmotionOverride(RationalTime(a, RATE), ValenceArousal(v, v),
                        RationalTime(a + n, RATE) if ranged else None)
        for a, n, ranged, v in rows
    ]  # fmt: skip
    by_hand = curve(0.5, -0.5, 0.2).overridden(overrides)
    ranged = [each for each in overrides if each.end is not None]
    if ranged:
        assert by_hand.at(float(ranged[-1].time.seconds)) == ranged[-1].emotion


def test_an_override_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="cannot hold until"):
        EmotionOverride(at(2), ValenceArousal(0, 0), at(1))
