"""The emotion of a film as a picture: strip, cuts, hits, valence and arousal with their bands, what
each expert said, and what was heard and said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emsync.counted import counted
from emsync.cue import CueSheet
from emsync.emotion import EmotionCurve, EmotionPoint, EmotionVote, ShotNotes, ValenceArousal
from emsync.picture import Boundary, BoundaryKind
from emsync_server.evaluation.canvas import Align, Canvas, Colour
from emsync_server.evaluation.film_strip import STRIP, Still
from emsync_server.evaluation.palette import (
    AROUSAL,
    BY_HAND,
    CUT,
    GRID,
    HIT,
    INK,
    PALE_INK,
    VALENCE,
)
from emsync_server.evaluation.time_axis import LEFT, RIGHT, LegendEntry, TimeAxis, draw_legend
from emsync_server.evaluation.word_rows import WordRows

__all__ = [
    "EXPERT_COLOURS",
    "NOTHING",
    "draw_emotion_picture",
    "felt_shots",
    "genre_line",
    "is_told",
    "shots_and_stretches",
]

HEADER, ROW, GAP, FOOT = 78, 170, 30, 40
APART = 30
"""Pixels between the film's name and what is told beside it."""
LINES = "thick lines: what each is felt to be; thin: the curve that the music follows"
BAND_DEVIATIONS = 1.2816
"""Four in five lie inside."""
NOTHING = "nothing found"
"""Where no expert counts."""
LEAST_SHARE = 0.005
"""An expert who counts for less is told as 0 %: he found nothing."""
OTHER = Colour(158, 157, 36)
TINY = 1e-6
MOST_GENRES = 3
ENDS = {"valence": ("pleasant", "unpleasant"), "arousal": ("excited", "calm")}
"""What the axes' ends mean."""
BAR_HEIGHT = 6
"""Of the mark at what a person set."""
EXPERT_COLOURS: dict[str, Colour] = {
    "movement": Colour(121, 85, 72),
    "picture_emotion": Colour(2, 136, 209),
    "faces": Colour(216, 27, 140),
    "sound_emotion": Colour(249, 168, 37),
    "text_emotion": Colour(124, 179, 66),
    "fusion": Colour(48, 63, 159),
}
"""No grey and no red among them: those are cuts and hits."""


def draw_emotion_picture(sheet: CueSheet, stills: Sequence[Still]) -> Canvas:
    """Draw what spotting found of a sheet's whole picture."""
    axis = TimeAxis.of_length(float(sheet.picture.duration.seconds))
    rows, bottom = WordRows(sheet, axis), HEADER + STRIP + 2 * (GAP + ROW)
    canvas = Canvas(axis.width, bottom + FOOT + rows.height)
    _draw_header(canvas, sheet)
    axis.draw_seconds(canvas, HEADER + STRIP + GAP, bottom)
    for still in stills:
        _paste(canvas, still, axis)
    tops = [HEADER + STRIP + GAP + at * (ROW + GAP) for at in (0, 1)]
    for name, colour, top in zip(("valence", "arousal"), (VALENCE, AROUSAL), tops, strict=True):
        _draw_axis(canvas, axis, sheet, name, colour, top)
    changes = [float(each.time.seconds) for each in sheet.boundaries if _is_change(each)]
    axis.draw_cuts(canvas, changes, HEADER, bottom)
    hits = [float(hit.time.seconds) for cue in sheet.cues for hit in cue.hits]
    axis.draw_hits(canvas, hits, HEADER + STRIP + GAP, bottom)
    rows.draw(canvas, bottom + FOOT)
    return canvas


def shots_and_stretches(sheet: CueSheet) -> str:
    """How many shots the picture has by its boundaries, and in how many stretches it is felt, where
    that is another number: long shots are felt in parts."""
    end = sheet.picture.duration.seconds
    edges = {each.time.seconds for each in sheet.boundaries if _is_change(each)}
    shots = 1 + sum(0 < edge < end for edge in edges)
    told = counted(shots, "shot")
    if shots == len(sheet.shots):
        return told
    return f"{told}, felt in {counted(len(sheet.shots), 'stretch')}"


def is_told(vote: EmotionVote) -> bool:
    """Whether an expert found anything that counts."""
    return vote.share >= LEAST_SHARE


def _is_change(boundary: Boundary) -> bool:
    return boundary.kind is not BoundaryKind.MARKER


def _draw_header(canvas: Canvas, sheet: CueSheet) -> None:
    votes = [vote for note in sheet.shots for vote in note.votes]
    told = sorted({vote.expert for vote in votes if is_told(vote)})
    unknown = NOTHING if votes else "no experts were asked"
    words = f"{shots_and_stretches(sheet)}; {LINES if told else unknown}"
    if sheet.genres:
        words = f"genres: {genre_line(sheet)}; {words}"
    place = (canvas.width - RIGHT, 32)
    taken = canvas.text(words, place, PALE_INK, size=15, align=Align.RIGHT)
    room = canvas.width - LEFT - RIGHT - taken - APART
    name = canvas.elided(Path(sheet.picture.source).name, room, 22, bold=True)
    canvas.text(name, (LEFT, 32), INK, size=22, bold=True)
    marks = [LegendEntry("hit", HIT), LegendEntry("cut or transition", CUT)]
    bands = [LegendEntry("80 % band", VALENCE.over_white(0.3))]
    is_set = any(_set_by_hand(sheet, name) for name in ENDS)
    hand = [LegendEntry("set by hand", BY_HAND)] if is_set else []
    experts = [
        LegendEntry(name.replace("_", " "), EXPERT_COLOURS.get(name, OTHER)) for name in told
    ]
    draw_legend(canvas, [*marks, *bands, *hand, *experts], LEFT, 62)


def _draw_axis(
    canvas: Canvas, axis: TimeAxis, sheet: CueSheet, name: str, colour: Colour, top: int
) -> None:
    """One axis of the emotion, from −1 to 1."""

    def y(value: float) -> float:
        return top + ROW * (0.5 - value / 2)

    high, low = ENDS[name]
    for value, words in ((1.0, high), (0.0, name), (-1.0, low)):
        canvas.line((LEFT, y(value)), (canvas.width - RIGHT, y(value)), GRID)
        canvas.text(words, (LEFT - 10, y(value) + 5), PALE_INK, size=11, align=Align.RIGHT)
    for note, point in felt_shots(sheet):
        mean, off = getattr(point.emotion, name), getattr(point.uncertainty, name)
        bottom, above = (np.clip(mean + sign * BAND_DEVIATIONS * off, -1, 1) for sign in (-1, 1))
        left, right = axis.x(float(note.range.start.seconds)), axis.x(float(note.range.end.seconds))
        canvas.box(left, y(float(above)), right, y(float(bottom)), colour, opacity=0.16)
        canvas.line((left, y(mean)), (right, y(mean)), colour, width=3)
    for cue in sheet.cues:
        start_s, end_s = float(cue.range.start.seconds), float(cue.range.end.seconds)
        times = np.linspace(start_s, end_s, max(2, axis.plot_width // 2))
        felt = cue.felt
        curve = [(axis.x(t), y(getattr(felt.at(float(t)), name))) for t in times]
        canvas.path(curve, colour, width=1)
    for note in sheet.shots:
        x = axis.x(_middle_s(note))
        for vote in filter(is_told, note.votes):
            value = y(getattr(vote.emotion, name))
            size = 2 + 4 * vote.share
            box = (x - size, value - size, x + size, value + size)
            canvas.box(*box, EXPERT_COLOURS.get(vote.expert, OTHER), opacity=0.7)
    for start_s, end_s, value in _set_by_hand(sheet, name):  # over all else, at its value
        left, right, middle = axis.x(start_s), axis.x(end_s), y(value)
        above, below = middle - BAR_HEIGHT / 2, middle + BAR_HEIGHT / 2
        canvas.box(left, above, max(right, left + BAR_HEIGHT), below, BY_HAND)


def _set_by_hand(sheet: CueSheet, name: str) -> list[tuple[float, float, float]]:
    """What a person set of one axis of the emotion: from and to, in seconds, and the value. A
    keyframe has no length."""
    return [
        (float(each.time.seconds), float((each.end or each.time).seconds), value)
        for cue in sheet.cues
        for each in cue.overrides
        if (value := getattr(each.emotion, name)) is not None
    ]


def genre_line(sheet: CueSheet) -> str:
    """The likeliest genres, where a network told them: 'musical 93 %, noir 4 %'; else nothing."""
    return ", ".join(f"{name} {value:.0%}" for name, value in (sheet.genres or ())[:MOST_GENRES])


def felt_shots(sheet: CueSheet) -> list[tuple[ShotNotes, EmotionPoint]]:
    """Each shot with the emotion that the music follows in its middle: what a person set by hand is
    sure, the rest is as it was estimated.
    """
    if not sheet.cues:
        return []
    estimated = sheet.cues[0].emotion
    curves = [(cue.range, cue.felt) for cue in sheet.cues]
    shots = []
    for note in sheet.shots:
        point = estimated.nearest(note.range.middle.seconds)
        inside = (felt for where, felt in curves if where.contains(point.time))
        shots.append((note, _felt_point(point, next(inside, estimated))))
    return shots


def _felt_point(estimated: EmotionPoint, felt: EmotionCurve) -> EmotionPoint:
    emotion, off = felt.at(float(estimated.time.seconds)), estimated.uncertainty
    by_hand = [abs(getattr(emotion, axis) - getattr(estimated.emotion, axis)) > TINY
               for axis in ("valence", "arousal")]  # fmt: skip
    left = ValenceArousal(*(0.0 if set_ else value for set_, value in
                            zip(by_hand, (off.valence, off.arousal), strict=True)))  # fmt: skip
    return EmotionPoint(estimated.time, emotion, left)


def _middle_s(note: ShotNotes) -> float:
    return (float(note.range.start.seconds) + float(note.range.end.seconds)) / 2


def _paste(canvas: Canvas, still: Still, axis: TimeAxis) -> None:
    """In the middle of its shot, and never over another."""
    left, right = round(axis.x(still.start_s)) + 1, round(axis.x(still.end_s))
    room, width = max(1, right - left), still.bgr.shape[1]
    cut = max(0, width - room) // 2
    canvas.paste(still.bgr[:, cut : cut + room], left + max(0, room - width) // 2, HEADER)
