"""What no picture can have is refused in a cue sheet, from a file and over the wire alike."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync import wire
from emsync.client import ProcessTransport
from emsync.emotion import EmotionOverride, EmotionVote, EmotionWish, ShotNotes, ValenceArousal
from emsync.errors import CueSheetError, InputError
from emsync.timecode import RationalTime, TimeRange
from emsync.wire.calls import Method
from tests.contract.conftest import Reach, StartServer
from tests.contract.fake_steps import RATE, sheet_of


def _span(first: int, end: int) -> TimeRange:
    return TimeRange(RationalTime(first, RATE), RationalTime(end - first, RATE))


WORDS = ("speech", 0.4)
SHOTS = tuple(
    ShotNotes(
        _span(*ends),
        (EmotionVote("faces", ValenceArousal(0.5, 0.1), ValenceArousal(0.4, 0.4), 0.8),),
        (("joy", 0.9),),
        (WORDS,),
    )
    for ends in ((0, 100), (100, 101), (101, 240))
)
BY_HAND = EmotionOverride(
    RationalTime(24, RATE), EmotionWish(valence=0.5), end=RationalTime(48, RATE)
)
PLAIN = sheet_of(Path("/film.mp4"))
SHEET = wire.to_dict(
    replace(PLAIN, shots=SHOTS, cues=(replace(PLAIN.cues[0], overrides=(BY_HAND,)),))
)

Edit = Callable[[dict[str, Any]], object]


def shot(sheet: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """One of a sheet's shots: the second lasts one frame, from 00:00:04:04."""
    found: dict[str, Any] = sheet["shots"][number]
    return found


def vote(sheet: dict[str, Any]) -> dict[str, Any]:
    """What an expert says of the second shot."""
    found: dict[str, Any] = shot(sheet)["votes"][0]
    return found


def point(sheet: dict[str, Any]) -> dict[str, Any]:
    """The first point of the emotion curve."""
    found: dict[str, Any] = sheet["cues"][0]["emotion"]["points"][0]
    return found


NONSENSE = [
    pytest.param(
        lambda sheet: point(sheet)["uncertainty"].update(valence=-0.2),
        ["cues[0].emotion.points[0]", "standard deviation", "valence", "-0.2"],
        id="negative uncertainty",
    ),
    pytest.param(
        lambda sheet: point(sheet)["uncertainty"].update(arousal=1.5),
        ["points[0].uncertainty", "[-1, 1]", "1.5"],
        id="uncertainty of more than an axis",
    ),
    pytest.param(
        lambda sheet: point(sheet)["emotion"].update(valence=-1.01),
        ["points[0].emotion", "valence", "-1.01"],
        id="more unpleasant than can be",
    ),
    pytest.param(
        lambda sheet: point(sheet)["time"].update(value=-1),
        ["points[0]", "before the picture"],
        id="a point before the picture",
    ),
    pytest.param(
        lambda sheet: point(sheet)["time"].update(value=241),
        ["cue 'film'", "00:00:10:01", "ends at 00:00:10:00"],
        id="a point after the picture",
    ),
    pytest.param(
        lambda sheet: vote(sheet).update(share=7),
        ["shots[1].votes[0]", "'faces'", "[0, 1]", "7", "shot from 00:00:04:04 to 00:00:04:05"],
        id="a share of seven",
    ),
    pytest.param(
        lambda sheet: sheet.update(genres=[{"name": "drama", "value": 7}]),
        ["genre", "'drama'", "7"],
        id="a genre of 7",
    ),
    pytest.param(lambda sheet: vote(sheet).update(share=-0.1), ["-0.1"], id="a share below 0"),
    pytest.param(lambda sheet: vote(sheet).update(share=math.inf), ["inf"], id="an infinite share"),
    pytest.param(
        lambda sheet: vote(sheet)["uncertainty"].update(arousal=-0.5),
        ["shots[1].votes[0]", "standard deviation", "-0.5", "00:00:04:04"],
        id="a vote's negative uncertainty",
    ),
    pytest.param(
        lambda sheet: vote(sheet)["emotion"].update(arousal=3),
        ["shots[1].votes[0].emotion", "arousal", "3", "00:00:04:04"],
        id="a vote beyond the axis",
    ),
    pytest.param(
        lambda sheet: vote(sheet).update(expert=" "), ["which expert"], id="nobody's vote"
    ),
    pytest.param(
        lambda sheet: shot(sheet)["ekman"][0].update(value=1.2),
        ["shots[1]", "'joy'", "[0, 1]", "1.2", "00:00:04:04"],
        id="more than certain",
    ),
    pytest.param(
        lambda sheet: shot(sheet)["tags"][0].update(value=-1),
        ["shots[1]", "'speech'", "-1"],
        id="less than impossible",
    ),
    pytest.param(
        lambda sheet: shot(sheet)["range"]["duration"].update(value=0),
        ["shots[1]", "has a length", "00:00:04:04"],
        id="a shot without length",
    ),
    pytest.param(
        lambda sheet: shot(sheet)["range"]["duration"].update(value=-5),
        ["shots[1].range", "-5"],
        id="a shot that runs backwards",
    ),
    pytest.param(
        lambda sheet: shot(sheet, 0)["range"]["start"].update(value=-5),
        ["shots[0]", "before the picture"],
        id="a shot before the picture",
    ),
    pytest.param(
        lambda sheet: shot(sheet, 2)["range"]["duration"].update(value=140),
        ["shots[2]", "00:00:04:05 to 00:00:10:01", "ends at 00:00:10:00"],
        id="a shot beyond the end",
    ),
    pytest.param(
        lambda sheet: shot(sheet, 0)["range"]["duration"].update(value=101),
        ["shots[1]", "00:00:04:04 to 00:00:04:05", "shots[0]", "has ended"],
        id="two shots at once",
    ),
    pytest.param(
        lambda sheet: sheet["shots"].reverse(), ["shots[1]", "has ended"], id="shots out of order"
    ),
    pytest.param(
        lambda sheet: sheet["boundaries"][0]["time"].update(value=241),
        ["boundary", "00:00:10:01", "ends at 00:00:10:00"],
        id="a boundary after the picture",
    ),
    pytest.param(
        lambda sheet: sheet["boundaries"][0]["time"].update(value=-1),
        ["boundaries[0]", "before the picture"],
        id="a boundary before the picture",
    ),
    pytest.param(
        lambda sheet: sheet["boundaries"][0].update(strength=2),
        ["boundaries[0]", "[0, 1]"],
        id="harder than a cut",
    ),
    pytest.param(
        lambda sheet: sheet["cues"][0]["overrides"][0]["time"].update(value=-1),
        ["overrides[0]", "before the picture"],
        id="set by hand before the picture",
    ),
    pytest.param(
        lambda sheet: sheet["picture"].update(width=0),
        ["picture", "width", "above zero pixels, not 0"],
        id="a picture without width",
    ),
]


@pytest.mark.parametrize(("edit", "words"), NONSENSE)
def test_nonsense_in_a_file_is_named(tmp_path: Path, edit: Edit, words: list[str]) -> None:
    data = copy.deepcopy(SHEET)
    edit(data)
    path = tmp_path / "cues.json"
    path.write_text(json.dumps(data))
    with pytest.raises(CueSheetError) as caught:
        wire.read_cue_sheet(path)
    sentence = caught.value.sentence
    assert str(path) in sentence and "Correct it there" in sentence and "\n" not in sentence
    assert all(word in sentence for word in words), sentence


def test_nonsense_in_a_message_is_named(
    start_server: StartServer, reach: Reach, root: Path
) -> None:
    start_server()
    transport = reach()
    asked = NONSENSE[:1] if isinstance(transport, ProcessTransport) else NONSENSE  # 0.7 s each
    for edit, words in (each.values for each in asked):
        data = copy.deepcopy(SHEET)
        edit(data)
        if any(isinstance(value, float) and math.isinf(value) for value in vote(data).values()):
            vote(data)["share"] = "Infinity"  # the mapping's word for it
        request = {"sheet": data, "cue": "film", "folder": str(root / "out")}
        with pytest.raises(InputError) as caught:
            list(transport.call_streaming(Method.COMPOSE_CUE, request))
        assert caught.value.code == "INVALID_ARGUMENT"
        assert caught.value.sentence.startswith("The request cannot be used: ")
        assert all(word in caught.value.sentence for word in words), caught.value.sentence


def test_the_sheet_that_is_edited_here_is_none() -> None:
    assert wire.to_dict(wire.cue_sheet_from_dict(copy.deepcopy(SHEET))) == SHEET


@given(st.floats(allow_nan=False).filter(lambda value: not 0.0 <= value <= 1.0))
def test_no_number_outside_its_range_passes_for_a_share_or_a_deviation(value: float) -> None:
    middle = ValenceArousal(0.0, 0.0)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        EmotionVote("faces", middle, middle, value)
    with pytest.raises(ValueError, match="joy"):
        ShotNotes(_span(0, 1), (), (("joy", value),))
    with pytest.raises(ValueError, match="valence"):
        EmotionVote("faces", middle, ValenceArousal(value, 0.0), 0.5)


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(90_000)])
def test_one_tick_is_a_shot(rate: Fraction) -> None:
    tick = TimeRange(RationalTime(0, rate), RationalTime(1, rate))
    assert ShotNotes(tick).range == tick
