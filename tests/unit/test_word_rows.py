"""What was heard and said, below the curves of the emotion picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.cue import Cue, CueSheet
from emsync.emotion import EmotionCurve, EmotionPoint, ShotNotes, ValenceArousal
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime, TimeRange
from emsync_server.evaluation.canvas import Align, Canvas, Colour
from emsync_server.evaluation.emotion_picture import draw_emotion_picture
from emsync_server.evaluation.right_to_left import (
    as_seen,
    paragraphs_of,
    running,
    runs_right_to_left,
)
from emsync_server.evaluation.time_axis import LEFT, RIGHT, TimeAxis
from emsync_server.evaluation.word_rows import LINE, UNJOINED, WordRows

RATE = Fraction(24)
LONG = "You said that you would never come back, and here you are, and nobody told me why. " * 3
SPACELESS = "日本語のテキストはスペースなしで書かれています" * 4


class Ruled(Canvas):
    """A canvas that remembers where each text lies: left, right, baseline."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self.texts: list[tuple[float, float, float, str]] = []

    def text(
        self,
        words: str,
        position: tuple[float, float],
        colour: Colour,
        *,
        size: int = 15,
        bold: bool = False,
        align: Align = Align.LEFT,
    ) -> float:
        width = super().text(words, position, colour, size=size, bold=bold, align=align)
        left = position[0] - {Align.LEFT: 0.0, Align.CENTRE: width / 2, Align.RIGHT: width}[align]
        self.texts.append((left, left + width, position[1], words))
        return width


def sheet_of(
    texts: Sequence[str],
    tags: tuple[tuple[str, float], ...] = (),
    *,
    frames: int = 72,
    words_from: tuple[str, ...] = (),
) -> CueSheet:
    """Shots of equal length, each with its text."""
    at = [RationalTime(frames * k, RATE) for k in range(len(texts) + 1)]
    shots = [
        ShotNotes(TimeRange(one, RationalTime(frames, RATE)), (), (), tags, text)
        for one, text in zip(at, texts, strict=False)
    ]
    middle = ValenceArousal(0.0, 0.2)
    curve = EmotionCurve(
        tuple(
            EmotionPoint(one + RationalTime(frames // 2, RATE), middle, middle) for one in at[:-1]
        )
    )
    cue = Cue("cue", TimeRange(at[0], at[-1]), (), curve)
    picture = PictureInfo("/nowhere/film.mp4", RATE, at[-1], at[0])
    return CueSheet(picture, (), (cue,), tuple(shots), words_from)


def drawn(sheet: CueSheet) -> tuple[Ruled, TimeAxis]:
    axis = TimeAxis.of_length(float(sheet.picture.duration.seconds))
    rows = WordRows(sheet, axis)
    canvas = Ruled(axis.width, rows.height)
    rows.draw(canvas, 0)
    return canvas, axis


@pytest.mark.parametrize(
    ("texts", "frames"),
    [
        pytest.param(["Run!", LONG, "", "It is over."], 240, id="few long shots"),
        pytest.param([LONG] * 60, 12, id="many short ones"),
        pytest.param([SPACELESS, "x" * 300, "שלום עולם " * 30], 72, id="no place to break"),
        pytest.param([LONG] * 700, 72, id="half an hour"),
        pytest.param(["Hello"], 1, id="one frame"),
    ],
)
def test_no_text_lies_on_another_or_outside(texts: list[str], frames: int) -> None:
    sheet = sheet_of(texts, (("speech", 0.8), ("a very long name of a sound", 0.4)), frames=frames)
    canvas, _ = drawn(sheet)
    told = [each for each in canvas.texts if each[3] not in ("sounds like", "words")]
    assert told
    for left, right, baseline, words in told:
        assert left >= LEFT and right <= canvas.width - RIGHT + 1, words
        assert LINE - 5 <= baseline <= canvas.height - 5, words
    lines: dict[float, list[tuple[float, float]]] = {}
    for left, right, baseline, _ in told:
        lines.setdefault(baseline, []).append((left, right))
    for spans in lines.values():
        ordered = sorted(spans)
        assert all(one[1] < other[0] for one, other in pairwise(ordered))


def test_words_stand_in_the_place_of_their_shot_and_dots_for_what_is_missing() -> None:
    canvas, axis = drawn(sheet_of(["Run!", LONG * 2, "It is over."], frames=240))
    at = {words: left for left, _, _, words in canvas.texts}
    assert axis.x(0.0) < at["Run!"] < axis.x(1.0)
    assert axis.x(20.0) < at["It is over."] < axis.x(21.0)
    inside = [words for left, _, _, words in canvas.texts if axis.x(10) < left < axis.x(20)]
    assert " ".join(inside).startswith("You said that you would") and inside[-1].endswith("…")
    assert " ".join(inside)[:-2] in LONG * 2


def test_the_likeliest_sounds_are_told_once_where_they_go_on() -> None:
    tags = (("speech", 0.8), ("rain", 0.4), ("wind", 0.35), ("music", 0.3))
    canvas, axis = drawn(sheet_of(["", ""], tags, frames=240))
    assert [each[3] for each in canvas.texts] == ["sounds like", "speech 80%", "rain 40%"]
    assert canvas.texts[1][0] == pytest.approx(axis.x(0.0), abs=8)


def test_music_tags_of_what_hardly_sounds_like_them_are_not_shown() -> None:
    bare = sheet_of([""], (("Hip-Hop", 0.21), ("country", 0.31)))
    assert WordRows(bare, TimeAxis.of_length(3.0)).height == 0


@given(
    st.lists(
        st.tuples(
            st.integers(1, 300), st.sampled_from(["", "", "Yes.", "What a wonderful day", LONG])
        ),
        min_size=1,
        max_size=30,
    )
)
def test_words_begin_where_their_shot_begins(shots: list[tuple[int, str]]) -> None:
    sheet = sheet_of([f"{text} {at}" if text else "" for at, (_, text) in enumerate(shots)])
    at, notes = 0, []
    for note, (frames, _) in zip(sheet.shots, shots, strict=True):
        where = TimeRange(RationalTime(at, RATE), RationalTime(frames, RATE))
        notes.append(replace(note, range=where))
        at += frames
    picture = replace(sheet.picture, duration=RationalTime(at, RATE))
    sheet = replace(sheet, picture=picture, shots=tuple(notes), cues=())
    canvas, axis = drawn(sheet)
    starts = {round(axis.x(float(note.range.start.seconds))) for note in notes if note.text}
    told = [left for left, _, _, words in canvas.texts if words != "words"]
    assert all(any(abs(left - 6 - start) <= 1 for start in starts) for left in told)
    assert told or not starts or min(starts) > canvas.width - RIGHT - 90


def test_a_line_below_shots_without_words_begins_at_its_own_shot() -> None:
    sheet = sheet_of(["", "", "", LONG, "", "What a wonderful day", ""], frames=20)
    canvas, axis = drawn(sheet)
    at = {words: left for left, _, _, words in canvas.texts}
    assert at["What a wonderful day"] == pytest.approx(axis.x(5 * 20 / 24) + 6, abs=1)


def test_what_has_no_room_leaves_dots_before_it() -> None:
    texts = [*(f"line {at}" for at in range(300))]
    canvas, _ = drawn(sheet_of(texts, frames=12))
    told = [words for left, _, _, words in canvas.texts if LEFT < left < 3900]
    assert len(told) < 150 and all(words.endswith("…") for words in told)


def test_two_languages_in_a_shot_have_paragraphs_of_their_own() -> None:
    canvas, axis = drawn(sheet_of(["שלום, מה שלומך היום? What a wonderful day", ""], frames=240))
    hebrew, english = canvas.texts[1:3]
    assert hebrew[3] == "שלום, מה שלומך היום?" and english[3] == "What a wonderful day"
    assert hebrew[1] == pytest.approx(axis.x(10.0) - 6, abs=1)
    assert english[0] == pytest.approx(axis.x(0.0) + 6, abs=1) and english[2] > hebrew[2]


def test_unjoined_arabic_is_told_of() -> None:
    canvas, _ = drawn(sheet_of(["مرحبا بالعالم"], frames=240))
    assert canvas.texts[-1][3].startswith(UNJOINED)
    hebrew, _ = drawn(sheet_of(["שלום עולם"], frames=240))
    assert not any(UNJOINED in words for _, _, _, words in hebrew.texts)


def test_what_runs_right_to_left_stands_at_the_right() -> None:
    canvas, axis = drawn(sheet_of(["שלום, עולם", "Hello"], frames=240))
    ((_, right, _, _),) = [each for each in canvas.texts if "שלום" in each[3]]
    assert axis.x(9.5) < right < axis.x(10.0)


def test_there_are_no_rows_where_nothing_was_heard_or_said() -> None:
    bare = sheet_of(["", ""])
    axis = TimeAxis.of_length(6.0)
    assert WordRows(bare, axis).height == 0
    told = replace(bare, words_from=("Words are from the subtitles 'a.srt' (English).",))
    spoken = sheet_of(["Run!", ""])
    heights = [draw_emotion_picture(each, []).height for each in (bare, told, spoken)]
    assert heights == sorted(set(heights))


def test_where_words_are_from_is_told_in_one_line() -> None:
    source = ("Words are from the subtitles 'a.srt' (English). " * 9,)
    canvas, _ = drawn(sheet_of(["Run!"], words_from=source))
    left, right, _, words = canvas.texts[-1]
    assert words.startswith("Words are from") and words.endswith("…")
    assert left == LEFT and right <= canvas.width - RIGHT


# Which way letters run. What is expected is what python-bidi, an implementation of UAX 9, gives.


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        pytest.param("Hello (12:30)!", "Hello (12:30)!", id="left to right"),
        pytest.param("שלום!", "!םולש", id="right to left"),
        pytest.param("He said שלום עולם to me", "He said םלוע םולש to me", id="inside"),
        pytest.param("שלום abc 12!", "!abc 12 םולש", id="the other way round"),
        pytest.param("(זה) 12:30 בבוקר.", ".רקובב 12:30 (הז)", id="numbers, brackets"),
        pytest.param("ב11.", ".11ב", id="a full stop after a number"),
        pytest.param("مرحبا 123", "123 ابحرم", id="Arabic"),
        pytest.param("שָׁלוֹם", "םולש", id="vowels are not set"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_letters_stand_as_they_are_seen(line: str, seen: str) -> None:
    assert as_seen(line) == seen


@given(st.text(st.sampled_from("abcאבג 12.,:!?()[]…"), max_size=20))
def test_no_letter_is_lost(line: str) -> None:
    unbracketed = str.maketrans("()[]", "||||")
    assert sorted(as_seen(line).translate(unbracketed)) == sorted(line.translate(unbracketed))


def test_a_line_runs_as_its_first_letter_does() -> None:
    assert runs_right_to_left("12 - שלום abc") and not runs_right_to_left("abc שלום")
    assert not runs_right_to_left("12:30")


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        pytest.param("Come here. Now!", ["Come here. Now!"], id="one way"),
        pytest.param("שלום! Hello. 12:30.", ["שלום!", "Hello. 12:30."], id="numbers go along"),
        pytest.param("... שלום.", ["... שלום."], id="dots first"),
        pytest.param("He said שלום to me.", ["He said שלום to me."], id="a word inside"),
        pytest.param(" ", [], id="nothing"),
    ],
)
def test_sentences_that_run_the_other_way_are_paragraphs(text: str, paragraphs: list[str]) -> None:
    assert paragraphs_of(text) == paragraphs


def test_a_line_runs_as_its_paragraph_does() -> None:
    assert as_seen(running("abc שלום.", to_left=True)) == ".םולש abc"
    assert as_seen(running("שלום abc.", to_left=False)) == "םולש abc."
    assert running("abc", to_left=False) == "abc"
