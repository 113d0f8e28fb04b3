"""Agreement of accents with cuts: perfect, unrelated, and everything between."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.family import Family
from emsync.score import Meter, Note, Part, Score, TempoAnchor, TempoMap
from emsync_server.evaluation import SoundingNotes, accents_of_notes, agreement
from emsync_server.evaluation.accents import chord_starts
from emsync_server.evaluation.hits import Trial, pooled_agreement

FRAME_S = 1 / 24


def score_of(
    chords: dict[float, tuple[int, ...]],
    *,
    velocity: int = 80,
    drums: dict[float, int] | None = None,
) -> Score:
    """Pitches struck at each quarter, 60 quarters a minute: quarters are seconds."""
    notes = tuple(
        Note(Fraction(at).limit_denominator(1000), Fraction(1, 2), pitch, velocity)
        for at, pitches in chords.items()
        for pitch in pitches
    )
    strokes = tuple(
        Note(Fraction(at).limit_denominator(1000), Fraction(1, 8), key, 100)
        for at, key in (drums or {}).items()
    )
    parts = [Part("strings", 48, False, Family.STRINGS, notes)]
    if strokes:
        parts.append(Part("kit", 0, True, Family.PERCUSSION, strokes))
    tempo = TempoMap(
        (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(Fraction(600), Fraction(600))),
        (Meter(Fraction(0), 4, 4),),
    )
    return Score(tuple(parts), tempo)


def test_an_accent_on_every_cut_and_nowhere_else_gives_kappa_one():
    cuts = np.cumsum(np.random.default_rng(0).uniform(3, 9, 20))
    found = agreement(cuts, cuts + 0.01, length_s=cuts[-1] + 3, tolerance_s=FRAME_S)
    assert found.hit_share == 1.0
    assert found.kappa == pytest.approx(1.0)
    assert found.p is not None and found.p < 0.03


def test_unrelated_accents_give_kappa_about_zero_and_p_spread_over_all_values():
    rng = np.random.default_rng(1)
    pairs = [
        agreement(
            np.sort(rng.uniform(0, 120, 30)),
            np.sort(rng.uniform(0, 120, 120)),
            length_s=120,
            tolerance_s=FRAME_S,
            seed=index,
            draws=500,
        )
        for index in range(60)
    ]
    assert abs(np.mean([pair.kappa for pair in pairs])) < 0.03
    assert 0.35 < np.mean([pair.p for pair in pairs]) < 0.7  # ties push it above a half
    assert np.mean([pair.p < 0.05 for pair in pairs]) < 0.15


def test_dense_music_hits_everything_and_yet_proves_nothing():
    cuts = np.arange(2.0, 60.0, 4.0)
    found = agreement(cuts, np.arange(0, 60.1, 0.15), length_s=60, tolerance_s=0.1)
    assert found.hit_share == 1.0
    assert found.kappa is None
    assert found.p == 1.0


def test_accents_that_avoid_cuts_give_a_negative_kappa():
    cuts = np.arange(2.0, 58.0, 4.0) + np.random.default_rng(2).uniform(-1, 1, 14)
    avoiding = np.array([t for t in np.arange(0, 60, 0.2) if np.min(abs(cuts - t)) > 0.25])
    found = agreement(cuts, avoiding, length_s=60, tolerance_s=0.1)
    assert found.kappa is not None and found.kappa < -0.5


def test_without_targets_nothing_is_claimed():
    found = agreement([], [1.0, 2.0], length_s=10, tolerance_s=FRAME_S)
    assert (found.hit_share, found.kappa, found.p) == (None, None, None)


def test_without_accents_no_target_is_hit():
    found = agreement([1.0, 2.0], [], length_s=10, tolerance_s=FRAME_S)
    assert (found.hit_share, found.chance_share, found.kappa, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_pooled_cues_weigh_by_their_cuts_and_keep_their_own_tolerance():
    rng = np.random.default_rng(5)
    cuts = np.cumsum(rng.uniform(3, 9, 30))
    on_the_cut = Trial(cuts, cuts + 0.015, cuts[-1] + 3, 1 / 24)
    off_the_cut = Trial(cuts[:10], cuts[:10] + 0.03, cuts[9] + 3, 1 / 60)
    found = pooled_agreement([on_the_cut, off_the_cut])
    assert found.targets == 40
    assert found.hit_share == pytest.approx(30 / 40)


@given(
    targets=st.lists(st.floats(0, 60), min_size=1, max_size=20),
    accents=st.lists(st.floats(0, 60), max_size=40),
    tolerance=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_shares_stay_in_range_and_the_same_seed_gives_the_same_figures(
    targets, accents, tolerance, seed
):
    def measured():
        return agreement(targets, accents, length_s=60, tolerance_s=tolerance, seed=seed, draws=50)

    found = measured()
    assert found == measured()
    assert 0 <= found.hit_share <= 1 and 0 <= found.chance_share <= 1 and 0 < found.p <= 1
    assert found.kappa is None or found.kappa <= 1 + 1e-9


@pytest.mark.parametrize(
    ("length_s", "tolerance_s", "draws"),
    [(0, 0.1, 10), (-1, 0.1, 10), (10, -0.1, 10), (10, 0.1, 0)],
    ids=["no length", "negative length", "negative tolerance", "no draws"],
)
def test_an_impossible_question_is_refused(length_s, tolerance_s, draws):
    with pytest.raises(ValueError, match="no agreement"):
        agreement([1], [1], length_s=length_s, tolerance_s=tolerance_s, draws=draws)


def test_a_chord_needs_three_pitched_notes_within_thirty_milliseconds():
    notes = SoundingNotes.of(
        score_of(
            {1: (60, 64, 67), 2: (60, 64), 3: (60, 64), 3.02: (67,), 4: (60, 64), 4.04: (67,)},
            drums={2: 36},
        )
    )
    assert accents_of_notes(notes).all_s.tolist() == [1.0, 3.0]


def test_a_grace_note_does_not_move_the_chord_that_follows():
    notes = SoundingNotes.of(score_of({1.98: (72,), 2: (60, 64, 67)}))
    assert 2.0 in chord_starts(notes)


def test_strong_accents_are_a_quarter_even_where_all_are_equal():
    notes = SoundingNotes.of(score_of({float(at): (60,) for at in range(40)}))
    assert len(accents_of_notes(notes).strong_s) == 10


def test_the_loud_quarter_is_found():
    quiet = score_of({float(at): (60,) for at in range(1, 40)}, velocity=40)
    loud = score_of({float(at): (72,) for at in range(1, 40, 4)}, velocity=120)
    both = Score((*quiet.parts, *loud.parts), quiet.tempo_map)
    strong = accents_of_notes(SoundingNotes.of(both)).strong_s
    assert strong.tolist() == [float(at) for at in range(1, 40, 4)]
