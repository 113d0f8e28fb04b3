"""The scored film: the source's picture bit for bit, its sound, music at the exact sample."""

from __future__ import annotations

import errno
import hashlib
import json
from fractions import Fraction
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest
import soundfile
from tests.conftest import MEDIA
from tests.films import draw_film

from emsync.errors import (
    DiskFullError,
    InputError,
    JobCancelledError,
    MediaError,
    NotFoundError,
    OutputError,
)
from emsync.timecode import RationalTime
from emsync_server.media import open_film, probe_film
from emsync_server.progress import ProgressSink, silent_progress
from emsync_server.rendering import PlacedMix, copying, mux_scored

ZERO = RationalTime(0, Fraction(24))
RATE_HZ = 48_000


def click_mix(
    path: Path, *clicks: int, length: int = 10 * RATE_HZ, rate_hz: int = RATE_HZ
) -> PlacedMix:
    sound = np.zeros((length, 2), np.float32)
    sound[list(clicks)] = 0.5
    soundfile.write(path, sound, rate_hz, subtype="PCM_24")
    return PlacedMix(path, ZERO)


def sound_of(film: Path, index: int = 0) -> tuple[np.ndarray, float]:
    """Left channel of an audio track as players hear it, and when it begins."""
    pieces, start = [], None
    with av.open(str(film)) as container:
        stream = container.streams.audio[index]
        resampler = av.AudioResampler("fltp", "stereo", RATE_HZ)
        for frame in container.decode(stream):
            start = frame.time if start is None else start
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    return np.concatenate(pieces), start


def packets_of(film: Path) -> list[str]:
    index = probe_film(film).picture_index
    found = []
    with av.open(str(film)) as container:
        packets = container.demux(container.streams[index])
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):
                return found
            if packet.size:
                found.append(hashlib.sha256(bytes(packet)).hexdigest())


def frames_of(film: Path) -> list[tuple[Fraction, str, int]]:
    """Time from the first frame, contents and rotation of every frame.

    Decoded by one thread: what a decoder makes of damage depends on its threads.
    """
    index, found = probe_film(film).picture_index, []
    with av.open(str(film)) as container:
        stream = container.streams[index]
        if stream.codec_context.width < 4096:
            stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                contents = hashlib.sha256()
                for plane in frame.planes:
                    contents.update(bytes(plane))
                found.append((frame.pts * stream.time_base, contents.hexdigest(), frame.rotation))
    return [(time - found[0][0], contents, rotation) for time, contents, rotation in found]


def length_of(film: Path) -> Fraction:
    with open_film(film) as opened:
        for _ in opened.frames():
            pass
        return opened.duration.seconds


def audio_ticks(film: Path) -> Fraction | None:
    with av.open(str(film)) as container:
        stream = container.streams.audio[0]
        return None if stream.duration is None else stream.duration * stream.time_base


def check_parity(source: Path, scored: Path) -> None:
    """The picture of both files is the same: bytes, frames, times, aspect, colour, rotation."""
    assert packets_of(scored) == packets_of(source)
    before, after = frames_of(source), frames_of(scored)
    assert [frame[1:] for frame in after] == [frame[1:] for frame in before]
    assert [frame[0] for frame in after] == [frame[0] for frame in before]
    with av.open(str(source)) as one, av.open(str(scored)) as other:
        first = one.streams[probe_film(source).picture_index]
        second = other.streams[probe_film(scored).picture_index]
        for name in (
            "color_primaries",
            "color_trc",
            "colorspace",
            "color_range",
            "width",
            "height",
        ):
            assert getattr(first.codec_context, name) == getattr(second.codec_context, name), name
        if scored.suffix != ".mkv":  # PyAV cannot tell Matroska's muxer an aspect
            assert first.sample_aspect_ratio == second.sample_aspect_ratio


# Films of our own


@pytest.mark.parametrize(
    ("name", "codec", "suffix"),
    [
        pytest.param("film.mp4", "libx264", ".mp4", id="h264"),
        pytest.param("film.mkv", "libx264", ".mp4", id="h264 in matroska"),
        pytest.param("film.mp4", "mpeg4", ".mp4", id="mpeg4"),
        pytest.param("film.avi", "mjpeg", ".mov", id="mjpeg in avi"),
        pytest.param("film.webm", "libvpx", ".mkv", id="vp8"),
        pytest.param("film.webm", "libvpx-vp9", ".mp4", id="vp9"),
        pytest.param("film.mkv", "ffv1", ".mkv", id="ffv1"),
        pytest.param("film.mov", "qtrle", ".mov", id="animation"),
    ],
)
def test_the_picture_is_copied_bit_for_bit(tmp_path, name, codec, suffix):
    source = tmp_path / name
    pix_fmt = {"mjpeg": "yuvj420p", "qtrle": "rgb24"}.get(codec, "yuv420p")
    draw_film(
        source, seconds=1.5, cuts_s=(0.5,), codec=codec, sound=False, size=(96, 64), pix_fmt=pix_fmt
    )
    scored = mux_scored(
        source, [click_mix(tmp_path / "m.wav", 0)], tmp_path / "s", silent_progress()
    )
    assert scored == tmp_path / f"s{suffix}"
    check_parity(source, scored)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_click_sounds_at_its_exact_sample_and_the_sound_is_as_long_as_the_picture(
    tmp_path, suffix
):
    source = tmp_path / "film.mkv"
    codec = "mpeg4" if suffix == ".mp4" else "ffv1"
    draw_film(source, seconds=2.5, cuts_s=(1.0,), sound=False, codec=codec)
    clicks = (4800, 48_000, 100_001)
    scored = mux_scored(
        source, [click_mix(tmp_path / "m.wav", *clicks)], tmp_path / "scored", silent_progress()
    )
    assert scored.suffix == suffix
    sound, start = sound_of(scored)
    assert start == 0.0
    for click in clicks:
        assert int(np.argmax(sound[click - 2000 : click + 2000])) == 2000
    assert audio_ticks(scored) in (None, length_of(source))  # Matroska states no track lengths
    padding = 1024 if suffix == ".mp4" else 0  # the last AAC frame is full; its tail is not shown
    assert 0 <= len(sound) - 2.5 * RATE_HZ <= padding


def test_music_starts_where_it_is_placed_at_any_rate(tmp_path):
    source = tmp_path / "film.mp4"
    draw_film(source, seconds=2.0, cuts_s=(1.0,), sound=False)
    first = click_mix(tmp_path / "a.wav", 100, length=2000)
    second = click_mix(tmp_path / "b.wav", 4410, length=44_100, rate_hz=44_100)
    placed = [
        PlacedMix(first.path, RationalTime(12, Fraction(24))),
        PlacedMix(second.path, RationalTime(24, Fraction(24))),
    ]
    sound, _ = sound_of(mux_scored(source, placed, tmp_path / "scored", silent_progress()))
    assert int(np.argmax(sound[:40_000])) == 24_100
    assert abs(int(np.argmax(sound[40_000:])) + 40_000 - 52_800) <= 1


def test_production_sound_stays_as_loud_as_it_was_and_as_a_track_of_its_own(tmp_path):
    source = tmp_path / "film.mp4"
    draw_film(source, seconds=2.0, cuts_s=(1.0,))
    scored = mux_scored(source, [], tmp_path / "scored", silent_progress())
    with av.open(str(scored)) as container:
        mixed, original = container.streams.audio
        assert mixed.disposition & av.stream.Disposition.default
        assert not original.disposition & av.stream.Disposition.default
        copied = [bytes(packet) for packet in container.demux(original) if packet.size]
    with av.open(str(source)) as container:
        assert copied == [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    before, after = sound_of(source)[0], sound_of(scored)[0]
    middle = slice(20_000, 80_000)
    assert np.std(after[middle]) == pytest.approx(np.std(before[middle]), rel=0.02)
    shift = np.correlate(after[20_000:24_000], before[20_200:23_800]).argmax()
    assert abs(int(shift) - 200) <= 1, "sound and picture drifted apart"


def test_loud_sound_and_loud_music_together_do_not_clip(tmp_path):
    source = tmp_path / "film.mp4"
    draw_film(source, seconds=2.0, cuts_s=(1.0,))
    time = np.arange(2 * RATE_HZ)
    loud = 0.98 * np.sin(2 * np.pi * 220 * time / RATE_HZ)[:, None].repeat(2, axis=1)
    soundfile.write(tmp_path / "m.wav", loud, RATE_HZ, subtype="PCM_24")
    scored = mux_scored(
        source, [PlacedMix(tmp_path / "m.wav", ZERO)], tmp_path / "scored", silent_progress()
    )
    sound, _ = sound_of(scored)
    assert 0.7 < np.abs(sound).max() <= 10 ** (-1.0 / 20)


def test_no_music_at_all_is_a_film_too(tmp_path):
    source = tmp_path / "film.mp4"
    draw_film(source, seconds=1.0, cuts_s=(0.5,), sound=False)
    scored = mux_scored(source, [], tmp_path / "scored", silent_progress())
    check_parity(source, scored)
    assert np.abs(sound_of(scored)[0]).max() < 1e-4


def test_timecode_and_title_are_kept(tmp_path):
    source = tmp_path / "film.mov"
    with av.open(str(source), "w") as container:
        container.metadata["title"] = "The film"
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["timecode"] = "01:00:00:00"
        for index in range(24):
            picture = np.full((48, 64, 3), index * 10, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    scored = mux_scored(source, [], tmp_path / "scored", silent_progress())
    assert probe_film(scored).start_timecode == probe_film(source).start_timecode is not None
    with av.open(str(scored)) as container:
        assert container.metadata["title"] == "The film"


# What goes wrong


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_cancelling_leaves_nothing_behind(tmp_path, share):
    source = tmp_path / "film.mp4"
    draw_film(source, seconds=3.0, cuts_s=(1.0,))
    mix = click_mix(tmp_path / "m.wav", 0)
    before, cancelled = entries(tmp_path), Event()

    def cancel(fraction: float, note: str) -> None:
        if fraction >= share:
            cancelled.set()

    with pytest.raises(JobCancelledError):
        mux_scored(source, [mix], tmp_path / "scored", ProgressSink(cancel, cancelled))
    assert entries(tmp_path) == before


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    source = tmp_path / "film.mp4"
    draw_film(source, seconds=2.0, cuts_s=(1.0,))
    before = entries(tmp_path)

    class FullFile:
        def __init__(self, file):
            self.file = file
            self.seek, self.tell, self.read = file.seek, file.tell, file.read
            self.seekable = file.seekable

        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    real = av.open
    monkeypatch.setattr(
        copying.av,
        "open",
        lambda file, mode="r", **more: real(FullFile(file) if mode == "w" else file, mode, **more),
    )
    with pytest.raises(DiskFullError):
        mux_scored(source, [], tmp_path / "scored", silent_progress())
    assert entries(tmp_path) == before


def test_a_picture_that_fits_nowhere_is_refused_in_a_sentence(tmp_path, monkeypatch):
    source = tmp_path / "film.mp4"
    draw_film(source, seconds=1.0, cuts_s=(0.5,), sound=False)
    before = entries(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("no such codec here")

    monkeypatch.setattr("emsync_server.rendering.mux.copy_film", refuse)
    with pytest.raises(OutputError, match="fits into no container"):
        mux_scored(source, [], tmp_path / "scored", silent_progress())
    assert entries(tmp_path) == before


def test_a_missing_film_or_mix_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"gone\.mp4"):
        mux_scored(tmp_path / "gone.mp4", [], tmp_path / "scored", silent_progress())
    source = tmp_path / "film.mp4"
    draw_film(source, seconds=1.0, cuts_s=(0.5,), sound=False)
    gone = PlacedMix(tmp_path / "gone.wav", ZERO)
    with pytest.raises(NotFoundError, match=r"gone\.wav"):
        mux_scored(source, [gone], tmp_path / "scored", silent_progress())
    (tmp_path / "text.wav").write_text("not a sound")
    with pytest.raises(InputError, match=r"text\.wav"):
        mux_scored(
            source, [PlacedMix(tmp_path / "text.wav", ZERO)], tmp_path / "scored", silent_progress()
        )


# Films of others


def edge_films() -> list[object]:
    listing = MEDIA / "edge" / "edge.json"
    if not listing.is_file():
        return [pytest.param("", id="no media")]
    expected = json.loads(listing.read_text(encoding="utf-8"))
    return [
        pytest.param(name, id=name[:20], marks=[pytest.mark.slow] if "8k_" in name[:7] else [])
        for name, entry in expected.items()
        if entry["expect"] != "reject"
    ]


@pytest.mark.media
@pytest.mark.parametrize("name", edge_films())
def test_odd_films_keep_their_picture_and_get_their_music(media, tmp_path, name):
    source = media / "edge" / name
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    scored = mux_scored(
        source, [click_mix(tmp_path / "m.wav", 2400)], tmp_path / "scored", silent_progress()
    )
    check_parity(source, scored)
    length = length_of(source)
    if (stated := audio_ticks(scored)) is not None:
        assert abs(stated - length) <= Fraction(1, RATE_HZ)
    else:
        assert len(sound_of(scored)[0]) == round(length * RATE_HZ)
    assert sound_of(scored)[1] == 0.0
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before


@pytest.mark.media
@pytest.mark.parametrize("name", ["audio_only.m4a", "empty.mp4", "text.mp4", "zero_frames.mp4"])
def test_what_is_no_film_is_refused(media, tmp_path, name):
    with pytest.raises(MediaError):
        mux_scored(media / "edge" / name, [], tmp_path / "scored", silent_progress())
    assert not entries(tmp_path)
