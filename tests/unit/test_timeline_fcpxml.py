"""Final Cut Pro's XML: storylines, lanes, compounds, multicams, retimes, rates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from tests.timelines import FILM_2398, NTSC_30

from emsync.errors import TimelineError
from emsync_otio import read_edit
from emsync_otio.fcpxml_writing import document_of
from emsync_otio.keeping import lost_aspects
from emsync_otio.opening import open_timeline

RESOURCES = """
 <format id="r1" name="FFVideoFormat1080p25" frameDuration="100/2500s" width="1920" height="1080"/>
 <asset id="a1" name="A" start="0s" duration="100s" hasVideo="1" hasAudio="1" format="r1">
  <media-rep kind="original-media" src="file:///Volumes/Cut%20Room/A.mov"/></asset>
 <asset id="a2" name="B" start="3600s" duration="100s" hasVideo="1" format="r1" src="file:///B.mov"/>
 <asset id="s1" name="S" start="0s" duration="100s" hasAudio="1"/>
 <effect id="e1" name="Basic Title" uid="t"/>
 <effect id="e2" name="Solid" uid="g"/>
"""


def fcpxml(
    path: Path,
    story: str,
    *,
    resources: str = "",
    sequence: str = 'format="r1" tcStart="3600s" tcFormat="NDF"',
) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE fcpxml><fcpxml version="1.11">'
        f"<resources>{RESOURCES}{resources}</resources><library><event><project name='P'>"
        f"<sequence {sequence}><spine>{story}</spine></sequence>"
        f"</project></event></library></fcpxml>"
    )
    return path


def cuts(path: Path) -> list[tuple[int, str]]:
    return [(b.time.value, b.kind.value) for b in read_edit(path).boundaries]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cut.fcpxml"


def test_clips_of_the_primary_storyline_are_cuts_from_the_start_timecode(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" duration="2s"/>'
        '<gap offset="3602s" duration="1s" start="3600s"/>'
        '<asset-clip ref="a2" offset="3603s" duration="3s" start="3610s"/>',
    )
    edit = read_edit(path)
    assert cuts(path) == [(50, "cut"), (75, "cut")]
    assert (edit.picture.start.value, edit.picture.duration.value) == (90_000, 150)
    assert edit.picture.has_sound


@pytest.mark.parametrize(
    ("frame_duration", "rate"),
    [
        ("1001/24000s", FILM_2398),
        ("100/2400s", Fraction(24)),
        ("1001/30000s", NTSC_30),
        ("1001/60000s", Fraction(60000, 1001)),
        ("100/6000s", Fraction(60)),
        ("200/5000s", Fraction(25)),
    ],
)
def test_every_rate_is_exact(path: Path, frame_duration: str, rate: Fraction):
    numerator, denominator = (int(n) for n in frame_duration[:-1].split("/"))
    fcpxml(
        path,
        f'<asset-clip ref="a1" offset="0s" duration="{numerator * 100}/{denominator}s"/>'
        f'<asset-clip ref="a1" offset="{numerator * 100}/{denominator}s"'
        f' duration="{numerator}/{denominator}s"/>',
        resources=f'<format id="x" frameDuration="{frame_duration}"/>',
        sequence='format="x" tcStart="0s"',
    )
    assert read_edit(path).picture.rate == rate
    assert cuts(path) == [(100, "cut")]


def test_a_format_known_by_name_alone_still_says_its_rate(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="0s" duration="2s"/>',
        resources='<format id="x" name="FFVideoFormat1080i5994"/>',
        sequence='format="x"',
    )
    assert read_edit(path).picture.rate == NTSC_30


def test_connected_clips_lie_above_and_negative_lanes_below(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" start="10s" duration="4s">'
        '<asset-clip ref="a2" lane="1" offset="11s" start="3600s" duration="1s"/>'
        '<asset-clip ref="a2" lane="-1" offset="11s" start="3600s" duration="9s"/>'
        "</asset-clip>",
    )
    assert cuts(path) == [(25, "cut"), (50, "cut"), (100, "cut")]


def test_titles_in_lanes_hide_nothing(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" duration="2s">'
        '<title ref="e1" lane="1" offset="1s" start="3600s" duration="9s"'
        ' name="Watermark"/></asset-clip>'
        '<asset-clip ref="a1" offset="3602s" duration="2s" start="50s"/>',
    )
    assert cuts(path)[0] == (50, "cut")


def test_a_solid_generator_in_a_lane_hides(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" duration="4s">'
        '<video ref="e2" lane="1" offset="1s" start="3600s" duration="1s"'
        ' name="White"/></asset-clip>',
    )
    assert cuts(path) == [(25, "cut"), (50, "cut")]


def test_a_secondary_storyline_keeps_its_cuts_and_transitions(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" start="10s" duration="20s">'
        '<spine lane="1" offset="12s">'
        '<transition name="Cross Dissolve" offset="0s" duration="1s"/>'
        '<asset-clip ref="a2" offset="0s" start="3600s" duration="4s"/>'
        '<asset-clip ref="a2" offset="4s" start="3610s" duration="4s"/></spine></asset-clip>',
    )
    assert cuts(path) == [(63, "dissolve"), (150, "cut"), (250, "cut")]


def test_a_transition_lies_around_its_cut(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" duration="4s"/>'
        '<transition name="Wipe" offset="18018/5s" duration="1s">'
        '<filter-video ref="e1" name="Wipe"/></transition>'
        '<asset-clip ref="a2" offset="3604s" start="3605s" duration="4s"/>',
    )
    assert cuts(path) == [(103, "wipe")]  # 3.6 s to 4.6 s


def test_disabled_clips_are_black_but_what_hangs_on_them_is_seen(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" duration="2s"/>'
        '<asset-clip ref="a1" offset="3602s" duration="4s" start="0s" enabled="0">'
        '<asset-clip ref="a2" lane="1" offset="1s" start="3600s" duration="1s"/>'
        '<marker start="2s" duration="1/25s" value="off"/></asset-clip>'
        '<asset-clip ref="a1" offset="3606s" duration="2s"/>',
    )
    assert cuts(path) == [(50, "cut"), (75, "cut"), (100, "cut"), (150, "cut")]
    assert read_edit(path).hits == ()


def test_markers_chapters_and_those_on_transitions_are_hits(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" start="10s" duration="4s">'
        '<marker start="11s" duration="1/25s" value="door"/>'
        '<chapter-marker start="12s" duration="1/25s" value="Chapter 2" posterOffset="0s"/>'
        '<marker start="15s" duration="1/25s" value="trimmed away"/></asset-clip>'
        '<transition offset="18018/5s" duration="1s">'
        '<marker start="7201/2s" duration="1/25s" value="mid"/></transition>'
        '<asset-clip ref="a2" offset="3604s" start="3605s" duration="4s"/>',
    )
    assert [(h.time.value, h.label) for h in read_edit(path).hits] == [
        (25, "door"),
        (50, "Chapter 2"),
        (103, "mid"),
    ]


COMPOUND = (
    '<media id="m1" name="C"><sequence format="r1" tcStart="100s"><spine>'
    '<asset-clip ref="a1" offset="100s" duration="2s"/>'
    '<asset-clip ref="a1" offset="102s" duration="2s"/>'
    "</spine></sequence></media>"
)


def test_a_compound_clip_shows_the_cuts_inside_its_range(path: Path):
    fcpxml(
        path,
        '<ref-clip ref="m1" offset="3600s" start="101s" duration="3s">'
        '<marker start="102s" value="c"/></ref-clip>',
        resources=COMPOUND,
    )
    assert cuts(path) == [(25, "cut")]
    assert [h.time.value for h in read_edit(path).hits] == [25]


def test_a_retimed_compound_clip_shows_its_cuts_sooner(path: Path):
    fcpxml(
        path,
        '<ref-clip ref="m1" offset="3600s" start="50s" duration="2s"><timeMap>'
        '<timept time="50s" value="100s"/><timept time="52s" value="104s"/></timeMap></ref-clip>',
        resources=COMPOUND,
    )
    assert cuts(path) == [(25, "cut")]


RAMP = '<timept time="0s" value="100s"/>{}<timept time="3s" value="104s"/>'


@pytest.mark.parametrize(
    ("points", "frames"),
    [
        pytest.param('<timept time="1s" value="103s"/>', [17], id="fast and then slow"),
        pytest.param('<timept time="2s" value="101s"/>', [58], id="slow and then fast"),
        pytest.param(
            '<timept time="1s" value="101s"/><timept time="2s" value="101s"/>', [58], id="held"
        ),
        pytest.param(
            '<timept time="1s" value="103s"/><timept time="2s" value="101s"/>',
            [17, 38, 58],
            id="there, back and there again",
        ),
    ],
)
def test_a_ramp_over_a_compound_moves_its_cuts(path: Path, points: str, frames: list[int]):
    """The cut is at 102 s: where the ramp reaches that, and nowhere else."""
    fcpxml(
        path,
        '<ref-clip ref="m1" offset="3600s" start="0s" duration="3s">'
        f"<timeMap>{RAMP.format(points)}</timeMap></ref-clip>",
        resources=COMPOUND,
    )
    assert cuts(path) == [(frame, "cut") for frame in frames]
    made = open_timeline(path)
    assert lost_aspects(made, open_timeline(written_anew(made, path)), Fraction(25)) == ()


def written_anew(made: otio.schema.Timeline, path: Path) -> Path:
    out = path.with_name("anew.fcpxml")
    out.write_bytes(document_of(made, Fraction(25)))
    return out


def test_compounds_in_a_circle_are_refused(path: Path):
    fcpxml(
        path,
        '<ref-clip ref="m2" offset="3600s" duration="3s"/>',
        resources='<media id="m2"><sequence format="r1"><spine>'
        '<ref-clip ref="m2" offset="0s" duration="3s"/>'
        "</spine></sequence></media>",
    )
    with pytest.raises(TimelineError, match="circle"):
        read_edit(path)


def test_a_multicam_clip_shows_the_angle_it_names(path: Path):
    fcpxml(
        path,
        '<mc-clip ref="m3" offset="3600s" start="1s" duration="4s">'
        '<mc-source angleID="two" srcEnable="video"/>'
        '<mc-source angleID="one" srcEnable="audio"/></mc-clip>',
        resources='<media id="m3"><multicam format="r1" tcStart="0s">'
        '<mc-angle angleID="one"><asset-clip ref="a1" offset="0s" duration="9s"/></mc-angle>'
        '<mc-angle angleID="two"><asset-clip ref="a1" offset="0s" duration="2s"/>'
        '<asset-clip ref="a1" offset="2s" start="5s" duration="9s"/></mc-angle></multicam></media>',
    )
    assert cuts(path) == [(25, "cut")]


def test_the_pick_of_an_audition_counts(path: Path):
    fcpxml(
        path,
        '<audition offset="3600s"><asset-clip ref="a1" duration="2s"/>'
        '<asset-clip ref="a2" duration="9s"/></audition>'
        '<asset-clip ref="a1" offset="3602s" duration="2s"/>',
    )
    assert cuts(path) == [(50, "cut")]
    assert read_edit(path).picture.duration.value == 100


def test_retimed_media_say_where_they_begin_and_how_fast(path: Path):
    (path.parent / "A.mov").write_bytes(b"x")  # found beside the timeline by its name
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" start="4s" duration="2s"><timeMap>'
        '<timept time="0s" value="0s"/><timept time="50s" value="100s"/></timeMap></asset-clip>',
    )
    (shot,) = read_edit(path).shots
    assert shot.media == path.parent / "A.mov"
    assert shot.source_start is not None
    assert (shot.source_start.seconds, shot.speed) == (8, 2)


def test_a_bundle_is_read_through_its_info(tmp_path: Path):
    bundle = tmp_path / "cut.fcpxmld"
    fcpxml(bundle / "Info.fcpxml", '<asset-clip ref="a1" offset="3600s" duration="2s"/>')
    (tmp_path / "A.mov").write_bytes(b"x")
    edit = read_edit(bundle)
    assert edit.shots[0].media == tmp_path / "A.mov"
    assert edit.picture.source == str(bundle)


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("", "is empty"),
        ('<gap offset="3600s" duration="4s"/>', "is empty"),
        ('<asset-clip ref="s1" offset="3600s" duration="4s"/>', "sound but no picture"),
        ('<asset-clip ref="a1" offset="1/0s" duration="4s"/>', "'1/0s', which is none"),
        ('<asset-clip ref="a1" offset="soon" duration="4s"/>', "'soon', which is none"),
        ("<asset-clip", "damaged or incomplete"),
    ],
    ids=["empty", "gap", "sound", "division", "word", "cut off"],
)
def test_what_cannot_be_scored_gets_a_sentence(path: Path, story: str, words: str):
    with pytest.raises(TimelineError, match=words):
        read_edit(fcpxml(path, story))


def test_several_projects_are_named_and_refused(path: Path):
    fcpxml(path, '<asset-clip ref="a1" offset="3600s" duration="2s"/>')
    text = path.read_text()
    project = text[text.index("<project") : text.index("</project>") + len("</project>")]
    path.write_text(text.replace("</event>", project.replace("'P'", "'Q'") + "</event>"))
    with pytest.raises(TimelineError, match=r"holds 2 timelines \('P', 'Q'\)"):
        read_edit(path)


def test_markers_on_what_a_clip_does_not_show_are_counted(path: Path):
    fcpxml(
        path,
        '<asset-clip ref="a1" offset="3600s" duration="2s" start="10s">'
        '<marker start="9s" duration="1/25s" value="before"/>'
        '<marker start="11s" duration="1/25s" value="in"/>'
        '<chapter-marker start="12s" duration="1/25s" value="behind"/></asset-clip>',
    )
    edit = read_edit(path)
    assert [(hit.time.value, hit.label) for hit in edit.hits] == [(25, "in")]
    assert any("2 markers lie on parts of their clips" in line for line in edit.picture.warnings)
