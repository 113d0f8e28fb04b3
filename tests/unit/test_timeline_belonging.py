"""A score is laid on the timeline that it was made for, not on another."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from tests.timelines import R24, clip, gap, saved, score_of, timeline, track

from emsync.cue import CueSheet
from emsync.errors import TimelineError
from emsync.picture import Boundary, BoundaryKind, PictureInfo
from emsync.timecode import RationalTime
from emsync_otio import PlacedCue, place, read_edit

LENGTHS = (40, 60, 30, 70)


def cut(folder: Path, name: str, *lengths: int, rate: Fraction = R24) -> Path:
    """A timeline of shots of some frames each."""
    shots = (clip(str(at), length, rate) for at, length in enumerate(lengths))
    return saved(timeline(track(*shots), rate=rate, start=0), folder / name)


def score_of_film(folder: Path, length: int, *cuts: int) -> tuple[CueSheet, list[PlacedCue]]:
    """A score of a flat film whose cuts were seen."""
    picture = PictureInfo(
        str(folder / "film.mp4"), R24, RationalTime(length, R24), RationalTime(0, R24)
    )
    sheet, placed = score_of(picture, folder)
    seen = tuple(Boundary(RationalTime(at, R24), BoundaryKind.CUT, 1.0) for at in cuts)
    return replace(sheet, boundaries=seen), placed


@pytest.mark.parametrize(
    ("lengths", "rate", "words"),
    [
        pytest.param((40, 60, 31, 70), R24, "lasts 00:00:08:09, the", id="a frame longer"),
        pytest.param((40, 61, 29, 70), R24, "1 of the 3 cuts that the score knows is", id="a cut"),
        pytest.param((100, 100), R24, r"2 of the 3 cuts .* 00:00:01:16 after", id="another film"),
        pytest.param(LENGTHS, Fraction(25), "25 frames per second, the score at 24", id="rate"),
    ],
)
def test_the_score_of_another_edit_is_refused_unless_forced(
    tmp_path: Path, lengths: tuple[int, ...], rate: Fraction, words: str
) -> None:
    score = score_of(read_edit(cut(tmp_path, "first.otio", *LENGTHS)), tmp_path)
    other, out = cut(tmp_path, "other.otio", *lengths, rate=rate), tmp_path / "scored.otio"
    with pytest.raises(TimelineError, match=words) as caught:
        place(other, *score, out)
    assert all(name in caught.value.sentence for name in ("'first.otio'", "'other.otio'"))
    assert not out.exists()
    place(other, *score, out, force=True)
    assert out.exists()


def test_the_same_edit_under_another_name_is_taken(tmp_path: Path) -> None:
    score = score_of(read_edit(cut(tmp_path, "first.otio", *LENGTHS)), tmp_path)
    place(cut(tmp_path, "renamed.otio", *LENGTHS), *score, tmp_path / "scored.otio")


def test_the_score_of_a_timeline_that_shows_a_film_uncut_knows_the_cuts_inside(
    tmp_path: Path,
) -> None:
    uncut, out = cut(tmp_path, "uncut.otio", 200), tmp_path / "scored.otio"
    sheet, placed = score_of(read_edit(uncut), tmp_path)
    seen = tuple(Boundary(RationalTime(at, R24), BoundaryKind.CUT, 1.0) for at in (40, 100))
    sheet = replace(sheet, boundaries=seen)
    place(uncut, sheet, placed, out)
    assert out.exists()
    with pytest.raises(TimelineError, match="2 of the 2 cuts"):
        place(cut(tmp_path, "cut.otio", 60, 140), sheet, placed, tmp_path / "other.otio")


def test_cuts_that_a_person_struck_out_of_the_cue_sheet_are_no_difference(tmp_path: Path) -> None:
    source = cut(tmp_path, "cut.otio", *LENGTHS)
    sheet, placed = score_of(read_edit(source), tmp_path)
    place(source, replace(sheet, boundaries=sheet.boundaries[1:]), placed, tmp_path / "scored.otio")


@pytest.mark.parametrize(
    "cuts",
    [
        pytest.param((40, 100, 130), id="all cuts seen"),
        pytest.param((41, 98, 150), id="two of three, a frame or two off"),
        pytest.param((), id="no cut seen"),
    ],
)
def test_the_score_of_a_film_is_taken_by_the_timeline_of_that_film(
    tmp_path: Path, cuts: tuple[int, ...]
) -> None:
    source = cut(tmp_path, "cut.otio", *LENGTHS)
    place(source, *score_of_film(tmp_path, 200, *cuts), tmp_path / "scored.otio")


def test_the_score_of_a_film_is_taken_where_the_film_is_one_clip(tmp_path: Path) -> None:
    source = cut(tmp_path, "cut.otio", 200)
    place(source, *score_of_film(tmp_path, 200, 50, 90), tmp_path / "scored.otio")


@pytest.mark.parametrize(
    ("length", "cuts", "words"),
    [
        pytest.param(260, (40, 100, 130), "lasts 00:00:08:08", id="another length"),
        pytest.param(200, (20, 70, 180), "3 of the 3 cuts", id="other cuts"),
    ],
)
def test_the_score_of_another_film_is_refused(
    tmp_path: Path, length: int, cuts: tuple[int, ...], words: str
) -> None:
    source = cut(tmp_path, "cut.otio", *LENGTHS)
    with pytest.raises(TimelineError, match=words):
        place(source, *score_of_film(tmp_path, length, *cuts), tmp_path / "scored.otio")


def test_a_timeline_whose_end_is_black_has_the_length_of_its_picture(tmp_path: Path) -> None:
    made = timeline(track(clip("a", 40, R24), clip("b", 60, R24), gap(100, R24)), rate=R24)
    source = saved(made, tmp_path / "cut.otio")
    place(source, *score_of(read_edit(source), tmp_path), tmp_path / "scored.otio")
