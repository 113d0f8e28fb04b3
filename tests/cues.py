"""Cue sheets for tests of composition, from plain seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from emsync.cue import Brief, Cue, CueSheet, Hit
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime, TimeRange

FILM_RATE = Fraction(24)
SURE = ValenceArousal(0.0, 0.0)


def sheet_of(
    frames: int,
    hit_frames: Iterable[int] = (),
    *,
    emotion: Sequence[tuple[float, float, float]] = ((0.0, 0.2, 0.1),),
    rate: Fraction = FILM_RATE,
    brief: Brief | None = None,
    locked: bool = True,
    start: int = 0,
) -> CueSheet:
    """One cue, 'film', of so many frames; emotion as (seconds, valence, arousal)."""
    hits = tuple(Hit(RationalTime(start + f, rate), 0.7, locked) for f in hit_frames)
    points = tuple(
        EmotionPoint(RationalTime.from_seconds(t, rate), ValenceArousal(v, a), SURE)
        for t, v, a in emotion
        if t * rate <= start + frames  # a curve ends with its picture
    )
    cue = Cue(
        "film",
        TimeRange(RationalTime(start, rate), RationalTime(frames, rate)),
        hits,
        EmotionCurve(points),
        brief or Brief(),
    )
    picture = PictureInfo(
        "/film.mp4", rate, RationalTime(start + frames, rate), RationalTime(0, rate)
    )
    return CueSheet(picture, (), (cue,))
