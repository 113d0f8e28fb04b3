"""From a folder of MIDI files to memory-mapped arrays: `emsync train corpus`. Deterministic; goes
on where it was stopped.
"""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emsync_training.labels import LabelScale, arousal_terms, valence_terms
from emsync_training.midi_reading import Piece
from emsync_training.piece_parts import read_pieces
from emsync_training.split import GROUPS, group_of, held_out_units, hold_out_unit

__all__ = ["GROUPS", "Corpus", "build_corpus", "fit_scale", "piece_weights"]

NOTE_EXPONENT = 0.6  # a piece is drawn in proportion to notes ** this
PARTS = "pieces.partial"
SCALE_BARS = 200_000  # bars that the label scale is fitted on
_ARRAYS = (
    *("events", "bar_event", "bar_steps", "bar_tempo", "bar_features", "bar_chords"),
    "bar_motifs",
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """The arrays, opened for reading. N events, P pieces, K bars in all."""

    events: NDArray[np.uint8]
    """(N, 6)"""
    bar_event: NDArray[np.int64]
    """(K,) row in `events` of each BAR."""
    bar_steps: NDArray[np.uint8]
    bar_tempo: NDArray[np.float32]
    bar_features: NDArray[np.float32]
    bar_chords: NDArray[np.uint8]
    """(K, 2)"""
    bar_motifs: NDArray[np.uint64]
    pieces: dict[str, NDArray[np.int64]]
    """(P,) columns: event_start, event_stop, bar_start, bar_stop, tail_steps, group,
    flat_velocity, guessed_tempo, held_out, notes."""
    ids: list[str]
    scale: LabelScale

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Memory-map what `build_corpus` wrote."""
        table = np.load(folder / "pieces.npz")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        return cls(
            **arrays,
            pieces={name: table[name] for name in table.files},
            ids=json.loads((folder / "ids.json").read_text(encoding="utf-8")),
            scale=LabelScale.load(folder / "labels.json"),
        )


def build_corpus(midi: Path, manifest: Path, out: Path, *, workers: int = 2) -> None:
    """Read every tier A file of the manifest and write the arrays to `out`.

    What was read stays in `out` until all of it is: a build that was stopped goes on there, and
    gives the same bytes.
    """
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = sorted((r for r in csv.DictReader(file) if r["tier"] == "A"), key=lambda r: r["id"])
    out.mkdir(parents=True, exist_ok=True)
    read = read_pieces([midi / f"{row['id']}.mid" for row in rows], out / PARTS, workers=workers)
    kept = [(row, piece) for row, piece in zip(rows, read, strict=True) if piece is not None]
    unfinished = out / "arrays.partial"
    unfinished.mkdir(exist_ok=True)
    _write([row for row, _ in kept], [piece for _, piece in kept], unfinished)
    for path in unfinished.iterdir():
        path.replace(out / path.name)
    unfinished.rmdir()
    shutil.rmtree(out / PARTS)


def _write(rows: list[dict[str, str]], pieces: list[Piece], out: Path) -> None:
    events = np.cumsum([0, *(len(p.events) for p in pieces)])
    bars = np.cumsum([0, *(len(p.bar_steps) for p in pieces)])
    groups = list(GROUPS)
    held = held_out_units(rows)
    is_polish = [row["source"] == "polish-heritage" for row in rows]
    columns = {
        "event_start": events[:-1],
        "event_stop": events[1:],
        "bar_start": bars[:-1],
        "bar_stop": bars[1:],
        "tail_steps": [p.tail_steps for p in pieces],
        "group": [groups.index(group_of(row)) for row in rows],
        "flat_velocity": [float(row["velocity_sd"]) < 1 for row in rows],
        "guessed_tempo": is_polish,
        "held_out": [hold_out_unit(row) in held for row in rows],
        "notes": [len(p.events) - len(p.bar_steps) - 1 for p in pieces],
    }
    table = {name: np.asarray(values, dtype=np.int64) for name, values in columns.items()}
    features = np.concatenate([p.features for p in pieces])
    tempo = np.concatenate([p.bar_tempo for p in pieces])
    np.save(out / "events.npy", np.concatenate([p.events for p in pieces]))
    offsets = zip(pieces, events[:-1], strict=True)
    np.save(out / "bar_event.npy", np.concatenate([p.bar_event + start for p, start in offsets]))
    np.save(out / "bar_steps.npy", np.concatenate([p.bar_steps for p in pieces]).astype(np.uint8))
    np.save(out / "bar_tempo.npy", tempo)
    np.save(out / "bar_features.npy", features)
    np.save(out / "bar_chords.npy", np.concatenate([p.chords for p in pieces]))
    np.save(out / "bar_motifs.npy", np.concatenate([p.motifs for p in pieces]))
    np.savez(out / "pieces.npz", allow_pickle=False, **table)
    (out / "ids.json").write_text(json.dumps([row["id"] for row in rows]), encoding="utf-8")
    (out / "held_out.json").write_text(json.dumps(sorted(held), indent=1), encoding="utf-8")
    fit_scale(table, features, tempo).save(out / "labels.json")


def piece_weights(
    pieces: dict[str, NDArray[np.int64]], *, held_out: bool, group: str | None = None
) -> NDArray[np.float64]:
    """(P,) probability that a crop comes from each piece, of all groups or of one."""
    weights = np.zeros(len(pieces["notes"]))
    for index, (name, share) in enumerate(GROUPS.items()):
        if group not in (None, name):
            continue
        chosen = (pieces["group"] == index) & (pieces["held_out"] == held_out)
        size = np.where(chosen, pieces["notes"].astype(np.float64) ** NOTE_EXPONENT, 0)
        weights += share * size / max(size.sum(), 1)
    return np.asarray(weights / weights.sum())


def fit_scale(
    pieces: dict[str, NDArray[np.int64]],
    features: NDArray[np.float32],
    tempo: NDArray[np.float32],
) -> LabelScale:
    """The label scale over bars as training meets them; guessed tempos are drawn, not believed."""
    rng = np.random.default_rng(0)
    piece = rng.choice(len(pieces["notes"]), SCALE_BARS, p=piece_weights(pieces, held_out=False))
    start, stop = pieces["bar_start"][piece], pieces["bar_stop"][piece]
    bar = start + (rng.random(SCALE_BARS) * (stop - start)).astype(np.int64)
    drawn = np.exp(rng.uniform(np.log(50), np.log(160), SCALE_BARS))
    bpm = np.where(pieces["guessed_tempo"][piece], drawn, tempo[bar]).astype(np.float32)
    return LabelScale.fit(valence_terms(features[bar]), arousal_terms(features[bar], bpm))
