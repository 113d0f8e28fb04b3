"""A host's timeline as the file that the server reads."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import pytest
from tests.hosts.host_timelines import RATES, cut

from emsync.hosting import (
    HostClip,
    HostTimeline,
    HostTrack,
    Span,
    TrackKind,
)
from emsync.hosting.picture_file import picture_text
from emsync_otio import read_edit


@pytest.mark.parametrize("rate", RATES)
def test_the_server_reads_the_edit_that_the_host_had(tmp_path: Path, rate: Fraction) -> None:
    film = tmp_path / "a film %20 né.mp4"
    film.write_bytes(b"film")
    path = tmp_path / "reel.otio"
    timeline = cut(rate, film)
    path.write_text(picture_text(timeline, Span(0, 144)), encoding="utf-8")
    edit = read_edit(path)
    assert (edit.picture.rate, edit.picture.duration.value) == (rate, 144)
    assert edit.picture.start.value == 86_400 and edit.picture.has_sound
    seen = [(b.time.value, b.kind.value) for b in edit.boundaries]
    assert seen == [(48, "cut"), (96, "dissolve")]
    assert [(hit.time.value, hit.label) for hit in edit.hits] == [(24, "hit door")]
    assert [shot.media for shot in edit.shots] == [film] * 3
    starts = [float(shot.source_start.seconds) for shot in edit.shots if shot.source_start]
    assert starts == pytest.approx([0.0, 2.0, 0.0], abs=1e-6)
    assert [shot.speed for shot in edit.shots] == [1, 1, Fraction(1, 2)]


@pytest.mark.parametrize(
    "media",
    [
        "C:\\films\\a b%20.mov",
        "C:/films/ü.mov",
        "\\\\server\\share\\a.mov",
        "//server/a.mov",
        "films/a.mov",
    ],
)
def test_paths_of_other_machines_are_offline_media_and_no_error(tmp_path: Path, media: str) -> None:
    track = HostTrack("V1", TrackKind.PICTURE, (HostClip("a", 0, 48, media=media),))
    path = tmp_path / "reel.otio"
    timeline = HostTimeline("Reel", Fraction(24), 48, tracks=(track,))
    path.write_text(picture_text(timeline, Span(0, 48)), encoding="utf-8")
    edit = read_edit(path)
    assert edit.shots[0].media is None and "offline" in edit.picture.warnings[0]


def test_a_part_of_the_timeline_is_cut_out_to_the_frame(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    path = tmp_path / "part.otio"
    path.write_text(picture_text(cut(film=film), Span(60, 60)), encoding="utf-8")
    edit = read_edit(path)
    assert edit.picture.duration.value == 60 and edit.picture.start.value == 86_460
    assert [b.time.value for b in edit.boundaries] == [36]
    first = edit.shots[0].source_start
    assert first is not None and float(first.seconds) == pytest.approx(2.5)
    assert edit.hits == ()


def test_clips_that_overlap_in_one_track_are_seen_as_the_audience_sees_them(
    tmp_path: Path,
) -> None:
    track = HostTrack(
        "V1", TrackKind.PICTURE, (HostClip("below", 0, 100), HostClip("above", 40, 20))
    )
    path = tmp_path / "odd.otio"
    timeline = HostTimeline("odd", Fraction(25), 100, tracks=(track,))
    path.write_text(picture_text(timeline, Span(0, 100)), encoding="utf-8")
    assert [b.time.value for b in read_edit(path).boundaries] == [40, 60]


def test_twenty_thousand_clips_are_written_in_time(tmp_path: Path) -> None:
    clips = tuple(HostClip("x", 4 * n, 4) for n in range(20_000))
    track = HostTrack("V1", TrackKind.PICTURE, clips)
    timeline = HostTimeline("long", Fraction(24), 80_000, tracks=(track,))
    began = time.process_time()
    text = picture_text(timeline, Span(0, 80_000))
    assert time.process_time() - began < 5.0  # measured: 0.6 s
    assert text.count('"Clip.2"') == 20_000
