"""Whether the composer recites: the longest run of notes that a score shares with any training
piece, beside what held-out real pieces share with them.

A run is a stretch of one part's top line: the interval to the note before and the time since it,
both equal, so in any key. Runs of little variety (trills, repeated notes, bits of scale) are in
all music and are passed over. Real pieces share runs with each other too: they quote, they use the
same figures, an editor counts a piece twice. What a composer must not do is share longer ones.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync.score import Score
from emsync_server.composition.representation import (
    BAR,
    INSTRUMENT,
    PITCH,
    POSITION,
    STEPS_PER_QUARTER,
)
from emsync_server.midi import read_midi
from emsync_training.corpus import Corpus
from emsync_training.real_pieces import TRACK, chosen_pieces, excerpts

SEED_NOTES = 8  # shorter runs are not looked for
LEAST_VARIETY = 6
LONGEST_WAIT = 96  # grid steps; a longer rest is as good as another
REAL_EXCERPTS = 120
EXCERPT_S = 60.0
HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
PERCENTILES = (50, 75, 90, 95, 100)

Line = NDArray[np.int64]
"""(N, 2): interval to the note before in semitones, grid steps since it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The longest run of one score."""

    score: str
    notes: int
    """Steps in a row that are equal; 0 below eight."""
    piece: str
    seconds: float
    """Of the score; longer ones share longer runs."""


def recitation(folder: Path, scores: Sequence[Path], out: Path) -> dict[str, object]:
    """Compare composed scores, and held-out excerpts, with every training piece; write `out`."""
    corpus = Corpus.open(folder)
    composed = [(path.stem, read_midi(path)) for path in scores]
    real = list(islice(_held_out(corpus), REAL_EXCERPTS))
    named = composed + real
    found = longest_runs([score_lines(score) for _, score in named], _training_lines(corpus))
    shared = [
        Shared(name, notes, piece, round(float(score.tempo_map.end_s), 1))
        for (name, score), (notes, piece) in zip(named, found, strict=True)
    ]
    ours, theirs = shared[: len(composed)], shared[len(composed) :]
    facts: dict[str, object] = {
        "composed": _distribution(ours),
        "held_out": _distribution(theirs),
        "scores": [asdict(one) for one in ours],
        "pieces": [asdict(one) for one in theirs],
    }
    out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def longest_runs(
    scores: Sequence[Sequence[Line]], corpus: Iterable[tuple[str, Line]]
) -> list[tuple[int, str]]:
    """(notes, piece) of the longest run that each score shares; one pass over the corpus."""
    lines = [(index, line) for index, parts in enumerate(scores) for line in parts]
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, (_, line) in enumerate(lines):
        for at, code in enumerate(_codes(line)):
            if _is_varied(line[at : at + SEED_NOTES], LEAST_VARIETY // 2):
                places[int(code)].append((number, at))
    if not places:
        return [(0, "")] * len(scores)
    known = np.array(sorted(places), dtype=np.uint64)
    best = [(0, "")] * len(scores)
    for name, other in corpus:
        codes = _codes(other)
        found = known[np.searchsorted(known, codes).clip(max=len(known) - 1)] == codes
        for there in np.flatnonzero(found).tolist():
            for number, at in places[int(codes[there])]:
                index, line = lines[number]
                if at and there and (line[at - 1] == other[there - 1]).all():
                    continue  # the inside of a run that was looked at from its start
                length = _shared_length(line[at:], other[there:])
                if length > best[index][0] and _is_varied(line[at : at + length], LEAST_VARIETY):
                    best[index] = (length, name)
    return best


def score_lines(score: Score) -> list[Line]:
    """The top line of each pitched part."""
    return [
        top_line(
            np.array([round(note.start_q * STEPS_PER_QUARTER) for note in part.notes]),
            np.array([note.pitch for note in part.notes]),
        )
        for part in score.parts
        if part.notes and not part.is_drums
    ]


def top_line(start: NDArray[np.int64], pitch: NDArray[np.int64]) -> Line:
    """The highest note of each onset, as steps from the one before."""
    order = np.lexsort((-pitch, start))
    start, pitch = start[order], pitch[order]
    top = np.ones(len(start), bool)
    top[1:] = start[1:] != start[:-1]
    wait = np.diff(start[top]).clip(max=LONGEST_WAIT)
    return np.stack((np.diff(pitch[top]), wait), axis=1).astype(np.int64)


def _held_out(corpus: Corpus) -> Iterator[tuple[str, Score]]:
    """A minute each of held-out pieces, taken evenly from all of them."""
    pieces = chosen_pieces(corpus, held_out=True)
    for piece in pieces[:: max(len(pieces) // (2 * REAL_EXCERPTS), 1)]:
        for one in islice(excerpts(corpus, piece, EXCERPT_S, least_s=40.0), 1):
            yield one.piece, one.score


def _training_lines(corpus: Corpus) -> Iterator[tuple[str, Line]]:
    for piece in chosen_pieces(corpus, held_out=False):
        first, stop = (int(corpus.pieces[name][piece]) for name in ("event_start", "event_stop"))
        rows = np.asarray(corpus.events[first:stop], dtype=np.int64)
        bars = slice(*(int(corpus.pieces[name][piece]) for name in ("bar_start", "bar_stop")))
        lines = np.concatenate(([0], np.cumsum(corpus.bar_steps[bars].astype(np.int64))))
        bar = np.cumsum(rows[:, POSITION] == BAR) - 1
        pitched = (rows[:, POSITION] < BAR) & (rows[:, PITCH] < 128)
        start = lines[bar.clip(0, len(lines) - 2)] + rows[:, POSITION]
        part = rows[:, INSTRUMENT] * 64 + rows[:, TRACK]
        for one in np.unique(part[pitched]):
            mine = pitched & (part == one)
            yield corpus.ids[piece], top_line(start[mine], rows[mine, PITCH])


def _codes(line: Line) -> NDArray[np.uint64]:
    """A number for each eight steps in a row; equal stretches have equal numbers."""
    if len(line) < SEED_NOTES:
        return np.zeros(0, dtype=np.uint64)
    one = ((line[:, 0] + 128) * 128 + line[:, 1]).astype(np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(one, SEED_NOTES)
    code = np.zeros(len(windows), dtype=np.uint64)
    for column in range(SEED_NOTES):  # wraps round on purpose
        code = (code ^ windows[:, column]) * HASH_FACTOR
        code ^= code >> np.uint64(29)
    return code


def _shared_length(left: Line, right: Line) -> int:
    count = min(len(left), len(right))
    different = np.flatnonzero((left[:count] != right[:count]).any(axis=1))
    return int(different[0]) if len(different) else count


def _is_varied(run: Line, least: int) -> bool:
    return len({tuple(step) for step in run.tolist()}) >= least


def _distribution(rows: Sequence[Shared]) -> dict[str, object]:
    notes = [row.notes for row in rows]
    return {
        "scores": len(rows),
        "percentiles": {
            str(q): float(np.percentile(notes, q)) if notes else None for q in PERCENTILES
        },
        "runs_of_16_or_more": sum(count >= 16 for count in notes),
    }
