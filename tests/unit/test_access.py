"""What a server's callers make it open: regular files under its roots, whatever they name."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from tests.films import draw_film
from tests.timelines import clip, saved, score_of, timeline, track

from emsync import wire
from emsync.errors import CueSheetError, PathRefusedError
from emsync.picture import PictureInfo
from emsync.settings import SpotSettings
from emsync.timecode import RationalTime
from emsync_server.access import ANY_FILE, Access
from emsync_server.progress import silent_progress
from emsync_server.rendering.production import listen
from emsync_server.spotting import spot

R24 = Fraction(24)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a film and links, beside a folder that nobody may read from."""
    folder = tmp_path / "films"
    folder.mkdir()
    (tmp_path / "private").mkdir()
    for film in (folder / "film.mp4", tmp_path / "private" / "film.mp4"):
        draw_film(film, seconds=2.0, cuts_s=(1.0,), size=(64, 48))
    (folder / "link.mp4").symlink_to(folder / "film.mp4")
    (folder / "way out").symlink_to(tmp_path / "private")
    return folder


def opened(access: Access, path: Path) -> None:
    os.close(access.open(path))


@pytest.mark.parametrize(
    "name",
    ["link.mp4", "way out/film.mp4", "../private/film.mp4", "."],
    ids=["link", "linked folder", "up", "folder"],
)
def test_what_is_not_a_regular_file_under_a_root_is_refused(root: Path, name: str) -> None:
    with pytest.raises(PathRefusedError):
        opened(Access((root,)), root / name)
    opened(ANY_FILE, root / name)


def exchanged_for_a_link(root: Path) -> None:
    (root / "film.mp4").unlink()
    (root / "film.mp4").symlink_to(root.parent / "private" / "film.mp4")


def folder_exchanged_for_a_link(root: Path) -> None:
    root.rename(root.parent / "moved")
    root.symlink_to(root.parent / "private")


def exchanged_after_opening(root: Path) -> None:
    (root.parent / "private" / "film.mp4").replace(root / "film.mp4")


@pytest.mark.parametrize(
    ("exchange", "before"),
    [
        (exchanged_for_a_link, True),
        (folder_exchanged_for_a_link, True),
        (exchanged_after_opening, False),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_is_exchanged_between_look_and_opening_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, exchange: Callable[[Path], None], before: bool
) -> None:
    open_file = os.open

    def raced(path: Path, flags: int) -> int:
        if before:
            exchange(root)
            return open_file(path, flags)
        descriptor = open_file(path, flags)
        exchange(root)
        return descriptor

    access = Access((root.resolve(),))
    monkeypatch.setattr(os, "open", raced)
    with pytest.raises(PathRefusedError):
        access.open(root / "film.mp4")


@pytest.mark.parametrize(
    ("media", "is_read"),
    [
        pytest.param("{root}/film.mp4", True, id="under the root"),
        pytest.param("{private}/film.mp4", False, id="elsewhere"),
        pytest.param("{root}/way out/film.mp4", False, id="through a linked folder"),
        pytest.param("../private/film.mp4", False, id="up"),
    ],
)
def test_media_that_a_timeline_names_are_read_under_the_roots_alone(
    root: Path, media: str, is_read: bool
) -> None:
    named = media.format(root=root, private=root.parent / "private")
    made = timeline(track(clip("a", 24, R24, media=named), clip("b", 20, R24, media=named)))
    source = saved(made, root / "cut.otio")
    seen = spot(source, SpotSettings(), silent_progress(), access=Access((root,)))
    refused = [said for said in seen.picture.warnings if "no regular file inside" in said]
    assert len(refused) == (0 if is_read else 1)
    freely = spot(source, SpotSettings(), silent_progress())
    assert freely.picture.warnings == ()
    assert (seen.cues[0].emotion == freely.cues[0].emotion) is is_read


def test_the_film_that_a_take_names_is_heard_under_the_roots_alone(root: Path) -> None:
    def heard(film: Path) -> bool:
        second = RationalTime(24, R24)
        picture = PictureInfo(str(film), R24, second, RationalTime(0, R24), has_sound=True)
        (placed,) = score_of(picture, root)[1]
        return listen(placed.take, silent_progress(), Access((root,))) is not None

    assert heard(root / "film.mp4")
    assert not heard(root.parent / "private" / "film.mp4")
    assert not heard(root / "link.mp4")


def test_a_timeline_is_read_as_it_was_when_it_was_opened(root: Path) -> None:
    source = saved(timeline(track(clip("a", 30, R24))), root / "cut.otio")
    with Access((root,)).readable(source) as copy:
        source.write_text("something else")
        assert otio.adapters.read_from_file(str(copy)).duration().value == 30
    assert not copy.exists()


def test_sentences_name_the_file_and_not_its_copy(root: Path) -> None:
    (root / "take.json").write_text("[]")
    with (
        pytest.raises(CueSheetError, match=f"'{root / 'take.json'}'"),
        Access((root,)).readable(root / "take.json") as copy,
    ):
        wire.read_take(copy)
