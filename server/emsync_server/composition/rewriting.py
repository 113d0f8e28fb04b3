"""Some bars of a take written anew; every note outside them stays as it is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync import wire
from emsync.counted import counted
from emsync.cue import Cue
from emsync.errors import CueSheetError
from emsync.score import ControlChange, Controller, KeySignature, Note, Part, Score, Take, TempoMap
from emsync.settings import ComposeSettings
from emsync.timecode import moment_of
from emsync_server.composition.composer import Composer
from emsync_server.composition.conditions import ConditionTrack, for_reference
from emsync_server.composition.decoder import (
    THEME_EVENTS,
    Context,
    DecoderSettings,
    Writer,
    write_takes,
)
from emsync_server.composition.harmony import Notes, half_bar_chords
from emsync_server.composition.instruments import CLASS_OF_PROGRAM, DRUM_KIT, INSTRUMENT_INDEX
from emsync_server.composition.keys import key_fits
from emsync_server.composition.measures import measure, passage_of, rank
from emsync_server.composition.orchestration import PERCUSSION
from emsync_server.composition.piece import Piece, WrittenNote
from emsync_server.composition.playing_on import line_before, playing_on
from emsync_server.composition.representation import (
    BAR_ROW,
    FIRST_DRUM_KEY,
    LAST_DRUM_KEY,
    NO_CHORD,
    STEPS_PER_QUARTER,
    Condition,
    note_row,
    sort_rows,
)
from emsync_server.composition.request import CueRequest
from emsync_server.composition.requesting import request_for
from emsync_server.composition.score_writing import score_of
from emsync_server.composition.take_files import Composed
from emsync_server.composition.texture import plan_texture
from emsync_server.composition.theme import stated_theme
from emsync_server.midi import read_midi
from emsync_server.progress import Progress

AT_REST = {Controller.EXPRESSION: 127, Controller.PEDAL: 0}
SET_BACK_Q = Fraction(1, 48)
"""Before the barline: later than any step of the grid, and still inside the bars written anew."""
TREMOLO = INSTRUMENT_INDEX["tremolo_strings"]
CONTEXT_EVENTS = 500  # the network reads at most so many events before the bars


def rewrite_bars(
    cue: Cue,
    folder: Path,
    settings: ComposeSettings,
    network: tuple[Composer, DecoderSettings],
    progress: Progress,
) -> list[Composed]:
    """New versions of the take in `folder`, changed in `settings.bars` only."""
    composer, decoding = network
    take, score = _standing(folder, cue)
    assert settings.bars is not None
    first, stop = settings.bars[0] - 1, settings.bars[1] - 1
    bars = take.tempo_map.bars()
    if stop > len(bars):
        raise CueSheetError(
            f"The take in '{folder}' has {counted(len(bars), 'bar')}; bars {first + 1} to {stop} "
            "do not all lie in it."
        )
    landings = _landing_steps(cue, take.tempo_map)
    start_q, stop_q = bars[first].start_q, bars[stop - 1].start_q + bars[stop - 1].length_q
    written = _written(score)
    writers = []
    heard = None
    for number in range(max(settings.takes, decoding.candidates)):
        rng = np.random.default_rng([settings.seed, 2, number])
        request = request_for(cue, take.tempo_map, landings, rng)
        heard = heard or _heard(request, score, written)
        request = _alike(request, heard)
        texture = plan_texture(rng, request)
        piece = _opened(request, written, first)
        piece.line = line_before(texture, request, written, first)
        texture = playing_on(texture, request, written, range(first, stop))
        writers.append(Writer(request, rng, piece=piece, stop_bar=stop, texture=texture))
        writers[-1].track = _track(request, first, stop)
    context = _context(writers[-1], written, first, stop)
    write_takes(composer.session, writers, decoding, progress.part(0.05, 0.95), context=context)
    candidates = [_joined(score, writer, (start_q, stop_q)) for writer in writers]
    return rank(candidates, key=lambda composed: composed.measures)[: settings.takes]


def _standing(folder: Path, cue: Cue) -> tuple[Take, Score]:
    """The take that lies in the folder; it must be of this cue, over the same picture."""
    take = wire.read_take(folder / "take.json")
    if take.cue.name != cue.name or take.cue.range != cue.range:
        raise CueSheetError(
            f"The take in '{folder}' is of cue '{take.cue.name}', and not over the same picture as "
            f"'{cue.name}' is now. Compose the whole cue."
        )
    score = read_midi(folder / take.midi)
    noted = (KeySignature(Fraction(0), take.key),) if take.key else ()  # laid out over a new edit
    return take, replace(score, tempo_map=take.tempo_map, keys=score.keys or noted)


def _landing_steps(cue: Cue, tempo_map: TempoMap) -> tuple[int, ...]:
    """Grid steps of the locked hits in a tempo map that was planned before."""
    steps: list[int] = []
    for hit in cue.hits:
        if not hit.locked:
            continue
        step = tempo_map.quarters_at(hit.time.seconds - cue.range.start.seconds) * STEPS_PER_QUARTER
        if step.denominator != 1:
            raise CueSheetError(
                f"The hit at {moment_of(hit.time)} is new since '{cue.name}' was "
                "composed: no beat falls there. Compose the whole cue."
            )
        steps.append(int(step))
    return tuple(steps)


def _written(score: Score) -> list[WrittenNote]:
    """The score's notes on the grid, for the network to read."""
    notes = []
    for part in score.parts:
        instrument = DRUM_KIT if part.is_drums else CLASS_OF_PROGRAM[part.program]
        for note in part.notes:
            if instrument == DRUM_KIT and not FIRST_DRUM_KEY <= note.pitch <= LAST_DRUM_KEY:
                continue
            step = round(note.start_q * STEPS_PER_QUARTER)
            steps = max(round(note.length_q * STEPS_PER_QUARTER), 1)
            notes.append(WrittenNote(step, instrument, note.pitch, steps, note.velocity))
    return sorted(notes, key=lambda note: (note.step, note.instrument, note.pitch))


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the take has, for each new version of the bars to keep to."""

    minor_tonic: int
    """Of its key, or of the relative minor."""
    played: frozenset[int]
    """Its instruments."""
    markers: frozenset[int]
    """Those of them that play at landings only."""
    chords: NDArray[np.uint8]
    """(bars, 2)"""


def _heard(request: CueRequest, score: Score, written: list[WrittenNote]) -> _Heard:
    best = int(np.argmax(key_fits(passage_of(score).pitch_classes)))
    minor_tonic = best - 12 if best >= 12 else (best + 9) % 12
    played = frozenset(note.instrument for note in written)
    marked = {*request.landings, request.final_step}
    markers = played - {note.instrument for note in written if note.step not in marked}
    return _Heard(minor_tonic, played, markers, _chords_of(request, written))


def _alike(request: CueRequest, heard: _Heard) -> CueRequest:
    """The request with the key, the chords and the instruments that the take has."""
    played = heard.played
    bars = []
    for bar, chords in zip(request.bars, heard.chords, strict=True):
        ensemble = played if played - PERCUSSION else bar.ensemble | played
        key = heard.minor_tonic + 12 if bar.key >= 12 else (heard.minor_tonic + 3) % 12
        asked = tuple(
            plan if chord == NO_CHORD else int(chord)
            for plan, chord in zip(bar.chords, chords, strict=True)
        )
        chosen = replace(bar, key=key, ensemble=ensemble, chords=(asked[0], asked[1]))
        bars.append(replace(chosen, markers=heard.markers))
    held_back = request.suspense and DRUM_KIT not in played
    return replace(request, bars=tuple(bars), suspense=held_back or TREMOLO in played)


def _chords_of(request: CueRequest, written: list[WrittenNote]) -> NDArray[np.uint8]:
    """(bars, 2) the chords that the take has in the halves of each bar."""
    bar = np.array([request.bar_index_at(note.step) for note in written], np.int64)
    start = np.array([one.start_step for one in request.bars], np.int64)
    notes = Notes(
        bar,
        np.array([note.step for note in written], np.int64) - start[bar],
        np.array([note.pitch for note in written], np.int64),
        np.array([note.steps for note in written], np.int64),
        np.array([note.velocity for note in written], np.int64),
        np.array([note.is_drum for note in written], bool),
    )
    return half_bar_chords(notes, np.array([one.steps for one in request.bars], np.int64))


def _opened(request: CueRequest, written: list[WrittenNote], first: int) -> Piece:
    """The piece as it stands where writing begins; it holds none of the old notes."""
    piece = Piece()
    before = [note for note in written if note.step < request.bars[first].start_step]
    for note in before:
        while note.step >= request.bars[piece.bar].end_step:
            piece.next_bar(request.bars[piece.bar + 1].start_step)
        piece.add(note)
    while piece.bar < first:
        piece.next_bar(request.bars[piece.bar + 1].start_step)
    if 0 < request.theme_bars <= first:
        piece.theme = stated_theme(before, request)
    piece.notes = []
    return piece


def _track(request: CueRequest, first: int, stop: int) -> ConditionTrack:
    """The conditions of the new bars, which know of the theme and of the bars that follow."""
    track = ConditionTrack(request)
    track.recalls = 0 < request.theme_bars <= first
    if stop < len(request.bars):
        track.join_step = request.bars[stop].start_step
    return track


def _context(writer: Writer, written: list[WrittenNote], first: int, stop: int) -> Context:
    """What the network reads before it writes: for reference the theme, where it was stated
    before, and the bars that follow; then the last bars, and the BAR that opens the new ones.
    """
    request, track = writer.request, writer.track
    references = []
    if 0 < request.theme_bars <= first:
        theme = _read(request, written, track, range(first))
        references.append((theme, "is_theme"))
    if stop < len(request.bars):
        after = _read(request, written, track, range(stop, len(request.bars)))
        references.append((after, "is_after"))
    before, conditions = _read(request, written, track, range(first))
    opening = track.at(first, request.bars[first].start_step)
    kept = slice(max(len(before) + 1 - CONTEXT_EVENTS, 0), None)
    return Context(
        np.array([*before, BAR_ROW][kept], np.int64),
        np.stack([*conditions, opening][kept]),
        _pinned(references),
    )


def _read(
    request: CueRequest, written: list[WrittenNote], track: ConditionTrack, bars: range
) -> tuple[list[tuple[int, ...]], list[Condition]]:
    """The events of some bars, and their conditions."""
    rows: list[tuple[int, ...]] = []
    conditions = []
    for index in bars:
        bar = request.bars[index]
        inside = [note for note in written if bar.start_step <= note.step < bar.end_step]
        notes = sort_rows(
            note_row(n.step - bar.start_step, n.instrument, n.pitch, n.steps, n.velocity)
            for n in inside
        )
        for row in (BAR_ROW, *notes):
            rows.append(tuple(row))
            step = bar.start_step + (0 if row[0] == BAR_ROW[0] else row[0])
            conditions.append(track.at(index, step))
    return rows, conditions


def _pinned(
    references: list[tuple[tuple[list[tuple[int, ...]], list[Condition]], str]],
) -> tuple[NDArray[np.int64], Condition] | None:
    rows: list[tuple[int, ...]] = []
    conditions: list[Condition] = []
    for (events, known), role in references:
        rows.extend(events[:THEME_EVENTS])
        conditions.extend(for_reference(np.stack(known[:THEME_EVENTS]), role))
    return (np.array(rows, np.int64), np.stack(conditions)) if rows else None


def _joined(score: Score, writer: Writer, range_q: tuple[Fraction, Fraction]) -> Composed:
    """Old notes outside the bars, new ones inside."""
    start_q, stop_q = range_q
    written = score_of(writer.piece.notes, writer.request).parts
    new = {part.program: part for part in written if not part.is_drums}
    drums = [part for part in written if part.is_drums]
    parts: list[Part] = []
    for part in score.parts:
        fresh = (
            drums.pop()
            if part.is_drums and drums
            else new.pop(part.program, None)
            if not part.is_drums
            else None
        )
        outside = [n for n in part.notes if not start_q <= n.start_q < stop_q]
        inside = _fitting(fresh.notes if fresh else (), outside)
        notes = tuple(sorted((*outside, *inside), key=_place))
        controls = _controls(fresh.controls if fresh else (), part.controls, range_q)
        parts.append(replace(part, notes=notes, controls=controls))
    parts.extend(
        replace(part, controls=_controls(part.controls, (), range_q))
        for part in [*new.values(), *drums]
    )
    while parts and not parts[-1].notes:
        parts.pop()  # of others the channel stays taken: those after it would get other ones
    joined = replace(score, parts=tuple(parts))
    return Composed(joined, measure(joined, writer, strains=0.0))


def _controls(
    fresh: tuple[ControlChange, ...],
    old: tuple[ControlChange, ...],
    range_q: tuple[Fraction, Fraction],
) -> tuple[ControlChange, ...]:
    """New controllers inside, old ones outside; before the first bar that stays, each stands where
    it stood.
    """
    start_q, stop_q = range_q
    inside = [one for one in fresh if start_q <= one.time_q < stop_q]
    outside = [one for one in old if not start_q <= one.time_q < stop_q]
    gone = [one for one in old if start_q <= one.time_q < stop_q]
    resumed = {one.controller for one in outside if one.time_q == stop_q}
    set_back = [
        ControlChange(stop_q - SET_BACK_Q, controller, _value_at(old, controller, stop_q))
        for controller in dict.fromkeys(one.controller for one in (*inside, *gone))
        if controller not in resumed
    ]
    return tuple(sorted((*outside, *inside, *set_back), key=lambda one: one.time_q))


def _value_at(old: tuple[ControlChange, ...], controller: Controller, time_q: Fraction) -> int:
    """What a controller stood at in the old part."""
    before = [one.value for one in old if one.controller is controller and one.time_q <= time_q]
    return before[-1] if before else AT_REST[controller]


def _fitting(fresh: tuple[Note, ...], outside: list[Note]) -> list[Note]:
    """New notes that end where an old one of the same pitch begins; none while one still sounds,
    which would cut the old one short.
    """
    by_pitch: dict[int, list[Note]] = defaultdict(list)
    for note in outside:
        by_pitch[note.pitch].append(note)
    fitting = []
    for note in fresh:
        end_q = note.start_q + note.length_q
        if any(o.start_q <= note.start_q < o.start_q + o.length_q for o in by_pitch[note.pitch]):
            continue
        for other in by_pitch[note.pitch]:
            if note.start_q < other.start_q < end_q:
                end_q = other.start_q
        fitting.append(replace(note, length_q=end_q - note.start_q))
    return fitting


def _place(note: Note) -> tuple[Fraction, int]:
    return note.start_q, note.pitch
