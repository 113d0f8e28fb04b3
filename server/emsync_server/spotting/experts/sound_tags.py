"""What kind of sound it is, and which mood of music: musicnn with the tags of MagnaTagATune (what
plays: voices, instruments, loud, slow) and of the Million Song Dataset (genres and moods).

Trained on music. On street noise, talk and effects the nearest music is named, so its tags say
something about timbre there, and nothing about what makes the sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emsync_server.inference.network import Network
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.expert import SOUND_HZ, SoundWindow, WindowPlan
from emsync_server.spotting.experts.mel import MelShape, mel_power
from emsync_server.spotting.experts.readings import Floats, Reading, Tag

__all__ = ["PLAYED", "SOUND_TAGS_PLAN", "STYLED", "SoundTagsExpert"]

PLAYED = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast",
    "piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male",
    "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman",
    "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice",
    "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip
"""MagnaTagATune's tags, in the network's order."""
STYLED = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists",
    "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill",
    "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic",
    "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country",
    "easy listening", "sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock",
    "60s", "rnb", "indie pop", "sad", "House", "happy",
)  # fmt: skip
"""The Million Song Dataset's tags, in the network's order."""
FRAMES = 187
MEL = MelShape(rate_hz=SOUND_HZ, window=512, hop=256, bands=96)
SOUND_TAGS_PLAN = WindowPlan(length_s=FRAMES * MEL.hop / SOUND_HZ, hop_s=20.0)
"""Three seconds in twenty: the networks cost more than all else that listens, and nothing but the
words shown beside a shot rests on them."""
COMPRESSION = 10_000
SILENCE_DB = -60.0
"""Quieter windows hold nothing to name."""
TOP, LEAST = 5, 0.1
"""As many tags are told of each network, if they are at least as likely."""


class SoundTagsExpert:
    """Sound to tags. The embedding (500,): both networks' probabilities, then both their layers of
    200 before."""

    name = "sound_tags"

    def __init__(self, folder: Path = MODELS_FOLDER) -> None:
        """Load both networks of a folder."""
        self._networks = [
            Network.load(
                folder / f"sound_tags.{part}.onnx",
                inputs={"mel": (None, FRAMES, MEL.bands)},
                outputs={"tags": (None, len(PLAYED)), "features": (None, 200)},
            )
            for part in ("played", "styled")
        ]

    def read(self, items: Sequence[SoundWindow]) -> list[Reading | None]:
        """One reading for each window that is not silent."""
        readings: list[Reading | None] = [None] * len(items)
        heard = [index for index, item in enumerate(items) if _level_db(item.samples) > SILENCE_DB]
        if not heard:
            return readings
        mel = np.stack([_picture(items[index].samples) for index in heard])
        found = [network.run({"mel": mel}) for network in self._networks]
        tags = [np.asarray(each["tags"], np.float32) for each in found]
        layers = [np.asarray(each["features"], np.float32) for each in found]
        joined = np.concatenate((*tags, *layers), axis=1)
        for row, index in enumerate(heard):
            item = items[index]
            readings[index] = Reading(
                self.name,
                item.start_s,
                item.end_s,
                embedding=joined[row],
                tags=(*_named(PLAYED, tags[0][row]), *_named(STYLED, tags[1][row])),
            )
        return readings


def _level_db(samples: Floats) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


def _picture(samples: Floats) -> Floats:
    """(N,) to (187, 96), logarithmic."""
    mel = np.log10(1 + COMPRESSION * mel_power(samples, MEL))
    return np.asarray(np.pad(mel, ((0, max(0, FRAMES - len(mel))), (0, 0)))[:FRAMES], np.float32)


def _named(names: Sequence[str], probabilities: Floats) -> tuple[Tag, ...]:
    best = np.argsort(probabilities)[::-1][:TOP]
    return tuple(
        Tag(names[index], float(probabilities[index]))
        for index in best
        if probabilities[index] >= LEAST
    )
