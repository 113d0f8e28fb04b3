"""From a cue to what the composer is asked for: the brief's gaps are filled from the emotion and
the seed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emsync.cue import Cue, Mode
from emsync.cue import Style as CueStyle
from emsync.emotion import ShotNotes
from emsync.score import TempoMap
from emsync_server.composition.form import BarPlace, plan_form
from emsync_server.composition.orchestration import (
    Mood,
    default_style,
    ensemble_for,
    markers_for,
    mood_of,
)
from emsync_server.composition.representation import STEPS_PER_QUARTER, Style
from emsync_server.composition.request import BarRequest, CueRequest
from emsync_server.composition.suspense import holds_back
from emsync_server.composition.tempo_target import tempo_of_arousal

__all__ = ["asked_tempo", "request_for"]

Random = np.random.Generator
Floats = NDArray[np.float64]

SMOOTHING_S = 12.0  # tempo follows the arousal of about this long
TEMPO_CONTRAST = 0.6  # tempo follows the cue's swings of arousal by this share
SECTION_S = 8.0  # ensemble and mode hold at least this long
LAST_SECTION_S = 10.0  # nothing changes so shortly before the end: it must come home
MODE_EDGE = 0.12  # valence must pass this to change the mode
REST_DENSITY = 7.5  # notes a second at rest, where the brief is silent
DENSITY_OCTAVES = 1.1  # of density for one of arousal
LEAST_DENSITY, GREATEST_DENSITY = 1.5, 14.0  # notes a second at brief densities 0 and 1
COLOUR = {
    CueStyle.ORCHESTRAL: 0.9, CueStyle.CHAMBER: 0.5, CueStyle.PIANO: 0.5, CueStyle.SONG: 0.4,
    CueStyle.GAME: 0.3, CueStyle.FOLK: 0.2,
}  # fmt: skip
"""How likely a chord is led to by its own dominant: real orchestral pieces leave their scale most;
all leave it in some (of a minute of real music one note in a hundred at the least)."""
RIFFS = frozenset({CueStyle.BAND, CueStyle.GAME})
"""Styles that loop: of real band and game music four bars in five come again."""
LOOP_DENSER = 1.2
"""Real band and game music is at least half as dense again as what others play; so far as arousal
leaves room."""
TONICS: dict[CueStyle, tuple[int, ...]] = dict.fromkeys(CueStyle, tuple(range(12))) | {
    CueStyle.BAND: (4, 9, 2, 11, 4, 6, 9, 7, 2, 0, 1, 5),
    CueStyle.FOLK: (4, 11, 9, 2, 6, 4, 11, 9, 2, 6, 7, 0),
}
"""Of minor keys (their relatives have the same notes), to draw from: guitars and fiddles lie best
in few sharps."""
RING_S = (1.5, 4.0)  # how long the last chord rings, where the cue leaves room

_STYLE_WORD: dict[CueStyle, Style | None] = {
    CueStyle.ORCHESTRAL: Style.ORCHESTRAL,
    CueStyle.CHAMBER: Style.CHAMBER,
    CueStyle.PIANO: Style.PIANO,
    CueStyle.SONG: Style.SONG,
    CueStyle.GAME: Style.HYBRID,
    CueStyle.BAND: Style.BAND,
    CueStyle.FOLK: None,  # the network knows no such word; the instruments say it
}


def asked_tempo(cue: Cue, rng: Random) -> Callable[[float], float]:
    """The tempo the emotion asks for, in seconds from the start of the cue; a little of it is the
    seed's.
    """
    length_s = float(cue.range.duration.seconds)
    moments = np.linspace(0, length_s, max(int(length_s / 0.5), 1) + 1)
    start_s, felt = float(cue.range.start.seconds), cue.felt
    arousal = np.array([felt.at(start_s + moment).arousal for moment in moments.tolist()])
    width = max(int(SMOOTHING_S / max(moments[1] - moments[0], 1e-3)), 1)
    smooth = _box_mean(arousal, width)
    mean = float(arousal.mean())
    limits = cue.brief.tempo_bpm
    if limits is not None:
        low, high = limits
        bpm = low * (high / low) ** ((smooth + 1) / 2)
    else:
        taste = 2 ** rng.uniform(-0.07, 0.07)
        swing = mean + TEMPO_CONTRAST * (smooth - mean)
        bpm = taste * np.array([tempo_of_arousal(float(value)) for value in swing])
    return lambda time_s: float(np.interp(time_s, moments, bpm))


def request_for(
    cue: Cue,
    tempo_map: TempoMap,
    landings: tuple[int, ...],
    rng: Random,
    *,
    shots: Sequence[ShotNotes] = (),
) -> CueRequest:
    """Fill in everything that the brief leaves open.

    shots: what was seen and heard in the picture, which tells fear from anger where it can
    """
    start_s = float(cue.range.start.seconds)
    felt = cue.felt
    bars_felt = (
        felt.mean(start_s + left_s, start_s + right_s)
        for left_s, right_s, _ in _bar_times(tempo_map)
    )  # of all shots in a bar, by their time
    emotions = [(each.valence, each.arousal) for each in bars_felt]
    mean = np.mean(emotions, axis=0)
    style = cue.brief.style or default_style(rng, float(mean[0]), float(mean[1]))
    sections = _sections(tempo_map, emotions)
    suspense = holds_back(cue, emotions, shots, rng)
    bars = _bars(cue, tempo_map, emotions, sections, (style, _tonic(cue, style, rng), suspense))
    final_step = _final_step(tempo_map, bars, landings)
    bars, theme_bars = _formed((cue, style), bars, sections, (final_step, landings, suspense), rng)
    hits = tuple(float(hit.time.seconds) - start_s for hit in cue.hits)
    weights = tuple(hit.weight for hit in cue.hits if hit.locked)
    return CueRequest(
        tempo_map=tempo_map,
        style=_STYLE_WORD[style],
        bars=bars,
        landings=landings,
        hits_s=hits,
        final_step=final_step,
        key_is_asked=cue.brief.key is not None,
        theme_bars=theme_bars,
        riffs=style in RIFFS,
        suspense=suspense,
        weights=weights if len(weights) == len(landings) else (),
    )


def _box_mean(values: Floats, width: int) -> Floats:
    """Mean over a window around each value, shorter at the edges."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(index - width // 2, 0), np.minimum(index + width // 2 + 1, len(values))
    return np.asarray((total[high] - total[low]) / (high - low))


def _bar_times(tempo_map: TempoMap) -> list[tuple[float, float, float]]:
    """(start, end, middle) of each bar in seconds."""
    edges = [bar.start_q for bar in tempo_map.bars()] + [tempo_map.end_q]
    seconds = [float(tempo_map.seconds_at(edge)) for edge in edges]
    return [(left, right, (left + right) / 2) for left, right in pairwise(seconds)]


def _sections(tempo_map: TempoMap, emotions: list[tuple[float, float]]) -> list[tuple[Mood, Mode]]:
    """Mood and mode of each bar; they change only where emotion does, and not more often than
    SECTION_S.
    """
    times = _bar_times(tempo_map)
    valence, arousal = np.array(emotions).T
    valence, arousal = _box_mean(valence, 3), _box_mean(arousal, 3)
    sections: list[tuple[Mood, Mode]] = []
    since = 0.0
    for i, (start, _, _) in enumerate(times):
        asked = mood_of(valence[i], arousal[i])
        mode = Mode.MAJOR if valence[i] >= 0 else Mode.MINOR
        if sections:
            mood, mode_before = sections[-1]
            held = start - since < SECTION_S or times[-1][1] - start < LAST_SECTION_S
            near = abs(valence[i]) < MODE_EDGE
            asked = mood if held else asked
            mode = mode_before if held or near else mode
            if (asked, mode) != sections[-1]:
                since = start
        sections.append((asked, mode))
    return sections


def _tonic(cue: Cue, style: CueStyle, rng: Random) -> int:
    """Tonic of the minor key whose notes the cue uses; its major key is the relative. The cues of a
    film that share a seed draw others.
    """
    drawn = int(rng.integers(12))
    key = cue.brief.key
    if key is None:
        place = round(1000 * float(cue.range.start.seconds))
        return TONICS[style][(drawn + int(np.random.default_rng(place).integers(12))) % 12]
    return key.tonic if key.mode is Mode.MINOR else (key.tonic + 9) % 12


def _bars(
    cue: Cue,
    tempo_map: TempoMap,
    emotions: list[tuple[float, float]],
    sections: list[tuple[Mood, Mode]],
    taste: tuple[CueStyle, int, bool],
) -> tuple[BarRequest, ...]:
    style, tonic, suspense = taste
    bars: list[BarRequest] = []
    for bar, times, emotion, (mood, mode) in zip(
        tempo_map.bars(), _bar_times(tempo_map), emotions, sections, strict=True
    ):
        mode = cue.brief.key.mode if cue.brief.key else mode
        quarters = float(bar.length_q)
        bars.append(
            BarRequest(
                start_step=int(bar.start_q * STEPS_PER_QUARTER),
                steps=int(bar.length_q * STEPS_PER_QUARTER),
                start_s=times[0],
                tempo_bpm=60 * quarters / (times[1] - times[0]),
                valence=emotion[0],
                arousal=emotion[1],
                key=tonic + 12 if mode is Mode.MINOR else (tonic + 3) % 12,
                ensemble=ensemble_for(style, mood, cue.brief.families, suspense=suspense),
                density=_density(cue.brief.density, emotion[1], loops=style in RIFFS),
                markers=markers_for(style, mood, cue.brief.families),
            )
        )
    return tuple(bars)


def _formed(
    asked: tuple[Cue, CueStyle],
    bars: tuple[BarRequest, ...],
    sections: list[tuple[Mood, Mode]],
    planned: tuple[int, tuple[int, ...], bool],
    rng: Random,
) -> tuple[tuple[BarRequest, ...], int]:
    """The bars with their chords and with how much they recall the theme, and the theme's bars.

    planned: where the last chord begins, the landings, whether it holds back
    """
    cue, style = asked
    final_step, landings, suspense = planned
    final = bisect_right(bars, final_step, key=lambda bar: bar.start_step) - 1
    in_second_half = 2 * (final_step - bars[final].start_step) >= bars[final].steps
    places = [BarPlace(bar.key, mood) for bar, (mood, _) in zip(bars, sections, strict=True)]
    keep_key = cue.brief.key is not None
    valence = [bar.valence for bar in bars]
    form = plan_form(
        rng,
        places,
        valence,
        (final, in_second_half),
        keep_key=keep_key,
        landings=[*(_opened_by(step, bars) for step in landings), *_soft_bars(cue, bars)],
        suspense=suspense,
        colour=COLOUR.get(style, 0.0),
        riffs=style in RIFFS,
        plain=style is CueStyle.BAND,
    )
    formed = []
    for index, (bar, wanted) in enumerate(zip(bars, form.bars, strict=True)):
        chords = wanted.chords
        if not bar.halves:
            chords = (chords[int(index == final and in_second_half)],) * 2
        formed.append(
            replace(
                bar,
                chords=chords,
                recall=wanted.recall,
                phrase=wanted.phrase,
                letter=wanted.letter,
                theme_bar=wanted.theme_bar,
            )
        )
    return tuple(formed), form.theme_bars


def _opened_by(landing: int, bars: tuple[BarRequest, ...]) -> int:
    """The bar that a landing opens: its own, or the next where it falls late."""
    index = bisect_right(bars, landing, key=lambda bar: bar.start_step) - 1
    return index + int(2 * (landing - bars[index].start_step) >= bars[index].steps)


def _soft_bars(cue: Cue, bars: tuple[BarRequest, ...]) -> list[int]:
    """The bars that begin nearest to the hits that are not locked, the weightiest hit first."""
    start_s = float(cue.range.start.seconds)
    soft = sorted((hit for hit in cue.hits if not hit.locked), key=lambda hit: -hit.weight)
    starts = np.array([bar.start_s for bar in bars])
    return [int(np.abs(starts - (float(hit.time.seconds) - start_s)).argmin()) for hit in soft]


def _density(asked: float | None, arousal: float, *, loops: bool) -> float:
    """Notes a second: the brief's, leaning with the arousal."""
    if asked is None:
        rest = REST_DENSITY * (LOOP_DENSER if loops else 1.0)
        return float(rest * 2 ** (DENSITY_OCTAVES * arousal))
    return float(LEAST_DENSITY * (GREATEST_DENSITY / LEAST_DENSITY) ** asked * 2 ** (0.3 * arousal))


def _final_step(
    tempo_map: TempoMap, bars: tuple[BarRequest, ...], landings: tuple[int, ...]
) -> int:
    """The last chord: on the last hit if it can ring from there, else on the last downbeat that
    leaves room.
    """
    end_s = float(tempo_map.end_s)

    def rings(step: int) -> float:
        return end_s - float(tempo_map.seconds_at(Fraction(step, STEPS_PER_QUARTER)))

    last_hit = landings[-1] if landings else 0
    if last_hit and rings(last_hit) <= RING_S[1]:
        return last_hit
    downbeats = [bar.start_step for bar in bars if rings(bar.start_step) >= RING_S[0]]
    latest = max(downbeats, default=0)
    if latest > last_hit or rings(latest) <= RING_S[1]:
        return max(latest, last_hit)
    return last_hit
