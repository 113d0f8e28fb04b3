"""Other instruments for the same notes: so that the network meets orchestral textures more often
than the corpus has them, and the corpus's wordless 'choir' (voices of songs and masses) rarely
sings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emsync.family import Family
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.representation import Style

Ints = NDArray[np.int64]
Random = np.random.Generator

CHOIR_KEPT = 0.02
KEYBOARD_REORCHESTRATED = 0.4
STRINGS_MADE_ENSEMBLE = 0.3
GAME_HYBRIDISED = 0.45

_LOW = np.array([instrument.low for instrument in INSTRUMENTS])
_HIGH = np.array([instrument.high for instrument in INSTRUMENTS])


def _indices(*names: str) -> tuple[int, ...]:
    return tuple(INSTRUMENT_INDEX[name] for name in names)


VOICES = (
    *_indices("violin", "viola", "cello", "oboe", "clarinet", "flute"),
    *_indices("french_horn", "english_horn", "bassoon"),
)
(CHOIR, PIANO, HARPSICHORD, ORGAN) = _indices("choir", "piano", "harpsichord", "church_organ")
KEYBOARDS = _indices("piano", "harpsichord", "church_organ")
WHOLE = (
    *_indices("string_ensemble", "string_ensemble", "harp", "celesta", "acoustic_guitar", "pad"),
    *_indices("vibraphone", "marimba", "synth_strings", "pizzicato_strings", "tremolo_strings"),
    *_indices("electric_piano"),
)
BANDS: tuple[tuple[int, ...], ...] = (
    _indices("contrabass", "cello", "viola", "violin"),
    _indices("bassoon", "bassoon", "clarinet", "flute"),
    _indices("tuba", "trombone", "french_horn", "trumpet"),
    _indices("contrabass", "string_ensemble", "string_ensemble", "string_ensemble"),
    _indices("cello", "french_horn", "oboe", "violin"),
    _indices("trombone", "french_horn", "string_ensemble", "flute"),
    _indices("contrabass", "brass_section", "french_horn", "string_ensemble"),
    _indices("cello", "harp", "harp", "celesta"),
    _indices("synth_bass", "pad", "piano", "celesta"),
    _indices("acoustic_bass", "string_ensemble", "piano", "violin"),
)
"""Instruments from the lowest register to the highest."""
BAND_EDGES = np.array([45, 57, 69])  # MIDI pitches between the registers

_HYBRID_NAMES: tuple[tuple[str, str], ...] = (
    ("lead_square lead_saw", "violin trumpet oboe flute french_horn brass_section"),
    (
        "pad atmosphere synth_strings rock_organ",
        "string_ensemble string_ensemble tremolo_strings choir french_horn",
    ),
    (
        "overdriven_guitar clean_guitar",
        "brass_section cello trombone string_ensemble piano",
    ),
    ("synth_bass electric_bass acoustic_bass", "contrabass cello synth_bass contrabass"),
    ("electric_piano accordion folk_plucked", "harp piano pizzicato_strings celesta"),
)
HYBRID: dict[int, tuple[int, ...]] = {
    old: _indices(*new.split()) for names, new in _HYBRID_NAMES for old in _indices(*names.split())
}
"""Orchestral instruments that may take the place of electric ones; a repeated name is likelier."""

_ORCHESTRAL = frozenset(
    index
    for index, instrument in enumerate(INSTRUMENTS)
    if instrument.family in (Family.STRINGS, Family.WOODWINDS, Family.BRASS)
)
_STRINGS = _indices("violin", "viola", "cello", "contrabass")
_ROCK = _indices("overdriven_guitar")


def reorchestrate(rng: Random, group: str, columns: tuple[Ints, Ints, Ints]) -> Ints:
    """Instruments for the notes of one crop.

    columns: instrument, pitch index, track of each note · returns the new instrument of each note
    """
    instrument, pitch, track = columns
    out = instrument.copy()
    _replace_choir(rng, out, pitch, track)
    if group == "game":
        if rng.random() < GAME_HYBRIDISED:
            _hybridise(rng, out, pitch, track)
    elif rng.random() < KEYBOARD_REORCHESTRATED:
        for keyboard in KEYBOARDS:
            _replace_keyboard(rng, out, pitch, keyboard)
    if (
        group in ("quartets", "polish_ensemble", "orchestra")
        and rng.random() < STRINGS_MADE_ENSEMBLE
    ):
        _make_ensemble(rng, out)
    return out


def style_of(group: str, instrument: Ints) -> Style | None:
    """The style that a crop is labelled with, from its source and what plays in it; None where no
    word fits.
    """
    present = frozenset(np.unique(instrument).tolist())
    orchestral = len(present & _ORCHESTRAL)
    if group == "game":
        if present & frozenset(_ROCK):
            return Style.BAND
        if DRUM_KIT in present and orchestral >= 2:
            return Style.HYBRID
        return Style.ORCHESTRAL if orchestral >= 4 else Style.GAME
    if DRUM_KIT in present:
        return Style.HYBRID if orchestral >= 2 else Style.GAME
    if len(present) == 1 and PIANO in present:
        return Style.PIANO
    if group == "orchestra" or orchestral >= 5:
        return Style.ORCHESTRAL
    if group == "lieder":
        return Style.SONG
    if group == "quartets" or 2 <= orchestral == len(present) <= 4:
        return Style.CHAMBER
    return Style.EARLY if ORGAN in present or HARPSICHORD in present else None


def _reachable(candidates: tuple[int, ...], pitch: Ints) -> list[int]:
    low, high = np.percentile(pitch, [2, 98])
    return [i for i in candidates if _LOW[i] <= low and high <= _HIGH[i]]


def _replace_choir(rng: Random, out: Ints, pitch: Ints, track: Ints) -> None:
    chosen = out == CHOIR
    if not chosen.any() or rng.random() < CHOIR_KEPT:
        return
    for one in np.unique(track[chosen]):
        notes = chosen & (track == one)
        candidates = _reachable(VOICES, pitch[notes]) or [INSTRUMENT_INDEX["string_ensemble"]]
        out[notes] = rng.choice(candidates)


def _replace_keyboard(rng: Random, out: Ints, pitch: Ints, keyboard: int) -> None:
    notes = out == keyboard
    if not notes.any():
        return
    if rng.random() < 0.3:
        whole = _reachable(WHOLE, pitch[notes])
        if whole:
            out[notes] = rng.choice(whole)
            return
    bands = np.array(BANDS[rng.integers(len(BANDS))])
    edges = BAND_EDGES + rng.integers(-4, 5, size=3)
    new = bands[np.searchsorted(edges, pitch[notes], side="right")]
    fits = (_LOW[new] <= pitch[notes]) & (pitch[notes] <= _HIGH[new])
    out[notes] = np.where(fits, new, INSTRUMENT_INDEX["string_ensemble"])


def _hybridise(rng: Random, out: Ints, pitch: Ints, track: Ints) -> None:
    for one in np.unique(track):
        notes = track == one
        for old in np.unique(out[notes]):
            these = notes & (out == old)
            candidates = (
                _reachable(HYBRID.get(int(old), ()), pitch[these]) if int(old) in HYBRID else []
            )
            if candidates and rng.random() < 0.8:
                out[these] = rng.choice(candidates)


def _make_ensemble(rng: Random, out: Ints) -> None:
    roles = np.isin(out, _STRINGS[: rng.integers(2, 4)])
    kinds = _indices(
        "string_ensemble",
        "string_ensemble",
        "tremolo_strings",
        "pizzicato_strings",
        "synth_strings",
    )
    out[roles] = kinds[rng.integers(len(kinds))] if rng.random() < 0.5 else kinds[0]
