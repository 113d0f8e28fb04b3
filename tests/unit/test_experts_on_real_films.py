"""What the built-in experts say about films whose content we know."""

import numpy as np
import pytest

from emsync_server.media import probe_film, read_sound
from emsync_server.spotting.experts import SoundWindow, open_expert

pytestmark = pytest.mark.media


def heard(path, rate_hz=16_000, seconds=12):
    probe = probe_film(path)
    blocks = read_sound(probe, rate_hz=rate_hz, channels=1, duration_s=seconds)
    return np.concatenate([block[:, 0] for block in blocks])


def windows(samples, length_s, rate_hz=16_000):
    size = round(length_s * rate_hz)
    return [SoundWindow(at / rate_hz, samples[at : at + size], rate_hz)
            for at in range(0, len(samples) - size, size)]  # fmt: skip


def test_a_piano_is_called_a_piano(media):
    readings = open_expert("sound_tags").read(windows(heard(media / "clips/chaplin.mp4", seconds=9),
                                                      2.992))  # fmt: skip
    best = [max(reading.tags, key=lambda tag: tag.probability) for reading in readings if reading]
    assert best
    assert all(tag.name == "piano" and tag.probability > 0.9 for tag in best)


@pytest.mark.parametrize(
    ("clip", "speaks"),
    [("nasa_13013.mp4", True), ("tos_battle.webm", False), ("chaplin.mp4", False)],
)
def test_talk_is_told_from_music_and_noise(media, clip, speaks):
    readings = open_expert("speech").read(windows(heard(media / "clips" / clip), 2.56))
    share = sum(reading is not None for reading in readings) / len(readings)
    assert share == 1.0 if speaks else share < 0.1


def test_a_battle_sounds_more_excited_than_a_puppet_play(media):
    expert = open_expert("sound_emotion")

    def arousal(clip):
        found = expert.read(windows(heard(media / "clips" / clip, 44_100, 7), 6.0, 44_100))
        return found[0].estimate.mean.arousal

    assert arousal("tos_battle.webm") > arousal("puppet_elf.webm") + 0.5
