"""Stems added to the editor's own file: its bytes stay, and a second run changes nothing."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from tests.timelines import R24, score_of, users_timeline

from emsync.errors import TimelineError
from emsync_otio import place, read_edit, read_placed_sheet
from emsync_otio.saving import save_timeline
from emsync_otio.xml_text import XmlText

SUFFIXES = [".fcpxml", ".xml", ".kdenlive"]


@pytest.fixture(params=SUFFIXES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The user's timeline as a file of each kind, with what parsers lose."""
    path = tmp_path / f"cut{request.param}"
    save_timeline(users_timeline(start=0), path, lambda _: None, rate=R24)
    text = path.read_text().replace("?>\n", "?>\n<!-- graded by B. -->\n", 1)
    for root in ("<fcpxml ", "<xmeml ", "<mlt "):
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


@pytest.mark.parametrize("source", [".fcpxml", ".kdenlive"], indirect=True)
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


def test_utf_16_is_refused_in_a_sentence():
    with pytest.raises(TimelineError, match="UTF-16"):
        XmlText("<a/>".encode("utf-16"))
