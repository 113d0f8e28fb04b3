"""What is typed after a command becomes the steps' settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.timelines import clip, marker, saved, timeline, track
from typer.testing import CliRunner

from emsync import wire
from emsync.cue import HitSource
from emsync_server.cli.commands import command_tree


def marked_frames(source: Path, *options: str) -> list[int]:
    """The markers that `spot` lands on."""
    cues = source.with_suffix(".json")
    done = CliRunner().invoke(command_tree(), ["spot", str(source), "-o", str(cues), *options])
    assert done.exit_code == 0, done.output
    (cue,) = wire.read_cue_sheet(cues).cues
    return [hit.time.value for hit in cue.hits if hit.source is HitSource.MARKER]


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        pytest.param([], [60], id="those that are meant"),
        pytest.param(["--markers", "all"], [50, 60], id="all"),
        pytest.param(["--markers", "none"], [], id="none"),
        pytest.param(["--markers", "fix*"], [50], id="a name"),
    ],
)
def test_markers_says_which_markers_the_music_lands_on(
    tmp_path: Path, options: list[str], frames: list[int]
) -> None:
    made = timeline(track(clip("a", 200, 24), clip("b", 200, 24)))
    made.tracks.markers.extend([marker("fix colour here", 50, 24), marker("", 60, 24)])
    assert marked_frames(saved(made, tmp_path / "cut.otio"), *options) == frames
