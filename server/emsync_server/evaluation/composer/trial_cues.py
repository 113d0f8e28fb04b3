"""Cue sheets of a single cue that no film was spotted for: what the evaluation asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from emsync.cue import Brief, Cue, CueSheet, Hit, HitSource
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime, TimeRange

__all__ = ["CUE", "FILM_RATE", "flat", "trial_sheet", "with_heard_hits"]

FILM_RATE = Fraction(24)
NANOSECONDS = Fraction(1_000_000_000)
SURE = ValenceArousal(0.0, 0.0)
TAIL_S = 4  # of picture after the cue, for the last chord to ring over
CUE = "cue"

Points = Sequence[tuple[float, float, float]]
"""(seconds, valence, arousal) of each point of an emotion curve."""


def flat(valence: float, arousal: float) -> Points:
    """One emotion for a whole cue."""
    return ((0.0, valence, arousal),)


def trial_sheet(
    length_s: float,
    emotion: Points,
    *,
    hits_s: Iterable[float] = (),
    brief: Brief | None = None,
    name: str = CUE,
) -> CueSheet:
    """One cue from the start of a picture of 24 frames a second; hits lie on frames and are locked.

    The picture has no file: production sound is absent.
    """
    length = RationalTime.from_seconds(length_s, FILM_RATE)
    frames = sorted({RationalTime.from_seconds(hit, FILM_RATE).value for hit in hits_s})
    points = tuple(
        EmotionPoint(RationalTime.from_seconds(at, FILM_RATE), ValenceArousal(v, a), SURE)
        for at, v, a in emotion
    )
    cue = Cue(
        name,
        TimeRange(RationalTime(0, FILM_RATE), length),
        tuple(Hit(RationalTime(frame, FILM_RATE), 0.8, True, HitSource.PERSON) for frame in frames),
        EmotionCurve(points),
        brief or Brief(),
    )
    picture = PictureInfo(
        name,
        FILM_RATE,
        RationalTime(length.value + TAIL_S * int(FILM_RATE), FILM_RATE),
        RationalTime(0, FILM_RATE),
        has_sound=False,
    )
    return CueSheet(picture, (), (cue,))


def with_heard_hits(sheet: CueSheet, hits_s: Iterable[Fraction]) -> CueSheet:
    """The same cue with hits that the network hears coming and no rule enforces, to the
    nanosecond.
    """
    cue = sheet.cues[0]
    hits = tuple(
        Hit(RationalTime.from_seconds(at, NANOSECONDS), 0.8, False, HitSource.PERSON)
        for at in sorted(hits_s)
    )
    return replace(sheet, cues=(replace(cue, hits=hits),))
