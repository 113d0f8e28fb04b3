"""What spotting shows of the emotion curve, and a person's values winning over it."""

import json
import re
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
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
    EmotionWish,
    ShotNotes,
    ValenceArousal,
)
from emsync.errors import CueSheetError
from emsync.picture import Boundary, BoundaryKind, PictureInfo
from emsync.timecode import RationalTime, TimeRange
from emsync_otio import KeptSpan
from emsync_server.composition.expression import expressed
from emsync_server.evaluation.canvas import Canvas
from emsync_server.evaluation.emotion_page import emotion_lines, write_emotion_pages
from emsync_server.evaluation.emotion_picture import (
    GAP,
    HEADER,
    ROW,
    draw_emotion_picture,
    shots_and_stretches,
)
from emsync_server.evaluation.film_strip import STRIP, Still
from emsync_server.evaluation.palette import VALENCE
from emsync_server.evaluation.time_axis import TimeAxis
from emsync_server.recut import persons_emotions

RATE = Fraction(24)


def at(seconds):
    return RationalTime(round(seconds * 24), RATE)


def test_genres_are_told_where_a_network_told_them(tmp_path):
    plain = sheet_of()
    told = replace(plain, genres=(("noir", 0.81), ("drama", 0.4)))
    (line,) = set(emotion_lines(told)) - set(emotion_lines(plain))
    assert line == "  genres, as your network tells them: noir 81%, drama 40%"
    texts = [write_emotion_pages(each, tmp_path / "cues.json")[1].read_text("utf-8")
             for each in (plain, told)]  # fmt: skip
    assert ['"noir 81%, drama 40%"' in text for text in texts] == [False, True]
    pictures = [draw_emotion_picture(each, []).png() for each in (plain, told)]
    assert pictures[0] != pictures[1]
    assert wire.cue_sheet_from_dict(wire.to_dict(told)) == told
    assert "genres" not in wire.dumps(plain) and "noir" in wire.dumps(told)


def curve(*values):
    off = ValenceArousal(0.3, 0.2)
    return EmotionCurve(
        tuple(EmotionPoint(at(2 * k + 1), ValenceArousal(v, -v), off) for k, v in enumerate(values))
    )


def sure_curve(*values):
    sure = ValenceArousal(0.0, 0.0)
    points = curve(*values).points
    return EmotionCurve(tuple(replace(point, uncertainty=sure) for point in points))


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


def test_the_thin_line_is_what_composition_reads_across_cuts_too():
    sheet = sheet_of("")
    axis, top = TimeAxis.of_length(6.0), HEADER + STRIP + GAP
    read = expressed(replace(sheet.cues[0], emotion=sure_curve(0.8, -0.8, 0.2)))
    assert read.felt.at(2.0).valence == pytest.approx(0.0)  # half-way at the cut, no jump
    drawn = replace(sheet, cues=(read,), boundaries=())
    picture = cv2.imdecode(np.frombuffer(draw_emotion_picture(drawn, ()).png(), np.uint8), 1)
    for moment in (1.5, 1.9, 2.1, 2.5, 3.6, 4.4):
        row = top + ROW * (0.5 - read.felt.at(moment).valence / 2)
        near = picture[round(row) - 1 : round(row) + 2, round(axis.x(moment))].astype(int)
        # A thin line between two pixels is half white on both; white is 505 away.
        assert np.abs(near - VALENCE.bgr).sum(axis=1).min() < 300, moment


def test_a_file_may_be_called_like_a_part_of_the_page(tmp_path):
    told = ("Words are from the subtitles '{{shots}}.srt' (English).",)
    _, html = write_emotion_pages(replace(sheet_of(), words_from=told), tmp_path / "cues.json")
    assert html.read_text("utf-8").count("{{shots}}.srt") == 1


def test_the_page_says_where_words_are_from(tmp_path):
    told = ("Words are from the subtitles 'a<b>.srt' (English).",)
    _, html = write_emotion_pages(replace(sheet_of(), words_from=told), tmp_path / "cues.json")
    assert "<p>Words are from the subtitles &#x27;a&lt;b&gt;.srt&#x27; (English).</p>" in (
        html.read_text(encoding="utf-8")
    )


def test_the_terminal_gets_a_line_a_shot():
    lines = emotion_lines(sheet_of())
    assert lines[0] == "  2 shots, felt in 3 stretches (± holds 80 %):"
    assert len(lines) == 4
    assert "valence +0.50 ± 0.38" in lines[1]
    assert "faces 80%" in lines[1]


def test_the_terminal_says_what_it_leaves_out():
    ranges = [TimeRange(RationalTime(6 * k, RATE), RationalTime(6, RATE)) for k in range(20)]
    sheet = replace(sheet_of(), shots=tuple(ShotNotes(where) for where in ranges))
    lines = emotion_lines(sheet)
    assert lines[0].endswith("(± holds 80 %); the 12 longest:")
    assert len(lines) == 14 and lines[-1] == "  … and 8 more in the cue sheet"


@pytest.mark.parametrize(
    ("edges", "kind", "told"),
    [
        pytest.param((2, 4), BoundaryKind.CUT, "3 shots", id="each shot is a stretch"),
        pytest.param((4,), BoundaryKind.WIPE, "2 shots, felt in 3 stretches", id="a long shot"),
        pytest.param((), BoundaryKind.CUT, "1 shot, felt in 3 stretches", id="one shot"),
        pytest.param((0, 2, 2, 6), BoundaryKind.FADE, "2 shots, felt in 3 stretches", id="ends"),
        pytest.param((2, 4), BoundaryKind.MARKER, "1 shot, felt in 3 stretches", id="markers"),
    ],
)
def test_shots_are_counted_by_their_boundaries(edges, kind, told):
    boundaries = tuple(Boundary(at(edge), kind, 1.0) for edge in edges)
    assert shots_and_stretches(replace(sheet_of(), boundaries=boundaries)) == told


def test_who_counts_for_nothing_is_not_shown_as_a_share(tmp_path):
    sheet = sheet_of()
    none = tuple(
        replace(note, votes=tuple(replace(vote, share=0.004) for vote in note.votes))
        for note in sheet.shots
    )
    empty = replace(sheet, shots=none)
    assert all(line.endswith("(nothing found)") for line in emotion_lines(empty)[1:])
    texts = [write_emotion_pages(each, tmp_path / "cues.json")[1].read_text("utf-8")
             for each in (sheet, empty)]  # fmt: skip
    assert ['"nothing": "nothing found"' in text for text in texts] == [False, True]
    assert "0%" not in texts[1].partition('application/json">')[2].replace("90%", "").replace(
        "70%", "").replace("10%", "")  # fmt: skip


@pytest.mark.parametrize(
    ("share", "legend", "heading"),
    [
        pytest.param(0.8, True, "thick lines", id="found"),
        pytest.param(0.0, False, "nothing found", id="nothing"),
    ],
)
def test_the_legend_names_who_found_something(monkeypatch, share, legend, heading):
    said, sheet = [], sheet_of()
    text = Canvas.text

    def heard(self, words, *where, **how):
        said.append(words)
        return text(self, words, *where, **how)

    monkeypatch.setattr(Canvas, "text", heard)
    shots = [
        replace(note, votes=tuple(replace(vote, share=share) for vote in note.votes))
        for note in sheet.shots
    ]
    draw_emotion_picture(replace(sheet, shots=tuple(shots)), ())
    assert ("faces" in said) is legend and "80 % band" in said
    assert any(words.startswith(f"2 shots, felt in 3 stretches; {heading}") for words in said)


def test_the_page_parts_languages_and_leaves_out_what_is_hardly_heard(tmp_path):
    sheet = sheet_of("مرحبا. Hello.")
    quiet = tuple(replace(note, tags=(("piano", 0.7), ("Hip-Hop", 0.21))) for note in sheet.shots)
    _, html = write_emotion_pages(replace(sheet, shots=quiet), tmp_path / "cues.json")
    text = html.read_text(encoding="utf-8")
    assert '"text": "مرحبا.\\nHello."' in text and '"tags": "piano 70%"' in text
    assert "<p>Arabic letters are not joined in the picture; below it they are.</p>" in text


def test_notes_and_overrides_come_back_from_the_file_and_from_the_wire():
    sheet = sheet_of()
    override = EmotionOverride(at(1), EmotionWish(-1.0, 1.0), at(3))
    cue = replace(sheet.cues[0], overrides=(override,))
    sheet = replace(sheet, cues=(cue,))
    assert wire.cue_sheet_from_dict(json.loads(wire.dumps(sheet))) == sheet
    assert wire.cue_sheet_from_dict(wire.to_dict(sheet)) == sheet


def test_an_emotion_set_for_a_shot_holds_there_and_leaves_the_rest_alone():
    estimated = curve(0.5, -0.5, 0.2)
    by_hand = estimated.overridden([EmotionOverride(at(2), EmotionWish(0.9, 0.8), at(4))])
    for moment in (2.0, 2.5, 3.0, 3.9):
        assert by_hand.at(moment) == ValenceArousal(0.9, 0.8)
    for moment in (0.0, 1.0, 1.9, 4.0, 4.5, 5.5):
        assert by_hand.at(moment).valence == pytest.approx(estimated.at(moment).valence, abs=0.03)


def test_the_line_through_keyframes_wins_from_the_first_to_the_last():
    keyframes = [EmotionOverride(at(4), EmotionWish(1.0, 0.0)),
                 EmotionOverride(at(0), EmotionWish(-1.0, 0.0))]  # fmt: skip
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
        EmotionOverride(RationalTime(a, RATE), EmotionWish(v, v),
                        RationalTime(a + n, RATE) if ranged else None)
        for a, n, ranged, v in rows
    ]  # fmt: skip
    by_hand = curve(0.5, -0.5, 0.2).overridden(overrides)
    ranged = [each for each in overrides if each.end is not None]
    if ranged:
        last = ranged[-1].emotion
        assert by_hand.at(float(ranged[-1].time.seconds)) == ValenceArousal(
            last.valence, last.arousal
        )


def orange(sheet):
    """Rows and columns of what is drawn in the colour of what a person set."""
    picture = cv2.imdecode(np.frombuffer(draw_emotion_picture(sheet, ()).png(), np.uint8), 1)
    return (np.abs(picture.astype(int) - (67, 112, 255)).max(axis=2) < 3).nonzero()


def test_what_was_set_by_hand_is_marked_where_it_holds_at_its_value_and_named():
    sheet = sheet_of()
    assert len(orange(sheet)[0]) == 0
    spans = [EmotionOverride(at(2), EmotionWish(valence=0.9), at(4))]
    rows, columns = orange(replace(sheet, cues=(replace(sheet.cues[0], overrides=tuple(spans)),)))
    axis = TimeAxis.of_length(6.0)
    plotted = rows > 100  # the legend is above
    assert columns[plotted].min() == pytest.approx(axis.x(2), abs=2)
    assert columns[plotted].max() == pytest.approx(axis.x(4), abs=2)
    assert np.ptp(rows[plotted]) < 12, "valence alone was set"
    top = HEADER + STRIP + GAP
    assert rows[plotted].mean() == pytest.approx(top + ROW * (0.5 - 0.9 / 2), abs=2), "at its value"
    assert len(rows[~plotted]) > 50, "the legend says what it is"


def test_keyframes_are_marked_one_by_one():
    keys = [EmotionOverride(at(1), EmotionWish(arousal=-1.0)),
            EmotionOverride(at(5), EmotionWish(arousal=1.0))]  # fmt: skip
    sheet = sheet_of()
    rows, columns = orange(replace(sheet, cues=(replace(sheet.cues[0], overrides=tuple(keys)),)))
    axis, top = TimeAxis.of_length(6.0), HEADER + STRIP + 2 * GAP + ROW
    for moment, value in ((1, -1.0), (5, 1.0)):
        marked = (abs(columns - axis.x(moment)) < 10) & (rows > 100)
        assert rows[marked].mean() == pytest.approx(top + ROW * (0.5 - value / 2), abs=2)
    between = (columns > axis.x(2)) & (columns < axis.x(4)) & (rows > 100)
    assert not between.any()


def test_an_override_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="cannot hold until"):
        EmotionOverride(at(2), EmotionWish(0, 0), at(1))


def test_an_axis_that_is_left_open_stays_as_measured_to_the_last_digit():
    estimated = curve(0.5, -0.5, 0.2)
    ranged = EmotionOverride(at(2), EmotionWish(valence=-0.6), at(4))
    keys = [EmotionOverride(at(0), EmotionWish(arousal=1.0)),
            EmotionOverride(at(5), EmotionWish(arousal=-1.0))]  # fmt: skip
    for moment in (0.5, 1.0, 2.5, 3.0, 3.9, 4.5):
        by_hand = estimated.overridden([ranged])
        assert by_hand.at(moment).arousal == pytest.approx(estimated.at(moment).arousal, abs=1e-12)
        both = estimated.overridden([ranged, *keys])
        assert both.at(moment).arousal == pytest.approx(1 - 0.4 * moment)
        assert both.at(moment).valence == pytest.approx(by_hand.at(moment).valence, abs=1e-12)
    middle = by_hand.points[[point.time for point in by_hand.points].index(at(3) - at(1))]
    assert (middle.uncertainty.valence, middle.emotion.valence) == (0.0, -0.6)
    assert middle.uncertainty.arousal == pytest.approx(0.2)


def test_a_person_may_write_one_axis_into_the_file():
    data = json.loads(wire.dumps(sheet_of()))
    data["cues"][0]["overrides"] = [{"time": 2, "end": 4, "emotion": {"valence": -0.6}}]
    cue = wire.cue_sheet_from_dict(data).cues[0]
    assert cue.felt.at(3.0) == ValenceArousal(-0.6, 0.5)
    data["cues"][0]["overrides"][0]["emotion"] = {}
    with pytest.raises(CueSheetError, match="says valence, arousal, or both"):
        wire.cue_sheet_from_dict(data)


@pytest.mark.parametrize(
    ("override", "why"),
    [
        pytest.param({"time": 7}, r"at 00:00:07:00, outside its range \(00:00:00:00 to 00:00:06:00",
                     id="keyframe"),
        pytest.param({"time": 6, "end": 9}, "at 00:00:06:00, outside", id="after the end"),
        pytest.param({"time": 2, "end": 600}, "until 00:10:00:00, but the picture ends at",
                     id="beyond the film"),
    ],
)  # fmt: skip
def test_an_emotion_set_where_nothing_plays_is_refused(override, why):
    data = json.loads(wire.dumps(sheet_of()))
    data["cues"][0]["overrides"] = [{**override, "emotion": {"valence": 0.1, "arousal": 0.1}}]
    with pytest.raises(CueSheetError, match=why):
        wire.cue_sheet_from_dict(data)


def test_page_and_terminal_show_what_a_person_set(tmp_path):
    sheet = sheet_of()
    override = EmotionOverride(at(2), EmotionWish(valence=0.9), at(4))
    sheet = replace(sheet, cues=(replace(sheet.cues[0], overrides=(override,)),))
    assert "valence +0.90 ± 0.00  arousal +0.50 ± 0.26" in emotion_lines(sheet)[2]
    _, html = write_emotion_pages(sheet, tmp_path / "cues.json")
    assert '"valence": "+0.90 ± 0.00"' in html.read_text(encoding="utf-8")


def test_each_still_stands_under_its_own_shot():
    red, blue = (np.full((64, 114, 3), colour, np.uint8) for colour in ((0, 0, 255), (255, 0, 0)))
    stills = [Still(0.0, 0.5, red), Still(0.5, 6.0, blue)]
    canvas = draw_emotion_picture(sheet_of(), stills)
    picture = cv2.imdecode(np.frombuffer(canvas.png(), np.uint8), cv2.IMREAD_COLOR)
    row = picture[100]
    edge = TimeAxis.of_length(6.0).x(0.5)
    assert np.flatnonzero((row == (0, 0, 255)).all(axis=1)).max() <= edge
    assert np.flatnonzero((row == (255, 0, 0)).all(axis=1)).min() >= edge


def test_what_a_person_set_moves_with_its_picture_when_the_edit_changes():
    fourth = RationalTime(12, RATE)
    whole = EmotionOverride(at(1), EmotionWish(valence=0.4), at(5))
    keyframe = EmotionOverride(at(4), EmotionWish(arousal=1.0))
    gone = EmotionOverride(at(2) + fourth, EmotionWish(arousal=-1.0))
    cue = replace(sheet_of().cues[0], overrides=(whole, keyframe, gone))
    # From second 2 to 3 the picture was cut out; what follows comes a second earlier.
    kept = [KeptSpan(Fraction(0), Fraction(0), Fraction(2)),
            KeptSpan(Fraction(3), Fraction(2), Fraction(3))]  # fmt: skip
    moved = persons_emotions(cue, kept, TimeRange(at(0), at(5)))
    assert moved == (
        EmotionOverride(at(1), EmotionWish(valence=0.4), at(2)),
        EmotionOverride(at(2), EmotionWish(valence=0.4), at(4)),
        EmotionOverride(at(3), EmotionWish(arousal=1.0)),
    )
