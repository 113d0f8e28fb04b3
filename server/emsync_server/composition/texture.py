"""The texture of a cue: for each phrase its roles, their rhythms and how loud they are; the notes
that are due, without most of their pitches, which the network writes.

It grows through the cue and thins out after landings, so that it breathes; a line stands alone on
top, its rhythms come again, and it rests at the end of each phrase.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from emsync.family import Family
from emsync_server.composition import rhythm
from emsync_server.composition.accents import AccentPlan
from emsync_server.composition.dynamics import FULL, LIGHT, THIN, articulation, level_of, loudness
from emsync_server.composition.force import Force
from emsync_server.composition.form import THEME
from emsync_server.composition.gestures import TIMPANI, TIMPANI_BAND, Gesture, gestures_of, led_to
from emsync_server.composition.groove import strokes_of
from emsync_server.composition.harmonic_rhythm import at_changes, held_chords, struck_anew
from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.marking import HAND_BELOW, LEFT_HAND_FLOOR, both_hands, marks
from emsync_server.composition.melody import arch
from emsync_server.composition.orchestration import SOLOS, Mood, mood_of
from emsync_server.composition.pacing import OPENING_S, resting, thinned
from emsync_server.composition.representation import STEPS_PER_QUARTER, Style
from emsync_server.composition.request import BarRequest, CueRequest
from emsync_server.composition.rhythm import Cell, Stroke
from emsync_server.composition.riffs import RiffBook
from emsync_server.composition.roles import (
    LEAST_CEILING,
    OCTAVE,
    SHRILL,
    Band,
    Casting,
    Role,
    bass_band,
    cast_phrase,
    least_moved,
    middle_bands,
    not_empty,
    reached,
    singing_band,
    within,
)
from emsync_server.composition.slots import Slot, Texture

Random = np.random.Generator

EXCITED_AROUSAL = 0.3
DOUBLE_SOFTER = 8  # velocity
LIVELIER, LOOP_LIVELIER = 0.15, 0.3  # of arousal, more for the line
SHORT_BARS, SHORT_AROUSAL = 2, 0.3  # so few bars state one shape: a line at least so lively
SPARSER = 0.8  # of arousal, less for the line and the bass of suspense
PEDAL_BAND, PEDAL_BARS = (82, 89), 2
"""In suspense a high note is held over so many bars."""
DARKER = 7  # semitones that a figure lies lower at valence -1
OSTINATO_DROP = 7  # semitones that an ostinato lies lower than a figure
PAD_VOICES = (3, 3, 4, 5)  # at each level
LINE_REST_STEPS = STEPS_PER_QUARTER
"""After a landing the line holds at least so long."""
ARTICULATIONS = 2  # shares of its length for which what comes again is held, not each bar's own
BREATHLESS_AROUSAL = 0.6
"""What is more excited goes on through the ends of its phrases."""
UNDER_THEME, BETWEEN = 0.8, 1.25
"""Of the notes that the density leaves for a figure: fewer under the theme, more between."""
HEIGHT_STEP, FIGURE_FLOOR = 4, 50
"""Semitones between a figure's five heights, and where the lowest lies at least."""
RUNNING, RUN_STEP, RUN_LIFT = (Family.STRINGS, Family.WOODWINDS), 2, 5
"""Who bows or blows a figure moves by steps, in the upper part of its room; a band does, too."""
PEDALS = frozenset(
    INSTRUMENT_INDEX[name] for name in ("tremolo_strings", "violin", "synth_strings", "pad")
)
"""Who holds a high note."""


def plan_texture(rng: Random, request: CueRequest) -> Texture:
    """The texture of a cue."""
    planner = _Planner(rng, request)
    phrases = [list(bars) for _, bars in groupby(request.bars, key=lambda bar: bar.phrase)]
    slots: list[tuple[Slot, ...]] = []
    for number, bars in enumerate(phrases):
        following = phrases[number + 1][0].letter if number + 1 < len(phrases) else None
        planner.goes_on = request.riffs and following == bars[0].letter
        slots.extend(planner.phrase(bars, len(slots), (number, len(phrases))))
    return tuple(slots)


class _Planner:
    """Plans phrase after phrase; remembers the motifs of each letter."""

    def __init__(self, rng: Random, request: CueRequest) -> None:
        self._rng = rng
        self._request = request
        self._accents = AccentPlan(request)
        self._gestures = gestures_of(rng, request, self._accents)
        self._riffs = RiffBook(rng, loops=request.riffs)
        self._motifs: dict[tuple[str, int], tuple[Cell, Cell, Cell]] = {}
        self.goes_on = False
        """Whether the next phrase is the same again, as in a loop, which takes no breath there."""
        self._level = THIN
        self._suspense = False
        self._alone = False

    def phrase(
        self, bars: Sequence[BarRequest], first: int, place: tuple[int, int]
    ) -> list[tuple[Slot, ...]]:
        """The slots of a phrase whose first bar is the cue's bar `first`.

        place: its number, and how many there are
        """
        number, _ = place
        arousal = float(np.mean([bar.arousal for bar in bars]))
        self._level = level_of(arousal, bars[0], place)
        players = bars[0].players
        for bar in bars:
            players = players & bar.players or bar.players
        valence = float(np.mean([bar.valence for bar in bars]))
        mood = mood_of(valence, arousal)
        self._suspense = self._request.suspense and mood is Mood.EXCITED_DARK
        casting = cast_phrase(
            players, turn=number, excited=arousal > EXCITED_AROUSAL and not self._suspense
        )
        self._alone = casting.lead == casting.figure
        long = float(self._request.tempo_map.end_s) > OPENING_S
        rests = resting(self._rng, bars, casting, place, long=long)
        held_back = arousal - SPARSER * self._suspense
        line = rests.kept(Role.LEAD, [*self._line(bars, first, casting, held_back)])
        bass = rests.kept(Role.BASS, [*self._bass(bars, casting, held_back)])
        pads = rests.kept(Role.PAD, [*self._pads(bars, casting)])
        drums = rests.kept(Role.DRUMS, [*self._drums(bars, first)])
        spent = sum(map(len, line)) + sum(map(len, bass)) + sum(map(len, pads))
        figure = rests.kept(Role.FIGURE, [*self._figure(bars, casting, spent)])
        planned: list[list[Slot]] = []
        for index, layers in enumerate(zip(line, bass, pads, figure, drums, strict=True)):
            due = [slot for layer in layers for slot in layer]
            planned.append(self._riffs.placed(due, bars, index))
        breathes = len(bars) > 1 and number < place[1] - 1 and not self.goes_on
        if breathes and arousal < BREATHLESS_AROUSAL:
            until = bars[-1].start_step + bars[-1].steps * 5 // 8
            if not self._accents.within(until, bars[-1].end_step + STEPS_PER_QUARTER):
                planned = thinned(bars, planned, until)
        return [
            self._with_landings(bar, due, casting) for bar, due in zip(bars, planned, strict=True)
        ]

    def _line(
        self, bars: Sequence[BarRequest], first: int, casting: Casting, arousal: float
    ) -> Iterator[list[Slot]]:
        """The line, bar by bar: a cell and its answer, and again, and a close."""
        if casting.lead is None:
            yield from ([] for _ in bars)
            return
        band = singing_band(casting.lead, float(np.mean([bar.valence for bar in bars])))
        lively = LOOP_LIVELIER if self._request.riffs else LIVELIER
        before = self._request.bar_index_at(self._request.final_step)
        least = SHORT_AROUSAL if before <= SHORT_BARS else -1.0
        answer_at = {0: 0, 1: 1, 2: 0, 3: 1}
        for index, bar in enumerate(bars):
            motif = self._motif(bar.letter, bar.steps, min(max(arousal + lively, least), 1.0))
            closes = index == len(bars) - 1 and len(bars) > 1
            cell = motif[2] if closes else motif[answer_at[index % 4]]
            echoes = first + index - 2 if index >= 2 and not closes else None
            slots = []
            for stroke in rhythm.fitted(cell, bar.steps):
                u = (index + stroke.step / bar.steps) / len(bars)
                due = self._slot(bar, stroke, casting.lead, Role.LEAD, band)
                slots.append(replace(due, height=arch(u), echoes=echoes))
            if slots and closes:
                slots[-1] = replace(slots[-1], closes=True)
            yield [*slots, *self._doubled(bar, slots, casting), *self._filled(bar, slots, band)]

    def _filled(self, bar: BarRequest, line: Sequence[Slot], band: Band) -> Iterator[Slot]:
        """Who plays alone thickens the melody's strong beats, the fuller the more of them."""
        if not self._alone or self._level < LIGHT:
            return
        middle = sum(band) // 2 - 3
        every = STEPS_PER_QUARTER * (1 if self._level >= FULL else 4)
        for slot in line:
            if slot.step % every == 0:
                for low, high in HAND_BELOW[: 1 + (self._level >= FULL)]:
                    stroke = Stroke(slot.step, slot.steps)
                    under = within(slot.instrument, (middle + low, middle + high))
                    yield self._slot(bar, stroke, slot.instrument, Role.PAD, under)

    def _doubled(self, bar: BarRequest, line: Sequence[Slot], casting: Casting) -> Iterator[Slot]:
        if self._level < FULL or self._suspense or casting.double is None or casting.lead is None:
            return
        low, high = singing_band(casting.lead, bar.valence)
        if high + OCTAVE > min(INSTRUMENTS[casting.double].high, SHRILL):
            return
        for slot in line:
            yield replace(
                slot,
                instrument=casting.double,
                role=Role.DOUBLE,
                band=(low + OCTAVE, high + OCTAVE),
                velocity=slot.velocity - DOUBLE_SOFTER,
            )

    def _motif(self, letter: str, bar_steps: int, arousal: float) -> tuple[Cell, Cell, Cell]:
        name = (letter, bar_steps)
        if name not in self._motifs:
            cells = rhythm.melody_cells(self._rng, arousal, bar_steps)
            self._motifs[name] = (*cells, rhythm.closing_cell(self._rng, arousal, bar_steps))
        return self._motifs[name]

    def _bass(
        self, bars: Sequence[BarRequest], casting: Casting, arousal: float
    ) -> Iterator[list[Slot]]:
        if casting.bass is None:
            yield from ([] for _ in bars)
            return
        band = bass_band(casting.bass)
        calmer = arousal if self._level >= FULL else min(arousal, 0.1)
        cell = self._riffs.bass(bars[0], calmer)
        for bar in bars:
            strokes = at_changes(rhythm.fitted(cell, bar.steps), bar, self._accents.soft)
            yield [self._slot(bar, stroke, casting.bass, Role.BASS, band) for stroke in strokes]

    def _pads(self, bars: Sequence[BarRequest], casting: Casting) -> Iterator[list[Slot]]:
        """Held chords, struck where the chord is new."""
        voices = self._voices(bars, casting)
        ends = struck_anew(held_chords(bars), bars, self._accents.soft)
        pedal = self._pedal(bars, casting)
        for bar, ending, high in zip(bars, ends, pedal, strict=True):
            yield high + [
                self._slot(bar, Stroke(step, steps), player, Role.PAD, band)
                for step, steps in ending
                for player, band in voices
            ]

    def _pedal(self, bars: Sequence[BarRequest], casting: Casting) -> Iterator[list[Slot]]:
        """In suspense, one of the chord's notes high above the line."""
        high = [p for p in casting.pads if p in PEDALS and INSTRUMENTS[p].high >= PEDAL_BAND[1]]
        for index, bar in enumerate(bars):
            if not high or not self._suspense or index % PEDAL_BARS:
                yield []
                continue
            steps = sum(one.steps for one in bars[index : index + PEDAL_BARS])
            yield [self._slot(bar, Stroke(0, steps), high[0], Role.PAD, PEDAL_BAND, tone=1)]

    def _voices(self, bars: Sequence[BarRequest], casting: Casting) -> list[tuple[int, Band]]:
        """Who holds the harmony, the low ones below; who reaches no place under the line rests."""
        count = PAD_VOICES[self._level]
        ceiling = self._ceiling(bars, casting)
        reaching = [
            p for p in casting.pads if INSTRUMENTS[p].low <= max(ceiling, LEAST_CEILING) - 6
        ]
        players = reaching[:count]
        sections = [player for player in players if player not in SOLOS]
        while sections and len(players) < count:
            players.append(sections[len(players) % len(sections)])
        players.sort(key=lambda player: INSTRUMENTS[player].low)
        bands = middle_bands(ceiling, max(len(players), 1))
        return [(p, reached(p, band)) for p, band in zip(players, bands, strict=False)]

    def _ceiling(self, bars: Sequence[BarRequest], casting: Casting) -> int:
        if casting.lead is None:
            return 72
        return singing_band(casting.lead, float(np.mean([bar.valence for bar in bars])))[0]

    def _figure(
        self, bars: Sequence[BarRequest], casting: Casting, spent: int
    ) -> Iterator[list[Slot]]:
        """What moves in the middle: as many notes as the density leaves, the same in each bar."""
        seconds = sum(bar.steps * bar.seconds_per_step for bar in bars)
        wanted = sum(bar.density * bar.steps * bar.seconds_per_step for bar in bars) - spent
        per_second = wanted / seconds * (UNDER_THEME if bars[0].letter == THEME else BETWEEN)
        bar_s = 4 * STEPS_PER_QUARTER * bars[0].seconds_per_step
        players = self._movers(casting, per_second * bar_s)
        per_player = per_second * bar_s / max(len(players), 1)
        cells = self._riffs.figure(bars[0], per_player, ostinato=self._suspense)
        ceiling = self._ceiling(bars, casting) - OSTINATO_DROP * self._suspense
        ceiling += round(DARKER * min(bars[0].valence, 0.0))
        for index, bar in enumerate(bars):
            breathes = index == len(bars) - 1 and len(bars) > 1 and not self.goes_on
            until = bar.steps // 2 if breathes else bar.steps
            strokes = rhythm.fitted(cells[index % 2], until)
            yield [
                self._figured(bar, stroke, player, ceiling - 7 * rank)
                for rank, player in enumerate(players)
                for stroke in strokes
            ]

    def _movers(self, casting: Casting, notes_per_bar: float) -> list[int]:
        """Who moves: one, or two where one alone would be hurried."""
        if casting.figure is None or (self._level == THIN and casting.pads and notes_per_bar < 2):
            return []
        second = [player for player in casting.pads[::-1] if player != casting.figure]
        return [casting.figure, *second[: int(notes_per_bar > 20)]]

    def _figured(self, bar: BarRequest, stroke: Stroke, player: int, ceiling: int) -> Slot:
        floor = min(max(ceiling - 4 * HEIGHT_STEP, FIGURE_FLOOR), 67)
        floor = LEFT_HAND_FLOOR if self._alone else max(floor, least_moved(player))
        by_steps = self._request.style is Style.BAND or INSTRUMENTS[player].family in RUNNING
        runs = by_steps and not self._suspense
        low = floor + (RUN_STEP if runs else HEIGHT_STEP) * stroke.tone + RUN_LIFT * runs
        return self._slot(bar, stroke, player, Role.FIGURE, within(player, (low, low + 4)))

    def _drums(self, bars: Sequence[BarRequest], first: int) -> Iterator[list[Slot]]:
        filled = False  # the bar before: two fills in a row are none
        for index, bar in enumerate(bars):
            slots = []
            if TIMPANI in bar.players and self._level >= FULL and not self._suspense:
                accents = (0,) if self._level == FULL or not bar.halves else (0, bar.steps // 2)
                for step in accents:
                    stroke = Stroke(step, STEPS_PER_QUARTER)
                    slots.append(
                        self._slot(bar, stroke, TIMPANI, Role.STROKE, TIMPANI_BAND, tone=0)
                    )
            if DRUM_KIT in bar.players and self._level >= LIGHT:
                closes = self._leads_to_strike(bar) or (index == len(bars) - 1 and not filled)
                filled = closes
                for step, key, plain in strokes_of(self._request, first + index, closes=closes):
                    due = self._slot(bar, Stroke(step, 3), DRUM_KIT, Role.DRUMS, (key, key))
                    slots.append(replace(due, pitch=key, velocity=min(due.velocity + plain, 127)))
            yield slots

    def _leads_to_strike(self, bar: BarRequest) -> bool:
        """Whether a landing that more than one player strikes opens the next bar."""
        landing = self._accents.at(bar.end_step)
        return landing is not None and landing.force > Force.LIGHT and not landing.in_run

    def _slot(
        self,
        bar: BarRequest,
        stroke: Stroke,
        player: int,
        role: Role,
        band: Band,
        *,
        tone: int | None = None,
    ) -> Slot:
        if role is Role.BASS:
            tone = int(stroke.tone == 1)
        velocity = loudness(self._accents, bar, (stroke.step, role), self._level)
        steps = stroke.steps
        if role in (Role.BASS, Role.FIGURE) and not self._accents.at(bar.start_step + stroke.step):
            held = articulation(bar.valence)
            held = round(ARTICULATIONS * held) / ARTICULATIONS if self._request.riffs else held
            steps = max(round(steps * held), 1)
        return Slot(stroke.step, player, not_empty(band), role, steps, velocity, tone=tone)

    def _with_landings(
        self, bar: BarRequest, due: Iterable[Slot], casting: Casting
    ) -> tuple[Slot, ...]:
        """What is due with everybody striking at the landings and nobody beside them."""
        kept = [s for s in due if bar.start_step + s.step <= self._request.final_step]
        for landing in self._accents.within(bar.start_step, bar.end_step):
            here = landing.step - bar.start_step
            quiet = range(landing.hush_from - bar.start_step, landing.hush_to - bar.start_step)
            rests = range(here + 1, here + LINE_REST_STEPS)
            kept = [
                slot
                for slot in kept
                if slot.step == here
                or (slot.step not in quiet and not (slot.role is Role.LEAD and slot.step in rests))
            ]
            gesture = self._gestures.get(landing.step, Gesture.PLAIN)
            kept = [*led_to(bar, kept, (gesture, landing), casting.lead, self._slot)]
            if 0 <= here < bar.steps:
                kept = [slot for slot in kept if slot.step != here or slot.role is Role.DRUMS]
                kept.extend([slot.until_next(kept) for slot in self._struck(bar, here, casting)])
        unique = {(slot.place, slot.role is Role.DRUMS and slot.pitch): slot for slot in kept}
        return tuple(sorted(unique.values(), key=lambda slot: slot.place))

    def _struck(self, bar: BarRequest, here: int, casting: Casting) -> Iterator[Slot]:
        """The chord of everybody at a landing: it is struck and held."""
        held = Stroke(here, bar.steps_of_chord(bar.start_step + here))
        landing = self._accents.at(bar.start_step + here)
        assert landing is not None, "somebody strikes where nothing lands"
        force, turn = landing.force, self._accents.number(landing.step)
        all_play = force is Force.FULL or landing.is_final  # whoever sang or held comes home
        if casting.bass is not None:
            band = bass_band(casting.bass)
            yield self._slot(bar, held, casting.bass, Role.BASS, band)
        if casting.lead is not None:
            band = singing_band(casting.lead, bar.valence)
            sung = self._slot(bar, held, casting.lead, Role.LEAD, band)
            yield (sung := replace(sung, height=0.7, closes=True))
            yield from (
                self._doubled(bar, [sung], casting) if all_play or force > Force.LIGHT else ()
            )
        if self._alone and casting.lead is not None:
            for band in both_hands(casting.lead, bar.valence):
                yield self._slot(bar, held, casting.lead, Role.PAD, band)
        voices = self._voices([bar], casting)
        for number, (player, band) in enumerate(voices):
            if all_play or len(voices) < 3 or (number + turn) % 3:
                yield self._slot(bar, held, player, Role.PAD, band)
        for mark in marks(bar, casting, force, turn):
            stroke = Stroke(here, min(mark.steps, held.steps))
            due = self._slot(bar, stroke, mark.player, mark.role, mark.band, tone=mark.tone)
            yield replace(due, pitch=mark.pitch)
