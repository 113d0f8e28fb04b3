"""Words on the screen: the spaces that the recogniser swallows come back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emsync_server.spotting.experts.screen_text import grey_line, spaced

FONT, LEFT, BASE = cv2.FONT_HERSHEY_DUPLEX, 40, 100


def drawn(text, size=0.8, dark=False):
    """A picture of a line, the corners around it, and around each of its letters but spaces."""
    picture = np.full((160, 640, 3), 230 if dark else 10, np.uint8)
    cv2.putText(picture, text, (LEFT, BASE), FONT, size, (20, 20, 20) if dark else (240,) * 3, 1)
    height = cv2.getTextSize(text, FONT, size, 1)[0][1]

    def corners(left, right):
        return [[left, BASE - height], [right, BASE - height], [right, BASE], [left, BASE]]

    edges = [LEFT + cv2.getTextSize(text[:k], FONT, size, 1)[0][0] for k in range(len(text) + 1)]
    letters = [corners(edges[k], edges[k + 1]) for k in range(len(text)) if text[k] != " "]
    return picture, corners(edges[0], edges[-1]), np.array(letters, np.float32)


@pytest.mark.parametrize("dark", [False, True], ids=["white", "black"])
@pytest.mark.parametrize("text", ["THREE YEARS LATER", "I will find you", "Nobody", "Keep out!"])
def test_swallowed_spaces_come_back(text, dark):
    picture, box, letters = drawn(text, dark=dark)
    assert spaced(text.replace(" ", ""), letters, grey_line(picture, box)) == text


def test_spaces_that_are_there_are_not_doubled():
    picture, box, letters = drawn("I will")
    whole = np.insert(letters, 1, letters[:1], axis=0)
    whole[1, :, 0] = (letters[0, :, 0].max() + letters[1, :, 0].min()) / 2
    assert spaced("I will", whole, grey_line(picture, box)) == "I will"


def test_other_scripts_and_letters_that_do_not_match_stay_as_they_are():
    picture, box, letters = drawn("THREE YEARS")
    line = grey_line(picture, box)
    assert spaced("\u05e9\u05dc\u05d5\u05dd", letters[:4], line) == "\u05e9\u05dc\u05d5\u05dd"
    assert spaced("THREEYEARS", letters[:4], line) == "THREEYEARS"


def test_a_line_that_reaches_out_of_the_picture_is_read():
    picture, _, letters = drawn("THREE YEARS")
    line = grey_line(picture, [[-5.0, 82.0], [700.0, 82.0], [700.0, 101.0], [-5.0, 101.0]])
    assert spaced("THREEYEARS", letters, line) == "THREE YEARS"
