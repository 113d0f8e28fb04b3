"""How large the picture of a new timeline file is, and Final Cut's bundles."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.timelines import R24, clip, saved, score_of, timeline, track, users_timeline

from emsync.errors import OutputError
from emsync_otio import PictureSize, place, read_edit, read_placed_sheet
from emsync_otio.opening import open_timeline
from emsync_otio.picture_size import said_picture_size

NEW = [".fcpxml", ".fcpxmld", ".xml", ".kdenlive", ".mlt", ".xges"]


def laid(source: Path, out: Path, **options: object):
    return place(source, *score_of(read_edit(source), out.parent), out, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", NEW)
def test_a_new_file_has_the_size_of_the_media_that_is_there(tmp_path: Path, suffix: str):
    (tmp_path / "there.mov").write_bytes(b"x")
    made = timeline(
        track(clip("a", 10, R24, media="gone.mov"), clip("b", 10, R24, media="there.mov"))
    )
    source = saved(made, tmp_path / "cut.otio")
    asked: list[str] = []

    def size_of(film: Path) -> PictureSize:
        asked.append(film.name)
        return PictureSize(1998, 1080)

    report = laid(source, tmp_path / f"out{suffix}", size_of=size_of)
    assert asked == ["there.mov"]
    assert report.assumed_size is None
    assert said_picture_size(open_timeline(report.path)) == PictureSize(1998, 1080)


@pytest.mark.parametrize("suffix", NEW)
def test_a_new_file_has_the_size_that_the_timeline_says(tmp_path: Path, suffix: str):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    first = laid(source, tmp_path / "first.fcpxml", size_of=None)
    text = first.path.read_text(encoding="utf-8")
    assert first.assumed_size == PictureSize(1920, 1080)
    first.path.write_text(text.replace('width="1920" height="1080"', 'width="1080" height="1350"'))
    if suffix.startswith(".fcpxml"):
        suffix = ".kdenlive"
    report = laid(first.path, tmp_path / f"out{suffix}")
    assert report.assumed_size is None
    assert said_picture_size(open_timeline(report.path)) == PictureSize(1080, 1350)


def bundle(path: Path, tmp_path: Path) -> Path:
    made = laid(saved(users_timeline(), tmp_path / "cut.otio"), tmp_path / "plain.fcpxml")
    path.mkdir()
    made.path.rename(path / "Info.fcpxml")
    (path / "tracking.data").write_bytes(b"the editor's")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_a_bundle_is_added_to_as_a_whole_and_stays_as_it_was(tmp_path: Path):
    source = bundle(tmp_path / "cut.fcpxmld", tmp_path)
    before = contents(source)
    out = tmp_path / "scored.fcpxmld"
    for _ in range(2):  # a second run takes the name of the first's bundle
        laid(source, out)
        assert contents(source) == before
        assert contents(out).keys() == before.keys()
        assert (out / "tracking.data").read_bytes() == b"the editor's"
        assert read_placed_sheet(out)
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".emsync")]


def test_a_bundle_that_cannot_be_written_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = bundle(tmp_path / "cut.fcpxmld", tmp_path)
    out = tmp_path / "scored.fcpxmld"
    laid(source, out)
    before = contents(out)
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "new.fcpxmld":
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        laid(source, out)
    assert contents(out) == before


def test_a_bundle_is_not_laid_on_itself(tmp_path: Path):
    source = bundle(tmp_path / "cut.fcpxmld", tmp_path)
    with pytest.raises(OutputError, match="is the timeline itself"):
        laid(source, source)
