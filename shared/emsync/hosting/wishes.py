"""What the person in the host asks for, and what each step is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from emsync.cue import Brief, Cue, CueSheet
from emsync.emotion import EmotionCurve, EmotionPoint, Mood, ValenceArousal
from emsync.errors import InputError
from emsync.score import Take
from emsync.settings import ComposeSettings, MarkerRule, RenderSettings, SpotSettings
from emsync.stem import LoudnessTarget
from emsync.timecode import RationalTime

__all__ = ["Wishes", "tempo_bpm_of", "with_key_of", "with_mood", "with_tempo_of"]

KEPT_TEMPO_SHARE = 0.04  # by how much a kept tempo may still give way to the hits
TEMPO_LIMITS_BPM = (20.0, 300.0)
SURE = ValenceArousal(0.05, 0.05)  # the person said so


@dataclass(frozen=True, slots=True)
class Wishes:
    """The brief as the host's panel shows it."""

    brief: Brief = field(default_factory=Brief)
    mood: Mood | None = None
    """None: what the picture says."""
    min_spacing_s: float = 4.0
    """Least seconds between two hits that spotting selects."""
    markers: MarkerRule = field(default_factory=MarkerRule)
    takes: int = 1
    seed: int = 0
    target: LoudnessTarget | None = None
    """None: under the dialogue where there is any."""
    keep_tempo: bool = False
    """As in the score that lies there now."""
    keep_key: bool = False
    """As in the score that lies there now; wins over the brief's key."""
    draft: bool = False

    def __post_init__(self) -> None:
        self.compose_settings()  # refuses what composition would, before anything is done
        self.spot_settings()

    def spot_settings(self) -> SpotSettings:
        """For spotting."""
        return SpotSettings(
            draft=self.draft,
            min_spacing_s=self.min_spacing_s,
            brief=self.brief,
            markers=self.markers,
        )

    def compose_settings(self, bars: tuple[int, int] | None = None) -> ComposeSettings:
        """For composition; bars counted from 1, the second not included."""
        return ComposeSettings(takes=self.takes, seed=self.seed, bars=bars)

    def render_settings(self) -> RenderSettings:
        """For rendering."""
        return RenderSettings(target=self.target)


def with_mood(sheet: CueSheet, mood: Mood | None) -> CueSheet:
    """The sheet with one emotion throughout; None: as it is."""
    if mood is None:
        return sheet
    return replace(sheet, cues=tuple(_in_mood(cue, mood) for cue in sheet.cues))


def with_key_of(sheet: CueSheet, take: Take) -> CueSheet:
    """The sheet that asks for the key of an earlier take; raises InputError where none knows it."""
    if take.key is None:
        raise InputError(
            "The score that lies there was made by an emsync that did not note its key. Name a key "
            "in the brief, or let the composer choose."
        )
    cues = [replace(cue, brief=replace(cue.brief, key=take.key)) for cue in sheet.cues]
    return replace(sheet, cues=tuple(cues))


def tempo_bpm_of(take: Take) -> float:
    """Quarters a minute, over the whole take."""
    return float(60 * take.tempo_map.end_q / take.tempo_map.end_s)


def with_tempo_of(sheet: CueSheet, take: Take) -> CueSheet:
    """The sheet that asks for about the tempo of an earlier take."""
    mean_bpm = tempo_bpm_of(take)
    least, greatest = TEMPO_LIMITS_BPM
    kept = (
        min(max(mean_bpm * (1 - KEPT_TEMPO_SHARE), least), greatest),
        min(max(mean_bpm * (1 + KEPT_TEMPO_SHARE), least), greatest),
    )
    cues: Sequence[Cue] = [
        replace(cue, brief=replace(cue.brief, tempo_bpm=kept)) for cue in sheet.cues
    ]
    return replace(sheet, cues=tuple(cues))


def _in_mood(cue: Cue, mood: Mood) -> Cue:
    start = RationalTime(cue.range.start.value, cue.range.start.rate)
    point = EmotionPoint(start, mood.place, SURE)
    return replace(cue, emotion=EmotionCurve((point,)))
