"""The theme of a cue: the line that its first phrase sang, and how later phrases bring it back, in
their own key and mode and on another instrument.

Leanings only: the network may vary it, and what must hold (landings, ranges) goes first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.instruments import INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.orchestration import PERCUSSION, Ensemble
from emsync_server.composition.piece import Piece, WrittenNote
from emsync_server.composition.representation import (
    BAR,
    CLASSES,
    INSTRUMENT,
    LENGTH,
    PITCH,
    POSITION,
    length_index,
)
from emsync_server.composition.request import CueRequest

Leaning = NDArray[np.float64]

LEAST_NOTES, MOST_NOTES_PER_BAR = 3, 8
LEAST_SHARE = 0.5  # of the bars of the statement in which the line moves
MOST_TOGETHER = 2.2  # notes an onset of an instrument that sings a line
LEADS = tuple(
    INSTRUMENT_INDEX[name]
    for name in (
        *("violin", "flute", "oboe", "french_horn", "cello", "clarinet", "trumpet", "piano"),
        *("english_horn", "recorder", "viola", "celesta", "harp", "acoustic_guitar", "choir"),
        *("string_ensemble", "electric_piano", "clean_guitar", "lead_saw", "lead_square"),
        *("saxophone", "accordion", "folk_plucked", "brass_section", "synth_strings", "vibraphone"),
    )
)
"""Who may sing it, the likelier ones first."""
COMFORT = (4, 8)  # semitones that a singing line keeps from its instrument's ends

PLACE_LEANING, PASSED_LEANING = 2.6, -4.0
LEAD_LEANING, PITCH_LEANING, LENGTH_LEANING = 3.5, 8.0, 2.5
ABOVE_LEANING = -3.0  # of others above the line
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))


@dataclass(frozen=True, slots=True)
class ThemeNote:
    """A note of the line."""

    step: int
    """Since its bar began."""
    pitch: int
    steps: int


@dataclass(frozen=True, slots=True)
class Theme:
    """A line that was stated."""

    bars: tuple[tuple[ThemeNote, ...], ...]
    key: int
    """0 to 11 C major to B major, 12 to 23 C minor to B minor."""
    sung_by: int
    """The instrument of the statement."""


@dataclass(frozen=True, slots=True)
class SungBar:
    """The line in one bar that restates it."""

    notes: tuple[ThemeNote, ...]
    lead: int

    def at(self, step: int) -> ThemeNote | None:
        """The note that begins at a step of the bar."""
        return next((note for note in self.notes if note.step == step), None)

    def awaited(self, piece: Piece) -> ThemeNote | None:
        """The next note of the line that can still be written."""
        here = piece.step - piece.bar_start
        for note in self.notes:
            if note.step > here or (note.step == here and not self._passed(piece)):
                return note
        return None

    def _passed(self, piece: Piece) -> bool:
        return bool(piece.onset) and piece.onset[-1].instrument >= self.lead

    def positions(self, piece: Piece) -> Leaning:
        """(K,) to the next note of the line, away from passing it by."""
        leaning = np.zeros(CLASSES[POSITION])
        note = self.awaited(piece)
        if note is not None:
            leaning[note.step] = PLACE_LEANING
            leaning[note.step + 1 : BAR + 1] = PASSED_LEANING
        return leaning

    def instruments(self, piece: Piece, step: int) -> Leaning:
        """(K,) to the lead where the line has a note, away from those written after it."""
        leaning = np.zeros(CLASSES[INSTRUMENT])
        sung = step == piece.step and self._passed(piece)
        if self.at(step - piece.bar_start) and not sung:
            leaning[self.lead] = LEAD_LEANING
            leaning[self.lead + 1 :] = PASSED_LEANING
        return leaning

    def pitches(self, piece: Piece, step: int, instrument: int) -> Leaning:
        """(K,) of the lead to the line, of others below it."""
        leaning = np.zeros(CLASSES[PITCH])
        note = self.at(step - piece.bar_start)
        if note is not None and instrument == self.lead:
            leaning[note.pitch] = PITCH_LEANING
        elif note is not None:
            leaning[note.pitch + 1 : 128] = ABOVE_LEANING
        return leaning

    def lengths(self, piece: Piece, step: int, instrument: int) -> Leaning:
        """(K,) of the lead to the length it had."""
        leaning = np.zeros(CLASSES[LENGTH])
        note = self.at(step - piece.bar_start)
        if note is not None and instrument == self.lead:
            leaning[length_index(note.steps)] = LENGTH_LEANING
        return leaning


def stated_theme(notes: Sequence[WrittenNote], request: CueRequest) -> Theme | None:
    """The line of the first phrase: its highest voice that moves; None where nothing sings."""
    bars = request.bars[: request.theme_bars]
    if not bars:
        return None
    lines = defaultdict(list)
    for note in notes:
        if note.step < bars[-1].end_step and note.instrument not in PERCUSSION:
            lines[note.instrument].append(note)
    sung = {player: _top(line) for player, line in lines.items() if _sings(line, len(bars))}
    if not sung:
        return None
    player = max(sung, key=lambda one: (np.mean([note.pitch for note in sung[one]]), -one))
    by_bar = tuple(
        tuple(
            ThemeNote(note.step - bar.start_step, note.pitch, note.steps)
            for note in sung[player]
            if bar.start_step <= note.step < bar.end_step
        )[:MOST_NOTES_PER_BAR]
        for bar in bars
    )
    moving = sum(bool(bar) for bar in by_bar)
    if moving < LEAST_SHARE * len(bars):
        return None
    return Theme(by_bar, bars[0].key, player)


def sung_bar(theme: Theme, request: CueRequest, index: int) -> SungBar | None:
    """What a bar of the cue sings of the theme, as far as it is long enough; None where its form
    asks for nothing, or nobody can.
    """
    bar = request.bars[index]
    of_theme = bar.theme_bar
    if of_theme is None or of_theme >= len(theme.bars):
        return None
    line = [note for bar_notes in theme.bars for note in bar_notes]
    moved = {note.pitch: _moved(note.pitch, theme.key, bar.key) for note in line}
    lead, shift = _lead(theme, bar.players, list(moved.values()), bar.phrase)
    if lead is None:
        return None
    notes = tuple(
        ThemeNote(note.step, moved[note.pitch] + shift, note.steps)
        for note in theme.bars[of_theme]
        if note.step < bar.steps
    )
    return SungBar(notes, lead) if notes else None


def _sings(line: Sequence[WrittenNote], bars: int) -> bool:
    onsets = len({note.step for note in line})
    return onsets >= max(LEAST_NOTES, bars) and len(line) <= MOST_TOGETHER * onsets


def _top(line: Sequence[WrittenNote]) -> list[WrittenNote]:
    """The highest note of each onset."""
    highest: dict[int, WrittenNote] = {}
    for note in line:
        if note.step not in highest or highest[note.step].pitch < note.pitch:
            highest[note.step] = note
    return [highest[step] for step in sorted(highest)]


def _moved(pitch: int, old: int, new: int) -> int:
    """A pitch by its degree from one key to another; major and minor thirds change places."""
    shift = (new % 12 - old % 12 + 6) % 12 - 6
    degree = (pitch - old) % 12
    before, after = _SCALES[old // 12], _SCALES[new // 12]
    if degree in before:
        shift += after[before.index(degree)] - degree
    return pitch + shift


def _lead(
    theme: Theme, ensemble: Ensemble, pitches: list[int], turn: int
) -> tuple[int | None, int]:
    """Who sings this time, and octaves up or down in semitones: another instrument each time
    where there are several.
    """
    able = []
    for player in LEADS:
        shift = _octaves(player, pitches) if player in ensemble else None
        if shift is not None:
            able.append((player, shift))
    if not able:
        return None, 0
    others = [one for one in able if one[0] != theme.sung_by] or able
    choices = others[:3] if turn % 2 else [one for one in able if one[0] == theme.sung_by] or able
    return choices[turn // 2 % len(choices)]


def _octaves(player: int, pitches: list[int]) -> int | None:
    low = INSTRUMENTS[player].low + COMFORT[0]
    high = INSTRUMENTS[player].high - COMFORT[1]
    for shift in (0, 12, -12, 24, -24):
        if min(pitches) + shift >= low and max(pitches) + shift <= high:
            return shift
    return None
