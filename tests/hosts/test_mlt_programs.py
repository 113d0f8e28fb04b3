"""Real programs open what is written for Kdenlive: `melt` plays each stem at its level, Kdenlive
22.12 opens and keeps the file.

Skipped where the programs are not: `apt install melt kdenlive xvfb dbus` on Debian 12.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
import soundfile
from tests.films import draw_film
from tests.hosts.sine_stems import levels_of, placed_with_sines
from tests.timelines import clip, saved, timeline, track

from emsync_otio import read_edit, read_placed_sheet

pytestmark = pytest.mark.slow

RATE = Fraction(25)
HEADLESS = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """Six seconds of a film with three sine stems from its second 1."""
    film = tmp_path / "film.mp4"
    draw_film(film, seconds=6.0, cuts_s=(3.0,), rate=RATE, sound=False)
    shots = [clip(n, 75, RATE, start=at, media=str(film)) for n, at in (("a", 0), ("b", 75))]
    source = saved(timeline(track(*shots), rate=RATE), tmp_path / "cut.otio")
    return placed_with_sines(source, tmp_path / "scored.kdenlive")


def levels(project: Path) -> list[tuple[float, float]]:
    """Amplitude of each sine in what melt renders: before the cue, and in it."""
    out = project.with_suffix(".wav")
    subprocess.run(
        ["melt", str(project), "out=149", "-consumer", f"avformat:{out}", "vn=1",
         "acodec=pcm_s24le", "ar=48000", "real_time=-1"],
        env=HEADLESS, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    sound, rate_hz = soundfile.read(out)
    return levels_of(sound[:, 0], rate_hz)


@pytest.mark.skipif(shutil.which("melt") is None, reason="melt is not installed")
def test_melt_plays_each_stem_at_its_level_and_from_its_frame(scored: Path):
    assert levels(scored) == [(0.0, 0.1), (0.0, 0.05), (0.0, 0.2)]


@pytest.mark.skipif(
    not all(map(shutil.which, ("kdenlive", "Xvfb", "dbus-run-session", "melt"))),
    reason="Kdenlive, Xvfb or D-Bus is not installed",
)
def test_kdenlive_opens_the_project_and_saves_it_with_all_that_is_ours(
    scored: Path, tmp_path: Path
):
    before = scored.read_bytes()
    edit, sheet = read_edit(scored), read_placed_sheet(scored)
    (home := tmp_path / "home").mkdir()
    (home / ".config").mkdir()
    (home / ".config/kdenliverc").write_text("version=22.12\n[version]\nversion=22.12\n")
    script = (
        "Xvfb :78 -screen 0 1600x1000x24 & XV=$!; sleep 2; export DISPLAY=:78\n"
        f"kdenlive '{scored}' & KD=$!\n"
        "CALL='dbus-send --session --print-reply --dest=org.kde.kdenlive-'$KD\n"
        "W=/kdenlive/MainWindow_1; A=org.kde.KMainWindow.activateAction\n"
        "for i in $(seq 60); do sleep 1\n"
        "  $CALL $W org.freedesktop.DBus.Peer.Ping >/dev/null 2>&1 && break; done\n"
        "sleep 25\n"  # the window is there before the project is
        "$CALL $W $A string:file_save; sleep 6; kill $KD; kill $XV; wait\n"
    )
    places = {"HOME": str(home), "TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    subprocess.run(
        ["dbus-run-session", "--", "bash", "-c", script],
        env={**os.environ, **places, "QT_QPA_PLATFORM": "xcb"},
        capture_output=True, check=False, timeout=240,
    )  # fmt: skip
    assert scored.read_bytes() != before, "Kdenlive did not save"
    again = read_edit(scored)
    assert (again.boundaries, again.hits) == (edit.boundaries, edit.hits)
    assert again.picture.duration == edit.picture.duration
    assert read_placed_sheet(scored) == sheet
    assert levels(scored) == [(0.0, 0.1), (0.0, 0.05), (0.0, 0.2)]
