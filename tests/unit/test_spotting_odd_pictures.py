"""Films that are no ordinary film: nothing fails, and little is claimed where little is known."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from emsync.settings import SpotSettings
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot

SECONDS = 6
WIDE = 0.5
"""Half the 80 % band, where nothing is known at all, is 0.64. A band is wide that reaches half as
far as the axis does, up and down: joy and gloom, calm and tension may both be meant."""
BAND_DEVIATIONS = 1.2816
Picture = NDArray[np.uint8]


def credits(time_s: float, size: tuple[int, int]) -> Picture:
    """White lines that roll over black."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    for line in range(12):
        y = int(size[1] + 30 * line - 40 * time_s)
        cv2.putText(picture, f"Gaffer {line}", (40, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6,
                    (230,) * 3)  # fmt: skip
    return picture


def test_card(time_s: float, size: tuple[int, int]) -> Picture:
    """Eight bars that stand still."""
    bars = [(r, g, b) for g in (235, 16) for r in (235, 16) for b in (235, 16)]
    row = np.repeat(np.array(bars, np.uint8), -(-size[0] // 8), axis=0)[: size[0]]
    return np.broadcast_to(row, (size[1], size[0], 3)).copy()


test_card.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test


def walk(time_s: float, size: tuple[int, int]) -> Picture:
    """A light disc crosses a field; a cut to another field in the middle."""
    ground = (60, 120, 70) if time_s < SECONDS / 2 else (150, 110, 60)
    picture = np.full((size[1], size[0], 3), ground, np.uint8)
    middle = (int(size[0] * time_s / SECONDS), size[1] // 2)
    cv2.circle(picture, middle, min(size) // 5, (240, 220, 200), -1)
    return picture


def grey(time_s: float, size: tuple[int, int]) -> Picture:
    return np.repeat(walk(time_s, size).mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)


def black(time_s: float, size: tuple[int, int]) -> Picture:
    return np.zeros((size[1], size[0], 3), np.uint8)


def tone(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.1 * np.sin(2 * np.pi * 1000 * time_s)


def chords(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Music alone: three voices that change each second."""
    step = np.floor(time_s) % 4
    parts = [np.sin(2 * np.pi * hz * 2 ** (step / 12) * time_s) for hz in (220, 277.2, 329.6)]
    return 0.08 * np.sum(parts, axis=0) * np.exp(-2 * (time_s % 1))


def draw(path, picture, size, rate, sound: Callable | None) -> None:
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=rate)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("aac", rate=44_100) if sound else None
        for index in range(SECONDS * rate):
            frame = av.VideoFrame.from_ndarray(picture(index / rate, size), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            heard = sound(np.arange(SECONDS * 44_100) / 44_100).astype(np.float32)
            for start in range(0, len(heard), 1024):
                piece = av.AudioFrame.from_ndarray(heard[None, start : start + 1024].copy(),
                                                   format="fltp", layout="mono")  # fmt: skip
                piece.sample_rate, piece.pts = 44_100, start
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))


@pytest.mark.parametrize(
    ("picture", "size", "rate", "sound"),
    [
        pytest.param(credits, (480, 270), 24, None, id="end credits"),
        pytest.param(test_card, (480, 270), 25, tone, id="test card"),
        pytest.param(black, (480, 270), 24, None, id="black", marks=pytest.mark.slow),
        pytest.param(test_card, (480, 270), 25, None, id="mute card", marks=pytest.mark.slow),
        pytest.param(walk, (270, 480), 24, chords, id="vertical"),
        pytest.param(grey, (480, 360), 18, None, id="black and white", marks=pytest.mark.slow),
        pytest.param(walk, (480, 270), 8, chords, id="8 fps", marks=pytest.mark.slow),
        pytest.param(walk, (3840, 2160), 8, None, id="4K", marks=pytest.mark.slow),
        pytest.param(walk, (480, 270), 24, None, id="no sound", marks=pytest.mark.slow),
        pytest.param(walk, (480, 270), 24, chords, id="music only", marks=pytest.mark.slow),
    ],
)
def test_an_odd_film_is_spotted_and_little_is_claimed_of_it(
    tmp_path, monkeypatch, picture, size, rate, sound
):
    monkeypatch.setenv("EMSYNC_CACHE", str(tmp_path / "cache"))
    draw(tmp_path / "film.mp4", picture, size, rate, sound)
    sheet = spot(tmp_path / "film.mp4", SpotSettings(), silent_progress())
    assert sheet.picture.rate == Fraction(rate)
    assert not sheet.picture.warnings
    points = sheet.cues[0].emotion.points
    # Nobody knows how such pictures are felt.
    for point in points:
        emotion, off = point.emotion, point.uncertainty
        assert BAND_DEVIATIONS * min(off.valence, off.arousal) > WIDE - 0.005
        assert max(abs(emotion.valence), abs(emotion.arousal)) < 0.4
    assert not any(vote.expert == "faces" for shot in sheet.shots for vote in shot.votes)
