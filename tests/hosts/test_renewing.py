"""Scores made again after a re-edit: what stays, what moves, what is composed, and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.hosts.fake_studio import FakeClient

from emsync import wire
from emsync.errors import EmsyncError, InputError, JobCancelledError, NotFoundError
from emsync.hosting import (
    HostClip,
    HostMarker,
    HostTimeline,
    HostTrack,
    Order,
    Placement,
    Renewal,
    RenewalOrder,
    ScoreNote,
    Span,
    Studio,
    TrackKind,
    Wishes,
)
from emsync.hosting.renewing import renewed
from emsync.hosting.requests import answer
from emsync_server.rpc.host_recut import HostRecutter

A, B, C, D, E = (("a", 240), ("b", 240), ("c", 240), ("d", 240), ("e", 240))
SHOTS = [A, B, C, D]


def quiet(fraction: float, note: str) -> None:
    """Nobody watches."""


def studio() -> Studio:
    return Studio(FakeClient())  # type: ignore[arg-type]


def edit(shots: Sequence[tuple[Any, ...]], *marks: int) -> HostTimeline:
    """Shots one after the other, each of a file of its own: length, and first frame of the file."""
    clips, at = [], 0
    for name, length, *first in shots:
        begun_s = first[0] / 24 if first else 0.0
        media = f"/offline/{name}.mov"
        clips.append(HostClip(name, at, length, media=media, source_start_s=begun_s))
        at += length
    track = HostTrack("V1", TrackKind.PICTURE, tuple(clips))
    markers = tuple(HostMarker(mark, "hit") for mark in marks)
    return HostTimeline("Reel 1", Fraction(24), at, 86_400, tracks=(track,), markers=markers)


def scored(folder: Path, span: Span | None = None, *marks: int) -> Placement:
    return studio().score(Order(edit(SHOTS, *marks), str(folder), Wishes(seed=3), span), quiet)


def again(timeline: HostTimeline, folder: Path, *notes: ScoreNote) -> Renewal:
    order = RenewalOrder(timeline, str(folder), notes)
    return renewed(studio(), order, HostRecutter(), quiet)


def content(folder: str) -> dict[str, bytes]:
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_same_edit_lays_nothing(tmp_path: Path) -> None:
    first = scored(tmp_path, None, 100)
    made = again(edit(SHOTS, 100), tmp_path, first.note)
    assert made.placements == () and made.lines == (
        "'Reel 1' is as it was: its picture did not change.",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["001"]


def test_a_new_marker_is_a_change(tmp_path: Path) -> None:
    first = scored(tmp_path)
    made = again(edit(SHOTS, 500), tmp_path, first.note)
    assert made.lines == ("'Reel 1' follows the new edit.",)
    (placement,) = made.placements
    assert 500 in [mark.at_frames for mark in placement.marks]


def test_only_the_cue_whose_picture_changed_is_composed_anew(tmp_path: Path) -> None:
    one = scored(tmp_path, Span(0, 480)).note
    two = scored(tmp_path, Span(480, 480)).note
    before = content(one.folder), content(two.folder)
    # A shot comes between the parts, and the last one is shorter.
    now = edit([*SHOTS[:2], ("new", 96), SHOTS[2], ("d", 120)])
    made = again(now, tmp_path, one, two)
    assert made.lines == (
        "'Reel 1 0' is as it was: its picture did not change.",
        "'Reel 1 480' follows the new edit.",
    )
    (placement,) = made.placements
    assert placement.note.span == Span(576, 360) and placement.stems[0].start_frames == 576
    assert placement.note.seed == 3 and Path(placement.note.folder).name == "003"
    assert (content(one.folder), content(two.folder)) == before


@pytest.mark.parametrize(
    ("shots", "span"),
    [
        pytest.param([B, ("c", 216, 24), D, E], (240, 696), id="head cut off"),
        pytest.param([B, ("new", 48), ("c", 192, 48), D, E], (240, 720), id="another head"),
        pytest.param([B, C, ("d", 192)], (240, 672), id="tail cut off"),
        pytest.param([B, C, ("d", 192), ("new", 48), E], (240, 720), id="another tail"),
        pytest.param([B, C, ("d", 192), E], (240, 672), id="shorter"),
        pytest.param([B, ("new", 48), C, D, E], (288, 768), id="a shot before it"),
        pytest.param([C, D, B], (0, 480), id="moved to the front"),
    ],
)
def test_a_part_begins_and_ends_where_its_picture_does(
    tmp_path: Path, shots: list[Any], span: tuple[int, int]
) -> None:
    old = edit([B, C, D, E])
    order = Order(old, str(tmp_path), Wishes(), Span(240, 480))
    note = studio().score(order, quiet).note
    made = again(edit(shots), tmp_path, note)
    ends = [(p.note.span.start_frames, p.note.span.end_frames) for p in made.placements]
    assert ends == [span]
    # And again from there: what a renewal leaves is as good as what a score leaves.
    (placement,) = made.placements
    assert again(edit(shots), tmp_path, placement.note).placements == ()


def test_a_cue_that_moved_with_its_picture_keeps_its_files(tmp_path: Path) -> None:
    note = scored(tmp_path, Span(480, 480)).note
    before = content(note.folder)
    made = again(edit([("new", 48), *SHOTS]), tmp_path, note)
    (placement,) = made.placements
    assert made.lines == ("'Reel 1 480' moved by +48 frames with its picture, note for note.",)
    assert {clip.start_frames for clip in placement.stems} == {528}
    assert all(Path(clip.media).is_relative_to(note.folder) for clip in placement.stems)
    assert content(note.folder) == before
    assert again(edit([("new", 48), *SHOTS]), tmp_path, placement.note).placements == ()


def test_bars_over_the_same_picture_stay(tmp_path: Path) -> None:
    first = scored(tmp_path).note
    (placement,) = again(edit([*SHOTS, ("e", 240)]), tmp_path, first).placements
    take = wire.read_take(Path(placement.note.folder) / "take.json")
    # 40 s at 60 bpm: ten bars; those of the new shot are written from about there.
    assert dict(take.measures)["first_bar"] >= 10
    assert placement.note.span == Span(0, 1200) and placement.note.is_whole
    assert take.seed == first.seed


def test_a_score_that_was_regenerated_is_made_again_too(tmp_path: Path) -> None:
    first = scored(tmp_path / "old")
    second = studio().regenerate(first.note, (2, 4), 9, quiet)
    moved = tmp_path / "new"
    (tmp_path / "old").rename(moved)  # the project was renamed, and its folder with it
    note = replace(second.note, folder=str(moved / "002"))
    assert again(edit(SHOTS), moved, note).placements == ()
    assert len(again(edit(SHOTS[:3]), moved, note).placements) == 1


def test_a_part_whose_picture_is_gone_stays_where_it_lies(tmp_path: Path) -> None:
    note = scored(tmp_path, Span(480, 480)).note
    made = again(edit(SHOTS[:2]), tmp_path, note)
    assert made.placements == () and "is gone from the timeline" in made.lines[0]


def other_rate(timeline: HostTimeline) -> HostTimeline:
    return replace(timeline, rate=Fraction(25))


def no_picture(timeline: HostTimeline) -> HostTimeline:
    return replace(timeline, tracks=())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(other_rate, "25 frames per second now", id="rate"),
        pytest.param(no_picture, "no picture", id="picture"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(tmp_path: Path, change: Any, words: str) -> None:
    note = scored(tmp_path).note
    with pytest.raises(EmsyncError, match=words):
        again(change(edit(SHOTS)), tmp_path, note)


def test_without_a_score_or_its_edit_a_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no score"):
        again(edit(SHOTS), tmp_path)
    note = scored(tmp_path).note
    (Path(note.folder) / "Reel 1.otio").unlink()
    with pytest.raises(NotFoundError, match="is not there any more"):
        again(edit(SHOTS), tmp_path, note)
    with pytest.raises(InputError, match="emsync host"):
        renewed(studio(), RenewalOrder(edit(SHOTS), "/x", (note,)), None, quiet)


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    note = scored(tmp_path).note

    def watch(fraction: float, text: str) -> None:
        if text == "playing the instruments":
            raise JobCancelledError("The work was cancelled; nothing was left behind.")

    order = RenewalOrder(edit(SHOTS[:3]), str(tmp_path), (note,))
    with pytest.raises(JobCancelledError):
        renewed(studio(), order, HostRecutter(), watch)
    assert [path.name for path in tmp_path.iterdir()] == ["001"]


def test_a_request_in_json_does_it(tmp_path: Path) -> None:
    note = scored(tmp_path).note
    order = wire.to_dict(RenewalOrder(edit(SHOTS[:3]), str(tmp_path), (note,)))
    found = answer({"renew": order}, lambda: FakeClient(), quiet, None, HostRecutter())  # type: ignore[arg-type, return-value]
    made = wire.from_dict(Renewal, found, origin="The answer")
    assert made.lines == ("'Reel 1' follows the new edit.",)
