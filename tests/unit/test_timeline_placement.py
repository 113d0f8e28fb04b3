"""Stems and hits on timelines: to the frame, beside what the user has."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.timelines import (
    FILM_2398,
    NTSC_30,
    R24,
    RATES,
    clip,
    frames,
    own_tracks,
    saved,
    score_of,
    timeline,
    track,
    users_timeline,
    without_ours,
)

from emsync.errors import TimelineError
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime
from emsync_otio import place, read_edit, read_placed_sheet


@pytest.mark.parametrize(
    ("rate", "start"),
    [
        pytest.param(FILM_2398, 86_400, id="23.976 from 01:00:00:00"),
        pytest.param(NTSC_30, 107_892, id="29.97 from 01:00:00;00 drop-frame"),
        pytest.param(Fraction(25), 90_000, id="25 from 01:00:00:00"),
        pytest.param(Fraction(60000, 1001), 0, id="59.94 from zero"),
    ],
)
def test_stems_lie_at_the_cue_to_the_frame(tmp_path: Path, rate: Fraction, start: int):
    source = saved(users_timeline(rate, start), tmp_path / "cut.otio")
    sheet, placed = score_of(read_edit(source), tmp_path, first=37, hits=(37, 60, 200))
    report = place(source, sheet, placed, tmp_path / "scored.otio")

    strings, brass = own_tracks(tmp_path / "scored.otio")
    assert (strings.name, brass.name) == ("cue – strings", "cue – brass")
    lead, stem = strings
    assert lead.duration() == frames(37, rate)
    assert stem.source_range.duration == frames(203, rate)
    assert stem.media_reference.target_url == "stems/strings.wav"
    assert [row.record.start for row in report.stems] == [RationalTime(37, rate)] * 2
    written = otio.adapters.read_from_file(str(tmp_path / "scored.otio"))
    assert written.global_start_time == frames(start, rate)
    assert written.duration() == frames(240, rate)


def test_the_users_timeline_is_byte_identical_afterwards(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    before = source.read_bytes()
    place(source, *score_of(read_edit(source), tmp_path), tmp_path / "scored.otio")
    assert source.read_bytes() == before


def test_nothing_of_the_users_is_moved_or_changed(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    place(source, *score_of(read_edit(source), tmp_path, hits=(60,)), tmp_path / "scored.otio")
    assert without_ours(tmp_path / "scored.otio") == without_ours(source)


def test_placing_does_not_change_what_is_read_from_the_timeline(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    edit = read_edit(source)
    place(source, *score_of(edit, tmp_path, hits=(10, 200)), tmp_path / "scored.otio")
    again = read_edit(tmp_path / "scored.otio")
    assert (again.boundaries, again.hits, again.shots) == (edit.boundaries, edit.hits, edit.shots)


def test_hits_are_markers_that_say_how_far_off_the_music_is(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    report = place(
        source, *score_of(read_edit(source), tmp_path, hits=(60, 90)), tmp_path / "scored.otio"
    )
    written = otio.adapters.read_from_file(str(tmp_path / "scored.otio"))
    ours = [m for m in written.tracks.markers if "emsync" in m.metadata]
    assert [m.marked_range.start_time for m in ours] == [frames(60, R24), frames(90, R24)]
    assert [m.name for m in ours] == ["Hit 1 (+0.03 frames)", "Hit 2 (+0.03 frames)"]
    assert [m.metadata["emsync"]["error_s"] for m in ours] == [0.0012, 0.0012]
    assert [hit.error_s for hit in report.hits] == [0.0012, 0.0012]


def test_the_cue_sheet_reads_back_from_the_scored_timeline(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    sheet, placed = score_of(read_edit(source), tmp_path, first=37, hits=(60, 90))
    place(source, sheet, placed, tmp_path / "scored.otio")
    assert read_placed_sheet(tmp_path / "scored.otio") == sheet
    own = json.loads((tmp_path / "scored.otio").read_text())["metadata"]["emsync"]
    assert own["takes"][0]["seed"] == 7
    assert own["takes"][0]["model"] == "composer abc"


def test_a_timeline_without_a_score_has_no_cue_sheet(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    with pytest.raises(TimelineError, match="holds no score"):
        read_placed_sheet(source)


def test_ducking_travels_with_the_stem_tracks(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    place(source, *score_of(read_edit(source), tmp_path), tmp_path / "scored.otio")
    (row, _) = own_tracks(tmp_path / "scored.otio")
    assert [point["gain_db"] for point in row.metadata["emsync"]["ducking"]["points"]] == [
        0.0,
        -6.0,
    ]


def test_a_film_gets_a_timeline_that_shows_it_with_its_sound(tmp_path: Path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"x")
    rate = NTSC_30
    picture = PictureInfo(
        str(film), rate, RationalTime(300, rate), RationalTime(107_892, rate), has_sound=True
    )
    place(
        None, *score_of(picture, tmp_path / "film.emsync"), tmp_path / "film.emsync/timeline.otio"
    )
    written = otio.adapters.read_from_file(str(tmp_path / "film.emsync/timeline.otio"))
    assert [row.kind for row in written.tracks] == ["Video", "Audio", "Audio", "Audio"]
    assert written.global_start_time == frames(107_892, rate)
    edit = read_edit(tmp_path / "film.emsync/timeline.otio")
    assert edit.picture.duration.value == 300
    assert edit.shots[0].media == film
    assert edit.shots[0].source_start is not None
    assert edit.shots[0].source_start.value == 0
    assert edit.boundaries == ()


def test_a_film_of_one_frame_a_second_gets_a_timeline(tmp_path: Path):
    rate = Fraction(1)
    picture = PictureInfo(
        str(tmp_path / "slow.mp4"), rate, RationalTime(300, rate), RationalTime(0, rate)
    )
    sheet, placed = score_of(picture, tmp_path)
    report = place(None, sheet, placed, tmp_path / "timeline.otio")
    assert [row.record.start for row in report.stems] == [sheet.cues[0].range.start] * 2


def test_clips_that_lie_in_the_timeline_without_a_track_are_kept(tmp_path: Path):
    made = timeline(clip("bare", 50, R24), otio.schema.Stack(children=[clip("in stack", 20, R24)]))
    source = saved(made, tmp_path / "cut.otio")
    edit = read_edit(source)
    place(source, *score_of(edit, tmp_path, hits=(20,)), tmp_path / "scored.otio")
    assert [b.time.value for b in edit.boundaries] == [20]
    assert without_ours(tmp_path / "scored.otio") == without_ours(source)


def test_a_timeline_that_shows_only_a_part_of_its_tracks_gets_its_stems_inside_that_part(
    tmp_path: Path,
):
    made = users_timeline()
    made.tracks.source_range = otio.opentime.TimeRange(frames(40, R24), frames(100, R24))
    source = saved(made, tmp_path / "cut.otio")
    edit = read_edit(source)
    assert edit.picture.duration.value == 100
    place(source, *score_of(edit, tmp_path, first=10), tmp_path / "scored.otio")
    (row, _) = own_tracks(tmp_path / "scored.otio")
    assert row[1].range_in_parent().start_time == frames(50, R24)


@pytest.mark.parametrize(
    ("start", "timecode"),
    [
        pytest.param(107_892, "01:00:00;10", id="drop-frame hour"),
        pytest.param(108_000, "01:00:00:10", id="non-drop hour"),
        pytest.param(0, "00:00:00;10", id="zero"),
    ],
)
def test_the_summary_says_where_in_record_timecode(tmp_path: Path, start: int, timecode: str):
    source = saved(users_timeline(NTSC_30, start), tmp_path / "cut.otio")
    scored = score_of(read_edit(source), tmp_path, first=10, hits=(20,))
    report = place(source, *scored, tmp_path / "scored.otio")
    assert report.summary == f"2 stems, 1 hit, from {timecode}"
    assert report.start == RationalTime(start, NTSC_30)


@given(
    rate=st.sampled_from(RATES),
    lengths=st.lists(st.integers(2, 400), min_size=1, max_size=8),
    start=st.integers(0, 10**6),
    data=st.data(),
)
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_otio_out_and_in_again_is_the_same(
    tmp_path: Path, rate: Fraction, lengths: list[int], start: int, data: st.DataObject
):
    made = timeline(
        track(*(clip(str(i), n, rate) for i, n in enumerate(lengths))), rate=rate, start=start
    )
    source = saved(made, tmp_path / "cut.otio")
    edit = read_edit(source)
    last = edit.picture.duration.value
    first = data.draw(st.integers(0, last - 1))
    hits = data.draw(st.sets(st.integers(first, last - 1), max_size=5))
    sheet, placed = score_of(edit, tmp_path, first=first, hits=tuple(hits))
    report = place(source, sheet, placed, tmp_path / "scored.otio")

    again = read_edit(tmp_path / "scored.otio")
    assert (again.boundaries, again.hits, again.shots) == (edit.boundaries, edit.hits, edit.shots)
    assert (again.picture.start, again.picture.duration) == (
        edit.picture.start,
        edit.picture.duration,
    )
    assert read_placed_sheet(tmp_path / "scored.otio") == sheet
    assert {stem.record.start.value for stem in report.stems} == {first}
    assert {stem.record.duration.value for stem in report.stems} == {last - first}
    assert [hit.time.value for hit in report.hits] == sorted(hits)
    assert without_ours(tmp_path / "scored.otio") == without_ours(source)
