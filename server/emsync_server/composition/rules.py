"""What may be written next, as a mask over each field's classes and a leaning over its logits.

Rules only constrain: the network writes. A mask holds what must hold in every score (landings,
ranges, order, no dead air, the end); taste stands in `leanings`. K classes of the field at hand.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition import leanings
from emsync_server.composition.accents import AccentPlan, Landing
from emsync_server.composition.cast import Cast
from emsync_server.composition.due import DueNotes
from emsync_server.composition.force import Force
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.orchestration import STRIKERS
from emsync_server.composition.piece import Piece
from emsync_server.composition.pitch_masks import (
    LAST_KIT_KEY,
    range_of,
    same_notes,
    struck_at,
    triad_pitches,
    worn_pitches,
)
from emsync_server.composition.representation import (
    BAR,
    CLASSES,
    DRUM_PITCH_OFFSET,
    END,
    INSTRUMENT,
    LENGTH_STEPS,
    PITCH,
    POSITION,
    STEPS_PER_QUARTER,
    VELOCITY,
    Style,
)
from emsync_server.composition.request import BarRequest, CueRequest
from emsync_server.composition.slots import Texture
from emsync_server.composition.striking import STRIKE, force_of, speaking

Mask = NDArray[np.bool_]
Leaning = NDArray[np.float64]

MOST_SOUNDING = 18  # pitched notes at once
MOST_ONSETS, MOST_ACCENT_ONSETS, MOST_HUSHED_ONSETS = 12, 18, 2
DENSITY_CEILING = 2.5  # a bar may hold this many times the notes asked for
LEAST_CEILING = 8  # notes a bar may always hold
LONGEST_SILENCE_S = 0.35
NOTES_PER_LONGEST_GAP = 8.0  # a gap between onsets lasts as long as so many asked notes at most
GAP_S = (0.6, 3.6)
ACCENT_STEPS = STEPS_PER_QUARTER // 2
DRUM_LENGTH = LENGTH_STEPS.index(3)

ACCENT_BIN, CALM_ACCENT_BIN, LIGHT_ACCENT_BIN = 6, 5, 3
CALM_AROUSAL, LIVELY_AROUSAL, FIERCE_AROUSAL = -0.3, 0.1, 0.55
SOFTEST_BIN = 2  # velocity 32: softer notes are lost under a film

MOST_RUN_ONSETS = 4  # so that the next chord finds other notes in the key
TENSE_VALENCE = -0.3
TIMPANI = INSTRUMENT_INDEX["timpani"]
_STEPS = np.array(LENGTH_STEPS)


class Rules:
    """The rules of one cue: each method looks at the piece as it stands."""

    def __init__(self, request: CueRequest, texture: Texture = ()) -> None:
        self.request = request
        self.accents = AccentPlan(request)
        self.cast = Cast(request, self.accents)
        self.due = DueNotes(request, texture)
        self._hushes = [leanings.hush(self.accents, bar) for bar in request.bars]

    def may_close(self, piece: Piece) -> bool:
        """Whether the last chord stands and nothing but the end can follow."""
        return piece.step == self.request.final_step and self._landed(piece)

    def position(self, piece: Piece) -> tuple[Mask, Leaning]:
        """Steps of the bar that the next note may begin on, or BAR, or END."""
        bar = self.request.bars[piece.bar]
        mask, leaning = np.zeros(CLASSES[POSITION], bool), leanings.odd_places().copy()
        here = piece.step - bar.start_step
        if self.may_close(piece):
            mask[END] = True
            mask[here] = self._room_here(piece)
            return mask, leaning
        full = self._is_full(piece, bar)
        mask[here + 1 : bar.steps] = not full
        mask[here] = self._room_here(piece) and (not full or self._owes(piece))
        self._keep_still(mask, bar)
        deadline = self._deadline(piece, bar)
        if deadline < bar.end_step:
            mask[deadline - bar.start_step + 1 :] = False
            if deadline > piece.step or not piece.onset:
                mask[deadline - bar.start_step] = True
        else:
            mask[BAR] = True
        if self._owes(piece):
            assert mask[here], "an accent has begun that cannot be completed"
            mask[:] = False
            mask[here] = True
        leaning += self._hushes[piece.bar]
        return mask, leaning + self.due.positions(piece)

    def instrument(self, piece: Piece, step: int) -> tuple[Mask, Leaning]:
        """Instruments that may play the next note, which begins at a step of the cue."""
        mask = np.zeros(CLASSES[INSTRUMENT], bool)
        mask[list(self._able(piece, step))] = True
        return mask, self.due.instruments(piece, step, mask)

    def _able(self, piece: Piece, step: int) -> Iterator[int]:
        """Instruments that have room for a note at a step and leave an accent's chord and strike
        possible.
        """
        if self.accents.at(step) is None:
            yield from self._able_in_passing(piece, step)
            return
        wanting, owed = self._wanting_at(piece, step), self._owed_strike(piece, step)
        is_overdue = not owed and self._is_overdue(piece, step)
        for candidate in self.cast.players(step, wanting or int(is_overdue)):
            most = self.cast.most_in_chord(candidate, step) - self._played(piece, step, candidate)
            if most <= 0:
                continue
            room = min(int(np.count_nonzero(self._options(piece, step, candidate))), most)
            if owed and force_of(candidate) * room + self.cast.later_strike(step, candidate) < owed:
                continue
            if wanting > 1 and room + self.cast.later_room(step, candidate, wanting) < wanting:
                continue
            if room:
                yield candidate

    def _able_in_passing(self, piece: Piece, step: int) -> Iterator[int]:
        """Instruments that have room for a note between the landings."""
        last = piece.onset[-1] if piece.onset and step == piece.step else None
        for candidate in self.cast.players(step, self._is_overdue(piece, step)):
            if last is not None and candidate <= last.instrument:
                highest = LAST_KIT_KEY if candidate == DRUM_KIT else INSTRUMENTS[candidate].high
                if candidate < last.instrument or last.pitch >= highest:
                    continue
                most = self.cast.most_in_chord(candidate, step)
                if self._played(piece, step, candidate) >= most:
                    continue
            yield candidate

    def pitch(self, piece: Piece, step: int, instrument: int) -> tuple[Mask, Leaning]:
        """Pitches, or drum keys, that an instrument may play at a step."""
        mask, leaning = np.zeros(CLASSES[PITCH], bool), np.zeros(CLASSES[PITCH])
        options = self._options(piece, step, instrument)
        if instrument == DRUM_KIT:
            mask[DRUM_PITCH_OFFSET : DRUM_PITCH_OFFSET + 128] = options[
                : len(mask) - DRUM_PITCH_OFFSET
            ]
            return mask, self.due.pitches(piece, step, instrument)
        wanting = self._wanting_at(piece, step)
        missing = max(
            wanting - 1 - self.cast.later_room(step, instrument, wanting),
            self._owed_strike(piece, step)
            - force_of(instrument)
            - self.cast.later_strike(step, instrument),
        )
        if missing > 0:  # this instrument must fit more notes above this one
            above = options[::-1].cumsum()[::-1] - options
            options = options & (above >= missing)
        fresh = options.copy()
        fresh[list(worn_pitches(piece, step, instrument))] = False
        mask[:128] = fresh if fresh.any() else options
        leaning[:128] = self._pitch_leaning(piece, step, instrument)
        return mask, leaning + self.due.pitches(piece, step, instrument)

    def length(self, piece: Piece, step: int, instrument: int) -> tuple[Mask, Leaning]:
        """Lengths: within the cue; an accent's are an eighth or more, the last chord's all there
        is; damped before the next landing in a run, and where nobody strikes it.
        """
        left = self._let_go_by(step) - step
        fits = left >= _STEPS
        landing = self.accents.at(step)
        if instrument == DRUM_KIT:
            mask = np.arange(len(_STEPS)) == (DRUM_LENGTH if fits[DRUM_LENGTH] else 0)
        elif landing and (landing.is_final or not (fits & (_STEPS >= ACCENT_STEPS)).any()):
            mask = np.arange(len(_STEPS)) == np.flatnonzero(fits)[-1]
        else:
            mask = fits & ((ACCENT_STEPS if landing else 1) <= _STEPS)
        return mask, self.due.lengths(piece, step, instrument)

    def velocity(self, piece: Piece, step: int, instrument: int) -> tuple[Mask, Leaning]:
        """Loud on accents; elsewhere below them, softer still just before."""
        bins = np.arange(CLASSES[VELOCITY])
        arousal = self._bar_at(step).arousal
        calm = arousal < CALM_AROUSAL or self._is_light(step)
        accent = CALM_ACCENT_BIN if calm else ACCENT_BIN
        landing = self.accents.at(step)
        if landing:
            loudest = accent + 1
            strikes = instrument in self.cast.strikers(step) or not self.cast.strikers(step)
            if landing.force is Force.LIGHT and not strikes:
                accent = LIGHT_ACCENT_BIN
            mask = (
                (bins == loudest)
                if self.cast.runners(step)
                else (bins >= accent) & (bins <= loudest)
            )
        elif self.accents.hushed(step):
            mask = (bins >= 1) & (bins < accent - 1)
        else:
            loudest = accent if arousal > FIERCE_AROUSAL else accent - 1
            softest = SOFTEST_BIN + int(arousal > LIVELY_AROUSAL) + int(arousal > FIERCE_AROUSAL)
            mask = (bins >= softest) & (bins <= loudest)
        return mask, self.due.velocities(piece, step, instrument)

    def _pitch_leaning(self, piece: Piece, step: int, instrument: int) -> Leaning:
        """(128,) what holds for pitches whatever their role: the key, no clashes, tuned drums."""
        bar = self._bar_at(step)
        is_tense = bar.valence < TENSE_VALENCE and bar.arousal > 0
        is_tense = is_tense and self.request.style is not Style.BAND
        leaning = leanings.key_leaning(
            bar.key, bar.chord_at(step), is_asked=self.request.key_is_asked, is_tense=is_tense
        )
        if instrument == TIMPANI:
            leaning = leaning + leanings.tuning(bar.key)
        if self.accents.at(step):
            leaning = leaning + leanings.struck_chord(bar.chord_at(step))
        on_beat = (step - bar.start_step) % STEPS_PER_QUARTER == 0
        clashes = leanings.clashes(piece.sounding_at(step))
        if self.request.riffs and not self.accents.at(step):
            return leaning + clashes * leanings.ROUGH_SHARE
        return leaning + clashes * (1.0 if on_beat else leanings.PASSING_SHARE)

    def _is_light(self, step: int) -> bool:
        landing = self.accents.at(step)
        return landing is not None and landing.force is Force.LIGHT

    def _bar_at(self, step: int) -> BarRequest:
        return self.request.bars[self.request.bar_index_at(step)]

    def _is_overdue(self, piece: Piece, step: int) -> bool:
        """Whether it has been silent for so long that drums alone will not do."""
        return step >= piece.silent_from + self._longest_silence(step) > 0

    def _longest_silence(self, step: int) -> int:
        return max(int(LONGEST_SILENCE_S / self._bar_at(step).seconds_per_step), 1)

    def _deadline(self, piece: Piece, bar: BarRequest) -> int:
        """The last step at which the next note may begin."""
        if piece.last_onset is None:
            first = self.accents.after(piece.step)
            early = first is not None and bar.start_step >= self._still_from(first)
            return first.step if first is not None and early else bar.start_step
        gap_s = min(max(NOTES_PER_LONGEST_GAP / bar.density, GAP_S[0]), GAP_S[1])
        limits = [
            piece.last_onset + int(gap_s / bar.seconds_per_step),
            piece.silent_from + self._longest_silence(bar.start_step),
        ]
        landing = self.accents.after(piece.step + (1 if self._landed(piece) else 0))
        if landing is None:
            return max(min(limits), piece.step)
        limit = min(limits)
        return landing.step if limit >= self._still_from(landing) else max(limit, piece.step)

    def _keep_still(self, mask: Mask, bar: BarRequest) -> None:
        """No note begins right before or after a landing."""
        before = mask.copy()
        near = self.accents.within(bar.start_step, bar.end_step)
        for landing in near:
            low = max(self._still_from(landing) - bar.start_step, 0)
            mask[low : max(min(landing.still_to - bar.start_step, bar.steps), 0)] = False
        for landing in near:
            if bar.start_step <= landing.step < bar.end_step:
                mask[landing.step - bar.start_step] = before[landing.step - bar.start_step]

    def _still_from(self, landing: Landing) -> int:
        """Where stillness begins: a whole breath earlier where nobody can strike the landing."""
        return landing.still_from if self.cast.strikers(landing.step) else landing.hush_from

    def _let_go_by(self, step: int) -> int:
        """The step that a note which begins here must not sound beyond."""
        landing, following = self.accents.at(step), self.accents.after(step + 1)
        if following is None:
            return self.request.end_step
        damped = landing is not None and landing.run_to is not None
        return following.step if damped or not self.cast.strikers(step) else self.request.end_step

    def _landed(self, piece: Piece) -> bool:
        return bool(piece.onset) and not self._owes(piece)

    def _owes(self, piece: Piece) -> bool:
        """Whether the accent under the pen is not complete yet."""
        if not piece.onset and self.accents.at(piece.step):
            return False  # not begun: the deadline sees to it
        return bool(self._wanting_at(piece, piece.step) or self._owed_strike(piece, piece.step))

    def _wanting_at(self, piece: Piece, step: int) -> int:
        if not self.accents.at(step):
            return 0
        begun = len(piece.pitched_onset) if step == piece.step else 0
        return max(self.cast.full_chord(step) - begun, 0)

    def _owed_strike(self, piece: Piece, step: int) -> int:
        """What an accent still lacks of its strike; nothing where nobody can strike."""
        if not self.accents.at(step) or not self.cast.strikers(step):
            return 0
        begun = piece.onset if step == piece.step else []
        return max(STRIKE - sum(force_of(note.instrument) for note in begun), 0)

    def _is_full(self, piece: Piece, bar: BarRequest) -> bool:
        seconds = bar.steps * bar.seconds_per_step
        return piece.pitched_notes >= max(DENSITY_CEILING * bar.density * seconds, LEAST_CEILING)

    def _room_here(self, piece: Piece) -> bool:
        """Whether one more note may begin where the pen stands."""
        if len(piece.onset) >= self._most_onsets(piece):
            return False
        return any(True for _ in self._able(piece, piece.step))

    def _most_onsets(self, piece: Piece) -> int:
        if self.accents.at(piece.step):
            return MOST_RUN_ONSETS if self.cast.runners(piece.step) else MOST_ACCENT_ONSETS
        if self.accents.hushed(piece.step):
            return MOST_HUSHED_ONSETS
        sounding = len(piece.sounding_at(piece.step) - piece.pitched_onset)
        return min(max(MOST_SOUNDING - sounding, 1), MOST_ONSETS)

    def _options(self, piece: Piece, step: int, instrument: int) -> Mask:
        """(128,) MIDI pitches that an instrument may add to the onset at a step, in the
        vocabulary's order.
        """
        options = range_of(instrument).copy()
        landing = self.accents.at(step)
        if landing and instrument in STRIKERS:
            options &= speaking(instrument, in_run=bool(self.cast.runners(step)))
        if landing and landing.is_final and instrument != DRUM_KIT:
            options &= triad_pitches(self._bar_at(step).key)
        elif landing and landing.run_from is not None and instrument in self.cast.runners(step):
            options &= ~same_notes(struck_at(piece, landing.run_from))
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

    def _played(self, piece: Piece, step: int, instrument: int) -> int:
        if step != piece.step:
            return 0
        return sum(note.instrument == instrument for note in piece.onset)
