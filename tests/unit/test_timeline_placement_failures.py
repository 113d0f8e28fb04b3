"""What cannot be laid is refused whole: no timeline, no scraps."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest
from tests.timelines import saved, score_of, users_timeline

from emsync.errors import NotFoundError, OutputError
from emsync_otio import place, read_edit


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
