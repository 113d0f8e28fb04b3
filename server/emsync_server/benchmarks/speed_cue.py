"""What `composer-speed` composes, and the same music counted in the published tokens."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from emsync.cue import Brief, Cue, CueSheet, Hit
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.picture import PictureInfo
from emsync.score import Score
from emsync.timecode import RationalTime, TimeRange

__all__ = ["cue_to_compose", "published_tokens"]

FPS = Fraction(24)
HIT_EVERY_S = 6.5
PUBLISHED_GRID_S, PUBLISHED_LONGEST = Fraction(1, 125), 125  # 8 ms; grid steps of a second


def cue_to_compose(length_s: int) -> CueSheet:
    """A cue whose mood changes, with a locked hit every few seconds."""
    frames = int(length_s * FPS)
    hits = tuple(
        Hit(RationalTime(round(second * FPS), FPS), 0.7, locked=True)
        for second in np.arange(HIT_EVERY_S, length_s - 2, HIT_EVERY_S)
    )
    points = tuple(
        EmotionPoint(
            RationalTime(round(share * frames), FPS),
            ValenceArousal(valence, arousal),
            ValenceArousal(0.0, 0.0),
        )
        for share, valence, arousal in ((0.0, 0.2, 0.1), (0.5, -0.4, 0.6), (1.0, 0.5, 0.0))
    )
    length = RationalTime(frames, FPS)
    start = RationalTime(0, FPS)
    cue = Cue("cue", TimeRange(start, length), hits, EmotionCurve(points), Brief())
    return CueSheet(PictureInfo("/film.mp4", FPS, length, start), (), (cue,))


def published_tokens(score: Score) -> int:
    """Tokens of the published vocabulary for the same music: on, off, and time shifts of up to a
    second between moments on its grid; bar and chord tokens left out.
    """
    moments = []
    for note in (note for part in score.parts for note in part.notes):
        times = (note.start_q, note.start_q + note.length_q)
        moments += [round(score.tempo_map.seconds_at(q) / PUBLISHED_GRID_S) for q in times]
    gaps = np.diff(np.unique([0, *moments]))
    return len(moments) + int(np.ceil(gaps / PUBLISHED_LONGEST).sum())
