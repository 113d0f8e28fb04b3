"""How long a run of notes composed scores share with any piece the composer was trained on."""

from __future__ import annotations

from pathlib import Path

from emsync_server.benchmarks.corpus import corpus_melodies, score_melodies
from emsync_server.benchmarks.tables import Table, write_table
from emsync_server.evaluation.repetition import longest_copied_run
from emsync_server.midi import read_midi
from emsync_server.progress import Progress

__all__ = ["benchmark_copies"]


def benchmark_copies(scores: list[Path], arrays: Path, output: Path, progress: Progress) -> None:
    """Compare each score with every training piece, and write the table."""
    figures, lines = [], []
    for count, path in enumerate(scores):
        part = progress.part(count / len(scores), (count + 1) / len(scores))
        melodies = score_melodies(read_midi(path))
        run = longest_copied_run(melodies, corpus_melodies(arrays, part))
        notes = sum(len(melody) + 1 for melody in melodies)
        name = f"{path.parent.name}/{path.name}"
        figures.append({"score": name, "notes": notes, "run": run.notes, "piece": run.piece})
        lines.append((name, str(notes), str(run.notes) if run.notes else "under 8", run.piece))
    command = "emsync benchmark copies SCORE … --arrays CORPUS -o copies.json"
    columns = ("score", "notes of its melodies", "longest copied run", "piece")
    write_table(Table(command, columns, tuple(lines)), figures, output)
