"""What is left of a subtitle once its markup is gone, and which language it is in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.films import ENGLISH_LINES, FRENCH_LINES

from emsync_server.media.languages import language_of
from emsync_server.media.subtitle_text import spoken_words
from emsync_server.spotting.english import is_english


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(r"{\an8}{\i1}Help!{\i0}\NNow.", "Help! Now.", id="places and slants"),
        pytest.param("<font color=red>Run</font>, <b>run</b>", "Run, run", id="tags of HTML"),
        pytest.param(r"<v Bob>Hello <00:01.000>there\hyou", "Hello there you", id="voices, times"),
        pytest.param("You &amp; me&nbsp;&lrm;two", "You & me two", id="entities"),
        pytest.param("[door slams]", "", id="a note"),
        pytest.param("(sighs) Fine. [laughs]", "Fine.", id="notes around words"),
        pytest.param("♪ la la la ♪", "", id="a song"),
        pytest.param(r"Stop it! ♪ la\Nla ♪ Now.", "Stop it! Now.", id="a song between words"),
        pytest.param(r"♪ and it goes on\NStop it!", "Stop it!", id="a song that goes on"),
        pytest.param(r"- Who's there?\N- JOHN: Me.", "Who's there? Me.", id="two speakers"),
        pytest.param("Listen: it rains", "Listen: it rains", id="a colon that is said"),
        pytest.param(r"{\p1}m 0 0 l 100 0 100 100{\p0}Sign", "Sign", id="a drawing"),
        pytest.param("\u202bשלום, עולם!\u202c", "שלום, עולם!", id="right to left"),
        pytest.param("a, b, c", "a, b, c", id="commas"),
        pytest.param("... - ?!", "", id="no letter"),
        pytest.param("I <3 you, 2 < 3", "I <3 you, 2 < 3", id="no tags at all"),
    ],
)
def test_only_what_is_said_is_left(text: str, words: str) -> None:
    assert spoken_words(f"0,0,Default,,0,0,0,,{text}") == words


@given(st.text(max_size=60))
def test_whatever_stands_in_a_file_is_words_or_nothing(text: str) -> None:
    words = spoken_words(f"0,0,Default,,0,0,0,,{text}")
    assert words == words.strip() and "\n" not in words
    assert words == "" or any(letter.isalnum() for letter in words)


# Which language.


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        pytest.param(" ".join(line[2] for line in ENGLISH_LINES), True, id="English"),
        pytest.param(" ".join(line[2] for line in FRENCH_LINES), False, id="French"),
        pytest.param("Ich weiß nicht, was das war. In Ordnung, wir sind da.", False, id="German"),
        pytest.param("Det er for sent, og jeg har ikke set hende i dag.", False, id="Danish"),
        pytest.param("To jest to, co on ma. No i co z tego? A ja nie!", False, id="Polish"),
        pytest.param("שלום, מה שלומך היום?", False, id="Hebrew"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_english_is_known_by_its_small_words(text: str, is_it: bool) -> None:
    assert is_english([text]) is is_it


def test_a_tag_is_believed_of_few_words_alone() -> None:
    assert is_english(["Fire!"], is_told=True)
    assert not is_english(["Fire!"])
    assert not is_english([line[2] for line in FRENCH_LINES], is_told=True)


@pytest.mark.parametrize("tag", ["en", "eng", "EN-us", "en_GB", "English"])
def test_a_language_has_many_tags(tag: str) -> None:
    language = language_of(tag)
    assert language is not None and language.code == "en"
    assert language_of("part2") is None and language_of(None) is None and language_of("und") is None


# Which subtitles.


@pytest.mark.parametrize("sign", ["{", "[", "(", "{\\p1"])
def test_a_sign_that_is_never_closed_costs_no_time(sign):
    began = time.process_time()
    spoken_words("0,0,Default,,0,0,0,," + sign * 200_000)
    assert time.process_time() - began < 1.0
