"""What each step is told beside its input: the same values for a call, a command and a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from pathlib import Path

from emsync.cue import Brief
from emsync.stem import LoudnessTarget, SampleFormat

__all__ = [
    "ComposeSettings",
    "MarkerRule",
    "MarkerUse",
    "RenderSettings",
    "ShotDetector",
    "SpotSettings",
]

MAX_TAKES = 16
MAX_SEED = 2**63 - 1
SAMPLE_RATES_HZ = (44_100, 48_000, 96_000)
MAX_DUCKING_DB = 24.0


class MarkerUse(Enum):
    """Which of the editor's markers the music must land on."""

    MEANT = "meant"  # those without words of their own, and those that say hit, sync, music …
    ALL = "all"
    NONE = "none"
    NAMED = "named"
    COLORED = "colored"


@dataclass(frozen=True, slots=True)
class MarkerRule:
    """Editors mark beats and also write notes ('fix colour here'): which markers become hits."""

    use: MarkerUse = MarkerUse.MEANT
    word: str = ""
    """What the name must be like (`door*`), or the colour (`red`)."""

    def __post_init__(self) -> None:
        needs_word = self.use in (MarkerUse.NAMED, MarkerUse.COLORED)
        if needs_word != bool(self.word.strip()):
            raise ValueError(f"markers '{self.use.value}' do not go with the word '{self.word}'")


class ShotDetector(Enum):
    """What finds the shot boundaries of a flat film."""

    FAST = "fast"  # emsync's own, inside the one decoding pass
    ACCURATE = "accurate"  # the same, and a second look where it is in doubt
    ADAPTIVE = "adaptive"  # PySceneDetect's, as it comes: this and the following
    CONTENT = "content"
    HASH = "hash"
    HISTOGRAM = "histogram"
    THRESHOLD = "threshold"


@dataclass(frozen=True, slots=True)
class SpotSettings:
    """How a film or timeline is looked at."""

    draft: bool = False
    """Look at packets and keyframes only, and ask no experts: faster, coarser."""
    min_spacing_s: float = 4.0
    """Least seconds between two hits that spotting selects; shorter where arousal is high."""
    brief: Brief = field(default_factory=Brief)
    """Put into each cue."""
    rate: Fraction | None = None
    """Frames per second of a timeline that states none (an EDL)."""
    markers: MarkerRule = field(default_factory=MarkerRule)
    """Which markers of a timeline become locked hits."""
    shots: ShotDetector = ShotDetector.FAST
    """What finds the boundaries of a flat film; a timeline knows its own, a draft uses none."""

    def __post_init__(self) -> None:
        if not 0.0 < self.min_spacing_s < float("inf"):
            raise ValueError(f"hits lie some seconds apart, not {self.min_spacing_s}")
        if self.rate is not None and self.rate <= 0:
            raise ValueError(f"a frame rate must be above zero, not {self.rate}")


@dataclass(frozen=True, slots=True)
class ComposeSettings:
    """How a cue is composed."""

    takes: int = 1
    """How many versions, 1 to 16."""
    seed: int = 0
    """Same seed, same music."""
    bars: tuple[int, int] | None = None
    """Compose only these bars anew, counted from 1; the second is not included."""

    def __post_init__(self) -> None:
        if not 1 <= self.takes <= MAX_TAKES:
            raise ValueError(f"there can be 1 to {MAX_TAKES} takes, not {self.takes}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"a seed is a whole number from 0 to 2⁶³ − 1, not {self.seed}")
        if self.bars is not None and not 1 <= self.bars[0] < self.bars[1]:
            raise ValueError(f"bars {self.bars[0]} to {self.bars[1]} are no range counted from 1")


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """How a take is rendered."""

    target: LoudnessTarget | None = None
    """None: under the dialogue where the film has sound, else EBU R128."""
    soundfont: Path | None = None
    """A General MIDI soundfont; None: the best one on the machine."""
    sample_rate_hz: int = 48_000
    """44100, 48000 or 96000."""
    sample_format: SampleFormat = SampleFormat.PCM_24
    ducking_depth_db: float = 9.0
    """By how much at most the mix, never a stem, makes room for the production sound; 0 to 24."""

    def __post_init__(self) -> None:
        if self.sample_rate_hz not in SAMPLE_RATES_HZ:
            raise ValueError(
                f"sound is rendered at {SAMPLE_RATES_HZ} Hz, not at {self.sample_rate_hz}"
            )
        if not 0.0 <= self.ducking_depth_db <= MAX_DUCKING_DB:
            raise ValueError(
                f"ducking goes from 0 to {MAX_DUCKING_DB:g} dB deep, not {self.ducking_depth_db}"
            )
