"""The production sound lies under the picture to the sample."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from films_of_known_times import write_film, write_sounding_film

from emsync_server.media import probe_film, read_sound

CLICK = np.zeros(48_000)
CLICK[24_000] = 0.9  # half a second in


def heard(path, **how) -> np.ndarray:
    how = {"duration_s": Fraction(3), "channels": 1} | how
    return np.concatenate(list(read_sound(probe_film(path), **how)))


def test_a_click_is_where_it_was_put(tmp_path):
    write_sounding_film(tmp_path / "film.mkv", [(Fraction(0), CLICK)])
    sound = heard(tmp_path / "film.mkv")
    assert sound.shape == (144_000, 1)
    assert np.argmax(np.abs(sound[:, 0])) == 24_000


@pytest.mark.parametrize("start", [Fraction(1, 5), Fraction(1, 2)])
def test_what_sounds_before_the_first_frame_is_left_out(tmp_path, start):
    write_sounding_film(tmp_path / "film.mkv", [(Fraction(0), CLICK)], picture_start=start)
    sound = heard(tmp_path / "film.mkv")
    assert np.argmax(np.abs(sound[:, 0])) == 24_000 - round(start * 48_000)


def test_holes_and_a_late_start_are_silence(tmp_path):
    tone = np.full(4_800, 0.5)
    blocks = [(Fraction(1, 2), tone), (Fraction(2), tone)]
    write_sounding_film(tmp_path / "film.mkv", blocks)
    sound = heard(tmp_path / "film.mkv")[:, 0]
    loud = np.flatnonzero(np.abs(sound) > 0.25)
    assert (loud[0], loud[-1]) == (24_000, 100_799)
    assert not np.any(sound[28_900:95_900])
    assert len(loud) == 9_600


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_gives_exactly_the_samples_asked_for(tmp_path, rate_hz, channels):
    write_sounding_film(tmp_path / "film.mkv", [(Fraction(0), CLICK)])
    length = Fraction(2001, 1001)
    blocks = list(
        read_sound(
            probe_film(tmp_path / "film.mkv"),
            rate_hz=rate_hz,
            channels=channels,
            duration_s=length,
            block_samples=5_000,
        )
    )
    sound = np.concatenate(blocks)
    assert sound.shape == (round(length * rate_hz), channels)
    assert sound.dtype == np.float32
    assert all(len(block) == 5_000 for block in blocks[:-1])
    peak = np.argmax(np.abs(sound[:, 0]))
    assert peak == pytest.approx(rate_hz / 2, abs=2)


def test_a_stretch_can_be_sought(tmp_path):
    blocks = [(Fraction(second), CLICK * (1 + second) / 14) for second in range(12)]
    write_sounding_film(tmp_path / "film.mkv", blocks, seconds=12)
    sound = heard(tmp_path / "film.mkv", start_s=Fraction(9), duration_s=Fraction(2))[:, 0]
    assert np.flatnonzero(np.abs(sound) > 0.1).tolist() == [24_000, 72_000]
    assert sound[24_000] == pytest.approx(0.9 * 10 / 14, abs=1e-3)


def test_a_film_without_sound_is_silence(tmp_path):
    write_film(tmp_path / "film.mp4", range(24))
    sound = heard(tmp_path / "film.mp4", duration_s=Fraction(1), channels=2)
    assert sound.shape == (48_000, 2)
    assert not sound.any()


def test_the_sound_may_be_shorter_or_longer_than_asked(tmp_path):
    write_sounding_film(tmp_path / "film.mkv", [(Fraction(0), CLICK)])
    assert len(heard(tmp_path / "film.mkv", duration_s=Fraction(1, 10))) == 4_800
    assert len(heard(tmp_path / "film.mkv", duration_s=Fraction(20))) == 960_000
