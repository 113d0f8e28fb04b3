"""What a person made is not lost: films, timelines, subtitles, edited cue sheets and notes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.films import draw_film
from tests.timelines import clip, saved, score_of, timeline, track
from typer.testing import CliRunner

from emsync.cue import CueSheet
from emsync.errors import CueSheetError, EmsyncError, JobCancelledError, OutputError
from emsync.score import Take
from emsync.settings import ComposeSettings
from emsync_server.app import ScoreSettings, score
from emsync_server.cli.commands import command_tree
from emsync_server.keeping import pages_of
from emsync_server.outputs import write_text
from emsync_server.progress import Progress, silent_progress
from emsync_server.rpc.steps import LocalSteps


def run(*words: str | Path | int) -> str:
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


def composed_by_seed(
    steps: LocalSteps,
    sheet: CueSheet,
    cue_name: str,
    folder: Path,
    settings: ComposeSettings,
    progress: Progress,
) -> tuple[Take, ...]:
    """Notes that are others for each seed; a file is whole when it gets its name, as everywhere."""
    _, (placed,) = score_of(sheet.picture, folder, name=cue_name, seed=settings.seed)
    write_text(folder / "score.mid", f"notes of seed {settings.seed}")
    return (placed.take,)


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


def test_spot_keeps_a_cue_sheet_that_was_edited_and_says_so(cut: Path):
    sheet, kept = cut.with_name("mine.json"), cut.with_name("mine.before.json")
    spotting = ("spot", cut, "--no-pages", "-o", sheet)
    assert "kept" not in run(*spotting)
    found = sheet.read_text(encoding="utf-8")
    assert "kept" not in run(*spotting) and not kept.exists()  # nobody edited it
    for number, label in enumerate(("the door", "the kiss"), start=1):
        edited = json.loads(found)
        edited["cues"][0]["hits"][0]["label"] = label
        sheet.write_text(json.dumps(edited), encoding="utf-8")
        name = f"mine.before{'' if number == 1 else '-2'}.json"
        said = f"The cue sheet that lay here is kept as {cut.with_name(name)}; this one is of a new"
        assert said in run(*spotting)
        assert json.loads(cut.with_name(name).read_text(encoding="utf-8")) == edited
        assert sheet.read_text(encoding="utf-8") == found


def test_compose_keeps_the_cue_sheet_in_its_folder(cut: Path, monkeypatch: pytest.MonkeyPatch):
    sheet, folder = cut.with_name("cues.json"), cut.with_name("take")
    run("spot", cut, "--no-pages", "-o", sheet)
    monkeypatch.setattr(LocalSteps, "compose", composed_by_seed)
    composing = ("compose", sheet, "-o", folder)
    assert "kept" not in run(*composing) + run(*composing)
    mine = (
        (folder / "cues.json").read_text(encoding="utf-8").replace('"name": "cut"', '"name": "x"')
    )
    (folder / "cues.json").write_text(mine, encoding="utf-8")
    assert f"is kept as {folder / 'cues.before.json'}; this one is a copy" in run(*composing)
    assert (folder / "cues.before.json").read_text(encoding="utf-8") == mine
    (folder / "cues.json").write_text("my shopping list", encoding="utf-8")
    with pytest.raises(OutputError, match="is no cue sheet"):
        run(*composing)


def test_compose_keeps_the_notes_of_the_take_before_and_says_so(
    cut: Path, monkeypatch: pytest.MonkeyPatch
):
    sheet, folder = cut.with_name("cues.json"), cut.with_name("take")
    run("spot", cut, "--no-pages", "-o", sheet)
    monkeypatch.setattr(LocalSteps, "compose", composed_by_seed)
    composing = ("compose", sheet, "-o", folder, "--seed")
    assert "replaced" not in run(*composing, 1) + run(*composing, 1)
    assert not list(folder.glob("*before*"))
    (folder / "score-2.mid").write_text("of a take that is not written anew", encoding="utf-8")
    kept = folder / "score.before.mid"
    said = f"The take that lay here was replaced by a new one; its notes are kept as {kept}."
    assert said in run(*composing, 2)
    assert kept.read_text(encoding="utf-8") == "notes of seed 1"
    assert (folder / "score.mid").read_text(encoding="utf-8") == "notes of seed 2"
    run(*composing, 3)
    assert {path.name for path in folder.glob("*before*")} == {
        "score.before.mid",
        "score.before-2.mid",
    }


def test_composing_that_fails_leaves_no_copies(cut: Path, monkeypatch: pytest.MonkeyPatch):
    sheet, folder = cut.with_name("cues.json"), cut.with_name("take")
    run("spot", cut, "--no-pages", "-o", sheet)
    monkeypatch.setattr(LocalSteps, "compose", composed_by_seed)
    run("compose", sheet, "-o", folder)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    def cancelled(*arguments: object) -> None:
        raise JobCancelledError("The work was cancelled; nothing was left behind.")

    monkeypatch.setattr(LocalSteps, "compose", cancelled)
    with pytest.raises(JobCancelledError):
        run("compose", sheet, "-o", folder, "--seed", 2)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_the_cue_sheet_of_a_film_that_was_moved_is_used_as_the_error_says(
    film: Path, monkeypatch: pytest.MonkeyPatch
):
    sheet = film.with_name("cues.json")
    run("spot", film, "--draft", "--no-pages", "-o", sheet)
    moved = film.rename(film.with_name('the "moved" one.mp4'))

    def reached(*arguments: object) -> None:
        raise JobCancelledError("composing")

    monkeypatch.setattr(LocalSteps, "compose", reached)
    with pytest.raises(CueSheetError, match="The cue sheet is of") as refused:
        run("score", moved, "--cues", sheet)
    told = re.search(r'write under "picture" in the cue sheet: (".*")\. Else', str(refused.value))
    assert told is not None
    edited = json.loads(sheet.read_text(encoding="utf-8"))
    edited["picture"] |= json.loads(f"{{{told[1]}}}")
    sheet.write_text(json.dumps(edited), encoding="utf-8")
    with pytest.raises(JobCancelledError, match="composing"):
        run("score", moved, "--cues", sheet)
