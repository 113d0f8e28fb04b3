"""What the composer is asked for, bar by bar: emotion, key, ensemble, density, landings, and where
the cue closes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from fractions import Fraction

from emsync.score import TempoMap
from emsync_server.composition.orchestration import Ensemble
from emsync_server.composition.representation import STEPS_PER_QUARTER, Style


@dataclass(frozen=True, slots=True)
class BarRequest:
    """What one bar should be."""

    start_step: int
    steps: int
    start_s: float
    tempo_bpm: float
    valence: float
    arousal: float
    key: int
    """0 to 11 C major to B major, 12 to 23 C minor to B minor."""
    ensemble: Ensemble
    """Who plays, markers among them."""
    density: float
    """Notes per second, drums aside."""
    chords: tuple[int, int] = (0, 0)
    """Of the bar's halves: root + 12 · kind."""
    recall: float = 0.0
    """How much it should recall the theme, 0 to 1."""
    phrase: int = 0
    letter: str = "A"
    """Of the phrase's material."""
    theme_bar: int | None = None
    """The bar of the theme that it restates."""
    markers: Ensemble = frozenset()
    """Those of the ensemble who play at landings only."""

    @property
    def players(self) -> Ensemble:
        """Who plays between the landings."""
        return self.ensemble - self.markers

    @property
    def end_step(self) -> int:
        """The first grid step after the bar."""
        return self.start_step + self.steps

    @property
    def seconds_per_step(self) -> float:
        """At the bar's mean tempo."""
        return 60 / self.tempo_bpm / STEPS_PER_QUARTER

    @property
    def halves(self) -> bool:
        """Whether the bar has two halves, of whole quarters each."""
        return self.steps % (2 * STEPS_PER_QUARTER) == 0

    def chord_at(self, step: int) -> int:
        """The chord at a step of the cue."""
        return self.chords[int(self.halves and 2 * (step - self.start_step) >= self.steps)]

    def steps_of_chord(self, step: int) -> int:
        """How long the chord at a step of the cue goes on, at the most to the end of the bar."""
        middle = self.start_step + self.steps // 2
        changes = self.halves and step < middle and self.chords[0] != self.chords[1]
        return (middle if changes else self.end_step) - step


@dataclass(frozen=True, slots=True)
class CueRequest:
    """A cue as the decoder sees it. Steps and seconds count from the start of the cue."""

    tempo_map: TempoMap
    style: Style | None
    bars: tuple[BarRequest, ...]
    landings: tuple[int, ...]
    """Grid steps of the locked hits, in order."""
    hits_s: tuple[float, ...]
    """All hits, locked or not, in order: what the network hears coming."""
    final_step: int
    """Where the last chord begins."""
    key_is_asked: bool = False
    """Whether the brief names the key."""
    theme_bars: int = 0
    """The first bars, so many, state the theme."""
    riffs: bool = False
    """Whether it is made of units that come again note by note."""
    suspense: bool = False
    """Whether excited dark music holds back instead of striking."""
    weights: tuple[float, ...] = ()
    """Of the locked hits, 0 to 1; empty where nobody knows."""

    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The first step of each bar."""
    _seconds: dict[int, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Of each step that was asked for: exact time is dear, and most notes share their moments."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", tuple(bar.start_step for bar in self.bars))

    @property
    def end_step(self) -> int:
        """The first step after the cue."""
        return self.bars[-1].end_step

    def seconds_at(self, step: int) -> float:
        """Seconds from the start of the cue."""
        if step not in self._seconds:
            time_q = Fraction(step, STEPS_PER_QUARTER)
            self._seconds[step] = float(self.tempo_map.seconds_at(time_q))
        return self._seconds[step]

    def step_at(self, time_s: float) -> float:
        """The inverse of `seconds_at`, between steps too."""
        quarters = self.tempo_map.quarters_at(Fraction(time_s))
        return float(quarters) * STEPS_PER_QUARTER

    def next_landing(self, step: int) -> int | None:
        """The first landing at or after a step."""
        index = bisect_left(self.landings, step)
        return self.landings[index] if index < len(self.landings) else None

    def bar_index_at(self, step: int) -> int:
        """The bar that a step lies in."""
        return bisect_right(self._starts, step) - 1
