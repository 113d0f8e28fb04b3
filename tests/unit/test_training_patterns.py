"""Patterns of our own under a crop: in order, in harmony, and nothing that was there is touched."""

import numpy as np
import pytest

from emsync_server.composition.instruments import DRUM_KIT, INSTRUMENT_INDEX, INSTRUMENTS
from emsync_server.composition.patterns.library import (
    FEEL_BAR_STEPS,
    KINDS,
    idioms,
    parsed,
    patterns,
)
from emsync_server.composition.representation import (
    BAR,
    BAR_ROW,
    CLASSES,
    END,
    END_ROW,
    LENGTH_STEPS,
    length_index,
)
from emsync_training.patterns import lay_patterns
from emsync_training.patterns.ground import CHORD_TONES, MAJOR, MINOR, OPEN, SILENT, chords, survey

VIOLIN, CELLO = INSTRUMENT_INDEX["violin"], INSTRUMENT_INDEX["cello"]
PROGRESSION = ((57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62))  # a, F, C, G


def chorale(bars=24, bar_steps=48, *, step=12, end=True, rests=(), velocity=4, seed=0):
    """A chord held through each bar, a melody of its tones in notes of `step`; (rows, bar)."""
    rng = np.random.default_rng(seed)
    rows, bar = [], []
    for number in range(bars):
        rows.append(BAR_ROW)
        if number not in rests:
            chord = PROGRESSION[number % 4]
            rows += [(0, CELLO, p, length_index(bar_steps), velocity) for p in chord]
            melody = rng.choice(chord, bar_steps // step) + 12
            rows += [
                (step * i, VIOLIN, int(p), length_index(step), velocity)
                for i, p in enumerate(melody)
            ]
        bar += [number] * (len(rows) - len(bar))
    if end:
        rows.append(END_ROW)
        bar.append(bars - 1)
    return _sorted(np.array(rows), np.array(bar))


def key(rows, bar):
    place = [0 if p == BAR else 127 if p == END else p + 1 for p in rows[:, 0].tolist()]
    return [
        (b, p, *(row[1:3] if p not in (0, 127) else (0, 0)))
        for b, p, row in zip(bar.tolist(), place, rows.tolist(), strict=True)
    ]


def _sorted(rows, bar):
    keys = key(rows, bar)
    order = sorted(range(len(rows)), key=keys.__getitem__)
    return rows[order], bar[order]


def laid(rows, bar, *, bar_steps=48, bpm=110.0, seed=0):
    bars = int(bar[-1]) + 1
    rng = np.random.default_rng(seed)
    return lay_patterns(rng, rows, bar, np.full(bars, bar_steps), np.full(bars, bpm))


def added(rows, bar, new, new_bar):
    there = set(key(rows, bar))
    chosen = [one not in there for one in key(new, new_bar)]
    return new[chosen], new_bar[chosen]


CASES = {
    "four four": {},
    "from inside a bar": {"cut": (7, None)},
    "cut off": {"cut": (2, -9)},
    "three four": {"bar_steps": 36},
    "six eight": {"bar_steps": 36, "step": 18},
    "two four": {"bar_steps": 24},
    "five four": {"bar_steps": 60},
    "seven eight": {"bar_steps": 42, "step": 6},
    "twelve eight": {"bar_steps": 72, "step": 18},
    "triplets": {"step": 4},
    "a metre without patterns": {"bar_steps": 66, "step": 6},
    "silences": {"rests": (5, 6, 13)},
}


def case(name, seed):
    options = dict(CASES[name])
    start, stop = options.pop("cut", (None, None))
    bar_steps = options.get("bar_steps", 48)
    rows, bar = chorale(**options, seed=seed)
    rows, bar = rows[start:stop], bar[start:stop]
    new, new_bar = laid(rows, bar, bar_steps=bar_steps, bpm=70 + 10 * (seed % 9), seed=seed)
    return rows, bar, new, new_bar, bar_steps


@pytest.mark.parametrize("name", CASES)
def test_a_crop_with_patterns_is_in_order_and_keeps_every_row_it_had(name):
    total = 0
    for seed in range(25):
        rows, bar, new, new_bar, bar_steps = case(name, seed)
        keys = key(new, new_bar)
        assert keys == sorted(keys)
        assert len(set(keys)) == len(keys)
        where = {one: index for index, one in enumerate(keys)}
        kept = [where[one] for one in key(rows, bar)]
        assert (new[kept] == rows).all()
        assert kept[0] == 0  # nothing before the crop
        assert kept[-1] == len(new) - 1  # nor after it
        extra, _ = added(rows, bar, new, new_bar)
        assert (extra[:, 0] < bar_steps).all()
        assert all((extra[:, field] < classes).all() for field, classes in enumerate(CLASSES))
        total += len(extra)
    assert (total > 0) == (name != "a metre without patterns")


@pytest.mark.parametrize("name", CASES)
def test_every_pitched_note_is_a_tone_of_the_chord_that_is_heard_as_long_as_it_sounds(name):
    for seed in range(25):
        rows, bar, new, new_bar, bar_steps = case(name, seed)
        bars = int(bar[-1]) + 1
        ground = survey(rows, bar, np.full(bars, bar_steps), np.full(bars, 110.0))
        extra, its_bar = added(rows, bar, new, new_bar)
        pitched = extra[:, 1] != DRUM_KIT
        extra, its_bar = extra[pitched], its_bar[pitched]
        start = ground.bar_start[its_bar - bar[0]] + extra[:, 0]
        stop = start + np.array(LENGTH_STEPS)[extra[:, 3]]
        assert (stop <= ground.sounding_until).all()
        for moment in (start, stop - 1):
            chord = ground.chord[ground.window_of(moment)]
            assert (chord != SILENT).all()
            tones = (chord[:, None] // 4 + CHORD_TONES[chord % 4]) % 12
            assert (tones == extra[:, 2:3] % 12).any(axis=1).all()
        for row in extra:
            assert INSTRUMENTS[row[1]].low <= row[2] <= INSTRUMENTS[row[1]].high


def test_the_chords_of_a_chorale_are_found():
    rows, bar = chorale(8)
    ground = survey(rows, bar, np.full(8, 48), np.full(8, 100.0))
    named = [(c // 4, c % 4) for c in ground.chord[::2].tolist()]
    assert named[:4] == [(9, MINOR), (5, MAJOR), (0, MAJOR), (7, MAJOR)]


def test_a_chord_whose_third_is_not_heard_is_open_and_a_cluster_is_none():
    fifth, cluster, nothing = np.zeros(12), np.zeros(12), np.zeros(12)
    fifth[[2, 9]] = 10
    cluster[:7] = 10
    heard = chords(np.stack([fifth, nothing, nothing, cluster]), np.array([2, -1, -1, -1]))
    assert heard.tolist() == [2 * 4 + OPEN, SILENT, SILENT, SILENT]


def test_patterns_rest_where_the_music_rests():
    for seed in range(40):
        rows, bar = chorale(rests=(5, 6, 13))
        _, its_bar = added(rows, bar, *laid(rows, bar, seed=seed))
        assert not set(its_bar.tolist()) & {5, 6, 13}


def test_nothing_begins_after_the_last_note_of_a_piece():
    rows, bar = chorale(9, step=48)
    for seed in range(40):
        extra, its_bar = added(rows, bar, *laid(rows, bar, seed=seed))
        assert not (extra[its_bar == 8, 0] > 0).any()


def test_the_same_generator_lays_the_same_patterns():
    rows, bar = chorale()
    one, other = (laid(rows, bar, seed=5) for _ in range(2))
    assert (one[0] == other[0]).all()
    assert any(len(laid(rows, bar, seed=seed)[0]) != len(one[0]) for seed in range(6, 12))


def test_a_louder_crop_gets_louder_patterns():
    means = []
    for velocity in (2, 6):
        rows, bar = chorale(velocity=velocity)
        extra = [added(rows, bar, *laid(rows, bar, seed=seed))[0][:, 4] for seed in range(30)]
        means.append(np.concatenate(extra).mean())
    assert means[1] - means[0] > 2.5


def test_where_loudness_is_unknown_that_of_the_patterns_is_too():
    rows, bar = chorale(velocity=8)
    assert set(laid(rows, bar, seed=3)[0][:, 4].tolist()) == {8}


def test_a_crop_with_drums_gets_no_second_drummer():
    rows, bar = chorale()
    kit = np.array([(24, DRUM_KIT, 139, 2, 4)] * 20)
    rows, bar = _sorted(np.concatenate([rows, kit]), np.concatenate([bar, np.arange(20)]))
    for seed in range(40):
        extra, _ = added(rows, bar, *laid(rows, bar, seed=seed))
        assert DRUM_KIT not in extra[:, 1]


def test_a_crop_of_hardly_a_note_is_left_alone():
    rows, bar = np.array([BAR_ROW, (0, VIOLIN, 60, 4, 4), END_ROW]), np.zeros(3, np.int64)
    assert (laid(rows, bar)[0] == rows).all()


def test_every_pattern_fills_whole_bars_and_belongs_to_an_idiom_that_plays_its_kind():
    known = {idiom.name: idiom.layers for idiom in idioms()}
    names = []
    for kind in KINDS:
        for feel, bar_steps in FEEL_BAR_STEPS.items():
            for pattern in patterns(kind, feel):
                names.append(pattern.name)
                assert kind == "fills" or pattern.period % bar_steps == 0, pattern.name
                assert pattern.idioms <= known.keys(), pattern.name
                assert any(kind in (*known[i], "fills") for i in pattern.idioms), pattern.name
                assert (pattern.step + pattern.length <= pattern.period).all(), pattern.name
    assert len(names) == len(set(names)) >= 36


def test_every_metre_has_drums_bass_and_motion():
    for feel in FEEL_BAR_STEPS:
        for kind in ("drums", "bass", "motion"):
            assert patterns(kind, feel), (feel, kind)


def test_lines_of_different_length_are_refused_by_name():
    row = {"name": "crooked", "feel": "four", "idioms": [], "energy": 0, "tempo": [1, 2],
           "unit": 8, "lines": {"kick": "x.", "snare": "x"}}  # fmt: skip
    with pytest.raises(ValueError, match="crooked"):
        parsed("drums", row)
