"""The note that is due next, as leanings over each field of the next event.

Leanings only: the network may add and leave out, and what must hold (landings, ranges, no dead
air) goes first. K classes of the field at hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition import leanings, melody
from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.piece import LOW_PITCH, Piece, WrittenNote
from emsync_server.composition.representation import (
    BAR,
    CLASSES,
    DRUM_PITCH_OFFSET,
    INSTRUMENT,
    LENGTH,
    PITCH,
    POSITION,
    STEPS_PER_QUARTER,
    VELOCITY,
    VELOCITY_BIN_WIDTH,
    Style,
    length_index,
    velocity_of,
)
from emsync_server.composition.request import BarRequest, CueRequest
from emsync_server.composition.riffs import HeardNote, again, earlier_in_phrase
from emsync_server.composition.roles import OCTAVE, SINGING, Band, Role
from emsync_server.composition.slots import Slot, Texture
from emsync_server.composition.theme import theme_pitch

Mask = NDArray[np.bool_]
Leaning = NDArray[np.float64]

PLACE_LEANING, OFF_PLACE_LEANING, PASSED_LEANING = 6.0, -9.0, -14.0
PLAYER_LEANING, OTHER_LEANING, MISSING_LEANING = 10.0, -8.0, -14.0
GIVEN_LEANING, BAND_LEANING, OUT_OF_BAND_LEANING = 12.0, -4.0, -0.5
CHORD_LEANING, PASSING_LEANING = 5.0, -1.5
TONE_LEANING, THIRD_LEANING = 4.0, 1.2
LENGTH_LEANING, VELOCITY_LEANING = 4.0, -1.5
ABOVE_LEANING = -4.0  # of harmony, above the line
STANDING_LEANING = -2.0  # of a figure that does not move
FREE_LEAP, LEAP_LEANING = 4, -0.25  # of inner voices, a semitone of leap beyond
PASSING_CHROMATIC: dict[Style | None, float] = {
    Style.ORCHESTRAL: 0.5, Style.CHAMBER: 0.7, Style.PIANO: 0.7, Style.SONG: 0.7,
}  # fmt: skip
"""In an orchestra lines pass through notes outside the key most often."""
MORE_DIATONIC = 0.4  # the brighter, the less a line leaves its key; by this share at valence 1
NEAR_BAND = 6  # semitones outside its band that what comes again may lie


class DueNotes:
    """The texture of a cue, seen from where the pen stands."""

    def __init__(self, request: CueRequest, texture: Texture) -> None:
        self._request = request
        self._texture = texture
        self._landings = frozenset((*request.landings, request.final_step))
        self._parts: dict[tuple[int, int, int], list[Slot]] = defaultdict(list)
        """By bar, step since its beginning, and instrument."""
        for bar, slots in enumerate(texture):
            for slot in slots:
                self._parts[bar, slot.step, slot.instrument].append(slot)

    def awaited(self, piece: Piece) -> Iterator[Slot]:
        """The notes of the bar that are still due, at the pen or after it, in order."""
        here = piece.step - piece.bar_start
        for slot in self._bar_slots(piece):
            if slot.step > here or (slot.step == here and not self._is_past(piece, slot)):
                yield slot

    def slot_of(self, piece: Piece, step: int, instrument: int) -> Slot | None:
        """What an instrument is due to play next at a step of the running bar."""
        place = step - piece.bar_start
        count = _count(piece, step, instrument)
        mine = self._parts.get((piece.bar, place, instrument), ())
        return mine[count] if count < len(mine) else None

    def positions(self, piece: Piece) -> Leaning:
        """(K,) to the place of the note that is due, away from passing it by."""
        leaning = np.zeros(CLASSES[POSITION])
        if not self._bar_slots(piece):
            return leaning
        slot = next(self.awaited(piece), None)
        leaning[:BAR] = OFF_PLACE_LEANING
        place = BAR if slot is None else slot.step
        leaning[place + 1 : BAR + 1] = PASSED_LEANING
        leaning[place] = PLACE_LEANING
        return leaning

    def instruments(self, piece: Piece, step: int, able: Mask) -> Leaning:
        """(K,) to the first player that is due at a step, of those who may play."""
        leaning = np.zeros(CLASSES[INSTRUMENT])
        place = step - piece.bar_start
        due = (s for s in self.awaited(piece) if s.step == place and able[s.instrument])
        slot = next(due, None)
        if slot is None:
            leaning[DRUM_KIT] = OTHER_LEANING
            return leaning
        leaning[:] = OTHER_LEANING
        leaning[slot.instrument + 1 :] = MISSING_LEANING
        leaning[slot.instrument] = PLAYER_LEANING
        return leaning

    def pitches(self, piece: Piece, step: int, instrument: int) -> Leaning:
        """(K,) to what the part has here: the line's way, or a note of the chord in its place."""
        leaning = np.zeros(CLASSES[PITCH])
        slot = self.slot_of(piece, step, instrument)
        if slot is None:
            return leaning
        if slot.pitch is not None:
            leaning[:] = -GIVEN_LEANING
            leaning[slot.pitch + (DRUM_PITCH_OFFSET if instrument == DRUM_KIT else 0)] = 0.0
            return leaning
        bar = self._request.bars[piece.bar]
        repeated = None if slot.role in SINGING else self._repeated(piece, bar, slot)
        if repeated is not None:
            leaning[:] = -GIVEN_LEANING
            leaning[repeated] = 0.0
            return leaning
        leaning[:128] = _in_band(slot.band)
        if slot.role is Role.DOUBLE:
            leaning[:128] = np.roll(self._line(piece, bar, slot), OCTAVE)
        elif slot.role is Role.LEAD:
            leaning[:128] += self._line(piece, bar, slot)
        else:
            every = STEPS_PER_QUARTER * (2 if self._request.style is Style.BAND else 1)
            strong = slot.step % every == 0 or slot.role is not Role.FIGURE
            leaning[:128] += _of_chord(bar.chord_at(step), slot.tone, strong=strong)
            if slot.role is not Role.BASS:
                leaning[:128] += leanings.completion(bar.chord_at(step), piece.sounding_at(step))
                leaning[:128] += _smooth(tuple(piece.last_chord.get(instrument, ())))
            if slot.role is Role.FIGURE:
                leaning[piece.last_chord.get(instrument, [])] += STANDING_LEANING
            if slot.role is not Role.BASS and piece.line:
                leaning[piece.line[piece.latest_line[-1]] : 128] += ABOVE_LEANING
        return leaning

    def lengths(self, piece: Piece, step: int, instrument: int) -> Leaning:
        """(K,) to the length that is due."""
        slot = self.slot_of(piece, step, instrument)
        return _near_length(slot.steps) if slot else np.zeros(CLASSES[LENGTH])

    def velocities(self, piece: Piece, step: int, instrument: int) -> Leaning:
        """(K,) to the velocity that is due."""
        slot = self.slot_of(piece, step, instrument)
        return _near_velocity(slot.velocity) if slot else np.zeros(CLASSES[VELOCITY])

    def velocity(self, piece: Piece, step: int, instrument: int, index: int) -> int:
        """The MIDI velocity of a note: what is due, as far as the bin that was chosen has it."""
        slot = self.slot_of(piece, step, instrument)
        if slot is None:
            return velocity_of(index)
        low = index * VELOCITY_BIN_WIDTH
        return min(max(slot.velocity, low, 1), low + VELOCITY_BIN_WIDTH - 1)

    def line_pitch(self, piece: Piece, note: WrittenNote) -> int | None:
        """The pitch that the next note gives the line; None where it has no part in it."""
        slot = self.slot_of(piece, note.step, note.instrument)
        if slot is None or slot.role not in SINGING:
            return None
        return note.pitch - (OCTAVE if slot.role is Role.DOUBLE else 0)

    def remember(self, piece: Piece, note: WrittenNote) -> None:
        """Keep the next note as what its place in a riff sounds like, where it is the first."""
        slot = self.slot_of(piece, note.step, note.instrument)
        if slot is not None and slot.riff is not None and slot.riff not in piece.riffs:
            bar = self._request.bars[piece.bar]
            piece.riffs[slot.riff] = HeardNote(note.pitch, bar.chord_at(note.step), bar.key)

    def _repeated(self, piece: Piece, bar: BarRequest, slot: Slot) -> int | None:
        """The pitch with which a slot plays again what stood in its place."""
        if slot.riff is None:
            return None
        heard = piece.riffs.get(slot.riff)
        if heard is None:
            before = earlier_in_phrase(slot.riff)
            heard = piece.riffs.get(before) if before is not None else None
        if heard is None:
            return None
        chord = bar.chord_at(bar.start_step + slot.step)
        pitch = again(heard, chord, bar.key, is_line=slot.role in SINGING)
        return None if pitch is None else _by_octaves(pitch, slot.band)

    def _line(self, piece: Piece, bar: BarRequest, slot: Slot) -> Leaning:
        """(128,) of the next note of a line, at the line's own height."""
        step = bar.start_step + slot.step
        band = slot.band
        if slot.role is Role.DOUBLE:
            band = (band[0] - OCTAVE, band[1] - OCTAVE)
        given = piece.line.get(step)  # its double may have played it already
        if given is None and piece.theme is not None:
            came_from = self._before_theme(piece, bar)
            given = theme_pitch(piece.theme, bar, slot.step, band, came_from)
            if given is not None and step in self._landings:
                given = given if given % 12 in leanings.chord_tones(bar.chord_at(step)) else None
        if given is None and slot.role is Role.LEAD:
            given = self._repeated(piece, bar, slot)
        if given is not None:
            leaning = np.zeros(128)
            leaning[given] = GIVEN_LEANING
            return leaning
        latest = [piece.line[at] for at in piece.latest_line]
        own, band = band, melody.taking_over(band, latest[-1]) if latest else band
        strong = slot.step % (2 * STEPS_PER_QUARTER) == 0
        leaning = melody.harmony(bar.chord_at(step), strong=strong, closes=slot.closes)
        leaning = leaning + _in_band(band) + melody.towards_arch(band, slot.height)
        diatonic = 1.0 + MORE_DIATONIC * bar.valence
        if not self._request.key_is_asked:
            diatonic *= PASSING_CHROMATIC.get(self._request.style, 1.0)
        leaning += diatonic * melody.inside_key(bar.key, bar.chord_at(step))
        leaning += melody.from_latest([min(max(one, band[0]), band[1]) for one in latest])
        if band != own:
            leaning += melody.going_on(latest[-1])
        return leaning + self._echo(piece, bar, slot)

    def _before_theme(self, piece: Piece, bar: BarRequest) -> int | None:
        """The line's last pitch before the phrase that restates the theme in a bar."""
        opening = self._request.bars[piece.bar - (bar.theme_bar or 0)].start_step
        return next((piece.line[at] for at in reversed(piece.line) if at < opening), None)

    def _echo(self, piece: Piece, bar: BarRequest, slot: Slot) -> Leaning:
        """(128,) to the turn that the bar takes up, from where this bar began."""
        opens = next((s for s in self._bar_slots(piece) if s.role is Role.LEAD), None)
        if slot.echoes is None or opens is None:
            return np.zeros(128)
        old = self._request.bars[slot.echoes].start_step
        heard = piece.line.get(old + slot.step)
        opening = piece.line.get(old + opens.step)
        now = piece.line.get(bar.start_step + opens.step)
        if heard is None or opening is None or now is None:
            return np.zeros(128)
        return melody.echo(heard, opening, now, bar.key)

    def _bar_slots(self, piece: Piece) -> tuple[Slot, ...]:
        return self._texture[piece.bar] if piece.bar < len(self._texture) else ()

    def _is_past(self, piece: Piece, slot: Slot) -> bool:
        """Whether a slot at the pen is written, or passed by."""
        if not piece.onset:
            return False
        last = piece.onset[-1].instrument
        if last != slot.instrument:
            return last > slot.instrument
        mine = self._parts[piece.bar, slot.step, slot.instrument]
        return mine.index(slot) < _count(piece, piece.step, slot.instrument)


def _count(piece: Piece, step: int, instrument: int) -> int:
    if step != piece.step:
        return 0
    return sum(note.instrument == instrument for note in piece.onset)


def _by_octaves(pitch: int, band: Band) -> int:
    """A pitch moved by octaves to where a band is near."""
    while pitch < band[0] - NEAR_BAND and pitch + 12 <= band[1] + NEAR_BAND:
        pitch += 12
    while pitch > band[1] + NEAR_BAND and pitch - 12 >= band[0] - NEAR_BAND:
        pitch -= 12
    return pitch


@cache
def _in_band(band: tuple[int, int]) -> Leaning:
    pitches = np.arange(128)
    away = np.maximum(np.maximum(band[0] - pitches, pitches - band[1]), 0)
    return np.where(away > 0, BAND_LEANING + OUT_OF_BAND_LEANING * away, 0.0)


@cache
def _of_chord(chord: int, tone: int | None, *, strong: bool) -> Leaning:
    """(128,) of inner voices and basses; off the beat a figure may pass through other notes."""
    classes = np.arange(128) % 12
    tones = leanings.chord_tones(chord)
    leaning = np.where(np.isin(classes, tones), 0.0, -CHORD_LEANING if strong else PASSING_LEANING)
    leaning[(classes == tones[1]) & (np.arange(128) >= LOW_PITCH)] += THIRD_LEANING
    if tone is not None:
        leaning[classes == (tones[0] if tone == 0 else tones[-1])] += TONE_LEANING
    return leaning


@lru_cache(maxsize=4096)
def _smooth(before: tuple[int, ...]) -> Leaning:
    """(128,) of a voice that moves no farther than it must."""
    if not before:
        return np.zeros(128)
    distance = np.abs(np.arange(128)[:, None] - np.array(before)).min(axis=1)
    return np.asarray(LEAP_LEANING * np.maximum(distance - FREE_LEAP, 0))


@cache
def _near_length(steps: int) -> Leaning:
    leaning = np.full(CLASSES[LENGTH], -LENGTH_LEANING)
    index = length_index(steps)
    leaning[index] = LENGTH_LEANING
    leaning[max(index - 1, 0)] += LENGTH_LEANING / 2
    return leaning


@cache
def _near_velocity(velocity: int) -> Leaning:
    middles = np.array([velocity_of(index) for index in range(CLASSES[VELOCITY])])
    return np.asarray(VELOCITY_LEANING * ((middles - velocity) / VELOCITY_BIN_WIDTH) ** 2)
