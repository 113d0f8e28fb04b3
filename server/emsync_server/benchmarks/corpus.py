"""Real pieces that no network was trained on, and the pieces that one was: for comparison only.

Reads what `python -m emsync_training corpus` wrote (arrays) and the MIDI files it was made from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync.errors import InputError, NotFoundError
from emsync.score import Note, Part, Score, TempoAnchor, TempoMap
from emsync_server.composition.representation import LENGTH, LENGTH_STEPS, PITCH, POSITION
from emsync_server.evaluation.music import STEPS_PER_QUARTER, MusicMeasures, measure_music
from emsync_server.evaluation.repetition import NoteSteps
from emsync_server.midi import read_midi
from emsync_server.progress import Progress

__all__ = ["corpus_melodies", "measured_ranges", "score_melodies"]

GROUPS = {0: "orchestra", 1: "quartets", 2: "game", 3: "ensemble", 4: "lieder", 5: "solo"}
"""Names of the corpus' groups, by number in its arrays; the rest counts for 'all' alone."""
EXCERPT_S = 60.0
LEAST_LENGTH_S = 15.0
LEAST_PIECES = 15  # fewer have no 5 and 95 %
TRACK = 5  # column of an event row that the corpus adds


@dataclass(frozen=True, slots=True)
class _Pieces:
    ids: list[str]
    held_out: NDArray[np.bool_]
    group: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]


def measured_ranges(arrays: Path, midi: Path, progress: Progress) -> dict[str, object]:
    """5 to 95 % of each measure over held-out pieces, a minute of each, by group and over all."""
    pieces = _pieces(arrays)
    measured: dict[str, list[MusicMeasures]] = {"all": []}
    chosen = np.flatnonzero(pieces.held_out)
    for count, index in enumerate(chosen):
        progress.report(count / len(chosen), "reading held-out pieces")
        try:
            score = read_midi(midi / f"{pieces.ids[index]}.mid")
        except (InputError, NotFoundError):
            continue
        excerpt, length_s = _excerpt(score)
        if length_s >= LEAST_LENGTH_S:
            measures = measure_music(excerpt, length_s)
            name = GROUPS.get(int(pieces.group[index]))
            for kind in ("all", name) if name else ("all",):
                measured.setdefault(kind, []).append(measures)
    return {
        "excerpt_s": EXCERPT_S,
        "kinds": {
            kind: {"pieces": len(rows), "ranges": _ranges(rows)}
            for kind, rows in sorted(measured.items())
            if len(rows) >= LEAST_PIECES
        },
    }


def score_melodies(score: Score) -> list[NoteSteps]:
    """Each pitched part as steps, the top note of each onset."""
    return [
        _steps(
            np.array([round(note.start_q * STEPS_PER_QUARTER) for note in part.notes]),
            np.array([note.pitch for note in part.notes]),
            np.array([_length_class(round(n.length_q * STEPS_PER_QUARTER)) for n in part.notes]),
        )
        for part in score.parts
        if part.notes and not part.is_drums
    ]


def corpus_melodies(arrays: Path, progress: Progress) -> Iterator[tuple[str, NoteSteps]]:
    """Each pitched track of each training piece as steps, by the piece's id."""
    pieces = _pieces(arrays)
    events = np.load(arrays / "events.npy", mmap_mode="r")
    bar_steps = np.load(arrays / "bar_steps.npy", mmap_mode="r")
    bar_start = np.load(arrays / "pieces.npz")["bar_start"]
    lengths = np.array(LENGTH_STEPS)
    for index, name in enumerate(pieces.ids):
        progress.report(index / len(pieces.ids), "comparing with training pieces")
        if pieces.held_out[index]:
            continue
        rows = np.asarray(events[pieces.start[index] : pieces.stop[index]], dtype=np.int64)
        is_note = rows[:, LENGTH] < len(lengths)
        bars = np.cumsum(~is_note) - 1
        sizes = np.asarray(bar_steps[bar_start[index] :][: bars.max() + 1], dtype=np.int64)
        begins = np.concatenate(([0], np.cumsum(sizes)))[bars]
        start = begins + rows[:, POSITION]
        pitched = is_note & (rows[:, PITCH] < 128)
        for track in np.unique(rows[pitched, TRACK]):
            mine = pitched & (rows[:, TRACK] == track)
            yield name, _steps(start[mine], rows[mine, PITCH], rows[mine, LENGTH])


def _pieces(arrays: Path) -> _Pieces:
    if not (arrays / "pieces.npz").is_file():
        raise NotFoundError(
            f"There is no corpus at '{arrays}'. Make it with 'python -m emsync_training corpus'."
        )
    table = np.load(arrays / "pieces.npz")
    return _Pieces(
        json.loads((arrays / "ids.json").read_text(encoding="utf-8")),
        table["held_out"].astype(bool),
        table["group"],
        table["event_start"],
        table["event_stop"],
    )


def _excerpt(score: Score) -> tuple[Score, float]:
    """A minute from the middle of a piece, whole bars, and its length in seconds."""
    tempo = score.tempo_map
    last_q = max(
        (n.start_q + n.length_q for p in score.parts for n in p.notes), default=Fraction(0)
    )
    total_s = float(tempo.seconds_at(last_q))
    from_s = max(0.0, (total_s - EXCERPT_S) / 2)
    bars = [bar for bar in tempo.bars() if float(tempo.seconds_at(bar.start_q)) >= from_s]
    if not bars or last_q <= bars[0].start_q:
        return score, 0.0
    start_q = bars[0].start_q
    start_s = tempo.seconds_at(start_q)
    end_q = min(last_q, tempo.quarters_at(start_s + Fraction(EXCERPT_S)))
    length_s = tempo.seconds_at(end_q) - start_s
    anchors = [
        TempoAnchor(Fraction(0), Fraction(0)),
        *(
            TempoAnchor(anchor.time_q - start_q, anchor.time_s - start_s)
            for anchor in tempo.anchors
            if start_q < anchor.time_q < end_q
        ),
        TempoAnchor(end_q - start_q, length_s),
    ]
    meter = next(m for m in reversed(tempo.meters) if m.start_q <= start_q)
    later = [m for m in tempo.meters if start_q < m.start_q < end_q]
    meters = [(Fraction(0), meter), *((m.start_q - start_q, m) for m in later)]
    parts = tuple(_cut(part, start_q, end_q) for part in score.parts)
    moved = tuple(type(m)(at, m.numerator, m.denominator) for at, m in meters)
    return Score(parts, TempoMap(tuple(anchors), moved)), float(length_s)


def _cut(part: Part, start_q: Fraction, end_q: Fraction) -> Part:
    notes = tuple(
        Note(n.start_q - start_q, min(n.length_q, end_q - n.start_q), n.pitch, n.velocity)
        for n in part.notes
        if start_q <= n.start_q < end_q
    )
    return Part(part.name, part.program, part.is_drums, part.family, notes)


def _ranges(rows: list[MusicMeasures]) -> dict[str, tuple[float, float]]:
    table = [asdict(row) for row in rows]
    ranges = {}
    for name in table[0]:
        values = [row[name] for row in table if row[name] is not None]
        if len(values) >= LEAST_PIECES:
            low, high = np.percentile(values, [5, 95])
            ranges[name] = (round(float(low), 4), round(float(high), 4))
    return ranges


def _steps(
    start: NDArray[np.int64], pitch: NDArray[np.int64], length: NDArray[np.int64]
) -> NoteSteps:
    """The highest note of each onset, as intervals and length classes, (N - 1, 2)."""
    order = np.lexsort((-pitch, start))
    start, pitch, length = start[order], pitch[order], length[order]
    top = np.concatenate(([True], start[1:] != start[:-1])) if len(start) else np.zeros(0, bool)
    return np.stack((np.diff(pitch[top]), length[top][1:]), axis=1).astype(np.int64)


def _length_class(steps: int) -> int:
    """The class of the composer's vocabulary that is nearest."""
    return int(np.argmin(abs(np.array(LENGTH_STEPS) - steps)))
