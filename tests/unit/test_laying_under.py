"""A rendered take laid under a film: as `score` does it, or refused in a sentence."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from tests.films import draw_film
from tests.timelines import score_of

from emsync.cue import CueSheet
from emsync.errors import CueSheetError, NotFoundError, OutputError
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime
from emsync_otio import PlacedCue
from emsync_server.app import lay_under_film
from emsync_server.progress import silent_progress

RATE = Fraction(24)
SECONDS = 2
MUSIC_FROM_S = 1


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    draw_film(path, seconds=SECONDS, cuts_s=(), sound=False)
    return path


def rendered(film: Path) -> tuple[CueSheet, list[PlacedCue]]:
    """A cue from second 1 on, whose mix is loud to its end."""
    length = RationalTime(SECONDS * 24, RATE)
    picture = PictureInfo(str(film), RATE, length, RationalTime(0, RATE))
    sheet, placed = score_of(picture, film.parent / "take", first=MUSIC_FROM_S * 24)
    tone = 0.3 * np.sin(np.arange(48_000 * (SECONDS - MUSIC_FROM_S)) / 20)
    soundfile.write(placed[0].folder / "mix.wav", np.stack([tone, tone], 1), 48_000)
    return sheet, placed


def lay(film: Path, out: Path, **options: bool) -> Path:
    return lay_under_film(film, *rendered(film), out, silent_progress(), **options)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        pytest.param("scored.mp4", "scored.mp4", id="as it is named"),
        pytest.param("scored.mkv", "scored.mkv", id="another container"),
        pytest.param("scored.MP4", "scored.mp4", id="capitals"),
        pytest.param("scored", "scored.mp4", id="what suits the picture"),
        pytest.param("film.mov", "film.mov", id="the film's name in another container"),
    ],
)
def test_the_music_plays_where_its_cue_lies_in_the_named_container(
    film: Path, name: str, written: str
):
    scored = lay(film, film.parent / name)
    assert scored.name == written
    planar = av.AudioResampler("fltp", "stereo", 48_000)
    with av.open(str(scored)) as container:
        frames = [f for each in container.decode(audio=0) for f in planar.resample(each)]
    sound = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    sound = sound / np.abs(sound).max()
    before, music = sound[: 48_000 * MUSIC_FROM_S - 2_000], sound[48_000 * MUSIC_FROM_S + 2_000 :]
    assert np.abs(before).max() < 0.01 < 0.3 < np.sqrt(np.mean(music[:40_000] ** 2))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("film.mp4", r"film\.mp4' is the film itself", id="onto the film"),
        pytest.param("film", r"film\.mp4' is the film itself", id="onto it by a chosen suffix"),
        pytest.param("scored.otio", r"that is \.mp4, \.mov, \.mkv", id="a timeline"),
        pytest.param("take", "is a folder", id="a folder"),
    ],
)
def test_a_name_that_no_scored_film_can_have_is_refused(film: Path, name: str, why: str):
    before = film.read_bytes()
    sheet, placed = rendered(film)
    there = sorted(film.parent.iterdir())
    with pytest.raises(OutputError, match=why):
        lay_under_film(film, sheet, placed, film.parent / name, silent_progress())
    assert film.read_bytes() == before
    assert sorted(film.parent.iterdir()) == there


def test_the_music_of_another_film_is_refused_unless_it_is_forced(film: Path):
    sheet, placed = rendered(film)
    other = replace(sheet, picture=replace(sheet.picture, source="/films/other.mp4"))
    out = film.parent / "scored.mp4"
    with pytest.raises(CueSheetError, match=r"made for '/films/other\.mp4', not for .*--force"):
        lay_under_film(film, other, placed, out, silent_progress())
    assert not out.exists()
    assert lay_under_film(film, other, placed, out, silent_progress(), force=True) == out


def test_the_film_that_was_scored_is_not_written_over_by_a_copy_of_it(film: Path):
    copy = film.with_name("copy.mp4")
    copy.write_bytes(film.read_bytes())
    with pytest.raises(OutputError, match="is the film itself"):
        lay_under_film(copy, *rendered(film), film, silent_progress(), force=True)


def test_a_container_that_does_not_take_the_picture_is_named(film: Path, tmp_path: Path):
    master = tmp_path / "master.mov"
    draw_film(master, seconds=1, cuts_s=(), sound=False, codec="prores_ks", pix_fmt="yuv422p10le")
    with pytest.raises(OutputError, match=r"\(prores\) does not fit into 'scored\.mp4'.*Leave"):
        lay(master, tmp_path / "scored.mp4")
    assert not (tmp_path / "scored.mp4").exists()
    assert lay(master, tmp_path / "scored").name == "scored.mov"


def test_a_film_that_is_not_there_is_named(film: Path):
    with pytest.raises(NotFoundError, match=r"gone\.mp4"):
        lay(film.with_name("gone.mp4"), film.parent / "scored.mp4")
