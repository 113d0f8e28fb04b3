"""Rendered audio: stems per instrument family, their mix, and how it makes room for speech."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import isfinite
from pathlib import PurePosixPath

from emsync.family import Family

__all__ = ["GainCurve", "GainPoint", "LoudnessTarget", "SampleFormat", "Stem", "StemSet"]


class LoudnessTarget(Enum):
    """Integrated loudness of the music, by the name of its norm (ITU-R BS.1770)."""

    EBU_R128 = "ebu-r128"  # -23 LUFS
    ATSC_A85 = "atsc-a85"  # -24 LKFS
    STREAMING = "streaming"  # -14 LUFS
    UNDER_DIALOGUE = "under-dialogue"  # relative to the production sound

    @property
    def loudness_lufs(self) -> float | None:
        """The absolute target; None where it follows the production sound."""
        return _TARGETS_LUFS[self]


_TARGETS_LUFS: dict[LoudnessTarget, float | None] = {
    LoudnessTarget.EBU_R128: -23.0,
    LoudnessTarget.ATSC_A85: -24.0,
    LoudnessTarget.STREAMING: -14.0,
    LoudnessTarget.UNDER_DIALOGUE: None,
}


class SampleFormat(Enum):
    """How each sample of a rendered file is written."""

    PCM_16 = "pcm-16"
    PCM_24 = "pcm-24"
    FLOAT_32 = "float-32"


@dataclass(frozen=True, slots=True)
class GainPoint:
    """Gain at one moment of the cue."""

    time_s: float
    gain_db: float


@dataclass(frozen=True, slots=True)
class GainCurve:
    """Gain over the cue, linear in decibels between points: automation, never baked into stems."""

    points: tuple[GainPoint, ...] = ()

    def __post_init__(self) -> None:
        if any(later.time_s <= earlier.time_s for earlier, later in pairwise(self.points)):
            raise ValueError("the points of a gain curve must follow one another in time")


@dataclass(frozen=True, slots=True)
class Stem:
    """One family's audio."""

    family: Family
    path: str
    """File name, relative to the stem set's folder."""
    peak_db: float
    """Sample peak in dBFS."""

    def __post_init__(self) -> None:
        _check_inside(self.path)


@dataclass(frozen=True, slots=True)
class StemSet:
    """The stems of a take: same start, same length, their sum is the music."""

    cue: str
    stems: tuple[Stem, ...]
    mix: str
    """File name of the mix (the sum of the stems), relative to the folder."""
    sample_rate_hz: int
    length_samples: int
    """Of each file: the cue and its tail."""
    tail_samples: int
    """How much of each file lies after the cue's out-point."""
    loudness_lufs: float
    true_peak_db: float
    target: LoudnessTarget
    ducking: GainCurve
    synthesizer: str
    """Name of the synthesiser and its soundfont."""

    def __post_init__(self) -> None:
        _check_inside(self.mix)

    @property
    def is_silent(self) -> bool:
        """Whether nobody plays: no stems, or nothing in them."""
        return not any(isfinite(stem.peak_db) for stem in self.stems)

    @property
    def silence_warning(self) -> tuple[str, ...]:
        """A sentence where nobody plays."""
        if not self.is_silent:
            return ()
        return (
            f"'{self.cue}' is silent: no note of its take is heard. Compose it with another seed "
            "or for other instruments, or undo what emptied its MIDI file.",
        )


def _check_inside(name: str) -> None:
    """A file name relative to the stem set's folder, that does not lead out of it."""
    path = PurePosixPath(name)
    if not path.name or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise ValueError(f"a stem lies inside the stem set's folder; {name!r} does not")
