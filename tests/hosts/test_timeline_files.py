"""Timelines that real editors wrote: what each holds was counted by reading the files.

Cuts were counted from the offsets in the XML, from the event lists, and for AAF from the adapter's
tree; guides of the Kdenlive effect collections stand on each cut and confirm theirs.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from tests.timelines import score_of

from emsync.errors import TimelineError
from emsync.picture import BoundaryKind
from emsync_otio import place, read_edit, read_placed_sheet
from emsync_otio.counting import said_drop_frame
from emsync_otio.opening import open_timeline

pytestmark = pytest.mark.media

# file, rate, start (frames), length (frames), cuts, gradual changes, markers
FILES = [
    ("aaf/2997fps-DFTC.aaf", "30000/1001", 539460, 2989, 0, 0, 0),
    ("aaf/30fps.aaf", "30", 108000, 158, 1, 0, 0),
    ("aaf/bezier01.aaf", "24000/1001", 86400, 56, 0, 0, 0),
    ("aaf/composite.aaf", "24", 86400, 175, 0, 0, 0),
    ("aaf/linear01.aaf", "24000/1001", 86400, 56, 0, 0, 0),
    ("aaf/marker-over-transition.aaf", "24", 86400, 320, 1, 1, 2),
    ("aaf/simple.aaf", "24", 86400, 3282, 4, 0, 0),
    ("aaf/spline01.aaf", "24000/1001", 86400, 56, 0, 0, 0),
    ("aaf/step01.aaf", "24000/1001", 86400, 56, 0, 0, 0),
    ("aaf/test_file_01.aaf", "24000/1001", 86400, 4794, 51, 3, 0),
    ("edl/25fps.edl", "25", 0, 496, 3, 0, 0),
    ("edl/avid_example.edl", "24", 86243, 81, 1, 0, 0),
    ("edl/cdl.edl", "24", 0, 62, 1, 0, 0),
    ("edl/dissolve_test.edl", "24", 86400, 20, 1, 1, 0),
    ("edl/dissolve_test_4.edl", "24", 92441, 477, 3, 2, 0),
    ("edl/gap_test.edl", "24", 0, 126, 4, 0, 0),
    ("edl/nucoda_example.edl", "24", 86243, 81, 1, 0, 0),
    ("edl/premiere_example.edl", "24", 86243, 81, 1, 0, 0),
    ("edl/resolve16_timeline1.edl", "30", 108000, 344, 14, 0, 0),
    ("edl/screening_example.edl", "24", 86243, 1049, 8, 0, 3),
    ("edl/speed_effects_small.edl", "24", 86400, 16636, 6, 0, 0),
    ("edl/wipe_test.edl", "24", 86400, 20, 1, 1, 0),
    ("fcp7/hiero_xml_export.xml", "24", 86400, 1324, 3, 0, 0),
    ("fcp7/premiere_enable_property.xml", "25", 0, 220, 2, 0, 0),
    ("fcp7/premiere_generators.xml", "24000/1001", 0, 856, 5, 0, 0),
    ("fcp_cut_with_media/2997fps-rubric-clips.fcpxmld", "30000/1001", 0, 900, 5, 0, 0),
    ("fcp_cut_with_media/60fps-rubric-clips.fcpxmld", "60", 0, 1800, 5, 0, 0),
    ("fcp_cut_with_media/60fps-rubric-compound-clips.fcpxmld", "60", 0, 1800, 5, 0, 0),
    ("fcp_cut_with_media/60fps-rubric-markers.fcpxmld", "60", 0, 1800, 0, 0, 5),
    ("fcpxml/23.98.fcpxml", "24000/1001", 0, 5348, 8, 3, 12),
    ("fcpxml/24.fcpxml", "24", 0, 6311, 23, 4, 28),
    ("fcpxml/24With25Media.fcpxml", "24", 86400, 3911, 3, 0, 3),
    ("fcpxml/25i.fcpxml", "25", 0, 738, 13, 0, 18),
    ("fcpxml/29.97.fcpxml", "30000/1001", 0, 887, 13, 0, 18),
    ("fcpxml/29.97d.fcpxml", "30000/1001", 0, 887, 13, 0, 18),
    ("fcpxml/30.fcpxml", "30", 0, 7895, 23, 4, 30),
    ("fcpxml/50.fcpxml", "50", 0, 12641, 20, 4, 24),
    ("fcpxml/59.94.fcpxml", "60000/1001", 0, 15805, 23, 4, 30),
    ("fcpxml/60.fcpxml", "60", 0, 15790, 23, 4, 30),
    ("fcpxml/Annotations.fcpxml", "25", 90000, 738, 0, 0, 3),
    ("fcpxml/AuditionMarkers.fcpxml", "30000/1001", 108000, 300, 0, 0, 1),
    ("fcpxml/AuditionMarkers2.fcpxml", "30000/1001", 108000, 270, 1, 0, 1),
    ("fcpxml/AuditionMarkers3.fcpxml", "24000/1001", 0, 1433, 1, 1, 4),
    ("fcpxml/BasicMarkers.fcpxml", "30000/1001", 0, 1919, 0, 0, 0),
    ("fcpxml/BasicMarkers_1HourProjectStart.fcpxml", "30000/1001", 108000, 1919, 0, 0, 0),
    ("fcpxml/ClipMetadata.fcpxml", "25", 90000, 2489, 2, 0, 1),
    ("fcpxml/Complex.fcpxml", "25", 0, 11199, 2, 0, 29),
    ("fcpxml/CompoundClips.fcpxml", "25", 90000, 752, 2, 0, 2),
    ("fcpxml/DisabledClips.fcpxml", "24", 0, 10460, 2, 0, 2),
    ("fcpxml/Keywords.fcpxml", "25", 0, 198, 5, 0, 6),
    ("fcpxml/MulticamMarkers.fcpxml", "24000/1001", 86400, 1200, 1, 0, 2),
    ("fcpxml/MulticamMarkers2.fcpxml", "24000/1001", 86400, 240, 0, 0, 1),
    ("fcpxml/Occlusion.fcpxml", "24", 0, 2640, 6, 0, 4),
    ("fcpxml/Occlusion2.fcpxml", "25", 89750, 8436, 0, 0, 2),
    ("fcpxml/Occlusion3.fcpxml", "25", 89750, 8436, 3, 0, 2),
    ("fcpxml/RolesList.fcpxml", "25", 0, 2287, 4, 0, 16),
    ("fcpxml/StandaloneLibraryEventClip.fcpxml", "25", 0, 2287, 4, 0, 10),
    ("fcpxml/StandaloneRefClip.fcpxml", "30000/1001", 0, 270, 0, 0, 1),
    ("fcpxml/SyncClip.fcpxml", "25", 90000, 738, 0, 0, 1),
    ("fcpxml/SyncClipRoles.fcpxml", "25", 89750, 1922, 1, 0, 1),
    ("fcpxml/SyncClipRoles2.fcpxml", "25", 89750, 2242, 1, 0, 1),
    ("fcpxml/TitlesRoles.fcpxml", "24", 0, 10219, 1, 0, 2),
    ("fcpxml/TransitionMarkers1.fcpxml", "24", 86400, 720, 0, 4, 11),
    ("fcpxml/TransitionMarkers2.fcpxml", "24", 86400, 330, 0, 2, 10),
    ("fcpxml/TwoClipsMarkers.fcpxml", "30000/1001", 108000, 900, 2, 0, 3),
    ("kdenlive/alpha.kdenlive", "25", 0, 32, 0, 0, 0),
    ("kdenlive/audio-mix.kdenlive", "25", 0, 30, 0, 1, 0),
    ("kdenlive/effect-zones.kdenlive", "25", 0, 375, 2, 0, 0),
    ("kdenlive/mix-luma.kdenlive", "25", 0, 225, 0, 2, 0),
    ("kdenlive/mix-slide.kdenlive", "25", 0, 300, 0, 3, 0),
    ("kdenlive/mlt-core-video-effects.kdenlive", "25", 0, 130, 26, 0, 27),
    ("kdenlive/qtblend-freeze.kdenlive", "30000/1001", 0, 10, 0, 0, 0),
    ("kdenlive/qtblend-media.kdenlive", "30", 0, 135, 8, 0, 0),
    ("kdenlive/qtblend-transition.kdenlive", "25", 0, 11, 1, 0, 0),
    ("kdenlive/qtblend-zoom.kdenlive", "30000/1001", 0, 150, 0, 0, 0),
    ("kdenlive/sequences.kdenlive", "25", 0, 101, 2, 0, 0),
    ("kdenlive/typewriter-effect.kdenlive", "25", 0, 142, 0, 0, 0),
    ("otio/big_int.otio", "24", 0, 24, 0, 0, 0),
    ("otio/effects.otio", "24", 86400, 1125, 3, 0, 0),
    ("otio/generator_reference_test.otio", "24", 0, 50, 0, 0, 0),
    ("otio/multitrack.otio", "24", 0, 2677, 5, 0, 0),
    ("otio/nested_example.otio", "24", 0, 636, 7, 0, 0),
    ("otio/premiere_example.otio", "30", 0, 1246, 6, 2, 4),
    ("otio/screening_example.otio", "24", 0, 1049, 8, 0, 1),
    ("otio/transition_test.otio", "24", 0, 150, 1, 1, 0),
]

REFUSED = [
    ("ale/sample.ale", "a log of clips, not a timeline"),
    ("ale/sample_no_blanks.ale", "a log of clips, not a timeline"),
    ("edl/dissolve_test_fail.edl", "lacks its outgoing or incoming event"),
    ("edl/multi_audio.edl", "sound but no picture"),
    ("edl/timecode_mismatch.edl", "contradicts itself at 25 frames per second.*--rate"),
    ("fcpxml/AudioOnly.fcpxml", "sound but no picture"),
    ("fcpxml/StandaloneAssetClip.fcpxml", "holds clips but no timeline"),
    ("fcpxml/Structure.fcpxml", "is empty"),
]


@pytest.mark.parametrize(
    ("file", "rate", "start", "length", "cuts", "gradual", "markers"),
    FILES,
    ids=[row[0] for row in FILES],
)
def test_each_file_reads_as_it_was_cut(
    media: Path,
    file: str,
    rate: str,
    start: int,
    length: int,
    cuts: int,
    gradual: int,
    markers: int,
):
    edit = read_edit(media / "timelines" / file)
    picture = edit.picture
    assert (picture.rate, picture.start.value, picture.duration.value) == (
        Fraction(rate),
        start,
        length,
    )
    sharp = sum(boundary.kind is BoundaryKind.CUT for boundary in edit.boundaries)
    assert (sharp, len(edit.boundaries) - sharp, len(edit.hits)) == (cuts, gradual, markers)
    assert sum(shot.record.duration.value for shot in edit.shots) == length


def test_every_timeline_of_the_collection_is_in_the_tables(media: Path):
    folder = media / "timelines"
    suffixes = (".ale", ".edl", ".aaf", ".otio", ".xml", ".fcpxml", ".kdenlive", ".fcpxmld")
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in suffixes and path.parent.suffix != ".fcpxmld"
    }
    assert there == {row[0] for row in FILES} | {file for file, _ in REFUSED}


@pytest.mark.parametrize(("file", "words"), REFUSED, ids=[file for file, _ in REFUSED])
def test_what_cannot_be_scored_says_why(media: Path, file: str, words: str):
    with pytest.raises(TimelineError, match=words):
        read_edit(media / "timelines" / file)


@pytest.mark.parametrize("rate", ["24", "25", "30"])
def test_the_wrong_rate_list_is_refused_at_any_rate(media: Path, rate: str):
    with pytest.raises(TimelineError):
        read_edit(media / "timelines/edl/timecode_mismatch.edl", rate=Fraction(rate))


@pytest.mark.parametrize(
    ("bundle", "film", "cuts"),
    [
        ("60fps-rubric-clips", "60fps.mp4", [300, 600, 900, 1200, 1500]),
        ("60fps-rubric-compound-clips", "60fps.mp4", [300, 600, 900, 1200, 1500]),
        ("2997fps-rubric-clips", "2997 fps.mp4", [150, 300, 450, 600, 750]),
    ],
)
def test_a_film_cut_by_a_person_has_its_cuts_and_is_found_beside_its_timeline(
    media: Path, bundle: str, film: str, cuts: list[int]
):
    edit = read_edit(media / "timelines/fcp_cut_with_media" / f"{bundle}.fcpxmld")
    assert [boundary.time.value for boundary in edit.boundaries] == cuts
    assert {shot.media.name for shot in edit.shots if shot.media} == {film}
    starts = [shot.source_start.seconds for shot in edit.shots if shot.source_start]
    assert starts == [frame / edit.picture.rate for frame in [0, *cuts]]
    assert edit.picture.warnings == ()


def test_avids_drop_frame_counting_is_known(media: Path):
    said = {
        path.name: said_drop_frame(open_timeline(path))
        for path in (media / "timelines/aaf").glob("*.aaf")
    }
    assert {name for name, drops in said.items() if drops} == {"2997fps-DFTC.aaf"}
    assert None not in said.values()


def test_markers_of_that_film_stand_on_its_cuts(media: Path):
    edit = read_edit(media / "timelines/fcp_cut_with_media/60fps-rubric-markers.fcpxmld")
    assert [hit.time.value for hit in edit.hits] == [300, 600, 900, 1200, 1500]
    assert edit.boundaries == ()


@pytest.mark.parametrize(
    "file",
    [
        "aaf/marker-over-transition.aaf",
        "edl/dissolve_test_4.edl",
        "edl/speed_effects_small.edl",
        "fcp7/premiere_enable_property.xml",
        "fcp_cut_with_media/2997fps-rubric-clips.fcpxmld",
        "fcpxml/23.98.fcpxml",
        "fcpxml/59.94.fcpxml",
        "fcpxml/Complex.fcpxml",
        "fcpxml/MulticamMarkers.fcpxml",
        "kdenlive/mlt-core-video-effects.kdenlive",
        "otio/big_int.otio",
        "otio/effects.otio",
        "otio/nested_example.otio",
        "otio/premiere_example.otio",
    ],
)
def test_stems_placed_on_each_file_read_back_to_the_frame(media: Path, tmp_path: Path, file: str):
    source = media / "timelines" / file
    contents = source.read_bytes() if source.is_file() else b""
    edit = read_edit(source)
    first = min(7, edit.picture.duration.value - 1)
    sheet, placed = score_of(edit, tmp_path, first=first, hits=(first,))
    report = place(source, sheet, placed, tmp_path / "scored.otio")

    again = read_edit(tmp_path / "scored.otio")
    assert (again.boundaries, again.hits) == (edit.boundaries, edit.hits)
    assert again.picture.start == edit.picture.start
    assert again.picture.duration == edit.picture.duration
    assert [stem.record.start.value for stem in report.stems] == [first, first]
    assert read_placed_sheet(tmp_path / "scored.otio") == sheet
    assert not source.is_file() or source.read_bytes() == contents


CHANGED = {
    # Kdenlive has no fade that wipes.
    ".kdenlive": {"fcpxml/TransitionMarkers2.fcpxml": {(241, "dissolve"), (241, "wipe")}},
    # GES does not fade from or to the edge of a timeline.
    ".xges": {
        "fcpxml/23.98.fcpxml": {(143, "fade")},
        "fcpxml/24.fcpxml": {(143, "fade")},
        "fcpxml/30.fcpxml": {(177, "fade")},
        "fcpxml/50.fcpxml": {(296, "fade")},
        "fcpxml/59.94.fcpxml": {(355, "fade")},
        "fcpxml/60.fcpxml": {(354, "fade")},
        "fcpxml/AuditionMarkers3.fcpxml": {(143, "fade")},
        "fcpxml/TransitionMarkers1.fcpxml": {(12, "fade"), (708, "fade")},
        "fcpxml/TransitionMarkers2.fcpxml": {(24, "fade")},
        "kdenlive/audio-mix.kdenlive": {(6, "dissolve"), (8, "cut")},
    },
}
"""By kind, files whose boundaries it cannot hold, and those."""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".fcpxml", ".fcpxmld", ".xml", ".kdenlive", ".xges"])
def test_each_file_written_as_another_kind_has_its_boundaries(
    media: Path, tmp_path: Path, suffix: str
):
    changed = {}
    for file, *_ in FILES:
        edit = read_edit(media / "timelines" / file)
        out = tmp_path / f"scored{suffix}"
        place(media / "timelines" / file, *score_of(edit, tmp_path), out)
        again = read_edit(out)
        assert again.hits == edit.hits, file
        seen, meant = ({(b.time, b.kind) for b in each.boundaries} for each in (again, edit))
        if seen != meant:
            changed[file] = {(time.value, kind.value) for time, kind in seen ^ meant}
    assert changed == CHANGED.get(suffix, {})
