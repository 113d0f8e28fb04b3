"""The emotion of a film as a picture: strip, cuts, hits, valence and arousal with their bands, and
what each expert said."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync.cue import CueSheet
from emsync.emotion import EmotionPoint, ShotNotes
from emsync.errors import EmsyncError
from emsync_server.evaluation.canvas import Align, Canvas, Colour
from emsync_server.evaluation.palette import AROUSAL, CUT, GRID, HIT, INK, PALE_INK, VALENCE
from emsync_server.evaluation.time_axis import LEFT, RIGHT, LegendEntry, TimeAxis, draw_legend
from emsync_server.media import open_film

__all__ = ["EXPERT_COLOURS", "draw_emotion_picture", "film_strip"]

HEADER, STRIP, ROW, GAP, FOOT = 78, 64, 170, 18, 40
BAND_DEVIATIONS = 1.2816
"""Four in five lie inside."""
MOST_STILLS = 48
OTHER = Colour(90, 90, 90)
EXPERT_COLOURS: dict[str, Colour] = {
    "movement": Colour(96, 125, 139),
    "picture_emotion": Colour(30, 101, 204),
    "faces": Colour(208, 67, 150),
    "sound_emotion": Colour(214, 158, 0),
    "text_emotion": Colour(126, 87, 194),
}

Still = tuple[float, NDArray[np.uint8]]
"""Picture time in seconds, and (H, W, 3) blue, green, red."""


def draw_emotion_picture(sheet: CueSheet, stills: Sequence[Still]) -> Canvas:
    """Draw what spotting found of a sheet's whole picture."""
    axis = TimeAxis.of_length(float(sheet.picture.duration.seconds))
    canvas = Canvas(axis.width, HEADER + STRIP + 2 * (GAP + ROW) + FOOT)
    bottom = canvas.height - FOOT
    _draw_header(canvas, sheet)
    axis.draw_seconds(canvas, HEADER + STRIP + GAP, bottom)
    for time_s, still in stills:
        _paste(canvas, still, axis.x(time_s), HEADER)
    tops = [HEADER + STRIP + GAP + at * (ROW + GAP) for at in (0, 1)]
    for name, colour, top in zip(("valence", "arousal"), (VALENCE, AROUSAL), tops, strict=True):
        _draw_axis(canvas, axis, sheet, name, colour, top)
    axis.draw_cuts(canvas, [float(each.time.seconds) for each in sheet.boundaries], HEADER, bottom)
    hits = [float(hit.time.seconds) for cue in sheet.cues for hit in cue.hits]
    axis.draw_hits(canvas, hits, HEADER + STRIP + GAP, bottom)
    return canvas


def film_strip(sheet: CueSheet) -> list[Still]:
    """A still from the middle of each shot, as many as there is room for; none of a timeline, or
    where the film is not there any more."""
    length_s = float(sheet.picture.duration.seconds)
    middles = [_middle_s(note) for note in sheet.shots] or [length_s / 2]
    width = STRIP * 16 / 9
    least_s = max(
        length_s / MOST_STILLS, width / TimeAxis.of_length(length_s).plot_width * length_s
    )
    stills: list[Still] = []
    try:
        for time_s in middles:
            if stills and time_s - stills[-1][0] < least_s:
                continue
            with open_film(Path(sheet.picture.source)) as film:
                start = Fraction(time_s).limit_denominator(1000)
                frame = next(iter(film.frames_from(start, start + 2)), None)
                if frame is None:
                    continue
                small = frame.picture.reformat(
                    width=max(2, round(STRIP * frame.picture.width / frame.picture.height)),
                    height=STRIP, format="bgr24",
                )  # fmt: skip
                stills.append((time_s, np.asarray(small.to_ndarray(), np.uint8)))
    except EmsyncError:
        return stills
    return stills


def _draw_header(canvas: Canvas, sheet: CueSheet) -> None:
    name = Path(sheet.picture.source).name
    canvas.text(name, (LEFT, 32), INK, size=22, bold=True)
    asked = sorted({vote.expert for note in sheet.shots for vote in note.votes})
    words = f"{len(sheet.shots)} shots; asked: {', '.join(asked) or 'no experts'}"
    canvas.text(words, (canvas.width - RIGHT, 32), PALE_INK, size=15, align=Align.RIGHT)
    marks = [LegendEntry("hit", HIT), LegendEntry("cut or transition", CUT)]
    bands = [LegendEntry("band: 4 in 5 lie inside", GRID)]
    votes = [LegendEntry(name, EXPERT_COLOURS.get(name, OTHER)) for name in asked]
    draw_legend(canvas, [*marks, *bands, *votes], LEFT, 62)


def _draw_axis(
    canvas: Canvas, axis: TimeAxis, sheet: CueSheet, name: str, colour: Colour, top: int
) -> None:
    """One axis of the emotion, from −1 to 1."""

    def y(value: float) -> float:
        return top + ROW * (0.5 - value / 2)

    for value, words in ((1.0, "+1"), (0.0, name), (-1.0, "−1")):
        canvas.line((LEFT, y(value)), (canvas.width - RIGHT, y(value)), GRID)
        canvas.text(words, (LEFT - 10, y(value) + 5), PALE_INK, size=13, align=Align.RIGHT)
    for cue in sheet.cues:
        for (start, end), point in _stretches(sheet.shots, cue.emotion.points):
            mean, off = getattr(point.emotion, name), getattr(point.uncertainty, name)
            low, high = (np.clip(mean + sign * BAND_DEVIATIONS * off, -1, 1) for sign in (-1, 1))
            left, right = axis.x(start), axis.x(end)
            canvas.box(left, y(float(high)), right, y(float(low)), colour, opacity=0.16)
            canvas.line((left, y(mean)), (right, y(mean)), colour, width=3)
        start_s, end_s = float(cue.range.start.seconds), float(cue.range.end.seconds)
        times = np.linspace(start_s, end_s, max(2, axis.plot_width // 2))
        curve = [(axis.x(t), y(getattr(cue.felt.at(float(t)), name))) for t in times]
        canvas.path(curve, colour, width=1)
    for note in sheet.shots:
        x = axis.x(_middle_s(note))
        for vote in note.votes:
            value = y(getattr(vote.emotion, name))
            size = 2 + 4 * vote.share
            box = (x - size, value - size, x + size, value + size)
            canvas.box(*box, EXPERT_COLOURS.get(vote.expert, OTHER), opacity=0.7)


def _stretches(
    shots: Sequence[ShotNotes], points: Sequence[EmotionPoint]
) -> list[tuple[tuple[float, float], EmotionPoint]]:
    """What each point of a curve stands for, where the notes say so."""
    if len(shots) != len(points):
        return []
    return [
        ((float(note.range.start.seconds), float(note.range.end.seconds)), point)
        for note, point in zip(shots, points, strict=True)
    ]


def _middle_s(note: ShotNotes) -> float:
    return (float(note.range.start.seconds) + float(note.range.end.seconds)) / 2


def _paste(canvas: Canvas, still: NDArray[np.uint8], middle: float, top: int) -> None:
    width = still.shape[1]
    left = round(min(max(LEFT, middle - width / 2), canvas.width - RIGHT - width))
    canvas.paste(still, max(0, left), top)
