"""Films are opened safely, and read on their picture's own clock."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films_of_known_times import write_film
from tests.films import draw_film

from emsync.errors import EmsyncError, LimitError, MediaError, NotFoundError, PathRefusedError
from emsync.timecode import RationalTime
from emsync_server.access import Access
from emsync_server.media import Film, open_film, probe_film


def read(path: Path, **how) -> tuple[Film, list[int]]:
    with open_film(path, **how) as film:
        ticks = [frame.tick for frame in film.frames()]
        return film, ticks


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mp4", "mpeg4"),
        ("mkv", "mpeg4"),
        ("avi", "mjpeg"),
        ("avi", "libx264"),
        ("mov", "prores_ks"),
    ],
)
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25)], ids=["23.976", "25"])
def test_a_film_of_constant_rate_is_told_in_frames(tmp_path, suffix, codec, rate):
    path = tmp_path / f"film.{suffix}"
    pixels = (
        "yuv422p10le" if codec == "prores_ks" else "yuvj420p" if codec == "mjpeg" else "yuv420p"
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        for index in range(31):
            image = np.full((64, 96, 3), 5 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    film, ticks = read(path)
    picture = film.picture()
    assert len(ticks) == 31
    assert [film.clock.time(tick).value for tick in ticks] == list(range(31))
    assert picture.rate == rate
    assert picture.duration == RationalTime(31, rate)
    assert (picture.width, picture.height, picture.has_sound) == (96, 64, False)
    assert picture.warnings == ()


def test_the_first_shown_frame_is_time_zero_whatever_the_container_says(tmp_path):
    path = tmp_path / "late.mkv"
    write_film(path, range(36, 60))
    film, ticks = read(path)
    assert film.probe.start_s == Fraction(3, 2)
    assert ticks[0] == 0
    assert film.duration == RationalTime(24, Fraction(24))


def test_variable_rate_keeps_exact_times(tmp_path):
    path = tmp_path / "variable.mkv"
    ticks = [0, 40, 95, 121, 190, 230, 301]
    write_film(path, ticks, time_base=Fraction(1, 1000), rate=Fraction(25))
    film, seen = read(path)
    assert [film.clock.time(tick).seconds for tick in seen] == [Fraction(t, 1000) for t in ticks]
    assert film.duration.seconds >= Fraction(301, 1000)


def test_dropped_frames_stay_on_the_grid(tmp_path):
    path = tmp_path / "dropped.mp4"
    write_film(path, [0, 1, 2, 5, 6, 9])
    film, ticks = read(path)
    assert [film.clock.time(tick) for tick in ticks] == [
        RationalTime(frame, Fraction(24)) for frame in (0, 1, 2, 5, 6, 9)
    ]


def test_a_draft_reads_fewer_frames_and_knows_the_same_length(tmp_path):
    path = tmp_path / "film.mp4"
    draw_film(path, seconds=4.0)
    whole, all_ticks = read(path)
    draft, key_ticks = read(path, draft=True)
    assert 0 < len(key_ticks) < len(all_ticks)
    assert draft.duration == whole.duration


def test_frames_can_be_sought(tmp_path):
    path = tmp_path / "film.mp4"
    draw_film(path, seconds=4.0)
    with open_film(path) as film:
        for start, end in ((Fraction(5, 2), Fraction(3)), (Fraction(0), Fraction(1, 4))):
            times = [frame.tick * film.tick_s for frame in film.frames_from(start, end)]
            first, last = round(start * 24), round(end * 24)
            assert times == [Fraction(index, 24) for index in range(first, last)]


def test_the_start_timecode_is_read(tmp_path):
    path = tmp_path / "film.mov"
    write_film(path, range(5), timecode="01:00:00:12")
    film, _ = read(path)
    assert film.picture().start == RationalTime(86412, Fraction(24))


@pytest.mark.parametrize(
    "name",
    [
        "-y.mp4",
        "http:film.mp4",
        "concat:a|b.mp4",
        "with spaces & 'quotes' \"too\" %20 #1?.mp4",
        "Фильм – 映画 🎬.mp4",
        "file:film.mp4",
        "f" * 200 + ".mp4",
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows forbids these letters in names")
def test_odd_names_are_only_names(tmp_path, monkeypatch, name):
    write_film(tmp_path / "film.mp4", range(5))
    (tmp_path / "film.mp4").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert probe_film(Path(name)).rate == 24
    assert probe_film(tmp_path / name).rate == 24


def no_file(path: Path) -> None:
    """Nothing is there."""


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("This is a letter, not a film.\n" * 100)


def noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(30_000))


def cut_off_before_its_index(path: Path) -> None:
    write_film(path, range(48))
    path.write_bytes(path.read_bytes()[:600])


def sound_only(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def still(path: Path) -> None:
    with av.open(str(path), "w", format="image2pipe") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb24"
        container.mux(stream.encode(av.VideoFrame(32, 32, "rgb24")))
        container.mux(stream.encode(None))


def playlist(path: Path) -> None:
    write_film(path.with_name("other.mp4"), range(5))
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.mp4\n#EXT-X-ENDLIST\n")


def concatenation(path: Path) -> None:
    write_film(path.with_name("other.mp4"), range(5))
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (no_file, NotFoundError, "no film"),
        (folder, MediaError, "folder"),
        (empty, MediaError, "empty"),
        (text, MediaError, "cannot be read as a film"),
        (noise, MediaError, "cannot be read as a film"),
        (cut_off_before_its_index, MediaError, "cannot be read as a film"),
        (sound_only, MediaError, "no picture"),
        (still, MediaError, "still picture"),
        (playlist, MediaError, ""),
        (concatenation, MediaError, ""),
    ],
)
def test_what_is_no_film_gets_a_sentence(tmp_path, capfd, make, error, says):
    path = tmp_path / "film.mp4"
    make(path)
    with pytest.raises(error) as caught, open_film(path) as film:
        list(film.frames())
    assert says in caught.value.sentence
    assert str(path) in caught.value.sentence
    assert caught.value.sentence.endswith(".")
    assert capfd.readouterr() == ("", "")  # libav's own log stays quiet


@pytest.mark.parametrize("name", ["https://example.org/film.mp4", "rtmp://host/live", "a\0b.mp4"])
def test_an_address_is_not_opened(name):
    with pytest.raises(EmsyncError):
        probe_film(Path(name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_at_once(tmp_path):
    path = tmp_path / "film.mp4"
    os.mkfifo(path)
    with pytest.raises(MediaError, match="not an ordinary file"):
        probe_film(path)


def test_a_link_is_followed_only_where_allowed(tmp_path):
    write_film(tmp_path / "film.mp4", range(5))
    link = tmp_path / "link.mp4"
    link.symlink_to(tmp_path / "film.mp4")
    assert probe_film(link).rate == 24
    assert probe_film(tmp_path / "film.mp4", access=Access((tmp_path,))).rate == 24
    with pytest.raises(PathRefusedError, match="symbolic link"):
        probe_film(link, access=Access((tmp_path,)))


def test_a_film_of_more_than_six_hours_is_refused(tmp_path):
    path = tmp_path / "long.mkv"
    write_film(path, [0, 24, 7 * 3600 * 24])
    with pytest.raises(LimitError, match="6 hours"):
        read(path)


def test_a_film_of_five_hours_is_read(tmp_path):
    path = tmp_path / "long.mkv"
    write_film(path, [0, 24, 5 * 3600 * 24])
    film, ticks = read(path)
    assert len(ticks) == 3
    assert film.duration.seconds > 5 * 3600


def test_a_film_cut_off_in_the_middle_is_read_with_a_warning(tmp_path):
    path = tmp_path / "film.mkv"
    images = [np.random.default_rng(k).integers(0, 255, (64, 96, 3), np.uint8) for k in range(72)]
    write_film(path, range(72), images=images)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    film, ticks = read(path)
    assert 10 < len(ticks) < 60
    (warning,) = film.picture().warnings
    assert "can be read up to" in warning
    assert "3.0 s" in warning


def test_damaged_frames_are_counted_and_the_rest_is_read(tmp_path):
    path = tmp_path / "film.mp4"
    images = [np.random.default_rng(k).integers(0, 255, (64, 96, 3), np.uint8) for k in range(48)]
    write_film(path, range(48), codec="libx264", images=images)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + len(data) // 4
    data[start : start + 4000] = np.random.default_rng(2).bytes(4000)
    path.write_bytes(data)
    film, ticks = read(path)
    assert len(ticks) > 5
    assert any("damaged" in warning for warning in film.picture().warnings)
