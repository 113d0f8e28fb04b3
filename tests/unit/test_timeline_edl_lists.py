"""Lists as systems write them: their order, channels, keys, dissolves, speeds, counting."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from tests.timelines import NTSC_30

from emsync.errors import TimelineError
from emsync_otio import read_edit
from emsync_otio.opening import open_timeline


def event(
    number: int,
    reel: str,
    how: str,
    record: tuple[int, int],
    *,
    channels: str = "V",
    source: tuple[int, int] | None = None,
) -> str:
    first, last = source or (0, record[1] - record[0])
    codes = " ".join(map(code, (first, last, *(3600 * 24 + at for at in record))))
    return f"{number:03}  {reel} {channels}     {how} {codes}"


def code(frame: int) -> str:
    seconds, frame = divmod(frame, 24)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame:02}"


def written(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(["TITLE: cut", "FCM: NON-DROP FRAME", *lines, ""]), encoding=encoding)
    return path


LISTS = {
    "in the order of the reels (C mode)": (
        [
            event(1, "A", "C", (120, 168)),
            event(2, "A", "C", (48, 120)),
            event(3, "B", "C", (0, 48)),
        ],
        [(48, "cut"), (120, "cut")],
    ),
    "a second picture track": (
        [event(1, "A", "C", (0, 240)), event(2, "B", "C", (96, 144), channels="V2")],
        [(96, "cut"), (144, "cut")],
    ),
    "sound in many channels": (
        [
            event(1, "A", "C", (0, 48), channels="AA/V"),
            event(2, "B", "C", (48, 96), channels="B"),
            event(3, "C", "C", (48, 96), channels="A34"),
            event(4, "D", "C", (60, 90), channels="AA"),
            event(5, "E", "C", (0, 96), channels="NONE"),
        ],
        [(48, "cut")],
    ),
    "reels with spaces": (
        [event(1, "A001 take V C 2", "C", (0, 48)), event(2, "b.mov", "C", (48, 96))],
        [(48, "cut")],
    ),
    "a key over the picture": (
        [
            event(1, "A", "C", (0, 48)),
            event(2, "A", "K B", (48, 96)),
            event(2, "TITLE", "K    000", (48, 96)),
            event(3, "B", "C", (96, 144)),
        ],
        [(48, "cut"), (96, "cut")],
    ),
    "a dissolve behind an outgoing event that lasts": (
        [event(1, "A", "C", (0, 48)), event(1, "B", "D    024", (48, 120))],
        [(60, "dissolve")],
    ),
    "fades to black and from it": (
        [
            event(1, "BL", "C", (0, 24)),
            event(2, "A", "C", (24, 72)),
            event(3, "A", "C", (72, 72)),
            event(3, "BL", "D    024", (72, 120)),
            event(4, "BL", "C", (120, 120)),
            event(4, "B", "D    012", (120, 168)),
        ],
        [(24, "cut"), (84, "fade"), (126, "fade")],
    ),
    "a dissolve into a clip that plays twice as fast": (
        [
            event(1, "A", "C", (0, 48)),
            event(2, "A", "C", (48, 48)),
            event(2, "B", "D    024", (48, 120), source=(0, 144)),
            "M2   B       048.0                00:00:00:00",
        ],
        [(60, "dissolve")],
    ),
    "remarks of every kind": (
        [
            "SPLIT:    AUDIO DELAY=  00:00:00:10",
            event(1, "A", "C", (0, 48)),
            ">>> SOURCE A A001 /Volumes/x",
            "FINAL CUT PRO REEL: A REPLACED BY: A1",
            "AUD  3     4",
            event(1, "A", "C", (10, 48), channels="AA"),
            event(2, "B", "C", (48, 96)) + "  ",
        ],
        [(48, "cut")],
    ),
    "past midnight": (
        [
            "001  A V     C 00:00:00:00 00:00:02:00 23:59:58:00 24:00:00:00",
            "002  B V     C 00:00:00:00 00:00:02:00 00:00:00:00 00:00:02:00",
        ],
        [(48, "cut")],
    ),
}


@pytest.mark.parametrize(("lines", "boundaries"), LISTS.values(), ids=LISTS)
def test_each_kind_of_list_is_cut_where_it_says(
    tmp_path: Path, lines: list[str], boundaries: list[tuple[int, str]]
):
    edit = read_edit(written(tmp_path / "cut.edl", *lines))
    assert [(b.time.value, b.kind.value) for b in edit.boundaries] == boundaries


def test_speeds_are_those_of_the_m2_lines(tmp_path: Path):
    path = written(
        tmp_path / "cut.edl",
        event(1, "A", "C", (0, 48)),
        "M2   A       024.0                00:00:00:00",
        event(2, "BIGREELNAME", "C", (48, 96), source=(0, 96)),
        "M2   BIGREELN       048.0                00:00:00:00",
        event(3, "C", "C", (96, 144)),
        "M2   C      -024.0                00:00:02:00",
        event(4, "D", "C", (144, 192), source=(5, 6)),
        "* FREEZE FRAME",
        event(5, "E", "C", (192, 240), source=(5, 6)),
        "M2   E       000.0                00:00:00:05",
    )
    timeline = open_timeline(path)
    speeds = [[each.time_scalar for each in clip.effects] for clip in timeline.find_clips()]
    assert speeds == [[], [2], [-1], [0], [0]]


def test_a_list_that_does_not_drop_may_cut_in_sources_that_do(tmp_path: Path):
    path = tmp_path / "cut.edl"
    path.write_text(
        "FCM: NON-DROP FRAME\n"
        "001  A V     C 01:00:00:00 01:00:02:00 01:00:59:00 01:01:01:00\n"
        "FCM: DROP FRAME\n"  # its source crosses a minute: 58 frames
        "002  B V     C 01:00:59:00 01:01:01:00 01:01:01:00 01:01:02:28\n"
    )
    edit = read_edit(path)
    assert edit.picture.rate == NTSC_30
    assert [b.time.value for b in edit.boundaries] == [60]
    assert edit.picture.start.value == (3600 + 59) * 30


def test_names_are_those_of_the_notes_else_the_reels(tmp_path: Path):
    path = written(
        tmp_path / "cut.edl",
        event(1, "A", "C", (0, 48)),
        event(2, "A", "C", (48, 48)),
        event(2, "B", "D    024", (48, 96)),
        "* FROM CLIP NAME:  first",
        "* TO CLIP NAME:  second",
        event(3, "C", "C", (96, 120)),
        "* FROM CLIP NAME:  third",
    )
    assert [clip.name for clip in open_timeline(path).find_clips()] == ["A", "second", "third"]


def test_utf_16_is_read(tmp_path: Path):
    path = written(
        tmp_path / "cut.edl", event(1, "A", "C", (0, 48)), event(2, "é", "C", (48, 96)),
        encoding="utf-16",
    )  # fmt: skip
    assert len(read_edit(path).shots) == 2


def test_pictures_recorded_over_each_other_are_refused(tmp_path: Path):
    path = written(tmp_path / "cut.edl", event(1, "A", "C", (0, 48)), event(2, "B", "C", (47, 96)))
    with pytest.raises(TimelineError, match=r"'B' is recorded over 'A'.*--rate"):
        read_edit(path, rate=Fraction(24))


def test_a_list_of_resolves_markers_is_no_edit(tmp_path: Path):
    path = written(
        tmp_path / "markers.edl",
        event(1, "001", "C", (48, 49)),
        " |C:ResolveColorBlue |M:Marker 1 |D:1",
    )
    with pytest.raises(TimelineError, match="lists markers, not the edit"):
        read_edit(path)


def test_a_timecode_that_is_none_gets_a_sentence(tmp_path: Path):
    path = tmp_path / "cut.edl"
    path.write_text("001  A V     C 00:00:00:00 00:00:02:00 00:99:00:00 00:99:02:00\n")
    with pytest.raises(TimelineError, match="holds a timecode that is none"):
        read_edit(path)
