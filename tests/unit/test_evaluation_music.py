"""Measures of music whose values are known."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from emsync.family import Family
from emsync.score import Meter, Note, Part, Score, TempoAnchor, TempoMap
from emsync_server.evaluation import measure_music
from emsync_server.evaluation.music import Range, measures_outside, real_ranges
from emsync_server.evaluation.repetition import CopiedRun, longest_copied_run


def score_of(notes, *, bars=4):
    """(quarter, length, pitch) rows over bars of four quarters, 60 quarters a minute."""
    part = Part(
        "piano",
        0,
        False,
        Family.KEYS,
        tuple(Note(Fraction(at), Fraction(length), pitch, 80) for at, length, pitch in notes),
    )
    end = Fraction(4 * bars)
    tempo = TempoMap(
        (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(end, end)), (Meter(Fraction(0), 4, 4),)
    )
    return Score((part,), tempo)


def test_one_note_has_no_entropy_and_twelve_have_all_of_it():
    one = measure_music(score_of([(at, 1, 60) for at in range(16)]), 16)
    all_twelve = measure_music(score_of([(at, 1, 60 + at) for at in range(12)]), 16)
    assert one.pitch_class_entropy_bits == 0
    assert all_twelve.pitch_class_entropy_bits == pytest.approx(math.log2(12))


def test_a_scale_is_consistent_in_any_key_and_chromatic_music_is_not():
    d_major = [62, 64, 66, 67, 69, 71, 73, 74]
    scale = measure_music(score_of([(at, 1, pitch) for at, pitch in enumerate(d_major)]), 16)
    chromatic = measure_music(score_of([(at, 1, 60 + at) for at in range(12)]), 16)
    assert scale.scale_consistency == 1
    assert chromatic.scale_consistency == pytest.approx(7 / 12)


def test_equal_bars_repeat_and_groove_alike():
    bar = [(0, 1, 60), (1, 1, 64), (2, 2, 67)]
    equal = score_of([(4 * b + at, length, p) for b in range(4) for at, length, p in bar])
    measured = measure_music(equal, 16)
    assert measured.groove_consistency == 1
    assert measured.repeated_bars_share == pytest.approx(3 / 4)


def test_transposed_bars_groove_alike_but_do_not_repeat():
    notes = [(4 * b + at, 1, 60 + b) for b in range(4) for at in (0, 1, 2.5)]
    measured = measure_music(score_of(notes), 16)
    assert (measured.groove_consistency, measured.repeated_bars_share) == (1, 0)


def test_time_is_counted_once_for_silence_and_for_each_voice_in_polyphony():
    measured = measure_music(score_of([(0, 4, 60), (0, 4, 64), (2, 4, 67)]), 16)
    assert measured.silence_share == pytest.approx(10 / 16)
    assert measured.polyphony == pytest.approx(12 / 6)
    assert measured.notes_per_s == pytest.approx(3 / 16)


def test_no_music_has_no_measures_but_silence():
    measured = measure_music(score_of([]), 16)
    assert measured.silence_share == 1
    assert measured.notes_per_s == 0
    assert (measured.polyphony, measured.scale_consistency, measured.repeated_bars_share) == (
        None,
        None,
        None,
    )


def test_what_real_pieces_do_not_do_is_named():
    measured = measure_music(score_of([(at, 1, 60) for at in range(16)]), 16)
    ranges = {"pitch_class_entropy_bits": Range(2.4, 3.4), "notes_per_s": Range(0.5, 20)}
    assert measures_outside(measured, ranges) == ("pitch_class_entropy_bits",)
    assert measures_outside(replace(measured, pitch_class_entropy_bits=None), ranges) == ()


def test_the_shipped_ranges_are_of_real_pieces():
    ranges = real_ranges()
    assert 2 < ranges["pitch_class_entropy_bits"].low < ranges["pitch_class_entropy_bits"].high
    assert ranges["pitch_class_entropy_bits"].high <= math.log2(12)
    assert 0.5 < ranges["scale_consistency"].low < ranges["scale_consistency"].high <= 1
    with pytest.raises(ValueError, match="'polka'"):
        real_ranges("polka")


def steps(seed, count=200):
    """A random melody: intervals and lengths."""
    rng = np.random.default_rng(seed)
    return np.stack((rng.integers(-7, 8, count), rng.choice([3, 6, 12, 24], count)), axis=1)


def test_a_copied_run_is_found_with_its_length_and_its_piece():
    score, piece = steps(0), steps(1)
    piece[50:70] = score[100:120]
    corpus = [("other", steps(2)), ("copied", piece)]
    assert longest_copied_run([score], corpus) == CopiedRun(20, "copied")


def test_unrelated_melodies_share_no_run():
    corpus = [(str(seed), steps(seed)) for seed in range(1, 30)]
    assert longest_copied_run([steps(0)], corpus) == CopiedRun(0, "")


def test_a_repeated_note_is_no_copy():
    monotone = np.tile([0, 6], (100, 1))
    assert longest_copied_run([monotone], [("drone", monotone)]).notes == 0


def test_short_parts_are_passed_over():
    assert longest_copied_run([steps(0, 5)], [("short", steps(0, 5))]).notes == 0
