"""GStreamer Editing Services open what is written as .xges: `ges-launch-1.0` plays each stem at its
level and from its frame, and what is ours is still there when it saves.

Skipped where it is not: `apt install ges1.0-tools gstreamer1.0-plugins-good` on Debian 12. It is
asked for picture and sound in one file: with sound alone, GES 1.22 waits for a picture forever.
"""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
import soundfile
from tests.films import draw_film
from tests.hosts.sine_stems import levels_of, placed_with_sines
from tests.timelines import clip, dissolve, gap, saved, score_of, timeline, title, track

from emsync_otio import place, read_edit, read_placed_sheet
from emsync_otio.picture_size import state_picture_size_in_place

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("ges-launch-1.0") is None,
        reason="GStreamer Editing Services are not installed",
    ),
]

RATE = Fraction(25)
LIMIT_S = 120


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """Six seconds of a film, cut with a dissolve, with three sine stems from its second 1."""
    draw_film(tmp_path / "a film.mp4")
    film = str(tmp_path / "a film.mp4")
    shots = [clip(n, 75, RATE, start=at, media=film) for n, at in (("a", 0), ("b", 100))]
    made = timeline(track(shots[0], dissolve(5, 5, RATE), shots[1]), rate=RATE, start=90_000)
    source = saved(made, tmp_path / "cut.otio")
    return placed_with_sines(source, tmp_path / "scored.xges")


def launched(*words: str) -> None:
    done = subprocess.run(
        ["ges-launch-1.0", "--no-interactive", *words],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def rendered(project: Path, *words: str) -> Path:
    out = project.with_suffix(".mkv")
    launched(
        "--load", project.as_uri(), "-o", out.as_uri(),
        "-f", "video/x-matroska:video/x-vp8:audio/x-flac", *words,
    )  # fmt: skip
    return out


def levels(project: Path, *words: str) -> list[tuple[float, float]]:
    """Amplitude of each sine in what GES renders: before the cue, and in it."""
    with av.open(str(rendered(project, *words))) as file:
        rate_hz = file.streams.audio[0].rate
        resampler = av.AudioResampler("fltp", "stereo", rate_hz)
        parts = [p.to_ndarray() for f in file.decode(audio=0) for p in resampler.resample(f)]
    return levels_of(np.concatenate(parts, axis=1)[0], rate_hz)


def test_ges_plays_each_stem_at_its_level_and_from_its_frame(scored: Path):
    assert levels(scored) == [(0.0, 0.1), (0.0, 0.05), (0.0, 0.2)]


def test_what_is_ours_is_still_there_when_ges_saves(scored: Path):
    saved_by_ges = scored.with_name("by ges.xges")
    levels(scored, "--save", saved_by_ges.as_uri())
    assert "format-version" in saved_by_ges.read_text(encoding="utf-8")
    edit, again = read_edit(scored), read_edit(saved_by_ges)
    assert (again.boundaries, again.hits) == (edit.boundaries, edit.hits)
    assert (again.picture.duration, again.picture.start) == (
        edit.picture.duration,
        edit.picture.start,
    )
    assert read_placed_sheet(saved_by_ges) == read_placed_sheet(scored)
    assert levels(saved_by_ges) == [(0.0, 0.1), (0.0, 0.05), (0.0, 0.2)]


def test_ges_shows_the_pictures_that_were_cut_at_their_speed(tmp_path: Path):
    """Under a title that covers nothing, and out of black at the end."""
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(200):  # a picture is as light as it is late
            grey = np.full((180, 320), 20 + number, np.uint8)
            picture = av.VideoFrame.from_ndarray(grey, "gray").reformat(format="yuv420p")
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    shots = [clip(n, 50, RATE, start=at, media=str(film)) for n, at in (("a", 0), ("b", 40))]
    shots[1].effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    over = track(gap(20, RATE), title(40, RATE), name="V2")
    last = clip("c", 25, RATE, start=100, media=str(film))
    made = timeline(track(*shots, gap(25, RATE), dissolve(0, 20, RATE), last), over, rate=RATE)
    state_picture_size_in_place(made, 320, 180)
    source = saved(made, tmp_path / "cut.otio")
    sheet, placed = score_of(read_edit(source), tmp_path)
    for stem in placed[0].stems.stems:
        soundfile.write(tmp_path / stem.path, np.zeros((6 * 48_000, 2)), 48_000)
    place(source, sheet, placed, tmp_path / "scored.xges")
    with av.open(str(rendered(tmp_path / "scored.xges"))) as out:
        shown = {
            round(float(picture.time), 1): float(picture.to_ndarray(format="gray").mean()) - 20
            for picture in out.decode(video=0)
        }
    assert [shown[at] for at in (0.4, 1.6, 2.4, 3.6)] == pytest.approx([10, 40, 60, 120], abs=9)
    assert shown[4.6] < 0 and shown[5.2] < 80 and shown[5.9] == pytest.approx(122, abs=9)
