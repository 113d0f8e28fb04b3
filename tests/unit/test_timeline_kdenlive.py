"""Kdenlive projects: playlists, mixes, compositions, sequences, guides."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from tests.timelines import NTSC_30

from emsync.errors import TimelineError
from emsync_otio import read_edit


def properties(**values: str) -> str:
    named = {key.replace("__", ":").replace("_DOT_", "."): value for key, value in values.items()}
    return "".join(f'<property name="{key}">{value}</property>' for key, value in named.items())


def producer(
    name: str, service: str = "avformat", resource: str = "media/a.mp4", **more: str
) -> str:
    about = properties(mlt_service=service, resource=resource, **more)
    return f'<producer id="{name}" in="0" out="9999">{about}</producer>'


def entry(name: str, first: object, last: object) -> str:
    return f'<entry producer="{name}" in="{first}" out="{last}"/>'


def lane(name: str, first: str, second: str = "", mixes: str = "", sound: bool = False) -> str:
    kind = properties(kdenlive__audio_track="1") if sound else ""
    return (
        f'<playlist id="{name}a">{first}</playlist><playlist id="{name}b">{second}</playlist>'
        f'<tractor id="{name}">{kind}<track hide="audio" producer="{name}a"/>'
        f'<track hide="audio" producer="{name}b"/>{mixes}</tractor>'
    )


def project(
    path: Path,
    lanes: dict[str, str],
    *,
    extra: str = "",
    inside: str = "",
    profile: str = 'frame_rate_num="25" frame_rate_den="1"',
) -> Path:
    tracks = "".join(f'<track producer="{name}"/>' for name in ("black", *lanes))
    path.write_text(
        f'<?xml version="1.0"?><mlt root="" version="7.30.0"><profile {profile}/>'
        f"{producer('black', 'color', 'black')}{producer('p')}"
        f"{producer('t', 'kdenlivetitle', '')}{producer('s', 'color', '0xff0000ff')}{extra}"
        f"{''.join(lanes.values())}"
        f'<tractor id="{{seq}}">{tracks}{inside}</tractor>'
        f'<tractor id="end">{properties(kdenlive__projectTractor="1")}<track'
        f' producer="{{seq}}"/></tractor></mlt>'
    )
    return path


def cuts(path: Path) -> list[tuple[int, str]]:
    return [(b.time.value, b.kind.value) for b in read_edit(path).boundaries]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cut.kdenlive"


def test_out_is_the_last_frame_and_blanks_are_gaps(path: Path):
    project(
        path, {"v": lane("v", entry("p", 0, 49) + '<blank length="25"/>' + entry("p", 100, 149))}
    )
    assert cuts(path) == [(50, "cut"), (75, "cut")]
    assert read_edit(path).picture.duration.value == 125


def test_clock_positions_are_frames_of_the_profile(path: Path):
    project(
        path,
        {
            "v": lane(
                "v",
                entry("p", "00:00:00.000", "00:00:03.303")
                + entry("p", "00:00:10.010", "00:00:10.010"),
            )
        },
        profile='frame_rate_num="30000" frame_rate_den="1001"',
    )
    assert read_edit(path).picture.rate == NTSC_30
    assert cuts(path) == [(100, "cut")]


@pytest.mark.parametrize(
    ("second", "frames"),
    [
        pytest.param(entry("p", "00:00:01:05", "00:00:02:04"), 25, id="timecode"),
        pytest.param(entry("p", 40, 10), 31, id="in and out changed places"),
        pytest.param(entry("short", 50, 2000), 50, id="behind the end of its media"),
        pytest.param(entry("gone", 0, 24), 0, id="of a producer that is not there"),
    ],
)
def test_entries_last_as_long_as_mlt_plays_them(path: Path, second: str, frames: int):
    """What `melt` 7.12 says: between a clip of 20 frames and another of 10."""
    around = entry("p", 0, 19), entry("p", 100, 109)
    project(
        path,
        {"v": lane("v", around[0] + second + around[1])},
        extra=producer("short", length="100"),
    )
    assert read_edit(path).picture.duration.value == 20 + frames + 10


def test_a_file_whose_picture_stream_is_switched_off_hides_nothing(path: Path):
    project(
        path,
        {
            "v1": lane("v1", entry("p", 0, 99)),
            "v2": lane("v2", '<blank length="10"/>' + entry("mute", 0, 9)),
        },
        extra=producer("mute", video_index="-1"),
    )
    assert cuts(path) == []


def test_upper_tracks_hide_lower_ones_and_titles_do_not(path: Path):
    project(
        path,
        {
            "v1": lane("v1", entry("p", 0, 49) + entry("p", 0, 49)),
            "v2": lane("v2", '<blank length="10"/>' + entry("s", 0, 9)),
            "v3": lane("v3", entry("t", 0, 99)),
        },
    )
    assert cuts(path) == [(10, "cut"), (20, "cut"), (50, "cut")]


@pytest.mark.parametrize(
    ("about", "kind"),
    [
        ({"mlt_service": "luma"}, "dissolve"),
        ({"mlt_service": "luma", "resource": "linear.pgm"}, "wipe"),
        ({"mlt_service": "affine"}, "wipe"),
    ],
    ids=["dissolve", "luma wipe", "slide"],
)
def test_a_mix_on_one_track_is_a_transition_at_the_overlaps_middle(
    path: Path, about: dict[str, str], kind: str
):
    mix = f'<transition in="40" out="59">{properties(**about, kdenlive__mixcut="15")}</transition>'
    project(
        path,
        {"v": lane("v", entry("p", 0, 59), '<blank length="40"/>' + entry("s", 0, 59), mix)},
    )
    assert cuts(path) == [(50, kind)]
    assert read_edit(path).picture.duration.value == 100


def test_a_dissolve_between_tracks_is_one_boundary(path: Path):
    about = properties(a_track="1", b_track="2", mlt_service="luma", kdenlive_id="dissolve")
    composition = f'<transition in="30" out="49">{about}</transition>'
    project(
        path,
        {
            "v1": lane("v1", entry("p", 0, 49)),
            "v2": lane("v2", '<blank length="30"/>' + entry("s", 0, 59)),
        },
        inside=composition,
    )
    assert cuts(path) == [(40, "dissolve")]


def faded(direction: str, first: int, last: int, keys: str) -> str:
    about = properties(kdenlive_id=f"fade_{direction}_black", alpha="1", level=keys)
    return f'<filter in="{first}" out="{last}">{about}</filter>'


@pytest.mark.parametrize(
    ("keys", "expected"),
    [("0=0;9=1", [(5, "fade"), (90, "fade")]), ("0=0.5;9=1", [(90, "fade")])],
    ids=["whole", "partial"],
)
def test_fade_effects_at_the_edges_of_the_picture_are_fades(
    path: Path, keys: str, expected: list[tuple[int, str]]
):
    effects = faded("from", 0, 9, keys) + faded("to", 80, 99, "0=1;19=0")
    project(path, {"v": lane("v", f'<entry producer="p" in="0" out="99">{effects}</entry>')})
    assert cuts(path) == expected


def test_hidden_tracks_and_disabled_clips_are_not_seen(path: Path):
    project(
        path,
        {
            "v1": lane("v1", entry("p", 0, 49) + entry("off", 0, 49) + entry("p", 0, 9)),
            "v2": lane("v2", entry("s", 0, 199)),
        },
        extra=producer("off", set_DOT_test_image="1", set_DOT_test_audio="1"),
    )
    path.write_text(
        path.read_text().replace('<track producer="v2"/>', '<track producer="v2" hide="both"/>')
    )
    assert cuts(path) == [(50, "cut"), (100, "cut")]


def test_guides_are_hits(path: Path):
    guides = json.dumps(
        [{"pos": 30, "comment": "door", "type": 0}, {"pos": 5, "comment": "", "type": 1}]
    )
    project(
        path,
        {"v": lane("v", entry("p", 0, 49))},
        inside=properties(**{"kdenlive__sequenceproperties_DOT_guides": guides}),
    )
    assert [(h.time.value, h.label) for h in read_edit(path).hits] == [(5, ""), (30, "door")]


def test_nested_sequences_show_their_cuts(path: Path):
    nested = (
        lane("n", entry("p", 0, 24) + entry("s", 0, 24))
        + '<tractor id="{nested}"><track producer="black"/><track producer="n"/></tractor>'
    )
    project(path, {"v": lane("v", entry("{nested}", 10, 39) + entry("p", 0, 9))}, extra=nested)
    assert cuts(path) == [(15, "cut"), (30, "cut")]


def test_sequences_in_a_circle_are_refused(path: Path):
    project(path, {"v": lane("v", entry("{seq}", 0, 24))})
    with pytest.raises(TimelineError, match="circle"):
        read_edit(path)


def test_speed_and_media_below_the_projects_root_are_known(path: Path):
    (path.parent / "media").mkdir()
    (path.parent / "media/a.mp4").write_bytes(b"x")
    fast = producer(
        "fast", "timewarp", "2:media/a.mp4", warp_speed="2", warp_resource="media/a.mp4"
    )
    project(path, {"v": lane("v", entry("p", 10, 19) + entry("fast", 5, 14))}, extra=fast)
    first, second = read_edit(path).shots
    assert first.media == second.media == path.parent / "media/a.mp4"
    assert first.source_start is not None
    assert second.source_start is not None
    assert (first.source_start.seconds, first.speed) == (Fraction(10, 25), 1)
    assert (second.source_start.seconds, second.speed) == (Fraction(10, 25), 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<mlt/>", "no MLT profile"),
        ("<other/>", "not a Kdenlive project"),
        (
            '<mlt><profile frame_rate_num="0" frame_rate_den="1"/></mlt>',
            "does not say how many frames",
        ),
        ('<mlt><profile frame_rate_num="25" frame_rate_den="0"/></mlt>', "damaged or incomplete"),
        ('<mlt><profile frame_rate_num="25" frame_rate_den="1"/></mlt>', "holds no timeline"),
        ("<mlt>", "damaged or incomplete"),
    ],
)
def test_what_is_no_project_gets_a_sentence(path: Path, text: str, words: str):
    path.write_text(text)
    with pytest.raises(TimelineError, match=words):
        read_edit(path)


def test_a_position_that_is_none_gets_a_sentence(path: Path):
    project(path, {"v": lane("v", entry("p", "soon", 49))})
    with pytest.raises(TimelineError, match="'soon', which is none"):
        read_edit(path)


BLACK = '<playlist id="{}"><entry producer="black" in="0" out="249"/></playlist>'
OLD = (
    '<?xml version="1.0"?><mlt version="0.9.0"><profile frame_rate_num="25" frame_rate_den="1"/>'
    f"{producer('black', 'color', 'black')}{producer('p')}{producer('q')}{{before}}"
    '<playlist id="one"><entry producer="p" in="{first}" out="{last}"/>'
    '<entry producer="q" in="{first}" out="{last}"/></playlist>{after}</mlt>'
)


@pytest.mark.parametrize("name", ["black_track", "background"])
def test_the_black_below_all_tracks_is_no_picture_in_old_projects_either(path: Path, name: str):
    tracks = f'<track producer="{name}"/><track producer="one"/>'
    guides = '<kdenlivedoc><guides><guide time="2.4" comment="hit"/></guides></kdenlivedoc>'
    path.write_text(
        OLD.format(
            before=BLACK.format(name),
            first="00:00:00.000",
            last="00:00:03.960",
            after=f'<tractor id="t">{tracks}</tractor>{guides}',
        )
    )
    edit = read_edit(path)
    assert [b.time.value for b in edit.boundaries] == [100]
    assert edit.picture.duration.value == 200
    assert [(hit.time.value, hit.label) for hit in edit.hits] == [(60, "hit")]


def test_one_track_without_a_tractor_is_a_timeline(path: Path):
    path.write_text(OLD.format(before="", first=0, last=99, after=""))
    assert cuts(path) == [(100, "cut")]


def test_shotcuts_transitions_are_dissolves_between_their_neighbours(tmp_path: Path):
    path = tmp_path / "cut.mlt"
    inside = '<track producer="p" in="100" out="124"/><track producer="q" in="0" out="24"/>'
    path.write_text(
        f'<mlt><profile frame_rate_num="25" frame_rate_den="1"/>{producer("p")}{producer("q")}'
        f'<tractor id="j">{properties()}<property name="shotcut:transition">lumaMix</property>'
        f'{inside}<transition in="0" out="24">{properties(mlt_service="luma")}</transition>'
        "</tractor>"
        f'<playlist id="v">{entry("p", 0, 99)}{entry("j", 0, 24)}{entry("q", 25, 124)}</playlist>'
        '<tractor id="t"><property name="shotcut">1</property>'
        '<properties name="shotcut:markers"><properties name="0">'
        '<property name="text">hit</property>'
        '<property name="start">00:00:02.000</property></properties></properties>'
        '<track producer="v"/></tractor></mlt>'
    )
    edit = read_edit(path)
    assert cuts(path) == [(113, "dissolve")]  # from 100 to 125; halves go up
    assert edit.picture.duration.value == 225
    assert [hit.time.value for hit in edit.hits] == [50]
