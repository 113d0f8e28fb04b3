"""The production sound as rendering needs it: how loud it is, and how loud music under it may
be."""

from __future__ import annotations

from pathlib import Path

from emsync.errors import MediaError, NotFoundError, PathRefusedError
from emsync.score import Take
from emsync.stem import LoudnessTarget
from emsync_server.access import ANY_FILE, Access
from emsync_server.media import probe_film, read_sound
from emsync_server.progress import Progress
from emsync_server.rendering.ducking import QUIET_SOUND_LUFS
from emsync_server.rendering.loudness import Loudness, LoudnessMeter

__all__ = ["UNDER_SOUND_LU", "listen", "music_loudness_lufs"]

RATE_HZ = 48_000
UNDER_SOUND_LU = 6.0
"""How far music lies under the production sound where that is silent for a moment; ducking takes
it some 8 dB further down where it is not, 14 LU in all: within the 10 to 20 LU that mixers leave
for speech."""
LEAST_LUFS, GREATEST_LUFS = -42.0, -14.0
"""Music under a very quiet or very loud production sound stays in here."""
WITHOUT_SOUND_LUFS = -23.0
"""EBU R128, for want of a sound to follow."""


def listen(take: Take, progress: Progress, access: Access = ANY_FILE) -> Loudness | None:
    """Measure the production sound under a cue; None where the picture has none that can be read.

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
        heard += len(block)
    return meter.result()


def music_loudness_lufs(target: LoudnessTarget, sound: Loudness | None) -> float:
    """The integrated loudness that the music is brought to, before ducking."""
    if target.loudness_lufs is not None:
        return target.loudness_lufs
    if sound is None or sound.integrated_lufs <= QUIET_SOUND_LUFS:
        return WITHOUT_SOUND_LUFS
    return min(max(sound.integrated_lufs - UNDER_SOUND_LU, LEAST_LUFS), GREATEST_LUFS)
