"""Spotting whole films: what a cue sheet says of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from films_of_known_times import write_film
from tests.films import draw_film

from emsync.cue import Brief, HitSource, Style
from emsync.errors import JobCancelledError, MediaError, PathRefusedError
from emsync.settings import SpotSettings
from emsync.timecode import RationalTime
from emsync_server.access import Access
from emsync_server.progress import ProgressSink, silent_progress
from emsync_server.spotting import spot
from emsync_server.spotting.sheets import cue_name_of

SETTINGS = SpotSettings()


def frames(times, rate: Fraction) -> list[Fraction]:
    return [time.seconds * rate for time in times]


@pytest.mark.parametrize(
    ("rate", "name", "codec"),
    [
        (Fraction(24000, 1001), "film.mp4", "mpeg4"),
        (Fraction(25), "film.mkv", "mpeg4"),
        (Fraction(60000, 1001), "film.mov", "mpeg4"),
        (Fraction(12), "film.webm", "libvpx"),
    ],
)
def test_cuts_come_back_to_the_frame(tmp_path, rate, name, codec):
    cuts = draw_film(tmp_path / name, rate=rate, codec=codec, sound=codec == "mpeg4")
    sheet = spot(tmp_path / name, SETTINGS, silent_progress())
    assert frames((each.time for each in sheet.boundaries), rate) == list(cuts)
    (cue,) = sheet.cues
    assert cue.name == "film"
    assert cue.range.start.value == 0
    assert cue.range.duration == sheet.picture.duration == RationalTime(round(10 * rate), rate)
    assert cue.hits
    assert all(hit.locked and hit.source is HitSource.BOUNDARY for hit in cue.hits)
    assert {hit.time for hit in cue.hits} <= {each.time for each in sheet.boundaries}
    assert sheet.picture.source == str(tmp_path / name)
    assert sheet.picture.has_sound == (codec == "mpeg4")


def test_variable_rate_cuts_come_back_to_the_tick(tmp_path):
    random = np.random.default_rng(5)
    ticks = np.cumsum(random.integers(20, 70, 120)).tolist()
    ticks = [tick - ticks[0] for tick in ticks]
    shots = [
        np.kron(random.integers(0, 255, (8, 12, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
        for _ in range(3)
    ]
    path = tmp_path / "variable.mkv"
    images = [shots[index // 40] for index in range(120)]
    write_film(path, ticks, time_base=Fraction(1, 1000), rate=Fraction(25), images=images)
    sheet = spot(path, SETTINGS, silent_progress())
    assert frames((each.time for each in sheet.boundaries), Fraction(1000)) == [
        ticks[40],
        ticks[80],
    ]


def test_the_same_film_gives_the_same_sheet(tmp_path):
    draw_film(tmp_path / "film.mp4", seconds=6.0, cuts_s=(2.0, 4.0))
    first, second = (spot(tmp_path / "film.mp4", SETTINGS, silent_progress()) for _ in range(2))
    assert first == second


def test_a_draft_is_coarse_but_whole(tmp_path):
    draw_film(tmp_path / "film.mp4")
    sheet = spot(tmp_path / "film.mp4", SpotSettings(draft=True), silent_progress())
    assert sheet.picture.duration == RationalTime(240, Fraction(24))
    assert sheet.cues[0].emotion.points


def test_the_brief_and_the_spacing_are_kept(tmp_path):
    draw_film(tmp_path / "film.mp4", cuts_s=(2.0, 4.0, 6.0, 8.0))
    brief = Brief(style=Style.CHAMBER, density=0.3)
    near = spot(tmp_path / "film.mp4", SpotSettings(False, 1.0, brief), silent_progress())
    far = spot(tmp_path / "film.mp4", SpotSettings(False, 8.0, brief), silent_progress())
    assert near.cues[0].brief == brief
    assert len(near.cues[0].hits) == 4
    assert len(far.cues[0].hits) == 1


def test_progress_rises_to_the_end(tmp_path):
    draw_film(tmp_path / "film.mp4", seconds=4.0)
    told: list[float] = []
    spot(tmp_path / "film.mp4", SETTINGS, ProgressSink(lambda share, note: told.append(share)))
    assert told == sorted(told)
    assert told[0] < 0.1
    assert told[-1] == 1.0


def test_cancelling_stops_at_the_next_report(tmp_path):
    draw_film(tmp_path / "film.mp4", seconds=4.0)
    cancelled = Event()
    seen: list[float] = []

    def sink(share: float, note: str) -> None:
        seen.append(share)
        cancelled.set()

    with pytest.raises(JobCancelledError):
        spot(tmp_path / "film.mp4", SETTINGS, ProgressSink(sink, cancelled))
    assert len(seen) == 1


def test_a_film_of_one_frame_is_spotted(tmp_path):
    write_film(tmp_path / "one.mp4", [0])
    sheet = spot(tmp_path / "one.mp4", SETTINGS, silent_progress())
    assert sheet.picture.duration == RationalTime(1, Fraction(24))
    assert sheet.boundaries == ()
    assert sheet.cues[0].hits == ()


def test_a_link_is_refused_where_the_server_says_so(tmp_path):
    draw_film(tmp_path / "film.mp4", seconds=1.0, cuts_s=())
    (tmp_path / "link.mp4").symlink_to(tmp_path / "film.mp4")
    with pytest.raises(PathRefusedError):
        spot(tmp_path / "link.mp4", SETTINGS, silent_progress(), access=Access((tmp_path,)))


def test_a_text_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "film.mp4").write_text("no film\n" * 50)
    with pytest.raises(MediaError, match="cannot be read as a film"):
        spot(tmp_path / "film.mp4", SETTINGS, silent_progress())


@pytest.mark.parametrize(
    ("name", "cue"),
    [
        ("film.mp4", "film"),
        ("my film.final.mov", "my film.final"),
        ("-y.mp4", "-y"),
        ("a:b*c?.mp4", "a b c"),
        ("CON.mp4", "cue CON"),
        ("....mp4", "cue"),
        ("Фильм 🎬.mkv", "Фильм 🎬"),
        ("x" * 200 + ".mp4", "x" * 60),
    ],
)
def test_a_cue_is_named_after_its_film_as_a_folder_can_be(name, cue):
    assert cue_name_of(Path(name)) == cue


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(4.0, "its picture at 10.0 s: the rest"), (16.0, "goes on for 6.0 s after"), (10.0, None)],
    ids=["shorter", "longer", "as long"],
)
def test_a_sound_of_another_length_than_the_picture_is_told_of(tmp_path, seconds, says):
    noise = np.random.default_rng(1).normal(0, 0.1, round(seconds * 44_100))
    draw_film(tmp_path / "film.mp4", talk=noise)
    warnings = spot(tmp_path / "film.mp4", SETTINGS, silent_progress()).picture.warnings
    assert [says in each for each in warnings] == ([True] if says else [])
