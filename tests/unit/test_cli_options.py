"""What is typed after a command becomes the steps' settings."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from tests.timelines import clip, marker, saved, timeline, track
from typer.testing import CliRunner

from emsync import wire
from emsync.cue import Brief, HitSource, Key, Mode, Style
from emsync.errors import OutputError
from emsync.settings import RenderSettings
from emsync.stem import LoudnessTarget, SampleFormat
from emsync_server.cli import scoring
from emsync_server.cli.commands import command_tree
from emsync_server.cli.console import guarded
from emsync_server.cli.options import brief_from
from emsync_server.rpc.steps import LocalSteps


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


class Rendering(LocalSteps):
    """Remembers what it was told, and does nothing."""

    told: RenderSettings | None = None

    def render(self, take_path, folder, settings, progress):
        Rendering.told = settings
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        pytest.param([], RenderSettings(), id="nothing asked"),
        pytest.param(
            ["--sample-rate", "96000", "--bit-depth", "32", "--ducking", "0"],
            RenderSettings(
                sample_rate_hz=96_000, sample_format=SampleFormat.FLOAT_32, ducking_depth_db=0.0
            ),
            id="sound",
        ),
        pytest.param(
            ["--bit-depth", "16", "--target", "ebu-r128"],
            RenderSettings(target=LoudnessTarget.EBU_R128, sample_format=SampleFormat.PCM_16),
            id="delivery",
        ),
    ],
)
def test_what_is_asked_of_rendering_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], settings: RenderSettings
) -> None:
    monkeypatch.setattr(scoring, "LocalSteps", Rendering)
    CliRunner().invoke(command_tree(), ["render", "take.json", "-o", str(tmp_path), *words])
    assert Rendering.told == settings


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sample-rate", "22050"], "22050 is not one of 44100, 48000, 96000"),
        (["--bit-depth", "20"], "'20' is not one of"),
        (["--ducking", "-3"], "greater than or equal to 0"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_sound_that_nobody_renders_is_refused(tmp_path: Path, words: list[str], said: str) -> None:
    done = CliRunner().invoke(command_tree(), ["render", "take.json", "-o", str(tmp_path), *words])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_an_option_changes_that_part_of_the_brief_alone() -> None:
    base = Brief(style=Style.PIANO, density=0.2, tempo_bpm=(80.0, 90.0), max_rubato=0.1)
    asked = brief_from(None, None, Key(2, Mode.MINOR), None, 0.0, None, base=base)
    assert asked == Brief(Style.PIANO, (), Key(2, Mode.MINOR), 0.0, (80.0, 90.0), 0.1)
    assert brief_from(None, None, None, None, None, 0.0, base=base).max_rubato == 0.0


def test_a_folder_that_may_not_be_looked_into_is_a_sentence(capsys):
    def look() -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "/locked/score")

    assert guarded(look) == OutputError.exit_code
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("emsync: '/locked/score' may not be read or written by you.")
