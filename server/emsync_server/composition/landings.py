"""Where accents really begin in a score that was written and read back."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from emsync.errors import EmsyncError
from emsync.score import Landing, Score
from emsync_server.composition.accents import CHORD_NOTES

CHORD_WIDTH_S = Fraction(30, 1000)  # notes this close are struck together (DESIGN §9)


def measured_landings(score: Score, hits_s: Sequence[Fraction]) -> tuple[Landing, ...]:
    """The accent nearest to each hit; hits in seconds from the start of the cue, in order."""
    accents = accent_starts(score)
    if not accents:
        if hits_s:
            raise EmsyncError(
                f"The score has no accent at all, but {len(hits_s)} hits to land on. "
                "This is a fault in emsync; please report it with the cue sheet."
            )
        return ()
    times = [time_s for time_s, _ in accents]
    landings: list[Landing] = []
    for hit_s in hits_s:
        after = bisect_left(times, hit_s)
        near = accents[max(after - 1, 0) : after + 1]
        time_s, time_q = min(near, key=lambda accent: abs(accent[0] - hit_s))
        landings.append(Landing(hit_s, time_q, float(time_s - hit_s)))
    return tuple(landings)


def check_landings(landings: Sequence[Landing], rate: Fraction) -> None:
    """Every landing within half a frame, or an internal failure."""
    for landing in landings:
        if abs(landing.error_s) > 1 / (2 * rate):
            raise EmsyncError(
                f"The hit at {float(landing.hit_s):.3f} s of the cue was missed by "
                f"{1000 * landing.error_s:+.1f} ms. "
                "This is a fault in emsync; please report it with the cue sheet."
            )


def accent_starts(score: Score) -> list[tuple[Fraction, Fraction]]:
    """(seconds, quarters) of each onset of three or more pitched notes, in order."""
    struck = sorted(
        (note.start_q, note.pitch)
        for part in score.parts
        if not part.is_drums
        for note in part.notes
    )
    starts: list[tuple[Fraction, Fraction]] = []
    group: list[tuple[Fraction, Fraction, int]] = []  # seconds, quarters, pitch
    for time_q, pitch in struck:
        time_s = score.tempo_map.seconds_at(time_q)
        if group and time_s - group[0][0] > CHORD_WIDTH_S:
            _close(group, starts)
            group = []
        group.append((time_s, time_q, pitch))
    _close(group, starts)
    return starts


def _close(
    group: list[tuple[Fraction, Fraction, int]], starts: list[tuple[Fraction, Fraction]]
) -> None:
    if len({pitch for _, _, pitch in group}) >= CHORD_NOTES:
        starts.append(group[0][:2])
