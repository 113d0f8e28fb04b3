"""What a person made is not lost: films, timelines, subtitles, edited cue sheets and notes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.films import draw_film
from tests.timelines import clip, saved, timeline, track
from typer.testing import CliRunner

from emsync.errors import EmsyncError, OutputError
from emsync_server.app import ScoreSettings, score
from emsync_server.cli.commands import command_tree
from emsync_server.keeping import pages_of
from emsync_server.progress import silent_progress


def run(*words: str | Path) -> str:
    """What a command says; raises what it raises."""
    done = CliRunner().invoke(command_tree(), [str(word) for word in words])
    if isinstance(done.exception, EmsyncError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    draw_film(path, seconds=2.0, cuts_s=(1.0,), sound=False)
    return path


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    return saved(timeline(track(clip("a", 48, 24), clip("b", 48, 24))), tmp_path / "cut.otio")


def by_its_name(path: Path) -> Path:
    return path


def by_a_link(path: Path) -> Path:
    link = path.with_name("cues.json")
    link.symlink_to(path)
    return link


def by_a_second_name(path: Path) -> Path:
    second = path.with_name("cues.json")
    os.link(path, second)
    return second


@pytest.mark.parametrize("named", [by_its_name, by_a_link, by_a_second_name])
@pytest.mark.parametrize("kind", ["film", "cut"])
def test_spot_does_not_write_over_its_source(
    kind: str, named: Callable[[Path], Path], request: pytest.FixtureRequest
):
    source: Path = request.getfixturevalue(kind)
    before = source.read_bytes()
    word = "film" if kind == "film" else "timeline"
    with pytest.raises(OutputError, match=f"is the {word} itself, which stays as it is"):
        run("spot", source, "--draft", "-o", named(source))
    assert source.read_bytes() == before


def test_spots_pages_are_not_written_over_its_source(film: Path):
    odd = film.rename(film.with_name("cues.emotion.png"))
    with pytest.raises(OutputError, match=r"cues\.emotion\.png' is the film itself"):
        run("spot", odd, "--draft", "-o", odd.with_name("cues.json"))
    assert not odd.with_name("cues.json").exists()
    run("spot", odd, "--draft", "-o", odd.with_name("other.json"))
    assert {path.name for path in odd.parent.glob("other.*")} == {
        "other.json",
        *(path.name for path in pages_of(odd.with_name("other.json"))),
    }


@pytest.mark.parametrize("name", ["film.srt", "notes.json", "take.json", "cues"])
def test_spot_writes_over_nothing_but_cue_sheets(name: str, cut: Path):
    mine = cut.with_name(name)
    mine.write_text('{"midi": "score.mid"}', encoding="utf-8")
    with pytest.raises(OutputError, match="is there already and is no cue sheet, so it stays"):
        run("spot", cut, "-o", mine)
    assert mine.read_text(encoding="utf-8") == '{"midi": "score.mid"}'


@pytest.mark.parametrize("name", ["scored.MP4", "new.otio", "film.en.srt"])
def test_a_cue_sheet_takes_no_name_of_another_kind(name: str, cut: Path):
    with pytest.raises(OutputError, match=r"is no name for a cue sheet, .* Name it '.*\.json'"):
        run("spot", cut, "-o", cut.with_name(name))
    assert not cut.with_name(name).exists()


@pytest.mark.parametrize("name", ["cues", "cues.txt", "empty.json"])
def test_other_names_and_empty_files_will_do(name: str, cut: Path):
    (cut.parent / "empty.json").touch()
    run("spot", cut, "--no-pages", "-o", cut.with_name(name))
    assert cut.with_name(name).read_text(encoding="utf-8").startswith("{")


@pytest.mark.parametrize("name", ["scored.mp4", "timeline.otio"])
def test_a_source_that_is_called_like_its_score_stays(name: str, film: Path, cut: Path):
    source = (film if name == "scored.mp4" else cut).rename(film.with_name(name))
    before = source.read_bytes()
    with pytest.raises(OutputError, match="itself, which stays as it is"):
        score(source, source.parent, ScoreSettings(), silent_progress())
    assert source.read_bytes() == before
