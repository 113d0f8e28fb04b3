"""The production sound as rendering needs it: how loud it is, and how loud music under it may
be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync.errors import MediaError, NotFoundError, PathRefusedError
from emsync.score import Take
from emsync.stem import LoudnessTarget
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import probe_film, read_sound
from emsync_server.progress import Progress
from emsync_server.rendering.ducking import QUIET_SOUND_LUFS
from emsync_server.rendering.loudness import Loudness, LoudnessMeter
from emsync_server.rendering.speech import SpeechListener, speech_detector

__all__ = ["UNDER_SOUND_LU", "ProductionSound", "listen", "music_loudness_lufs"]

RATE_HZ = 48_000
UNDER_SOUND_LU = 6.0
"""How far music lies under the production sound where that is silent for a moment; ducking takes
it some 8 dB further down where it is not, 14 LU in all: within the 10 to 20 LU that mixers leave
for speech."""
UNDER_EFFECTS_LU = 3.0
"""The same where nobody speaks at all: effects leave room for music."""
LEAST_LUFS, GREATEST_LUFS = -42.0, -14.0
"""Music under a very quiet or very loud production sound stays in here."""
WITHOUT_SOUND_LUFS = -23.0
"""EBU R128, for want of a sound to follow."""


@dataclass(frozen=True, slots=True)
class ProductionSound:
    """The production sound under a cue."""

    loudness: Loudness
    spoken: NDArray[np.bool_] | None = None
    """Whether somebody speaks, by hops of the meter; None where nobody knows."""

    @property
    def has_speech(self) -> bool:
        """Whether somebody speaks in it, or might."""
        return self.spoken is None or bool(self.spoken.any())


def listen(take: Take, progress: Progress, access: Access = ANY_FILE) -> ProductionSound | None:
    """Hear the production sound under a cue; None where the picture has none that can be read.

    A timeline, or a film that has been moved away, is a picture without production sound here.
    """
    if take.picture.has_sound is False:
        return None
    try:
        probe = probe_film(Path(take.picture.source), access=access)
    except (MediaError, NotFoundError, PathRefusedError):
        progress.report(0.0, "no production sound to listen to")
        return None
    if probe.sound_index is None:
        return None
    duration_s = take.cue.range.duration.seconds
    meter = LoudnessMeter(RATE_HZ, measures_peak=False)
    detector = speech_detector()
    speech = SpeechListener(detector, RATE_HZ) if detector is not None else None
    heard = 0
    for block in read_sound(
        probe,
        rate_hz=RATE_HZ,
        start_s=take.cue.range.start.seconds,
        duration_s=duration_s,
        access=access,
    ):
        progress.report(heard / (RATE_HZ * float(duration_s)), "listening to the production sound")
        meter.add(block)
        if speech is not None:
            speech.add(block)
        heard += len(block)
    return ProductionSound(meter.result(), None if speech is None else speech.spoken())


def music_loudness_lufs(target: LoudnessTarget, sound: ProductionSound | None) -> float:
    """The integrated loudness that the music is brought to, before ducking."""
    if target.loudness_lufs is not None:
        return target.loudness_lufs
    if sound is None or sound.loudness.integrated_lufs <= QUIET_SOUND_LUFS:
        return WITHOUT_SOUND_LUFS
    under_lu = UNDER_SOUND_LU if sound.has_speech else UNDER_EFFECTS_LU
    return min(max(sound.loudness.integrated_lufs - under_lu, LEAST_LUFS), GREATEST_LUFS)
