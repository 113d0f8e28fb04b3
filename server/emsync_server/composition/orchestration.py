"""Who plays when the brief does not say: ensembles by style and mood, film-music fashion."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import numpy as np

from emsync.cue import Style
from emsync.family import Family
from emsync_server.composition.instruments import INSTRUMENT_INDEX, INSTRUMENTS

Random = np.random.Generator
Ensemble = frozenset[int]


class Mood(Enum):
    """Quadrants of the circumplex."""

    CALM_BRIGHT = "calm, pleasant"
    CALM_DARK = "calm, unpleasant"
    EXCITED_BRIGHT = "excited, pleasant"
    EXCITED_DARK = "excited, unpleasant"


def mood_of(valence: float, arousal: float) -> Mood:
    """The quadrant of an emotion."""
    if arousal < 0:
        return Mood.CALM_BRIGHT if valence >= 0 else Mood.CALM_DARK
    return Mood.EXCITED_BRIGHT if valence >= 0 else Mood.EXCITED_DARK


def _named(names: str) -> Ensemble:
    return frozenset(INSTRUMENT_INDEX[name] for name in names.split())


_STYLES: dict[Style, tuple[Ensemble, dict[Mood, Ensemble]]] = {
    Style.ORCHESTRAL: (
        _named("string_ensemble contrabass french_horn"),
        {
            Mood.CALM_BRIGHT: _named("cello oboe violin harp celesta"),
            Mood.CALM_DARK: _named("cello viola violin piano"),
            Mood.EXCITED_BRIGHT: _named("trombone trumpet flute piano timpani"),
            Mood.EXCITED_DARK: _named("brass_section trombone cello piano timpani"),
        },
    ),
    Style.GAME: (
        _named("string_ensemble contrabass"),
        {
            Mood.CALM_BRIGHT: _named("piano harp celesta cello"),
            Mood.CALM_DARK: _named("piano pad french_horn cello"),
            Mood.EXCITED_BRIGHT: _named("french_horn trumpet violin piano drum_kit"),
            Mood.EXCITED_DARK: _named("french_horn brass_section piano drum_kit timpani cello"),
        },
    ),
    Style.CHAMBER: (_named("violin viola cello contrabass piano"), {}),
    Style.PIANO: (_named("piano"), {}),
    Style.SONG: (_named("piano violin cello"), {}),
    Style.BAND: (
        _named("electric_bass clean_guitar drum_kit electric_piano"),
        {
            Mood.CALM_BRIGHT: _named("acoustic_guitar pad"),
            Mood.CALM_DARK: _named("pad"),
            Mood.EXCITED_BRIGHT: _named("overdriven_guitar brass_section"),
            Mood.EXCITED_DARK: _named("overdriven_guitar synth_strings"),
        },
    ),
    Style.FOLK: (
        _named("acoustic_guitar violin acoustic_bass accordion"),
        {
            Mood.CALM_BRIGHT: _named("recorder folk_plucked"),
            Mood.CALM_DARK: _named("cello"),
            Mood.EXCITED_BRIGHT: _named("recorder folk_plucked drum_kit"),
            Mood.EXCITED_DARK: _named("cello drum_kit"),
        },
    ),
}
"""Per style: who always plays, and who joins in which mood. Everywhere somebody makes struck or
plucked chords: that is who marks the accents.
"""

_MARKERS: dict[tuple[Style, Mood], Ensemble] = {
    **{(Style.ORCHESTRAL, mood): _named("piano celesta") for mood in Mood},
    (Style.GAME, Mood.EXCITED_BRIGHT): _named("piano"),
    (Style.GAME, Mood.EXCITED_DARK): _named("piano"),
}
"""Who only marks accents, where the brief leaves the players to us: an orchestra's piano gives a
chord its edge and is no soloist.
"""

_OF_FAMILY: dict[Family, Ensemble] = {
    Family.STRINGS: _named("string_ensemble violin cello contrabass pizzicato_strings"),
    Family.WOODWINDS: _named("flute oboe clarinet bassoon"),
    Family.BRASS: _named("trumpet french_horn trombone tuba"),
    Family.CHOIR: _named("choir"),
    Family.KEYS: _named("piano celesta"),
    Family.PLUCKED: _named("harp acoustic_guitar"),
    Family.BASS: _named("acoustic_bass electric_bass"),
    Family.SYNTH: _named("pad synth_strings"),
    Family.PERCUSSION: _named("timpani drum_kit tubular_bells vibraphone"),
}
"""Who stands for a family that the brief asks for."""

_SUSPENSE: dict[Style, Ensemble] = {
    Style.ORCHESTRAL: _named(
        "string_ensemble contrabass french_horn tremolo_strings cello violin clarinet piano timpani"
    ),
    Style.GAME: _named("string_ensemble contrabass tremolo_strings cello violin pad piano timpani"),
    Style.BAND: _named("electric_bass clean_guitar electric_piano synth_strings pad"),
    Style.FOLK: _named("acoustic_guitar violin acoustic_bass accordion cello"),
}
"""Who plays where it is excited, dark and held back: tremolo and low strings, no drum kit."""

SOLOS: Ensemble = _named(
    "piccolo flute recorder oboe english_horn clarinet bassoon saxophone trumpet tuba violin viola "
    "cello contrabass acoustic_bass electric_bass synth_bass lead_saw timpani"
)
"""Who plays one line, two notes at once at the most."""

STRIKERS: Ensemble = _named(
    "pizzicato_strings piano electric_piano harpsichord celesta harp acoustic_guitar clean_guitar "
    "folk_plucked timpani glockenspiel vibraphone marimba tubular_bells taiko drum_kit"
)
"""Who can mark an accent: tones that begin at once, in every register used here."""

SHARP: Ensemble = _named("piano electric_piano harpsichord celesta marimba")
"""Whose beginnings are told apart best, 40 ms after one another too (BENCHMARKS.md, 'Attacks')."""

HEAVY: Ensemble = _named("timpani tubular_bells taiko drum_kit")
"""Who marks it with one note."""

PERCUSSION: Ensemble = frozenset(
    i for i, instrument in enumerate(INSTRUMENTS) if instrument.family is Family.PERCUSSION
)


def default_style(rng: Random, valence: float, arousal: float) -> Style:
    """A style for a cue whose brief names none, by its mean emotion."""
    weights = {
        Mood.CALM_BRIGHT: (0.55, 0.25, 0.10, 0.10),
        Mood.CALM_DARK: (0.50, 0.30, 0.10, 0.10),
        Mood.EXCITED_BRIGHT: (0.60, 0.40, 0.0, 0.0),
        Mood.EXCITED_DARK: (0.50, 0.50, 0.0, 0.0),
    }[mood_of(valence, arousal)]
    choice = rng.choice(4, p=weights)
    return (Style.ORCHESTRAL, Style.GAME, Style.CHAMBER, Style.PIANO)[int(choice)]


def markers_for(style: Style, mood: Mood, families: Iterable[Family]) -> Ensemble:
    """Players of the ensemble who play at landings only."""
    return frozenset() if tuple(families) else _MARKERS.get((style, mood), frozenset())


def ensemble_for(
    style: Style, mood: Mood, families: Iterable[Family], *, suspense: bool = False
) -> Ensemble:
    """Who plays; where families are asked for, these and no others, a striker of theirs among
    them.

    suspense: whether excited dark music holds back
    """
    core, joining = _STYLES[style]
    usual = core | joining.get(mood, frozenset())
    if suspense and mood is Mood.EXCITED_DARK:
        usual = _SUSPENSE.get(style, usual)
    asked = tuple(families)
    if not asked:
        return usual
    chosen: Ensemble = frozenset()
    for family in asked:
        playing = frozenset(i for i in usual if INSTRUMENTS[i].family is family)
        enough = len(playing) > 1 and family is not Family.PERCUSSION  # drums make no chord
        chosen |= playing if enough else playing | _OF_FAMILY[family]
    if chosen & STRIKERS:
        return chosen
    return chosen.union(*(_OF_FAMILY[family] & STRIKERS for family in asked))
