"""What every expert is: something that reads pictures, sound, words, or other experts' readings,
many at a time.

A new expert is one file with a class that satisfies `Expert`, and one row in `registry.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.experts.readings import Floats, Reading

__all__ = [
    "SOUND_HZ",
    "Expert",
    "ExpertRow",
    "Features",
    "Line",
    "Picture",
    "Sense",
    "ShotReadings",
    "SoundWindow",
    "Tier",
    "WindowPlan",
]

Item = TypeVar("Item", contravariant=True)

SOUND_HZ = 16_000
"""What experts hear, unless their plan asks for more: speech and music nets are trained on it."""


class Sense(Enum):
    """What an expert reads."""

    PICTURE = "picture"
    """`Picture` values: sampled frames."""
    SOUND = "sound"
    """`SoundWindow` values, all of the length and hop that its row asks for."""
    TEXT = "text"
    """`Line` values: words that other experts heard or saw."""
    READINGS = "readings"
    """`ShotReadings` values: heads on what other experts say about a shot."""
    FEATURES = "features"
    """`Features` values: trained networks on all that other experts say about a stretch."""


class Tier(Enum):
    """How an expert comes to a machine."""

    BUILT_IN = "built-in"
    """With emsync itself, or out of what pip installed beside it."""
    FULL = "full"
    """The published set: the user fetches its weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One sampled frame."""

    time_s: float
    """Picture time."""
    rgb: NDArray[np.uint8]
    """(H, W, 3), upright, black bars cut off, the long side at most 640."""


@dataclass(frozen=True, slots=True, eq=False)
class SoundWindow:
    """A stretch of production sound."""

    start_s: float
    """Picture time of the first sample; below 0 where the plan's lead reaches before the film."""
    samples: Floats
    """(N,) mono, full scale 1. Silence is there as zeros; no sound: no window."""
    rate_hz: int = SOUND_HZ

    @property
    def end_s(self) -> float:
        """Picture time after the last sample."""
        return self.start_s + len(self.samples) / self.rate_hz


@dataclass(frozen=True, slots=True)
class Line:
    """Words, and when they were said or shown."""

    start_s: float
    end_s: float
    text: str
    language: str | None = None
    """ISO 639-1 code; None: not known."""
    certainty: float = 1.0
    """How sure the one who heard or saw them is of them."""


@dataclass(frozen=True, slots=True)
class ShotReadings:
    """What has been read in one shot, by expert; who said nothing is not in it."""

    start_s: float
    end_s: float
    by_expert: Mapping[str, Reading]
    """One reading each: the mean over the shot (see `by_shot.py`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """All that experts said about a stretch of film, as arrays."""

    start_s: float
    end_s: float
    arrays: Mapping[str, NDArray[np.floating]]
    """(T, size) of each expert that read something; of an expert of words (size,), by who heard or
    saw them (`features.py`). What is missing is not in it."""


class Expert(Protocol[Item]):
    """Reads many items at once; one answer for each, None where it has nothing to say."""

    def read(self, items: Sequence[Item]) -> list[Reading | None]:
        """As many answers as items, in their order. Items of one batch are independent."""


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Which stretches of sound an expert wants."""

    length_s: float
    hop_s: float
    """From one start to the next; longer than `length_s` leaves holes and saves time."""
    lead_s: float = 0.0
    """By how much each window begins before the stretch that it is about; before the film there is
    silence."""
    rate_hz: int = SOUND_HZ
    least_s: float | None = None
    """So much must be left for the last window, which is filled up with silence; None: half of
    `length_s`."""


@dataclass(frozen=True, slots=True)
class ExpertRow:
    """One line of the registry: known before anything is loaded."""

    name: str
    tier: Tier
    sense: Sense
    open: Callable[[], Expert[Any]]
    """Loads it. Raises MissingPartError in a sentence where weights or a package are missing."""
    model: str | None = None
    """Name of its weights in the registry of models; None: it needs none of ours."""
    windows: WindowPlan | None = None
    """Of a sound expert."""
    batch: int = 8
    """Most items at once."""
    sources: tuple[str, ...] = ()
    """Of a head: the experts whose readings it needs, any one of them at least."""
    on_by_default: bool = True
    is_available: Callable[[], bool] = lambda: True
    """Whether this machine has what it needs beside our weights: a package, a folder."""
    needs: str = ""
    """What that is, for the person who wants it."""
    version: int = 1
    """Counts up when its readings change for another reason than its weights: cached ones are
    thrown away then."""
