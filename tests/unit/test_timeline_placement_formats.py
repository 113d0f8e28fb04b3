"""Timelines of several formats: what each carries, and where its references lead."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.timelines import (
    FILM_2398,
    R24,
    clip,
    own_tracks,
    saved,
    score_of,
    timeline,
    track,
    users_timeline,
)

from emsync.errors import InputError, TimelineError
from emsync_otio import place, read_edit, read_placed_sheet


def test_an_edl_is_laid_at_the_rate_at_which_it_was_spotted(tmp_path: Path):
    source = tmp_path / "cut.edl"
    source.write_text(
        "TITLE: cut\n001  REEL     V     C        01:00:00:00 01:00:10:00 01:00:00:00 01:00:10:00\n"
    )
    edit = read_edit(source, rate=FILM_2398)
    place(source, *score_of(edit, tmp_path, first=24), tmp_path / "scored.otio")
    again = read_edit(tmp_path / "scored.otio")
    assert again.picture.rate == FILM_2398
    assert (again.picture.start, again.picture.duration) == (
        edit.picture.start,
        edit.picture.duration,
    )


def test_references_outside_the_folder_are_file_urls(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    place(source, *score_of(read_edit(source), tmp_path / "x y"), tmp_path / "out" / "scored.otio")
    (row, _) = own_tracks(tmp_path / "out" / "scored.otio")
    assert row[0].media_reference.target_url == (tmp_path / "x y/stems/strings.wav").as_uri()


def test_the_users_relative_references_still_find_their_media_from_another_folder(tmp_path: Path):
    (tmp_path / "media").mkdir()
    (tmp_path / "media/a b.mov").write_bytes(b"x")
    made = timeline(
        track(clip("a", 10, R24, media="media/a%20b.mov"), clip("b", 10, R24, media="gone.mov"))
    )
    source = saved(made, tmp_path / "cut.otio")
    edit = read_edit(source)
    place(source, *score_of(edit, tmp_path), tmp_path / "out" / "scored.otio")
    assert read_edit(tmp_path / "out" / "scored.otio").shots == edit.shots


def test_a_bundle_carries_stems_and_cue_sheet(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    sheet, placed = score_of(read_edit(source), tmp_path, hits=(60,))
    place(source, sheet, placed, tmp_path / "scored.otioz")
    assert read_placed_sheet(tmp_path / "scored.otioz") == sheet
    edit = read_edit(tmp_path / "scored.otioz")
    assert edit.boundaries == read_edit(source).boundaries


def test_final_cut_7_xml_carries_stems_and_knows_them_again(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    edit = read_edit(source)
    place(source, *score_of(edit, tmp_path, hits=(60, 90)), tmp_path / "one.xml")
    again = read_edit(tmp_path / "one.xml")
    assert (again.boundaries, again.hits) == (edit.boundaries, edit.hits)

    report = place(
        tmp_path / "one.xml", *score_of(edit, tmp_path, hits=(60,)), tmp_path / "two.xml"
    )
    assert report.replaced == 2
    with pytest.raises(TimelineError, match="holds no score"):
        read_placed_sheet(tmp_path / "two.xml")


@pytest.mark.parametrize("name", ["scored.edl", "scored.aaf", "scored", "scored.mp4"])
def test_formats_that_cannot_carry_stems_are_refused(tmp_path: Path, name: str):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    with pytest.raises(InputError, match=r"Name it \.otio"):
        place(source, *score_of(read_edit(source), tmp_path), tmp_path / name)
    assert not (tmp_path / name).exists()
