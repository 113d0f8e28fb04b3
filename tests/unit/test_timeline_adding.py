"""Stems added to the editor's own file: its bytes stay, and a second run changes nothing."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from tests.timelines import (
    R24,
    clip,
    gap,
    marker,
    saved,
    score_of,
    timeline,
    track,
    users_timeline,
)

from emsync.errors import TimelineError
from emsync_otio import TimelineEdit, place, read_edit, read_placed_sheet
from emsync_otio.saving import save_timeline
from emsync_otio.xml_text import XmlText

SUFFIXES = [".fcpxml", ".xml", ".kdenlive", ".xges"]
RATE = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"


@pytest.fixture(params=SUFFIXES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The user's timeline as a file of each kind, with what parsers lose."""
    path = tmp_path / f"cut{request.param}"
    save_timeline(users_timeline(start=0), path, lambda _: None, rate=R24)
    text = path.read_text().replace("?>\n", "?>\n<!-- graded by B. -->\n", 1)
    for root in ("<fcpxml ", "<xmeml ", "<mlt ", "<ges "):
        text = text.replace(root, root + " made = 'by hand'  ", 1)
    path.write_text(text)
    return path


def test_the_editors_bytes_stay_and_ours_come_between_them(source: Path, tmp_path: Path):
    edit = read_edit(source)
    out = tmp_path / f"scored{source.suffix}"
    place(source, *score_of(edit, tmp_path, hits=(60, 90)), out)
    rest = iter(out.read_bytes())
    assert all(byte in rest for byte in source.read_bytes())  # the same bytes in the same order
    again = read_edit(out)
    assert (again.picture.duration, again.boundaries, again.hits) == (
        edit.picture.duration,
        edit.boundaries,
        edit.hits,
    )


def test_placing_again_gives_the_same_bytes(source: Path, tmp_path: Path):
    scored = score_of(read_edit(source), tmp_path, first=30, hits=(60,))
    one, two = (tmp_path / f"{name}{source.suffix}" for name in ("one", "two"))
    place(source, *scored, one)
    report = place(one, *scored, two)
    assert report.replaced == 2
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("source", [".fcpxml", ".kdenlive", ".xges"], indirect=True)
def test_the_cue_sheet_travels_inside(source: Path, tmp_path: Path):
    sheet, placed = score_of(read_edit(source), tmp_path, hits=(60,))
    out = tmp_path / f"scored{source.suffix}"
    place(source, sheet, placed, out)
    assert read_placed_sheet(out) == sheet


def test_an_empty_element_is_opened_and_an_indent_kept():
    text = XmlText(b"<a>\n  <b/>\n  <c x='1'>\n  </c>\n</a>")
    (b, c) = text.root.children
    text.append(b, Element("new"))
    text.append(c, Element("new", {"name": "é"}))
    assert text.result() == (
        b"<a>\n  <b>\n      <new />\n  </b>\n"
        b"  <c x='1'>\n      <new name=\"&#233;\" />\n  </c>\n</a>"
    )


def test_what_is_removed_takes_its_line_with_it():
    text = XmlText(b"<a>\n  <b>\n    <d/>\n  </b>\n  <c/>\n</a>")
    text.remove(text.root.children[0])
    text.remove(text.root.children[0].children[0])
    assert text.result() == b"<a>\n  <c/>\n</a>"


def test_an_attribute_changes_and_the_others_stay():
    text = XmlText(b"<a>\n  <b y = '&quot;' x='1'/>\n  <c/>\n</a>")
    (b, c) = text.root.children
    text.set_attribute(b, "x", 'é "2"')
    text.set_attribute(c, "z", "3")
    assert text.result() == (
        b'<a>\n  <b y = \'&quot;\' x="&#233; &quot;2&quot;"/>\n  <c z="3"/>\n</a>'
    )


def test_utf_16_is_refused_in_a_sentence():
    with pytest.raises(TimelineError, match="UTF-16"):
        XmlText("<a/>".encode("utf-16"))


def laid(source: Path, out: Path) -> TimelineEdit:
    edit = read_edit(source)
    place(source, *score_of(edit, out.parent, hits=(60,)), out)
    again = read_edit(out)
    assert (again.boundaries, again.hits) == (edit.boundaries, edit.hits)
    return again


def test_stems_go_into_the_sequence_that_holds_the_nested_one(tmp_path: Path):
    def sequence(name: str, inside: str) -> str:
        return (
            f'<sequence id="{name}"><name>{name}</name><duration>100</duration>{RATE}<media><video>'
            f"<track>{inside}</track></video></media></sequence>"
        )

    def item(name: str, start: int, end: int, held: str) -> str:
        return (
            f'<clipitem id="{name}"><name>{name}</name>{RATE}<start>{start}</start><end>{end}</end>'
            f"<in>0</in><out>{end - start}</out>{held}</clipitem>"
        )

    inner = sequence("inner", item("X", 0, 20, "") + item("Y", 20, 60, ""))
    outer = sequence("s", item("A", 0, 30, "") + item("N", 30, 90, '<sequence id="inner"/>'))
    source = tmp_path / "cut.xml"
    source.write_text(
        f'<xmeml version="5"><project><name>p</name><children>{inner}{outer}</children></project>'
        "</xmeml>"
    )
    assert [b.time.value for b in laid(source, tmp_path / "scored.xml").boundaries] == [30, 50]


def test_guides_of_old_projects_stay_hits_beside_ours(tmp_path: Path):
    source = tmp_path / "cut.kdenlive"
    source.write_text(
        '<mlt><profile frame_rate_num="25" frame_rate_den="1"/>'
        '<producer id="p" in="0" out="999"><property name="resource">/a.mov</property></producer>'
        '<playlist id="one"><entry producer="p" in="0" out="99"/></playlist>'
        '<tractor id="t"><track producer="one"/></tractor>'
        '<kdenlivedoc><guides><guide time="1" comment="hit"/></guides></kdenlivedoc></mlt>'
    )
    assert [hit.time.value for hit in laid(source, tmp_path / "scored.kdenlive").hits] == [25]


def test_a_track_that_is_switched_off_stays_so_in_a_new_project(tmp_path: Path):
    made = timeline(
        track(clip("A", 50, R24), clip("B", 50, R24)),
        track(gap(20, R24), clip("C", 10, R24), name="V2"),
    )
    made.tracks[1].enabled = False
    again = laid(saved(made, tmp_path / "cut.otio"), tmp_path / "scored.kdenlive")
    assert [b.time.value for b in again.boundaries] == [50]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_markers_over_a_track_that_is_switched_off_come_through(tmp_path: Path, suffix: str):
    made = timeline(
        track(clip("off", 100, R24)), track(clip("A", 50, R24), clip("B", 50, R24), name="V2")
    )
    made.tracks[0].enabled = False
    made.tracks.markers.append(marker("hit", 20, R24))
    again = laid(saved(made, tmp_path / "cut.otio"), tmp_path / f"scored{suffix}")
    assert [hit.time.value for hit in again.hits] == [20]


@pytest.mark.parametrize("suffix", [".fcpxml", ".kdenlive"])
def test_where_final_cut_has_a_marker_of_the_users_ours_stays_away(tmp_path: Path, suffix: str):
    made = timeline(track(clip("a", 50, R24), clip("b", 50, R24)), rate=R24)
    made.tracks.markers.append(marker("door", 25, R24))
    source = saved(made, tmp_path / "cut.otio")
    scored = score_of(read_edit(source), tmp_path, hits=(25, 50))
    once, twice = tmp_path / f"once{suffix}", tmp_path / f"twice{suffix}"
    for timeline_of_user, out in ((source, once), (once, twice)):
        report = place(timeline_of_user, *scored, out)
        assert report.unmarked == (1 if suffix == ".fcpxml" else 0)
        assert "hits and their errors" not in report.lost
    assert once.read_bytes() == twice.read_bytes()
    shown = [(each.time.value, each.label) for each in read_edit(twice).hits]
    assert shown == [(25, "door")]
