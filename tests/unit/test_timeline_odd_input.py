"""Timelines at the edge: very many tracks and clips, and paths of every system."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest
from tests.timelines import R24, clip, saved, score_of, timeline, track

from emsync_otio import PathStyle, place, read_edit
from emsync_otio.media_paths import bare_path, file_url

PATHS = [
    ("/films/a b.mov", "file:///films/a%20b.mov"),
    ("/films/a%20b.mov", "file:///films/a%2520b.mov"),
    ("/films/Дом é.mov", "file:///films/%D0%94%D0%BE%D0%BC%20%C3%A9.mov"),
    ("C:/Cut Room/a.mov", "file:///C:/Cut%20Room/a.mov"),
    ("//nas/films/a.mov", "file://nas/films/a.mov"),
]


@pytest.mark.parametrize(("path", "url"), PATHS, ids=[path for path, _ in PATHS])
def test_a_path_becomes_a_url_and_itself_again(path: str, url: str):
    assert file_url(path) == url
    assert bare_path(url) == path
    assert file_url(url) == url
    assert bare_path(path) == path


def test_backslashes_are_slashes_in_a_url():
    assert file_url("D:\\Cut\\a.mov") == "file:///D:/Cut/a.mov"
    assert file_url("\\\\nas\\films\\a.mov") == "file://nas/films/a.mov"


@pytest.mark.parametrize(
    ("style", "begins"), [(PathStyle.BARE, "/"), (PathStyle.URL, "file:///")], ids=["bare", "url"]
)
def test_every_file_is_named_as_the_editor_wants_it(tmp_path: Path, style: PathStyle, begins: str):
    (tmp_path / "media").mkdir()
    (tmp_path / "media/a b.mov").write_bytes(b"x")
    shots = [clip("a", 30, R24, media="media/a%20b.mov"), clip("b", 30, R24, media="/gone/b.mov")]
    source = saved(timeline(track(*shots), rate=R24), tmp_path / "cut.otio")
    place(source, *score_of(read_edit(source), tmp_path), tmp_path / "scored.otio", paths=style)
    made = otio.adapters.read_from_file(str(tmp_path / "scored.otio"))
    urls = [each.media_reference.target_url for each in made.find_clips()]
    assert all(url.startswith(begins) for url in urls)
    assert any(url.endswith("a b.mov" if style is PathStyle.BARE else "a%20b.mov") for url in urls)


@pytest.mark.parametrize("suffix", [".otio", ".fcpxml", ".xml", ".kdenlive", ".xges"])
def test_a_hundred_and_twenty_eight_full_tracks_take_stems_too(tmp_path: Path, suffix: str):
    rows = [track(clip(f"v{n}", 48, R24), name=f"V{n}") for n in range(64)]
    rows += [track(clip(f"a{n}", 48, R24), kind="Audio", name=f"A{n}") for n in range(64)]
    source = saved(timeline(*rows, rate=R24), tmp_path / "cut.otio")
    report = place(source, *score_of(read_edit(source), tmp_path), tmp_path / f"scored{suffix}")
    assert len(report.stems) == 2
    assert read_edit(tmp_path / f"scored{suffix}").boundaries == ()


@pytest.mark.slow
def test_twenty_thousand_clips_are_read(tmp_path: Path):
    shots = [clip(f"c{n}", 48, R24, start=n % 500, media=f"/f/{n % 40}.mov") for n in range(20_000)]
    source = saved(timeline(track(*shots), rate=R24), tmp_path / "cut.otio")
    edit = read_edit(source)
    assert len(edit.boundaries) == 19_999
