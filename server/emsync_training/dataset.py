"""Training crops: a piece of music re-orchestrated, transposed and retimed, with the condition it
would be asked by, and now and then other bars of the same piece before it for reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emsync_server.composition.harmony import Notes
from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.representation import (
    BAR,
    CONDITION,
    CONDITION_SIZE,
    LENGTH_STEPS,
    NONE,
    PAD_ROW,
    STEPS_PER_QUARTER,
    VELOCITY_BIN_WIDTH,
    VELOCITY_BINS,
    write_brief,
)
from emsync_training.arrangement import Arrangement, arranged, drawn_arrangement, written_order
from emsync_training.boundaries import hit_times
from emsync_training.clock import Clock, drawn_clock
from emsync_training.conditioning import (
    drawn_brief,
    write_bar_chords,
    write_boundaries,
    write_emotion,
    write_references,
)
from emsync_training.corpus import GROUPS, Corpus, piece_weights
from emsync_training.labels import REGISTER, bar_features
from emsync_training.orchestration import reorchestrate
from emsync_training.patterns import lay_patterns
from emsync_training.references import (
    MOST_EVENTS,
    NOTHING,
    Rows,
    drawn_after,
    drawn_theme,
    recalled,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Random = np.random.Generator

CROP_EVENTS = 768  # events a crop predicts; its rows are one more
NEIGHBOURHOOD_EVENTS = 384  # rows on either side searched for hits
SPARE_EVENTS = 64  # read in addition, to replace notes that become doubles

AT_START, AT_END, MID_BAR = (
    0.25,
    0.20,
    0.15,
)  # shares of crops that begin, end, and begin inside a bar
TRANSPOSITIONS = (-6, 6)  # semitones, stop excluded
PATTERNS: dict[str, float] = {
    **dict.fromkeys(("orchestra", "quartets", "polish_ensemble", "mutopia"), 0.35),
    **{"game": 0.2, "lieder": 0.3, "solo": 0.3},
}
"""Share of each group's crops, those without references, that get patterns of our own."""
LONGER = (Arrangement.FEWER_PLAYERS, Arrangement.REDUCED)
"""What leaves out notes, so that more of the piece fits the crop."""
THINNED = "thinned"  # the source of such a crop says nothing of its style
THEME, MAIN, AFTER = range(3)
"""Segments of a crop, in the order of the piece; the crop has AFTER before MAIN."""


@dataclass(frozen=True, slots=True)
class Batch:
    """B crops. The row after each input row is its target."""

    events: Ints
    """(B, T + 1, 5)"""
    condition: Floats
    """(B, T, C)"""
    learned: NDArray[np.bool_]
    """(B, T) whether the target counts: bars that stand for reference teach nothing."""


class CropSampler:
    """Draws crops from one side of the hold-out."""

    def __init__(
        self,
        corpus: Corpus,
        *,
        held_out: bool,
        events: int = CROP_EVENTS,
        group: str | None = None,
    ) -> None:
        """Crops of `events` predictions from the training or the held-out pieces; only those of
        training are arranged and get patterns of our own.
        """
        self.corpus = corpus
        self.events = events
        self._adorned = not held_out
        self._cumulative = np.cumsum(piece_weights(corpus.pieces, held_out=held_out, group=group))

    def batch(self, rng: Random, crops: int) -> Batch:
        """Independent crops."""
        drawn = [self.crop(rng) for _ in range(crops)]
        events, condition, reference = zip(*drawn, strict=True)
        learned = np.arange(self.events)[None, :] >= np.array(reference)[:, None]
        return Batch(np.stack(events), np.stack(condition), learned)

    def crop(self, rng: Random) -> tuple[Ints, Floats, int]:
        """One crop: events (T + 1, 5), condition (T, C), how many rows stand for reference."""
        last = len(self._cumulative) - 1
        piece = min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), last)
        return build_crop(rng, self.corpus, piece, self.events, adorned=self._adorned)


def build_crop(
    rng: Random, corpus: Corpus, piece: int, length: int, *, adorned: bool = True
) -> tuple[Ints, Floats, int]:
    """A random crop of one piece: events (length + 1, 5), condition (length, C), and how many
    rows at the start stand for reference.

    adorned: whether crops without references may be arranged and get patterns of our own
    """
    table = {name: int(column[piece]) for name, column in corpus.pieces.items()}
    clock = drawn_clock(rng, corpus, table)
    theme, main, after = _segments(rng, corpus, table, clock, length)
    hits = _hits(rng, corpus, table, clock, main)
    group = list(GROUPS)[table["group"]]
    transposition = int(rng.integers(*TRANSPOSITIONS))

    adorned = adorned and not (theme or after)
    how = drawn_arrangement(rng) if adorned else Arrangement.AS_WRITTEN
    spare = _spare(how, after, length)
    read = Rows(main.start, min(main.stop + spare, clock.rows), main.first_bar, main.stop_bar)
    events, bar, segment = _read(corpus, table, clock, (theme, read, after))
    order = _transform(rng, events, (bar, segment), group, transposition)
    if how is not Arrangement.AS_WRITTEN:
        events, bar = arranged(rng, how, events[order], bar[order])
        times = clock.seconds(events, bar)
        hits = np.concatenate([hits[hits < times[0]], hit_times(rng, events, times)])
        order, segment = np.arange(len(bar)), np.full(len(bar), MAIN)
    order = _put_together(order, segment, len(main))
    events, bar, segment = events[order, :5], bar[order], segment[order]
    laid = adorned and rng.random() < PATTERNS[group]
    if laid:
        events, bar = lay_patterns(rng, events, bar, clock.bar_steps, clock.tempo)
        events, bar = events[: length + 1], bar[: length + 1]
        segment = np.full(len(bar), MAIN)
    flat = bool(table["flat_velocity"])
    if flat:
        events[:, 4] = VELOCITY_BINS  # 'none': neither read nor learned

    condition = np.zeros((len(events), CONDITION_SIZE), np.float32)
    condition[:, CONDITION["tempo"]] = np.log2(clock.tempo[bar] / 100)[:, None]
    condition[:, CONDITION["bar_length"]] = (clock.bar_steps[bar] / STEPS_PER_QUARTER / 4)[:, None]
    of_piece = table["bar_start"] + bar
    played, index = np.unique(bar, return_inverse=True)
    if laid or how is not Arrangement.AS_WRITTEN:
        features = _features(events, index, clock.bar_steps[played])
    else:
        features = np.array(corpus.bar_features[table["bar_start"] + played])
        features[:, REGISTER] += transposition
    valence = corpus.scale.valence(features)[index]
    arousal = corpus.scale.arousal(features, clock.tempo[played], flat_velocity=flat)[index]
    write_emotion(rng, condition, valence, arousal)
    write_bar_chords(rng, condition, corpus.bar_chords[of_piece], transposition)
    time_s = clock.seconds(events, bar)
    write_boundaries(rng, condition, time_s, hits, clock.end_s, told=segment == MAIN)
    source = THINNED if how in LONGER else group
    write_brief(condition, drawn_brief(rng, events, time_s, segment == MAIN, source))
    motifs = corpus.bar_motifs[table["bar_start"] : table["bar_stop"]]
    recall = recalled(motifs[bar], motifs[theme.first_bar : theme.stop_bar]) if theme else None
    join_s = clock.bar_s[main.stop_bar] - time_s if after else None
    write_references(rng, condition, (segment == THEME, segment == AFTER), recall, join_s)
    events, condition = _padded(events, condition, length)
    return events, condition, int((segment != MAIN).sum())


def _spare(how: Arrangement, after: Rows, length: int) -> int:
    """How many rows are read beyond the crop, in place of those that go."""
    if after:
        return 0
    return length if how in LONGER else SPARE_EVENTS


def _segments(
    rng: Random, corpus: Corpus, table: dict[str, int], clock: Clock, length: int
) -> tuple[Rows, Rows, Rows]:
    """Theme, crop and what follows it, together at most `length` + 1 rows."""
    start = _crop_start(rng, clock.bar_row, clock.rows, length + 1)
    first, last = clock.bar_at(start), clock.bar_at(min(start + length, clock.rows - 1))
    motifs = corpus.bar_motifs[table["bar_start"] : table["bar_stop"]]
    theme, after = NOTHING, NOTHING
    if length >= 4 * MOST_EVENTS:
        theme = drawn_theme(rng, clock.bar_row, motifs, (first, last + 1))
        join = clock.bar_at(min(start + length - len(theme) - MOST_EVENTS, clock.rows - 1))
        after = drawn_after(rng, clock.bar_row, join) if join > first else NOTHING
    if after:
        return theme, Rows(start, int(clock.bar_row[join]) + 1, first, join), after
    stop = min(start + length + 1 - len(theme), clock.rows)
    return theme, Rows(start, stop, first, clock.bar_at(stop - 1) + 1), after


def _hits(
    rng: Random, corpus: Corpus, table: dict[str, int], clock: Clock, main: Rows
) -> NDArray[np.float64]:
    near = max(main.start - NEIGHBOURHOOD_EVENTS, 0)
    stop = min(main.stop + NEIGHBOURHOOD_EVENTS, clock.rows)
    first = table["event_start"]
    around = corpus.events[first + near : first + stop].astype(np.int64)
    return hit_times(rng, around, clock.seconds(around, clock.bars_of(np.arange(near, stop))))


def _read(
    corpus: Corpus, table: dict[str, int], clock: Clock, segments: tuple[Rows, Rows, Rows]
) -> tuple[Ints, Ints, Ints]:
    """Rows (N, 6) of the segments, the bar of each and the segment of each."""
    rows = np.concatenate([np.arange(s.start, s.stop) for s in segments])
    events = corpus.events[table["event_start"] + rows].astype(np.int64)
    return events, clock.bars_of(rows), np.repeat(np.arange(3), [len(s) for s in segments])


def _put_together(order: Ints, segment: Ints, main_rows: int) -> Ints:
    """Theme, what follows, then at most `main_rows` of the crop."""
    theme, main, after = (order[segment[order] == kind] for kind in (THEME, MAIN, AFTER))
    return np.concatenate([theme, after, main[:main_rows]])


def _features(events: Ints, index: Ints, bar_steps: Ints) -> Floats:
    """(K, BAR_FEATURES) of the bars of a crop as it stands. index: (N,) the bar of each row."""
    note = events[:, 0] < BAR
    rows = events[note]
    drum = rows[:, 1] == DRUM_KIT
    velocity = rows[:, 4] * VELOCITY_BIN_WIDTH + VELOCITY_BIN_WIDTH // 2
    length = np.array([*LENGTH_STEPS, 0])[rows[:, 3]]
    notes = Notes(index[note], rows[:, 0], rows[:, 2], length, velocity, drum)
    return bar_features(notes, bar_steps)


def _padded(events: Ints, condition: Floats, length: int) -> tuple[Ints, Floats]:
    missing = length + 1 - len(events)
    if missing > 0:
        events = np.concatenate([events, np.tile(PAD_ROW, (missing, 1))])
        condition = np.concatenate([condition, np.zeros((missing, CONDITION_SIZE), np.float32)])
    return events, condition[:length]


def _crop_start(rng: Random, bar_row: Ints, rows: int, wanted: int) -> int:
    draw = rng.random()
    if draw < AT_START or (rows <= wanted and draw < 0.8):
        return 0
    if draw < AT_START + AT_END:
        return int(bar_row[np.searchsorted(bar_row, max(rows - wanted, 0))]) if rows > wanted else 0
    latest = max(int(np.searchsorted(bar_row, rows - wanted // 2)), 1)
    start = int(bar_row[rng.integers(latest)])
    if draw > 1 - MID_BAR:
        start = min(start + int(rng.integers(1, 16)), max(rows - wanted // 2, 0))
    return start


def _transform(
    rng: Random, events: Ints, place: tuple[Ints, Ints], group: str, transposition: int
) -> Ints:
    """Transpose and re-orchestrate the notes (N, 6) of `place` (bar, segment) in place; returns
    the rows in their new order, without doubles.
    """
    bar, segment = place
    note = events[:, 0] < BAR
    if note.any():
        tracks = events[note, 5]
        events[note, 1] = reorchestrate(rng, group, (events[note, 1], events[note, 2], tracks))
        pitched = note & (events[:, 1] != DRUM_KIT)
        moved = events[pitched, 2] + transposition
        moved = np.where(moved > 127, moved - 12, np.where(moved < 0, moved + 12, moved))
        events[pitched, 2] = moved
        shift = int(rng.choice((-1, 0, 0, 0, 1)))
        events[note, 4] = np.clip(events[note, 4] + shift, 0, VELOCITY_BINS - 1)
    return written_order(events, (segment << 25) + bar)


assert NONE[4] == VELOCITY_BINS
