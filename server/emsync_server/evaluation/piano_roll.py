"""The score as a picture: notes over bars, under the emotion that was asked for, with cuts and
hits.
"""

from __future__ import annotations

from emsync.counted import counted
from emsync.cue import Cue, CueSheet
from emsync.emotion import ValenceArousal
from emsync.family import Family
from emsync.score import Score, Take
from emsync_server.evaluation.canvas import Align, Canvas
from emsync_server.evaluation.palette import (
    AROUSAL,
    CUT,
    FAMILY_COLOURS,
    GRID,
    HIT,
    INK,
    PALE_INK,
    VALENCE,
)
from emsync_server.evaluation.report import changes_of, hits_of
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.evaluation.time_axis import LEFT, LegendEntry, TimeAxis, draw_legend

__all__ = ["draw_piano_roll"]

HEADER, EMOTION, GAP, DRUM_ROW, FOOTER = 84, 120, 34, 7, 44  # pixels
SEMITONE = 8
LEAST_RANGE = (43, 79)  # pitches that are always shown
EMOTION_POINTS = 400
MOST_DRUM_ROWS = 12


def draw_piano_roll(take: Take, score: Score, sheet: CueSheet) -> Canvas:
    """The picture of a take."""
    notes = SoundingNotes.of(score)
    axis = TimeAxis.of_length(float(take.cue.range.duration.seconds))
    pitched, drums = notes.pitch[~notes.is_drum], sorted(set(notes.pitch[notes.is_drum].tolist()))
    low = min(LEAST_RANGE[0], int(pitched.min(initial=127))) - 2
    high = max(LEAST_RANGE[1], int(pitched.max(initial=0))) + 2
    emotion_bottom = HEADER + EMOTION
    top = emotion_bottom + GAP
    drum_top = top + (high - low + 1) * SEMITONE
    bottom = drum_top + (min(len(drums), MOST_DRUM_ROWS) * DRUM_ROW + 10 if drums else 0)
    canvas = Canvas(axis.width, bottom + FOOTER)
    _draw_header(canvas, take, score, notes)
    axis.draw_seconds(canvas, HEADER, bottom)
    _draw_octaves(canvas, low, high, top)
    tempo = score.tempo_map
    axis.draw_bars(canvas, [float(tempo.seconds_at(b.start_q)) for b in tempo.bars()], top, bottom)
    changes, hits = changes_of(sheet, take.cue), hits_of(take.cue, locked_only=True)
    axis.draw_cuts(canvas, changes.tolist(), HEADER, bottom)
    _draw_emotion(canvas, axis, take.cue)
    _draw_notes(canvas, axis, notes, drums, top=top, drum_top=drum_top, high=high)
    axis.draw_hits(canvas, hits.tolist(), top, bottom)
    return canvas


def _draw_header(canvas: Canvas, take: Take, score: Score, notes: SoundingNotes) -> None:
    tempo = score.tempo_map
    canvas.text(take.cue.name, (LEFT, 32), INK, size=22, bold=True)
    canvas.text(
        f"take {take.number}, seed {take.seed}: {float(take.cue.range.duration.seconds):.1f} s, "
        f"{counted(len(tempo.bars()), 'bar')}, {tempo.mean_bpm:.0f} quarters a minute, "
        f"{counted(len(notes), 'note')}",
        (canvas.width - 24, 32),
        PALE_INK,
        size=15,
        align=Align.RIGHT,
    )
    present = [family for family in Family if family in notes.families]
    entries = [LegendEntry(family.value, FAMILY_COLOURS[family]) for family in present]
    marks = [LegendEntry("locked hit", HIT), LegendEntry("cut or transition", CUT)]
    curves = [LegendEntry("valence", VALENCE), LegendEntry("arousal", AROUSAL)]
    draw_legend(canvas, [*entries, *marks, *curves], LEFT, 62)


def _draw_octaves(canvas: Canvas, low: int, high: int, top: float) -> None:
    """A line under each C, with its name; middle C is C4."""
    for pitch in range(low, high + 1):
        if pitch % 12 == 0:
            y = top + (high - pitch + 1) * SEMITONE
            canvas.line((LEFT, y), (canvas.width - 24, y), GRID)
            canvas.text(f"C{pitch // 12 - 1}", (LEFT - 10, y), PALE_INK, size=13, align=Align.RIGHT)


def _draw_emotion(canvas: Canvas, axis: TimeAxis, cue: Cue) -> None:
    """Valence and arousal from −1 to 1."""

    def y(value: float) -> float:
        return HEADER + EMOTION * (0.5 - value / 2)

    for value, words in ((1.0, "+1"), (0.0, "0"), (-1.0, "−1")):
        canvas.line((LEFT, y(value)), (canvas.width - 24, y(value)), GRID)
        canvas.text(words, (LEFT - 10, y(value) + 5), PALE_INK, size=13, align=Align.RIGHT)
    start_s = float(cue.range.start.seconds)
    times = [axis.length_s * index / EMOTION_POINTS for index in range(EMOTION_POINTS + 1)]
    curve: list[ValenceArousal] = [cue.felt.at(start_s + time) for time in times]
    for colour, width, values in (  # the upper one is narrower: where they are equal, both show
        (VALENCE, 4, [point.valence for point in curve]),
        (AROUSAL, 2, [point.arousal for point in curve]),
    ):
        points = [(axis.x(time), y(value)) for time, value in zip(times, values, strict=True)]
        canvas.path(points, colour, width=width)


def _draw_notes(
    canvas: Canvas,
    axis: TimeAxis,
    notes: SoundingNotes,
    drums: list[int],
    *,
    top: float,
    drum_top: float,
    high: int,
) -> None:
    """A bar for each note, the paler the softer; drums in rows of their own."""
    rows = {key: min(row, MOST_DRUM_ROWS - 1) for row, key in enumerate(drums)}
    if drums:
        canvas.line((LEFT, drum_top + 4), (canvas.width - 24, drum_top + 4), PALE_INK)
        canvas.text("drums", (LEFT - 10, drum_top + 18), PALE_INK, size=13, align=Align.RIGHT)
    for index in range(len(notes)):
        colour = FAMILY_COLOURS[notes.families[int(notes.part[index])]]
        shade = colour.over_white(0.35 + 0.65 * float(notes.velocity[index]) / 127)
        start, pitch = axis.x(float(notes.start_s[index])), int(notes.pitch[index])
        end = axis.x(min(float(notes.end_s[index]), axis.length_s))
        if notes.is_drum[index]:
            y = drum_top + 8 + rows[pitch] * DRUM_ROW
            canvas.box(start, y, start + 4, y + DRUM_ROW - 1, shade)
        else:
            y = top + (high - pitch) * SEMITONE
            canvas.box(start, y, max(end - 1, start + 2), y + SEMITONE - 1, shade)
