"""Stems and hits on timelines: to the frame, beside what the user has, whole or not at all."""

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
    RATES,
    clip,
    dissolve,
    frames,
    gap,
    marker,
    saved,
    score_of,
    timeline,
    title,
    track,
)

from emsync.errors import InputError, NotFoundError, OutputError, TimelineError
from emsync.family import Family
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime
from emsync_otio import place, read_edit, read_placed_sheet

R24 = Fraction(24)


def users_timeline(rate: Fraction = R24, start: int = 86_400) -> otio.schema.Timeline:
    """Two picture tracks, sound, markers and metadata of the user's own."""
    made = timeline(
        track(clip("a", 100, rate), dissolve(5, 5, rate), clip("b", 140, rate)),
        track(gap(30, rate), clip("over", 20, rate), name="V2"),
        track(clip("dialogue", 240, rate), kind="Audio", name="A1"),
        rate=rate,
        start=start,
    )
    made.tracks.markers.append(marker("door", 60, rate))
    made.metadata["theirs"] = {"note": "keep", "big": 2**53 + 1}
    return made


def own_tracks(path: Path) -> list[otio.schema.Track]:
    made = otio.adapters.read_from_file(str(path))
    return [row.deepcopy() for row in made.tracks if "emsync" in row.metadata]


def without_ours(path: Path) -> dict[str, object]:
    """The written JSON without everything that carries our key."""

    def stripped(value: object) -> object:
        if isinstance(value, list):
            return [stripped(v) for v in value if not (isinstance(v, dict) and is_ours(v))]
        if isinstance(value, dict):
            return {k: stripped(v) for k, v in value.items() if k != "emsync"}
        return value

    def is_ours(value: dict[str, object]) -> bool:
        return "emsync" in (value.get("metadata") or {})  # type: ignore[operator]

    return stripped(json.loads(path.read_text()))  # type: ignore[return-value]


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
    assert [m.name for m in written.tracks.markers] == ["door", "Hit 1 (+1.2 ms)"]
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


def test_hits_are_markers_that_say_how_far_off_the_music_is(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    report = place(
        source, *score_of(read_edit(source), tmp_path, hits=(60, 90)), tmp_path / "scored.otio"
    )
    written = otio.adapters.read_from_file(str(tmp_path / "scored.otio"))
    ours = [m for m in written.tracks.markers if "emsync" in m.metadata]
    assert [m.marked_range.start_time for m in ours] == [frames(60, R24), frames(90, R24)]
    assert [m.name for m in ours] == ["Hit 1 (+1.2 ms)", "Hit 2 (+1.2 ms)"]
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
    assert report.summary == f"2 stems, 1 hits, from {timecode}"
    assert report.start == RationalTime(start, NTSC_30)


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


def test_what_final_cut_7_xml_cannot_hold_is_refused(tmp_path: Path):
    made = timeline(track(otio.schema.Stack(children=[track(title(50, R24))])), rate=R24)
    source = saved(made, tmp_path / "cut.otio")
    with pytest.raises(OutputError, match=r"Write it as \.otio"):
        place(source, *score_of(read_edit(source), tmp_path), tmp_path / "scored.xml")
    assert not (tmp_path / "scored.xml").exists()


@pytest.mark.parametrize(
    "name", ["scored.edl", "scored.fcpxml", "scored.aaf", "scored", "scored.mp4"]
)
def test_formats_that_cannot_carry_stems_are_refused(tmp_path: Path, name: str):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    with pytest.raises(InputError, match=r"Name it \.otio"):
        place(source, *score_of(read_edit(source), tmp_path), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_the_timeline_itself_is_never_overwritten(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    before = source.read_bytes()
    with pytest.raises(OutputError, match="stays as it is"):
        place(source, *score_of(read_edit(source), tmp_path), source)
    assert source.read_bytes() == before


def test_a_missing_stem_leaves_no_timeline_and_no_scraps(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    sheet, placed = score_of(read_edit(source), tmp_path / "score")
    (tmp_path / "score/stems/brass.wav").unlink()
    with pytest.raises(NotFoundError, match=r"brass\.wav"):
        place(source, sheet, placed, tmp_path / "out" / "scored.otio")
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fails_leaves_no_scraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    scored = score_of(read_edit(source), tmp_path)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(otio.adapters, "write_to_file", full)
    with pytest.raises(OutputError, match="disk is full"):
        place(source, *scored, tmp_path / "scored.otio")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["cut.otio", "stems"]


def test_an_output_folder_that_is_a_file_gets_a_sentence(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    with pytest.raises(OutputError, match="cannot be written"):
        place(source, *score_of(read_edit(source), tmp_path), source / "scored.otio")


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
