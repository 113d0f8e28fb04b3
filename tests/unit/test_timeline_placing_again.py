"""A second run replaces what the first one laid, and nothing else."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
from tests.timelines import R24, clip, frames, saved, score_of, track, users_timeline

from emsync.family import Family
from emsync_otio import place, read_edit


def test_a_second_run_replaces_only_its_own(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    edit = read_edit(source)
    place(source, *score_of(edit, tmp_path, hits=(60, 90)), tmp_path / "one.otio")
    # the user renames our track, and makes one that is called like ours
    made = otio.adapters.read_from_file(str(tmp_path / "one.otio"))
    made.tracks[3].name = "music"
    made.tracks.append(track(clip("mine", 10, R24), kind="Audio", name="cue – strings"))
    saved(made, tmp_path / "edited.otio")
    sheet, placed = score_of(edit, tmp_path, hits=(60,), families=(Family.KEYS,), seed=8)
    report = place(tmp_path / "edited.otio", sheet, placed, tmp_path / "two.otio")

    written = otio.adapters.read_from_file(str(tmp_path / "two.otio"))
    assert [row.name for row in written.tracks] == ["V1", "V2", "A1", "cue – strings", "cue – keys"]
    assert [m.name for m in written.tracks.markers] == ["door", "Hit 1 (+0.03 frames)"]
    assert report.replaced == 2
    assert "2 stems of an earlier run replaced" in report.summary


def test_placing_twice_gives_the_same_file(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    scored = score_of(read_edit(source), tmp_path, hits=(60,))
    place(source, *scored, tmp_path / "one.otio")
    place(tmp_path / "one.otio", *scored, tmp_path / "two.otio")
    assert (tmp_path / "one.otio").read_bytes() == (tmp_path / "two.otio").read_bytes()


def test_what_the_user_put_on_our_track_survives_a_second_run(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    scored = score_of(read_edit(source), tmp_path, first=30)
    place(source, *scored, tmp_path / "one.otio")
    made = otio.adapters.read_from_file(str(tmp_path / "one.otio"))
    made.tracks[3].append(clip("spot effect", 10, R24))
    saved(made, tmp_path / "edited.otio")
    place(tmp_path / "edited.otio", *scored, tmp_path / "two.otio")

    written = otio.adapters.read_from_file(str(tmp_path / "two.otio"))
    kept = written.tracks[3]
    assert [type(child).__name__ for child in kept] == ["Gap", "Gap", "Clip"]
    assert kept[2].range_in_parent().start_time == frames(240, R24)
    assert len(written.tracks) == 3 + 1 + 2


def test_our_stem_on_the_users_own_track_leaves_a_gap_of_its_length(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    scored = score_of(read_edit(source), tmp_path)
    place(source, *scored, tmp_path / "one.otio")
    made = otio.adapters.read_from_file(str(tmp_path / "one.otio"))
    made.tracks[2].insert(0, made.tracks[3][0].deepcopy())
    saved(made, tmp_path / "edited.otio")
    place(tmp_path / "edited.otio", *scored, tmp_path / "two.otio")
    written = otio.adapters.read_from_file(str(tmp_path / "two.otio"))
    assert written.tracks[2][1].range_in_parent().start_time == frames(240, R24)
