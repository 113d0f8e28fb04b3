"""Runs that scores share with training pieces."""

from __future__ import annotations

import numpy as np

from emsync_training.recitation import longest_runs, top_line


def line(seed, count=200):
    """A random top line."""
    rng = np.random.default_rng(seed)
    return np.stack((rng.integers(-7, 8, count), rng.choice([3, 6, 12, 24], count)), axis=1)


def test_each_score_finds_its_own_run_in_one_pass():
    one, two, piece = line(0), line(1), line(2)
    piece[20:40], piece[90:102] = one[5:25], two[30:42]
    found = longest_runs([[one], [two], [line(3)]], [("other", line(4)), ("copied", piece)])
    assert found == [(20, "copied"), (12, "copied"), (0, "")]


def test_a_trill_is_no_copy():
    trill = np.tile([[2, 3], [-2, 3]], (50, 1))
    assert longest_runs([[trill]], [("trill", trill)]) == [(0, "")]


def test_another_key_is_the_same_line_and_another_rhythm_is_not():
    start, pitch = np.arange(12) * 6, np.array([60, 62, 64, 65, 67, 65, 64, 62, 60, 59, 57, 55])
    assert (top_line(start, pitch) == top_line(start + 12, pitch + 5)).all()
    assert (top_line(start, pitch) != top_line(start * 2, pitch)).any()


def test_only_the_top_of_a_chord_counts():
    start, pitch = np.array([0, 0, 6, 6]), np.array([60, 67, 62, 69])
    assert top_line(start, pitch).tolist() == [[2, 6]]
