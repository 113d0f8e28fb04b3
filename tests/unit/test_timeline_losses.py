"""What each format keeps of a timeline with one of everything: the table of BENCHMARKS.md.

It fails when a release of OpenTimelineIO or of an adapter changes a cell, for better or worse.
Then put the table that it prints into BENCHMARKS.md.
"""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest
from tests.timelines import (
    NTSC_30,
    clip,
    dissolve,
    frames,
    gap,
    marker,
    saved,
    score_of,
    span,
    timeline,
    track,
)

from emsync_otio import place, read_edit
from emsync_otio.counting import state_drop_frame_in_place
from emsync_otio.keeping import Aspect, has_any, lost_aspects
from emsync_otio.opening import open_timeline

FORMATS = (".otio", ".otioz", ".fcpxml", ".xml", ".kdenlive", ".xges")
BENCHMARKS = Path(__file__).resolve().parents[2] / "BENCHMARKS.md"
R = NTSC_30


def one_of_everything() -> otio.schema.Timeline:
    """Every aspect that a timeline can have, at 29.97 drop-frame from 01:00:00;00."""
    quick = clip("quick", 60, R, start=30, media="/cut room/q%.mov")
    quick.effects.append(otio.schema.LinearTimeWarp(time_scalar=1.5))
    still = clip("still", 20, R, media="/cut room/é.mov")
    still.effects.append(otio.schema.FreezeFrame())
    graded = clip("graded", 80, R, start=10, media="/cut room/g.mov")
    graded.effects.append(otio.schema.Effect(name="grade", effect_name="LUT"))
    graded.metadata["lab"] = {"roll": "A004"}
    graded.markers.append(marker("blink", 20, R))
    inside = otio.schema.Stack(
        name="scene 4",
        children=[track(clip("x", 20, R, media="/x.mov"), clip("y", 20, R, media="/y.mov"))],
    )
    inside.source_range = span(0, 40, R)
    made = timeline(
        track(
            graded,
            dissolve(6, 6, R),
            quick,
            still,
            gap(10, R),
            clip("off", 30, R, media="/o.mov", enabled=False),
            inside,
            dissolve(4, 4, R, name="Wipe"),
            clip("end", 60, R, start=12, media="/e.mov"),
            name="Picture",
        ),
        track(gap(5, R), clip("talk", 200, R, media="/t.wav"), kind="Audio", name="Dialogue"),
        rate=R,
        start=107_892,
    )
    door = marker("door", 42, R)
    door.color, door.comment = otio.schema.MarkerColor.CYAN, "slams"
    made.tracks.markers.append(door)
    state_drop_frame_in_place(made, True)
    return made


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """By format, what its file does not hold."""
    folder = tmp_path_factory.mktemp("formats")
    source = saved(one_of_everything(), folder / "cut.otio")
    scored = score_of(read_edit(source), folder, hits=(60,))
    return {suffix: place(source, *scored, folder / f"scored{suffix}").lost for suffix in FORMATS}


def table_of(lost: dict[str, tuple[str, ...]]) -> str:
    lines = [f"| | {' | '.join(FORMATS)} |", f"|---|{'---|' * len(FORMATS)}"]
    for aspect in Aspect:
        cells = ("–" if aspect.value in lost[suffix] else "kept" for suffix in FORMATS)
        lines.append(f"| {aspect.value} | {' | '.join(cells)} |")
    return "\n".join(lines)


def test_the_timeline_has_every_aspect(tmp_path: Path):
    made = one_of_everything()
    source = saved(made, tmp_path / "cut.otio")
    place(source, *score_of(read_edit(source), tmp_path, hits=(60,)), tmp_path / "scored.otio")
    scored = open_timeline(tmp_path / "scored.otio")
    assert [aspect for aspect in Aspect if not has_any(scored, aspect, R)] == []


def test_the_table_of_losses_is_the_one_that_is_documented(lost: dict[str, tuple[str, ...]]):
    table = table_of(lost)
    assert table in BENCHMARKS.read_text(encoding="utf-8"), f"\n{table}\n"


def test_nothing_is_lost_in_opentimelineios_own_format(lost: dict[str, tuple[str, ...]]):
    assert lost[".otio"] == ()


@pytest.mark.parametrize("suffix", [".fcpxml", ".xml", ".kdenlive", ".xges"])
def test_nothing_of_the_editors_is_lost_where_its_own_file_is_added_to(tmp_path: Path, suffix: str):
    first = saved(one_of_everything(), tmp_path / "cut.otio")
    scored = score_of(read_edit(first), tmp_path, hits=(60,))
    place(first, *scored, tmp_path / f"cut{suffix}")
    again = place(tmp_path / f"cut{suffix}", *scored, tmp_path / f"scored{suffix}")
    assert set(again.lost) <= {Aspect.DUCKING.value, Aspect.SHEET.value}


def test_a_loss_is_told_with_the_report(tmp_path: Path):
    made = timeline(track(clip("a", 30, R), name="Picture"), rate=R, start=107_892)
    made.tracks.markers.append(otio.schema.Marker("x", otio.opentime.TimeRange(frames(3, R))))
    source = saved(made, tmp_path / "cut.otio")
    report = place(source, *score_of(read_edit(source), tmp_path), tmp_path / "s.kdenlive")
    assert "the start timecode" in report.lost
    assert "track names" not in report.lost


def test_equal_timelines_have_lost_nothing():
    assert lost_aspects(one_of_everything(), one_of_everything(), R) == ()
