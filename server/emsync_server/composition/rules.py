"""What may be written next, as masks and leanings over each field's logits. Rules only constrain:
the network writes.

K classes of the field at hand. A mask says what is possible, a leaning is added to the logits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.accents import CHORD_NOTES, AccentPlan
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.orchestration import PERCUSSION, SOLOS
from emsync_server.composition.piece import LOW_PITCH, Piece
from emsync_server.composition.representation import (
    BAR,
    CLASSES,
    DRUM_PITCH_OFFSET,
    END,
    INSTRUMENT,
    LENGTH,
    LENGTH_STEPS,
    PITCH,
    POSITION,
    STEPS_PER_QUARTER,
    VELOCITY,
)
from emsync_server.composition.request import BarRequest, CueRequest

Mask = NDArray[np.bool_]
Leaning = NDArray[np.float64]

MOST_SOUNDING = 14  # pitched notes at once
MOST_ONSETS, MOST_ACCENT_ONSETS, MOST_HUSHED_ONSETS = 7, 10, 2
SOLO_CHORD, SECTION_CHORD, ACCENT_CHORD = 2, 4, 4  # notes of one instrument on one onset
DENSITY_CEILING = 2.5  # a bar may hold this many times the notes asked for
LEAST_CEILING = 8  # notes a bar may always hold
CALM_CHORD, FIERCE_CHORD = 4, 5  # pitches of an accent, where the ensemble has them
LONGEST_SILENCE_S = 0.5
NOTES_PER_LONGEST_GAP = (
    8.0  # a gap between onsets may last as long as this many notes at the asked density
)
GAP_S = (0.6, 3.6)
ACCENT_STEPS = STEPS_PER_QUARTER // 2
DRUM_LENGTH = LENGTH_STEPS.index(3)
FIRST_KIT_KEY, LAST_KIT_KEY = 35, 81  # drum keys that every General MIDI kit has

HUSH_LEANING = -2.5
OUT_OF_KEY_LEANING, LEADING_TONE_LEANING = -2.5, -0.7
CLASH_LEANING, TRITONE_LEANING, MUD_LEANING = -1.5, -0.3, -1.5
PASSING_SHARE = 0.5  # off the beat, clashes pass
LEAP_LEANING, MOST_LEAP_LEANING = -0.08, -2.5  # a semitone of leap beyond the free ones
FREE_LEAP, FREE_SOLO_LEAP = 9, 5
ODD_PLACE_LEANING = -1.5
BALANCE_LEANING, MOST_BALANCE_LEANING, BALANCE_PRIOR = 5.0, -3.0, 6.0
DRUM_SHARE = 0.35  # of the notes, before the kit is leaned away from
HASTE_LEANING, SPARE_NOTES = -2.5, 2.0
UNTUNED_LEANING = -4.0  # timpani are tuned to tonic and dominant
BASS_PLAYER_LEANING, BASS_LEANING = 0.7, 1.5  # where nothing low sounds on a strong beat
MOST_LACK_OF_BASS = 4.0
ACCENT_BIN, CALM_ACCENT_BIN = 6, 5
CALM_AROUSAL, FIERCE_AROUSAL = -0.3, 0.55

WORN_AFTER = 2  # a bar that stood this often among the remembered ones must change
TIMPANI = INSTRUMENT_INDEX["timpani"]
_STEPS = np.array(LENGTH_STEPS)
_SCALES = (np.array([0, 2, 4, 5, 7, 9, 11]), np.array([0, 2, 3, 5, 7, 8, 10]))
_TRIADS = (np.array([0, 4, 7]), np.array([0, 3, 7]))


class Rules:
    """The rules of one cue. Stateless: each method looks at the piece as it stands."""

    def __init__(self, request: CueRequest) -> None:
        self.request = request
        self.accents = AccentPlan(request)

    def may_close(self, piece: Piece) -> bool:
        """Whether the last chord stands and nothing but the end can follow."""
        return piece.step == self.request.final_step and self._landed(piece)

    def position(self, piece: Piece) -> tuple[Mask, Leaning]:
        """Steps of the bar that the next note may begin on, or BAR, or END."""
        bar = self.request.bars[piece.bar]
        mask, leaning = np.zeros(CLASSES[POSITION], bool), _odd_places().copy()
        here = piece.step - bar.start_step
        if self.may_close(piece):
            mask[END] = True
            mask[here] = self._room_here(piece)
            return mask, leaning
        full = self._is_full(piece, bar)
        mask[here + 1 : bar.steps] = not full
        mask[here] = self._room_here(piece) and (not full or self._wanting(piece) > 0)
        self._keep_still(mask, bar)
        deadline = self._deadline(piece, bar)
        if deadline < bar.end_step:
            mask[deadline - bar.start_step + 1 :] = False
            if deadline > piece.step or not piece.onset:
                mask[deadline - bar.start_step] = True
        else:
            mask[BAR] = True
        if self._wanting(piece):
            assert mask[here], "an accent has begun that cannot be completed"
            mask[:] = False
            mask[here] = True
        self._lean_from_hush(leaning, bar)
        leaning[here : here + STEPS_PER_QUARTER // 4] += self._haste_leaning(piece, bar)
        return mask, leaning

    def instrument(self, piece: Piece, step: int) -> tuple[Mask, Leaning]:
        """Instruments that may play the next note, which begins at a step of the cue."""
        wanting = self._wanting_at(piece, step)
        mask = np.zeros(CLASSES[INSTRUMENT], bool)
        for candidate in self._players(step, wanting or self._is_overdue(piece, step)):
            options = self._options(piece, step, candidate)
            later = self._later_room(step, candidate, wanting)
            most = self._most_in_chord(candidate, step) - self._played(piece, step, candidate)
            mask[candidate] = options.any() and most > 0
            if wanting > 1:
                mask[candidate] &= min(int(options.sum()), most) + later >= wanting
        leaning = balance(piece.usage, self.request.bars[self.request.bar_index_at(step)].ensemble)
        leaning += BASS_PLAYER_LEANING * self._lack_of_bass(piece, step) * _reaches_bass()
        return mask, leaning

    def pitch(self, piece: Piece, step: int, instrument: int) -> tuple[Mask, Leaning]:
        """Pitches, or drum keys, that an instrument may play at a step."""
        mask, leaning = np.zeros(CLASSES[PITCH], bool), np.zeros(CLASSES[PITCH])
        options = self._options(piece, step, instrument)
        if instrument == DRUM_KIT:
            mask[DRUM_PITCH_OFFSET : DRUM_PITCH_OFFSET + 128] = options[
                : len(mask) - DRUM_PITCH_OFFSET
            ]
            return mask, leaning
        wanting = self._wanting_at(piece, step)
        missing = wanting - 1 - self._later_room(step, instrument, wanting)
        if missing > 0:  # this instrument must fit more notes above this one
            above = options[::-1].cumsum()[::-1] - options
            options = options & (above >= missing)
        fresh = options.copy()
        fresh[list(self._worn_pitches(piece, step, instrument))] = False
        mask[:128] = fresh if fresh.any() else options
        leaning[:128] = self._key_leaning(step)
        if instrument == TIMPANI:
            leaning[:128] += self._tuning_leaning(step)
        on_beat = (step - piece.bar_start) % STEPS_PER_QUARTER == 0
        sounding = piece.sounding_at(step)
        leaning[:128] += clashes(sounding) * (1.0 if on_beat else PASSING_SHARE)
        leaning[:128] += leaps(piece.last_chord.get(instrument, ()), solo=instrument in SOLOS)
        leaning[:LOW_PITCH] += BASS_LEANING * self._lack_of_bass(piece, step)
        return mask, leaning

    def length(self, step: int, instrument: int) -> tuple[Mask, Leaning]:
        """Lengths: within the cue; an accent's are an eighth or more, the last chord's all there
        is.
        """
        left = self.request.end_step - step
        fits = left >= _STEPS
        landing = self.accents.at(step)
        if instrument == DRUM_KIT:
            mask = np.arange(len(_STEPS)) == (DRUM_LENGTH if fits[DRUM_LENGTH] else 0)
        elif landing and (landing.is_final or not (fits & (_STEPS >= ACCENT_STEPS)).any()):
            mask = np.arange(len(_STEPS)) == np.flatnonzero(fits)[-1]
        else:
            mask = fits & ((ACCENT_STEPS if landing else 1) <= _STEPS)
        return mask, np.zeros(CLASSES[LENGTH])

    def velocity(self, step: int) -> tuple[Mask, Leaning]:
        """Loud on accents; elsewhere below them, softer still just before."""
        bins = np.arange(CLASSES[VELOCITY])
        arousal = self.request.bars[self.request.bar_index_at(step)].arousal
        accent = CALM_ACCENT_BIN if arousal < CALM_AROUSAL else ACCENT_BIN
        if self.accents.at(step):
            mask = bins >= accent
        elif self.accents.hushed(step):
            mask = (bins >= 1) & (bins < accent - 1)
        else:
            loudest = accent if arousal > FIERCE_AROUSAL else accent - 1
            mask = (bins >= 1) & (bins <= loudest)
        return mask, np.zeros(CLASSES[VELOCITY])

    def _lack_of_bass(self, piece: Piece, step: int) -> float:
        """How much a strong beat needs a foundation: 0 where one sounds, 1 and growing where not."""
        strong = (step - piece.bar_start) % (2 * STEPS_PER_QUARTER) == 0
        if (not strong and not self.accents.at(step)) or piece.bass_until > step:
            return 0.0
        if any(pitch < LOW_PITCH for pitch in piece.pitched_onset) and step == piece.step:
            return 0.0
        return min(1 + (step - piece.bass_until) / (4 * STEPS_PER_QUARTER), MOST_LACK_OF_BASS)

    def _is_overdue(self, piece: Piece, step: int) -> bool:
        """Whether it has been silent for so long that drums alone will not do."""
        return step >= piece.silent_from + self._longest_silence(step) > 0

    def _longest_silence(self, step: int) -> int:
        bar = self.request.bars[self.request.bar_index_at(step)]
        return max(int(LONGEST_SILENCE_S / bar.seconds_per_step), 1)

    def _deadline(self, piece: Piece, bar: BarRequest) -> int:
        """The last step at which the next note may begin."""
        if piece.last_onset is None:
            return bar.start_step
        gap_s = min(max(NOTES_PER_LONGEST_GAP / bar.density, GAP_S[0]), GAP_S[1])
        limits = [
            piece.last_onset + int(gap_s / bar.seconds_per_step),
            piece.silent_from + self._longest_silence(bar.start_step),
        ]
        landing = self.accents.after(piece.step + (1 if self._landed(piece) else 0))
        if landing is None:
            return max(min(limits), piece.step)
        limit = min(limits)
        return landing.step if limit >= landing.still_from else max(limit, piece.step)

    def _haste_leaning(self, piece: Piece, bar: BarRequest) -> float:
        """Away from here and the next semiquaver, where the bar has run ahead of its density."""
        quarters = (piece.step - bar.start_step) / STEPS_PER_QUARTER + 1
        expected = bar.density * quarters * STEPS_PER_QUARTER * bar.seconds_per_step
        ahead = math.log2((len(piece.content) + 1) / (expected + SPARE_NOTES))
        return HASTE_LEANING * min(max(ahead, 0.0), 1.5)

    def _keep_still(self, mask: Mask, bar: BarRequest) -> None:
        """No note begins right before a landing."""
        before = mask.copy()
        near = self.accents.within(bar.start_step, bar.end_step)
        for landing in near:
            low = max(landing.still_from - bar.start_step, 0)
            mask[low : max(min(landing.step - bar.start_step, bar.steps), 0)] = False
        for landing in near:
            if bar.start_step <= landing.step < bar.end_step:
                mask[landing.step - bar.start_step] = before[landing.step - bar.start_step]

    def _landed(self, piece: Piece) -> bool:
        return bool(piece.onset) and self._wanting(piece) == 0

    def _wanting(self, piece: Piece) -> int:
        """How many pitches the accent under the pen still lacks."""
        if not piece.onset and self.accents.at(piece.step):
            return 0  # not begun: the deadline sees to it
        return self._wanting_at(piece, piece.step)

    def _wanting_at(self, piece: Piece, step: int) -> int:
        if not self.accents.at(step):
            return 0
        begun = len(piece.pitched_onset) if step == piece.step else 0
        return max(self._full_chord(step) - begun, 0)

    def _full_chord(self, step: int) -> int:
        """How many pitches an accent must have: three make one, more where the band is larger."""
        bar = self.request.bars[self.request.bar_index_at(step)]
        wanted = FIERCE_CHORD if bar.arousal > 0 else CALM_CHORD
        room = sum(self._most_in_chord(player, step) for player in self._players_at(step))
        return max(min(wanted, room), CHORD_NOTES)

    def _is_full(self, piece: Piece, bar: BarRequest) -> bool:
        seconds = bar.steps * bar.seconds_per_step
        return len(piece.content) >= max(DENSITY_CEILING * bar.density * seconds, LEAST_CEILING)

    def _room_here(self, piece: Piece) -> bool:
        """Whether one more note may begin where the pen stands."""
        if len(piece.onset) >= self._most_onsets(piece):
            return False
        return bool(self.instrument(piece, piece.step)[0].any())

    def _most_onsets(self, piece: Piece) -> int:
        if self.accents.at(piece.step):
            return MOST_ACCENT_ONSETS
        if self.accents.hushed(piece.step):
            return MOST_HUSHED_ONSETS
        sounding = len(piece.sounding_at(piece.step) - piece.pitched_onset)
        return min(max(MOST_SOUNDING - sounding, 1), MOST_ONSETS)

    def _players(self, step: int, wanting: int) -> list[int]:
        """Instruments of the bar's ensemble; while an accent wants pitches, those that give it
        harmony.
        """
        bar = self.request.bars[self.request.bar_index_at(step)]
        landing = self.accents.at(step)
        return _players_of(bar.ensemble, wanting > 0, bool(landing and landing.is_final))

    def _options(self, piece: Piece, step: int, instrument: int) -> Mask:
        """(128,) MIDI pitches that an instrument may add to the onset at a step, in the
        vocabulary's order.
        """
        options = _range_of(instrument).copy()
        landing = self.accents.at(step)
        if landing and landing.is_final and instrument != DRUM_KIT:
            options &= self._closing_pitches(step)
        if step != piece.step or not piece.onset:
            return options
        last = piece.onset[-1]
        if instrument < last.instrument:
            options[:] = False
        elif instrument == last.instrument:
            options[: last.pitch + 1] = False
        if self._wanting_at(piece, step):
            options[list(piece.pitched_onset)] = False
        return options

    def _closing_pitches(self, step: int) -> Mask:
        key = self.request.bars[self.request.bar_index_at(step)].key
        return _chord_pitches(key)

    def _later_room(self, step: int, instrument: int, wanting: int) -> int:
        """Notes that instruments after this one could still add to an accent."""
        later = [other for other in self._players(step, wanting) if other > instrument]
        return sum(self._most_in_chord(other, step) for other in later)

    def _most_in_chord(self, instrument: int, step: int) -> int:
        if self.accents.at(step) and len(self._players_at(step)) == 1:
            return ACCENT_CHORD
        return SOLO_CHORD if instrument in SOLOS else SECTION_CHORD

    def _players_at(self, step: int) -> list[int]:
        bar = self.request.bars[self.request.bar_index_at(step)]
        return _players_of(bar.ensemble, True, False)

    def _played(self, piece: Piece, step: int, instrument: int) -> int:
        if step != piece.step:
            return 0
        return sum(note.instrument == instrument for note in piece.onset)

    def _key_leaning(self, step: int) -> Leaning:
        return _leaning_of(self.request.bars[self.request.bar_index_at(step)].key)

    def _tuning_leaning(self, step: int) -> Leaning:
        tonic = self.request.bars[self.request.bar_index_at(step)].key % 12
        return np.where(np.isin((np.arange(128) - tonic) % 12, (0, 7)), 0.0, UNTUNED_LEANING)

    def _lean_from_hush(self, leaning: Leaning, bar: BarRequest) -> None:
        for landing in self.accents.within(bar.start_step, bar.end_step):
            low = max(landing.hush_from - bar.start_step, 0)
            high = min(landing.hush_to - bar.start_step, bar.steps)
            leaning[low:high] += HUSH_LEANING
        for landing in self.accents.within(bar.start_step, bar.end_step):
            if bar.start_step <= landing.step < bar.end_step:
                leaning[landing.step - bar.start_step] = 0

    def _worn_pitches(self, piece: Piece, step: int, instrument: int) -> set[int]:
        """Pitches that would go on copying a bar that has been heard too often."""
        so_far = tuple(piece.content)
        worn: set[int] = set()
        for content in {bar for bar in piece.recent if piece.recent.count(bar) >= WORN_AFTER}:
            count = len(so_far)
            if count < len(content) and count >= len(content) // 2 and content[:count] == so_far:
                place, player, pitch = content[count]
                if (place, player) == (step - piece.bar_start, instrument):
                    worn.add(pitch)
        return worn


def balance(usage: Mapping[int, float], ensemble: frozenset[int]) -> Leaning:
    """(K,) towards pitched players that have rested, away from one that plays everything."""
    leaning = np.zeros(CLASSES[INSTRUMENT])
    players = [player for player in ensemble if player != DRUM_KIT]
    total = sum(usage.get(player, 0.0) for player in players) + BALANCE_PRIOR
    for player in players:
        share = (usage.get(player, 0.0) + BALANCE_PRIOR / len(players)) / total
        leaning[player] = max(BALANCE_LEANING * (1 / len(players) - share), MOST_BALANCE_LEANING)
    drums = usage.get(DRUM_KIT, 0.0)
    ahead = DRUM_SHARE - drums / (drums + total)
    leaning[DRUM_KIT] = max(BALANCE_LEANING * min(ahead, 0.0), MOST_BALANCE_LEANING)
    return leaning


def clashes(sounding: Iterable[int]) -> Leaning:
    """(128,) away from semitones against what sounds, and from close intervals in the bass."""
    leaning = np.zeros(128)
    for pitch in sounding:
        leaning = np.minimum(leaning, _clashes_with(pitch))
    return leaning


def leaps(before: Iterable[int], *, solo: bool) -> Leaning:
    """(128,) away from great leaps from an instrument's latest notes; solos leap less."""
    latest = np.array(list(before))
    if not len(latest):
        return np.zeros(128)
    distance = np.abs(np.arange(128)[:, None] - latest).min(axis=1)
    beyond = np.maximum(distance - (FREE_SOLO_LEAP if solo else FREE_LEAP), 0)
    return np.asarray(np.maximum(LEAP_LEANING * beyond, MOST_LEAP_LEANING))


@cache
def _clashes_with(pitch: int) -> Leaning:
    pitches = np.arange(128)
    steps = (pitches - pitch) % 12
    leaning = np.where(np.isin(steps, (1, 11)), CLASH_LEANING, 0.0)
    leaning[steps == 6] = TRITONE_LEANING
    near = (np.abs(pitches - pitch) <= 4) & (pitches != pitch)
    leaning[near & (pitches < LOW_PITCH) & (pitch < LOW_PITCH)] = MUD_LEANING
    return np.asarray(leaning)


@cache
def _odd_places() -> Leaning:
    """(K,) away from steps that are neither semiquavers nor triplets."""
    steps = np.arange(CLASSES[POSITION])
    odd = (steps % 3 != 0) & (steps % 4 != 0) & (steps < BAR)
    return np.where(odd, ODD_PLACE_LEANING, 0.0)


@cache
def _reaches_bass() -> Mask:
    """(K,) which pitched instruments play low enough."""
    return np.array([i.low < LOW_PITCH - 7 and i.programs != () for i in INSTRUMENTS])


@cache
def _players_of(ensemble: frozenset[int], wants_harmony: bool, is_final: bool) -> list[int]:
    harmonic = sorted(ensemble - PERCUSSION)
    if wants_harmony:
        return harmonic or sorted(ensemble - {DRUM_KIT})
    return sorted(ensemble - {DRUM_KIT}) if is_final else sorted(ensemble)


@cache
def _range_of(instrument: int) -> Mask:
    pitches = np.arange(128)
    if instrument == DRUM_KIT:
        return (pitches >= FIRST_KIT_KEY) & (pitches <= LAST_KIT_KEY)
    return (pitches >= INSTRUMENTS[instrument].low) & (pitches <= INSTRUMENTS[instrument].high)


@cache
def _chord_pitches(key: int) -> Mask:
    """(128,) the tonic triad; in the bass only its root."""
    pitches = np.arange(128)
    steps = (pitches - key % 12) % 12
    triad = np.isin(steps, _TRIADS[key // 12])
    return np.asarray(triad & ((pitches >= LOW_PITCH) | (steps == 0)))


@cache
def _leaning_of(key: int) -> Leaning:
    """(128,) away from notes outside the key; less so from a minor key's leading tone."""
    steps = (np.arange(128) - key % 12) % 12
    leaning = np.where(np.isin(steps, _SCALES[key // 12]), 0.0, OUT_OF_KEY_LEANING)
    if key >= 12:
        leaning[steps == 11] = LEADING_TONE_LEANING
    return np.asarray(leaning)
