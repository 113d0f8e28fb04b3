"""Where results are written: whole, or nothing, folders too."""

from __future__ import annotations

from pathlib import Path

import pytest

from emsync.errors import OutputError
from emsync_server.outputs import replacing_file, working_folder


def test_folders_that_failing_work_made_are_gone(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), working_folder(tmp_path / "a" / "b") as folder:
        (folder / "half").touch()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ZeroDivisionError), replacing_file(tmp_path / "a" / "b" / "c.txt") as path:
        path.touch()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_there_or_hold_something_stay(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(KeyboardInterrupt), working_folder(tmp_path / "a" / "b" / "c"):
        (tmp_path / "a" / "b" / "done.mid").touch()
        raise KeyboardInterrupt
    assert [str(p.relative_to(tmp_path)) for p in sorted(tmp_path.rglob("*"))] == [
        "a", "a/b", "a/b/done.mid",
    ]  # fmt: skip


def test_a_file_is_there_when_all_went_well(tmp_path: Path) -> None:
    with replacing_file(tmp_path / "a" / "b.txt") as path:
        path.write_text("whole")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_file_in_the_place_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(OutputError, match="a file is in the way"):  # noqa: SIM117
        with replacing_file(tmp_path / "a" / "b.txt"):
            pytest.fail("there is nowhere to write to")
