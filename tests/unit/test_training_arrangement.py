"""Music arranged for fewer players, for few parts, with a line doubled."""

import numpy as np
import pytest

from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, playable
from emsync_server.composition.representation import BAR, BAR_ROW, DRUM_PITCH_OFFSET, END_ROW

pytest.importorskip("torch")
pytestmark = pytest.mark.training

from emsync_training.arrangement import (  # noqa: E402
    DOUBLES,
    ENSEMBLES,
    SHARES,
    Arrangement,
    arranged,
    drawn_arrangement,
    written_order,
)

FLUTE, VIOLIN, VIOLA, HORN, CELLO = (
    INSTRUMENT_INDEX[name] for name in ("flute", "violin", "viola", "french_horn", "cello")
)
VOICES = ((FLUTE, 79), (VIOLIN, 74), (VIOLA, 67), (HORN, 60), (CELLO, 43))
BARS = 6
SEEDS = range(24)


def orchestra(*, drums=True):
    """Five voices in quarters over a few bars, each its own track, and a snare on each beat."""
    rows, bars = [], []
    for bar in range(BARS):
        rows.append([*BAR_ROW, 0])
        for beat in range(4):
            for track, (instrument, pitch) in enumerate(VOICES):
                rows.append([beat * 12, instrument, pitch + (bar + beat) % 3, 7, 4, track])
            if drums:
                rows.append([beat * 12, DRUM_KIT, 38 + DRUM_PITCH_OFFSET, 3, 5, 9])
        bars += [bar] * (len(rows) - len(bars))
    rows.append([*END_ROW, 0])
    rows, bars = np.array(rows), np.array([*bars, BARS - 1])
    order = written_order(rows, bars)
    return rows[order], bars[order]


def notes(rows, bar):
    return {(b, *row) for b, row in zip(bar.tolist(), rows[:, :5].tolist(), strict=True)
            if row[0] < BAR}  # fmt: skip


def assert_written(rows, bar):
    assert np.array_equal(written_order(rows, bar), np.arange(len(rows)))
    assert (rows[:, 0] == BAR).sum() == BARS
    assert tuple(rows[-1, :5]) == END_ROW


def drawn(how, seed, **given):
    rows, bar = orchestra(**given)
    return (rows, bar), arranged(np.random.default_rng(seed), how, rows, bar)


@pytest.mark.parametrize("seed", SEEDS)
def test_players_are_left_out_whole_and_the_others_play_what_they_played(seed):
    before, after = drawn(Arrangement.FEWER_PLAYERS, seed)
    assert_written(*after)
    assert notes(*after) < notes(*before)
    present, left = (set(rows[rows[:, 0] < BAR, 1].tolist()) for rows in (before[0], after[0]))
    assert 3 <= len(left) < len(present)
    assert notes(*after) == {note for note in notes(*before) if note[2] in left}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_reduction_keeps_the_outer_voices_and_nobody_plays_beyond_their_range(seed):
    before, after = drawn(Arrangement.REDUCED, seed)
    assert_written(*after)
    rows, bar = after
    players = set(rows[rows[:, 0] < BAR, 1].tolist())
    parts = max(len(ensemble) for ensemble in ENSEMBLES if players <= set(ensemble))
    assert DRUM_KIT not in players
    assert all(playable(row[1], row[2]) for row in rows[rows[:, 0] < BAR].tolist())
    for b in range(BARS):
        for beat in range(4):
            here = rows[(bar == b) & (rows[:, 0] == beat * 12)]
            written = before[0][(before[1] == b) & (before[0][:, 0] == beat * 12)]
            written = written[written[:, 1] != DRUM_KIT]
            assert len(here) <= parts
            assert set(here[:, 2].tolist()) <= set(written[:, 2].tolist())
            reached = [p for p in written[:, 2].tolist() if any(playable(i, p) for i in players)]
            assert here[:, 2].max() == max(reached)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_double_is_a_line_that_stands_in_unison_or_at_the_octave_within_range(seed):
    before, after = drawn(Arrangement.DOUBLED, seed)
    assert_written(*after)
    assert notes(*before) <= notes(*after)
    added = notes(*after) - notes(*before)
    assert len({note[2] for note in added}) <= 1
    assert len(added) in (0, BARS * 4)  # nobody reaches two octaves below the cellos
    for b, position, instrument, pitch, *rest in added:
        assert instrument in DOUBLES
        assert playable(instrument, pitch)
        lines = [n for n in notes(*before) if n[:2] == (b, position) and n[4:] == tuple(rest)]
        assert any(pitch - note[3] in (-12, 0, 12) for note in lines)


@pytest.mark.parametrize("how", list(Arrangement), ids=str)
def test_music_of_one_voice_stays_as_it_is(how):
    rows, bar = orchestra(drums=False)
    alone = (rows[:, 0] >= BAR) | (rows[:, 1] == VIOLIN)
    rows, bar = rows[alone], bar[alone]
    after = arranged(np.random.default_rng(1), how, rows, bar)
    if how is not Arrangement.DOUBLED:
        assert np.array_equal(after[0], rows)
    assert notes(rows, bar) <= notes(*after)


def test_each_arrangement_is_drawn_as_often_as_it_should_be():
    rng = np.random.default_rng(3)
    drawn_all = [drawn_arrangement(rng) for _ in range(4000)]
    for how, share in SHARES.items():
        assert drawn_all.count(how) / 4000 == pytest.approx(share, abs=0.03)
