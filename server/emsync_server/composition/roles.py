"""Who does what in a phrase: one sings, one carries the bass, some hold the harmony, one moves.

Each role has its own register: the bass below, harmony and figures between, the line on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.orchestration import PERCUSSION, SOLOS, Ensemble

Band = tuple[int, int]
"""The lowest and the highest pitch."""


class Role(Enum):
    """What a note is for."""

    BASS = "bass"
    PAD = "held harmony"
    FIGURE = "figure"
    LEAD = "line"
    DOUBLE = "doubles the line"
    STROKE = "tuned percussion"
    DRUMS = "drums"
    ACCENT = "struck chord at a landing"


SINGING = (Role.LEAD, Role.DOUBLE)


def _indices(names: str) -> tuple[int, ...]:
    return tuple(INSTRUMENT_INDEX[name] for name in names.split())


LEADS = _indices(
    "violin flute oboe french_horn cello clarinet trumpet piano english_horn recorder viola "
    "celesta harp acoustic_guitar choir string_ensemble electric_piano clean_guitar lead_saw "
    "lead_square saxophone accordion folk_plucked brass_section synth_strings vibraphone "
    "overdriven_guitar pad harpsichord rock_organ church_organ pizzicato_strings marimba trombone "
    "bassoon"
)
"""Who may sing, the likelier ones first."""
EXCITED_LEADS = _indices("french_horn trumpet violin brass_section overdriven_guitar lead_saw")
"""Who sings rather, where it is excited."""
_BASSES = _indices(
    "contrabass acoustic_bass electric_bass synth_bass tuba cello bassoon trombone piano "
    "church_organ rock_organ harp electric_piano synth_strings string_ensemble pad brass_section "
    "marimba accordion acoustic_guitar clean_guitar overdriven_guitar harpsichord saxophone "
    "french_horn"
)
_FIGURES = _indices(
    "harp piano acoustic_guitar clean_guitar electric_piano harpsichord folk_plucked celesta "
    "marimba vibraphone pizzicato_strings overdriven_guitar lead_square string_ensemble viola "
    "synth_strings clarinet violin flute recorder accordion cello"
)
_PADS = _indices(
    "string_ensemble choir pad synth_strings french_horn brass_section trombone accordion viola "
    "church_organ rock_organ atmosphere tremolo_strings cello clarinet bassoon electric_piano "
    "oboe english_horn piano acoustic_guitar clean_guitar trumpet flute violin saxophone harp"
)
_OCTAVES = _indices("violin string_ensemble flute piccolo synth_strings tremolo_strings oboe")
"""Who doubles a line an octave higher, the likelier ones first."""
_MIDDLES = {
    "violin": 76, "flute": 79, "recorder": 79, "piccolo": 88, "oboe": 75, "clarinet": 72,
    "english_horn": 68, "french_horn": 65, "cello": 57, "viola": 68, "trumpet": 71, "choir": 70,
    "string_ensemble": 77, "brass_section": 68, "celesta": 84, "saxophone": 68, "trombone": 62,
    "bassoon": 62, "acoustic_guitar": 69, "clean_guitar": 69, "overdriven_guitar": 69,
}  # fmt: skip
USUAL_MIDDLE, HALF_BAND = 74, 9  # where a line lies, and how far it goes from there
SHRILL = 88  # no line and no double goes higher, where its player has room below
LIFT = 6.0  # semitones that valence lifts it
OCTAVE = 12  # that a double lies above the line
BASS_BAND = (33, 52)
_BASS_BANDS = {"cello": (43, 57), "trombone": (43, 57), "bassoon": (41, 56)}
"""Of those who sound thick where a contrabass does not."""
_LEAST_HELD = {
    "violin": 66, "viola": 55, "cello": 46, "french_horn": 55, "clarinet": 60, "flute": 69,
    "oboe": 67, "trumpet": 62, "trombone": 46,
}  # fmt: skip
"""Where real parts of an instrument seldom lie below, on the whole; it holds no chord there."""
_MOST_HELD = {"cello": 60}
"""And above: it can, and then it sings."""
FIGURE_DROP = 5  # semitones that a figure may begin below where its player holds chords
PAD_FLOOR, LEAST_CEILING = 46, 60


@dataclass(frozen=True, slots=True)
class Casting:
    """The roles of a phrase; a player may have several where there are few."""

    lead: int | None
    bass: int | None
    figure: int | None
    pads: tuple[int, ...]
    double: int | None
    """Who joins the line an octave higher, where it is loud."""


def cast_phrase(players: Ensemble, *, turn: int, excited: bool) -> Casting:
    """The roles of a phrase among those who play.

    turn: the phrase's number; the line wanders through those who sing
    """
    pitched = players - PERCUSSION - {DRUM_KIT} or players - {DRUM_KIT}
    bass = _first(_BASSES, pitched)
    rest = pitched - {bass} if len(pitched) > 1 else pitched
    lead = _lead(rest or pitched, turn, excited=excited)
    rest = rest - {lead}
    figure = _first(_FIGURES, rest)
    if figure is None or (len(rest) == 1 and figure in _PADS[:3]):
        figure = _first(_FIGURES, frozenset(p for p in pitched if p not in SOLOS))
    pads = [player for player in _PADS if player in rest and player != figure]
    double = _first(_OCTAVES, pitched - {lead, bass})
    return Casting(lead, bass, figure, tuple(pads), double)


def singing_band(player: int, valence: float) -> Band:
    """Where a player sings: the higher the pleasanter, within comfortable reach."""
    played = INSTRUMENTS[player]
    middle = _MIDDLES.get(played.name, USUAL_MIDDLE) + round(LIFT * valence)
    low, high = played.low + 2, min(played.high - 3, SHRILL)
    middle = min(max(middle, low + HALF_BAND), max(high - HALF_BAND, low))
    return max(middle - HALF_BAND, low), min(middle + HALF_BAND, high)


def within(player: int, band: Band) -> Band:
    """A band moved by octaves and cut to what a player reaches."""
    played = INSTRUMENTS[player]
    low, high = band
    while high < played.low + 5:
        low, high = low + 12, high + 12
    while low > played.high - 5:
        low, high = low - 12, high - 12
    return max(low, played.low), min(high, played.high)


def bass_band(player: int) -> Band:
    """Where a player carries the bass."""
    return within(player, _BASS_BANDS.get(INSTRUMENTS[player].name, BASS_BAND))


def reached(player: int, band: Band) -> Band:
    """What a player reaches of a band, or what is nearest to it."""
    played = INSTRUMENTS[player]
    high = _MOST_HELD.get(played.name, played.high)
    low = min(max(band[0], _least_held(player)), high - 4)
    return low, max(min(band[1], high), low)


def least_moved(player: int) -> int:
    """The pitch that a player's figures keep above."""
    return _least_held(player) - FIGURE_DROP


def middle_bands(ceiling: int, count: int) -> list[Band]:
    """So many neighbouring bands between the bass and the line, which begin below `ceiling`."""
    top = max(ceiling, LEAST_CEILING)
    floor = max(PAD_FLOOR, top - 5 * count - 4)
    edges = [floor + round((top - floor) * k / count) for k in range(count + 1)]
    return [(low, high + 1) for low, high in pairwise(edges)]


def _least_held(player: int) -> int:
    return _LEAST_HELD.get(INSTRUMENTS[player].name, INSTRUMENTS[player].low)


def _lead(players: Ensemble, turn: int, *, excited: bool) -> int | None:
    order = [*EXCITED_LEADS, *LEADS] if excited else LEADS
    able = list(dict.fromkeys(player for player in order if player in players))[:3]
    return able[(turn + 1) // 2 % len(able)] if able else None


def _first(order: Sequence[int], players: Ensemble) -> int | None:
    return next((player for player in order if player in players), None)


def not_empty(band: Band) -> Band:
    """A band that holds at least one pitch."""
    return band[0], max(band[1], band[0] + 1)
