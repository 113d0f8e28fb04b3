"""What a request may name: regular files and folders under the roots, by no back door."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emsync.errors import EmsyncError, InputError, NotFoundError, PathRefusedError
from emsync_server.config import default_roots
from emsync_server.rpc.paths import AllowedRoots


@pytest.fixture
def roots(tmp_path: Path) -> AllowedRoots:
    """One root, with a film, links, a pipe and a neighbour whose name begins alike."""
    root = tmp_path / "films"
    root.mkdir()
    (root / "film.mp4").write_text("film")
    (root / "Кино 'ё' 🎬.mp4").write_text("film")
    (root / "link.mp4").symlink_to(root / "film.mp4")
    (root / "dangling.mp4").symlink_to(root / "gone.mp4")
    (root / "out").symlink_to(tmp_path)
    (root / "circle").symlink_to(root / "circle")
    os.mkfifo(root / "pipe.mp4")
    (tmp_path / "secret.mp4").write_text("secret")
    (tmp_path / "films-of-others").mkdir()
    (tmp_path / "films-of-others" / "film.mp4").write_text("secret")
    return AllowedRoots.of((root,))


@pytest.mark.parametrize(
    ("path", "error"),
    [
        pytest.param("/etc/hostname", PathRefusedError, id="outside"),
        pytest.param("{root}-of-others/film.mp4", PathRefusedError, id="neighbour"),
        pytest.param("{root}/../secret.mp4", PathRefusedError, id="up"),
        pytest.param("{root}/sub/../film.mp4", PathRefusedError, id="up and down"),
        pytest.param("film.mp4", InputError, id="relative"),
        pytest.param("~/film.mp4", InputError, id="tilde"),
        pytest.param("https://example.org/film.mp4", PathRefusedError, id="URL"),
        pytest.param("file:///{root}/film.mp4", PathRefusedError, id="file URL"),
        pytest.param("concat:{root}/film.mp4|/etc/passwd", PathRefusedError, id="FFmpeg protocol"),
        pytest.param("{root}/link.mp4", PathRefusedError, id="link"),
        pytest.param("{root}/dangling.mp4", PathRefusedError, id="dangling link"),
        pytest.param("{root}/out/secret.mp4", PathRefusedError, id="linked folder"),
        pytest.param("{root}/circle/film.mp4", EmsyncError, id="circle of links"),
        pytest.param("{root}", PathRefusedError, id="folder"),
        pytest.param("{root}/pipe.mp4", PathRefusedError, id="pipe"),
        pytest.param("/dev/zero", PathRefusedError, id="device"),
        pytest.param("/proc/self/environ", PathRefusedError, id="proc"),
        pytest.param("{root}/missing.mp4", NotFoundError, id="missing"),
        pytest.param("{root}/" + "x" * 5000, EmsyncError, id="long"),
        pytest.param("", InputError, id="empty"),
        pytest.param("{root}/nul\0.mp4", InputError, id="NUL"),
    ],
)
def test_a_source_that_is_no_regular_file_under_a_root_is_refused(
    roots: AllowedRoots, path: str, error: type[EmsyncError]
) -> None:
    with pytest.raises(error):
        roots.file(path.format(root=roots.folders[0]))


@pytest.mark.parametrize("name", ["film.mp4", "Кино 'ё' 🎬.mp4"])
def test_a_regular_file_under_a_root_is_taken(roots: AllowedRoots, name: str) -> None:
    assert roots.file(str(roots.folders[0] / name)) == roots.folders[0] / name


def test_a_folder_for_results_may_be_new_but_not_elsewhere(
    roots: AllowedRoots, tmp_path: Path
) -> None:
    root = roots.folders[0]
    assert roots.folder(f"{root}/new/score") == root / "new" / "score"
    assert roots.folder(str(root)) == root
    for refused in (tmp_path, tmp_path / "new", root / "out", root / "out" / "new"):
        with pytest.raises(PathRefusedError):
            roots.folder(str(refused))
    with pytest.raises(PathRefusedError, match="not a folder"):
        roots.folder(f"{root}/film.mp4")


def test_a_root_that_is_a_link_counts_as_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "film.mp4").write_text("film")
    (tmp_path / "home").symlink_to(tmp_path / "real")
    roots = AllowedRoots.of((tmp_path / "home",))
    assert roots.file(str(tmp_path / "home" / "film.mp4")) == tmp_path / "real" / "film.mp4"


def test_by_default_the_home_is_allowed_and_the_system_is_not() -> None:
    roots = AllowedRoots.of(default_roots())
    assert Path.home().resolve() in roots.folders
    with pytest.raises(PathRefusedError):
        roots.file("/etc/hostname")
