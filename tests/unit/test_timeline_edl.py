"""EDLs: their unstated rate, drop-frame, record start, locators."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from tests.timelines import FILM_2398, NTSC_30

from emsync.errors import TimelineError
from emsync.timecode import RationalTime, timecode_of
from emsync_otio import read_edit


def edl(path: Path, *events: str, fcm: str = "NON-DROP FRAME", encoding: str = "utf-8") -> Path:
    lines = ["TITLE: cut", f"FCM: {fcm}"]
    for number, event in enumerate(events, start=1):
        lines.append(
            event if event.startswith("*") else f"{number:03}  REEL     V     C        {event}"
        )
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def two_shots(last: int) -> tuple[str, ...]:
    return (
        "01:00:00:00 01:00:01:05 10:00:00:00 10:00:01:05",
        f"02:00:00:00 02:00:00:{last:02} 10:00:01:05 10:00:01:{last + 5:02}",
    )


@pytest.mark.parametrize(
    ("highest", "rate"),
    [(23, 24), (24, 25), (29, 30), (49, 50), (59, 60)],
    ids=["24", "25", "30", "50", "60"],
)
def test_the_rate_is_the_likeliest_that_counts_so_high_and_is_said(
    tmp_path: Path, highest: int, rate: int
):
    edit = read_edit(edl(tmp_path / "cut.edl", *two_shots(highest - 5)))
    assert edit.picture.rate == rate
    assert any("does not say at what rate" in warning for warning in edit.picture.warnings)
    assert [b.time.value for b in edit.boundaries] == [rate + 5]


@pytest.mark.parametrize("rate", [FILM_2398, Fraction(24), Fraction(25), NTSC_30], ids=str)
def test_a_stated_rate_counts(tmp_path: Path, rate: Fraction):
    edit = read_edit(edl(tmp_path / "cut.edl", *two_shots(10)), rate=rate)
    assert edit.picture.rate == rate
    per_second = round(rate)
    assert [b.time.value for b in edit.boundaries] == [per_second + 5]
    assert edit.picture.start.value == 36_000 * per_second
    assert not any("rate" in warning for warning in edit.picture.warnings)


def test_a_stated_rate_that_the_numbers_exceed_is_refused(tmp_path: Path):
    with pytest.raises(TimelineError, match=r"counts up to frame 24.*not run at 24 frames"):
        read_edit(edl(tmp_path / "cut.edl", *two_shots(19)), rate=Fraction(24))


def test_frame_numbers_beyond_any_rate_are_refused(tmp_path: Path):
    with pytest.raises(TimelineError, match="frame 99"):
        read_edit(edl(tmp_path / "cut.edl", "01:00:00:00 01:00:00:99 01:00:00:00 01:00:00:99"))


@pytest.mark.parametrize("mark", [";", ":"])
def test_drop_frame_is_known_by_the_header_or_by_semicolons(tmp_path: Path, mark: str):
    code = f"00:00:59{mark}28 00:01:00{mark}04 01:00:59{mark}28 01:01:00{mark}04"
    second = f"00:00:00{mark}00 00:00:01{mark}00 01:01:00{mark}04 01:01:01{mark}04"
    fcm = "DROP FRAME" if mark == ":" else "NON-DROP FRAME"
    picture = (edit := read_edit(edl(tmp_path / "cut.edl", code, second, fcm=fcm))).picture
    assert picture.rate == NTSC_30
    assert timecode_of(picture.start, drop_frame=True) == "01:00:59;28"
    assert [b.time.value for b in edit.boundaries] == [4]  # frames ;00 and ;01 do not exist


def test_locators_count_in_record_time(tmp_path: Path):
    edit = read_edit(
        edl(tmp_path / "cut.edl", *two_shots(10), "* LOC: 10:00:01:00 RED     DOOR SLAMS")
    )
    assert [(h.time, h.label) for h in edit.hits] == [
        (RationalTime(24, Fraction(24)), "DOOR SLAMS")
    ]


def test_source_and_record_that_disagree_are_refused(tmp_path: Path):
    with pytest.raises(TimelineError, match=r"contradicts itself at 24 frames.*--rate"):
        read_edit(edl(tmp_path / "cut.edl", "01:00:00:00 01:00:01:00 00:00:00:00 00:00:02:00"))


@pytest.mark.parametrize(
    "text", ["", "TITLE: nothing\n", "not an edl at all\n"], ids=["empty", "title", "prose"]
)
def test_a_list_without_events_gets_a_sentence(tmp_path: Path, text: str):
    (tmp_path / "cut.edl").write_text(text)
    with pytest.raises(TimelineError, match=r"'cut\.edl' (is empty|holds no events)"):
        read_edit(tmp_path / "cut.edl")


def test_old_systems_letters_and_line_ends_are_read(tmp_path: Path):
    path = edl(
        tmp_path / "cut.edl", *two_shots(10), "* FROM CLIP NAME:  Café.mov", encoding="latin-1"
    )
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(read_edit(path).shots) == 2
