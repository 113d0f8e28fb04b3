"""A take over a picture that was edited since: kept bars keep notes, windows fill the rest."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.cue import Cue, Hit, HitSource
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.family import Family
from emsync.score import Meter, Note, Part, Score, TempoAnchor, TempoMap
from emsync.timecode import RationalTime, TimeRange
from emsync_server.composition.conforming import KeptPicture, conform
from emsync_server.composition.representation import STEPS_PER_QUARTER

R = Fraction(24)
BARS = 16
BAR_S = 2  # at 120 quarters a minute


def cue(frames: int, hits: tuple[int, ...] = ()) -> Cue:
    feeling = ValenceArousal(0.1, 0.2)
    return Cue(
        "cue",
        TimeRange(RationalTime(0, R), RationalTime(frames, R)),
        tuple(Hit(RationalTime(at, R), 1.0, True, HitSource.BOUNDARY, "") for at in hits),
        EmotionCurve((EmotionPoint(RationalTime(0, R), feeling, feeling),)),
    )


def written_score() -> Score:
    """Sixteen bars of 4/4; each beat has a note whose pitch tells which it is."""
    notes = tuple(Note(Fraction(beat), Fraction(1), 30 + beat, 80) for beat in range(4 * BARS))
    tempo = TempoMap(
        (
            TempoAnchor(Fraction(0), Fraction(0)),
            TempoAnchor(Fraction(4 * BARS), Fraction(BAR_S * BARS)),
        ),
        (Meter(Fraction(0), 4, 4),),
    )
    return Score((Part("Piano", 0, False, Family.KEYS, notes),), tempo)


@pytest.fixture
def score() -> Score:
    return written_score()


def kept(*spans: tuple[float, float, float]) -> list[KeptPicture]:
    return [KeptPicture(*(Fraction(each) for each in span)) for span in spans]


def onsets(score: Score) -> dict[int, Fraction]:
    """When each note begins, by its pitch."""
    return {
        note.pitch: score.tempo_map.seconds_at(note.start_q)
        for part in score.parts
        for note in part.notes
    }


def test_an_inserted_shot_gets_a_window_and_what_follows_comes_later(score: Score):
    made = conform(
        score, cue(32 * 24), cue(37 * 24, (12 * 24,)), kept((0, 0, 11), (11, 16, 21)), seed=1
    )
    assert made is not None
    now, before = onsets(made.score), onsets(score)
    moved = {pitch: now[pitch] - before[pitch] for pitch in now}
    assert {m for p, m in moved.items() if before[p] < 10} == {0}
    assert {m for p, m in moved.items() if before[p] >= 12} == {5}
    assert len(now) == 4 * (BARS - 1)
    assert made.kept_bars == BARS - 1
    assert made.score.tempo_map.end_s == 37
    ((first, stop),) = made.windows
    bars = made.score.tempo_map.bars()
    edges = [made.score.tempo_map.seconds_at(bars[i - 1].start_q) for i in (first, stop)]
    assert edges == [10, 17]


def test_a_new_hit_in_the_window_falls_on_the_grid(score: Score):
    new = cue(37 * 24, (13 * 24 + 7,))
    made = conform(score, cue(32 * 24), new, kept((0, 0, 11), (11, 16, 21)), seed=1)
    assert made is not None
    (hit,) = made.cue.hits
    step = made.score.tempo_map.quarters_at(hit.time.seconds) * STEPS_PER_QUARTER
    assert step.denominator == 1


def test_hits_of_kept_bars_stay_and_those_spotted_there_now_do_not_count(score: Score):
    old, new = cue(32 * 24, (48, 480)), cue(37 * 24, (96, 300, 700))
    made = conform(score, old, new, kept((0, 0, 11), (11, 16, 21)), seed=1)
    assert made is not None
    assert [hit.time.value for hit in made.cue.hits] == [48, 300, 480 + 5 * 24]


def test_nothing_kept_is_said(score: Score):
    assert conform(score, cue(32 * 24), cue(32 * 24), [], seed=1) is None
    assert conform(score, cue(32 * 24), cue(32 * 24), kept((0.5, 0.5, 1.9)), seed=1) is None


def test_a_gap_too_short_for_music_takes_a_bar_from_its_neighbour(score: Score):
    made = conform(score, cue(32 * 24), cue(31 * 24), kept((0, 0, 16), (17, 16, 15)), seed=1)
    assert made is not None
    ((first, stop),) = made.windows
    tempo = made.score.tempo_map
    bars = tempo.bars()
    length = tempo.seconds_at(bars[stop - 1].start_q) - tempo.seconds_at(bars[first - 1].start_q)
    assert length >= 2
    assert tempo.end_s == 31


@given(
    cut=st.integers(0, 31 * 24),
    removed=st.integers(0, 200),
    inserted=st.integers(0, 400),
)
def test_any_one_change_gives_a_plan_that_ends_with_the_picture(
    cut: int, removed: int, inserted: int
):
    length = 32 * 24
    removed = min(removed, length - cut)
    now = length - removed + inserted
    spans = [(0, 0, cut), (cut + removed, cut + inserted, length - cut - removed)]
    same = [KeptPicture(*(Fraction(each, 24) for each in span)) for span in spans if span[2] > 0]
    base = written_score()
    made = conform(base, cue(length), cue(max(now, 24)), same, seed=1)
    if made is None:
        return
    tempo = made.score.tempo_map
    assert tempo.end_s == Fraction(max(now, 24), 24)
    before = onsets(base)
    shifts = {at - before[pitch] for pitch, at in onsets(made.score).items()}
    assert shifts <= {0, Fraction(inserted - removed, 24)}
    inside = sum(stop - first for first, stop in made.windows)
    assert made.kept_bars + inside == len(tempo.bars())
